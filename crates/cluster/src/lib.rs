//! Kubernetes, in and out: the only room that sees its types.
//!
//! A [`Connection`] is made from a kubeconfig; [`Connection::watch`] tells what runs, as the
//! model's pods. It only ever reads: `get`, `list` and `watch` of pods, nodes, namespaces, and the
//! metadata of ReplicaSets and Jobs; and one Secret, where a person names it as a key. Webhook
//! configurations are printed, never applied.

mod connection;
mod inventory;
mod pod;
pub mod review;
mod secret;
mod watch;
pub mod webhook;

pub use connection::{ClusterError, Connection};
pub use watch::Change;
