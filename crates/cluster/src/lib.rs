//! Kubernetes, in and out: the only room that sees its types.
//!
//! A [`Connection`] is made from a kubeconfig; [`Connection::watch`] tells what runs, as the
//! model's pods. It only ever reads: `get`, `list` and `watch` of pods, nodes, namespaces, the
//! metadata of ReplicaSets and Jobs, and break-glass objects; one Secret, where a person names it as a
//! key; and it asks who has the right to make a break-glass object (a SubjectAccessReview, which changes
//! nothing). Webhook configurations are printed, never applied.

mod connection;
pub mod glass;
mod inventory;
mod pod;
pub mod review;
mod secret;
mod watch;
pub mod webhook;

pub use connection::{ClusterError, Connection};
pub use watch::Change;
