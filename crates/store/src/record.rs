//! What the store keeps, as values.

use cleanbill_model::{Digest, ImageIdentity, Timestamp, Workload};
use cleanbill_protocol::WantedImage;

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Applied; the cursor moved.
    Done,
    /// Seen before: nothing was changed, and it counts as taken.
    Repeated,
    /// Something is missing before it: nothing was changed, a full batch is needed.
    Resync,
}

/// A cluster and how far its agent has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRow {
    /// The uid of its `kube-system` namespace.
    pub uid: String,
    /// Its name for people, as last told.
    pub name: String,
    /// When its agent was last heard (a repeated batch counts).
    pub last_seen: Timestamp,
    /// The agent's epoch.
    pub epoch: u64,
    /// The last sequence number applied in it.
    pub seq: u64,
}

/// An image that some pod names, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRecord {
    /// As it was asked for: the key.
    pub wanted: WantedImage,
    /// What is known of it.
    pub state: ImageState,
}

/// What is known of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageState {
    /// Asked for, not looked into yet.
    Pending,
    /// Looked into.
    Ready {
        /// Its digests.
        identity: ImageIdentity,
        /// Digest of the SBOM document, which [`crate::Store::sbom`] gives.
        sbom: Digest,
    },
    /// Could not be had.
    Failed {
        /// Why, for people.
        why: String,
        /// When it last failed.
        at: Timestamp,
        /// How often it failed.
        tries: u32,
        /// When to try again.
        retry_at: Timestamp,
    },
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertKind {
    /// A vulnerability that became known in what runs already.
    New,
    /// A vulnerability that nothing runs with any more.
    Fixed,
    /// Something began to run that has a known vulnerability.
    Workload,
}

impl AlertKind {
    /// The word for formats.
    pub fn name(self) -> &'static str {
        match self {
            AlertKind::New => "new",
            AlertKind::Fixed => "fixed",
            AlertKind::Workload => "workload",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        [AlertKind::New, AlertKind::Fixed, AlertKind::Workload].into_iter().find(|k| k.name() == word)
    }
}

/// A pod that an alert speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertPod {
    /// Name of its cluster.
    pub cluster: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub pod: String,
    /// The image concerned, as people know it.
    pub image: String,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRecord {
    /// Its id, made from what it says, so that the same alert is never kept twice.
    pub id: String,
    /// Place in the order of arrival, given by the store; what it is on the way in does not matter.
    pub cursor: i64,
    /// The vulnerability's best known name.
    pub vulnerability: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// What it is about.
    pub kind: AlertKind,
    /// When it was raised.
    pub at: Timestamp,
    /// The pods concerned.
    pub pods: Vec<AlertPod>,
    /// Who has seen it, and when.
    pub acknowledged: Option<(String, Timestamp)>,
}

/// A vulnerability that a workload runs with, through one image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Exposure {
    /// The vulnerability's best known name.
    pub vulnerability: String,
    /// Uid of the cluster.
    pub cluster: String,
    /// Namespace.
    pub namespace: String,
    /// The workload.
    pub workload: Workload,
    /// The manifest it runs.
    pub image: Digest,
    /// Since when; not part of what tells exposures apart.
    pub opened: Timestamp,
}
