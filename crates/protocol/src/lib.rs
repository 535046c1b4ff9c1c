//! What agent and hub say to each other, version 1. In one process the same interface is called
//! directly; between machines it travels as JSON over HTTP/2, in the shapes of [`wire`].

pub mod wire;

use async_trait::async_trait;
use cleanbill_model::{Cluster, Digest, ImageIdentity, Platform, Pod};

/// Changes in one cluster since the last batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The cluster.
    pub cluster: Cluster,
    /// Made anew whenever the agent starts: sequence numbers count within it.
    pub epoch: u64,
    /// 1, 2, 3, … within an epoch; a repeated one is acknowledged and not applied again.
    pub seq: u64,
    /// `pods` is everything there is: what is not in it is gone.
    pub full: bool,
    /// Pods that are new or changed.
    pub pods: Vec<Pod>,
    /// Uids of pods that are gone.
    pub gone: Vec<String>,
}

/// The hub's answer, sent after the batch is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The batch.
    pub seq: u64,
    /// The hub has a gap: send a full batch.
    pub resync: bool,
    /// Images it has no SBOM of, or whose last failure is due for another try.
    pub wanted: Vec<WantedImage>,
}

/// An image as a pod's status and specification name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WantedImage {
    /// Where to ask: the runtime's repository, else the specification's reference.
    pub reference: String,
    /// The digest the runtime reported; the kind is not known yet.
    pub digest: Digest,
    /// The node's platform.
    pub platform: Option<Platform>,
}

/// What became of a wanted image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReport {
    /// The one that was wanted.
    pub wanted: WantedImage,
    /// The outcome.
    pub outcome: ImageOutcome,
}

/// The outcome of looking into an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageOutcome {
    /// Looked into: its identity and its SBOM as CycloneDX JSON.
    Ready {
        /// Its digests.
        identity: ImageIdentity,
        /// The document.
        sbom: Vec<u8>,
    },
    /// Could not be had: why, for people.
    Failed {
        /// The reason.
        why: String,
    },
}

/// The hub did not take something; nothing of it was kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the hub did not take it: {0}")]
pub struct IngestError(pub String);

/// The hub's side of the conversation.
#[async_trait]
pub trait Ingest: Send + Sync {
    /// Takes changes; returns once they are durable.
    async fn batch(&self, batch: Batch) -> Result<Ack, IngestError>;
    /// Takes what became of an image; returns once it is durable.
    async fn image(&self, report: ImageReport) -> Result<(), IngestError>;
}
