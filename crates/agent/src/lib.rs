//! One agent a cluster: what runs there goes to the hub, and what the hub wants to know about an image
//! is found out here, where the image can be pulled.
//!
//! The way of the data: changes of the cluster → [`Tracker`] → batches → [`cleanbill_protocol::Ingest`]; its answer names
//! images that are wanted → [`resolve`] → layers → SBOM → [`cleanbill_protocol::Ingest`] again. Nothing in a cluster is
//! ever changed.

mod images;
mod resolve;
mod run;
mod tracker;

pub use images::Images;
pub use resolve::resolve;
pub use run::{Agent, AgentOptions, Changes, follow};
pub use tracker::Tracker;
