//! Durable truth: clusters, pods, images with their SBOMs, alerts, exposures, answers to admission
//! requests, settings.
//!
//! [`Store`] is a trait of coarse operations; [`SqliteStore`] is the one for a single machine.
//! What an operation returned `Ok` for is on disk: a process killed at any moment leaves a store
//! that opens again and holds it. Findings are never stored, they are computed.

mod admission;
mod blobs;
mod json;
mod open;
mod record;
mod sqlite;

use async_trait::async_trait;
use cleanbill_model::{Digest, Pod, Timestamp};
use cleanbill_protocol::Batch;

pub use admission::{AdmissionEntry, AdmissionFilter, AdmissionOutcome, AdmissionReason, AdmittedImage};
pub use record::{AlertKind, AlertPod, AlertRecord, Applied, ClusterRow, Exposure, ImageRecord, ImageState};
pub use sqlite::SqliteStore;

/// Why the store could not do something. Each names the file or thing concerned.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder could not be used.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the data directory.
    #[error("the data directory {path} is in use by {holder}\nhint: stop that process, or name another data directory")]
    InUse {
        /// The directory.
        path: String,
        /// Who has it, as far as its lock file says.
        holder: String,
    },
    /// The file was written by something else.
    #[error(
        "{path} is not a database of cleanbill: {why}\nhint: name another data directory; the file was left as it is"
    )]
    Foreign {
        /// The file.
        path: String,
        /// What it is instead.
        why: String,
    },
    /// The file was written by a newer cleanbill.
    #[error(
        "{path} has schema version {found}; this cleanbill reads up to {known}\nhint: use the newer cleanbill that wrote it; the file was left as it is"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A file that is not what was written into it.
    #[error("{path} is damaged: {why}\nhint: restore it from a backup, or move it away; it was left as it is")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// No such thing in the store.
    #[error("the store has no {0}")]
    Missing(String),
    /// What was to be stored contradicts itself.
    #[error("not stored: {0}")]
    Refused(String),
    /// The database engine failed.
    #[error("{path}: {why}")]
    Engine {
        /// The database file.
        path: String,
        /// The engine's words.
        why: String,
    },
}

/// Durable truth. Every method is one transaction; whatever it returned `Ok` for outlives a
/// process that is killed the moment after.
#[async_trait]
pub trait Store: Send + Sync {
    /// Applies a batch and moves the cluster's cursor, in one transaction. A sequence number seen
    /// before is not applied again ([`Applied::Repeated`]); a gap, or another epoch without a full
    /// batch, changes nothing ([`Applied::Resync`]). A full batch replaces all pods of the cluster.
    /// `at` is when it came in.
    async fn apply(&self, batch: &Batch, at: Timestamp) -> Result<Applied, StoreError>;
    /// All clusters, by uid.
    async fn clusters(&self) -> Result<Vec<ClusterRow>, StoreError>;
    /// All pods with their cluster's uid, by cluster and pod uid.
    async fn pods(&self) -> Result<Vec<(String, Pod)>, StoreError>;
    /// Keeps what is known of an image, in place of what was known before; told apart by its
    /// `wanted`. With the SBOM's bytes when they are new; a `Ready` record without them is refused
    /// where the blob is not there yet.
    async fn put_image(&self, record: &ImageRecord, sbom: Option<Vec<u8>>) -> Result<(), StoreError>;
    /// All images, by digest, platform and reference.
    async fn images(&self) -> Result<Vec<ImageRecord>, StoreError>;
    /// A stored SBOM by its digest; the digest is checked.
    async fn sbom(&self, digest: &Digest) -> Result<Vec<u8>, StoreError>;
    /// Adds an alert; its `cursor` is given by the store. `false`: one with this id is there, and
    /// nothing was changed.
    async fn add_alert(&self, alert: &AlertRecord) -> Result<bool, StoreError>;
    /// At most `limit` alerts, newest first; those before the cursor `before` where one is given.
    async fn alerts(&self, before: Option<i64>, limit: usize) -> Result<Vec<AlertRecord>, StoreError>;
    /// Notes who has seen an alert. The first one stays. `false`: there is no such alert.
    async fn acknowledge(&self, id: &str, by: &str, at: Timestamp) -> Result<bool, StoreError>;
    /// What is known to be exposed, so that a restart does not alert again.
    async fn exposures(&self) -> Result<Vec<Exposure>, StoreError>;
    /// Opens and closes exposures, all or none. One that is open already keeps its time; closing
    /// one that is not open does nothing.
    async fn put_exposures(&self, opened: &[Exposure], closed: &[Exposure]) -> Result<(), StoreError>;
    /// Keeps answers to admission requests. One with a key that is there counts up, keeps the time it was
    /// first given, says otherwise what it says now, and becomes the newest. The oldest go when there are
    /// more than `keep`.
    async fn put_admissions(&self, entries: &[AdmissionEntry], keep: usize) -> Result<(), StoreError>;
    /// At most `limit` answers, newest first; those before the cursor `before` where one is given.
    async fn admissions(
        &self,
        filter: &AdmissionFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AdmissionEntry>, StoreError>;
    /// The answer of this key.
    async fn admission(&self, key: &str) -> Result<Option<AdmissionEntry>, StoreError>;
    /// A setting.
    async fn setting(&self, key: &str) -> Result<Option<String>, StoreError>;
    /// Sets a setting.
    async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError>;
}
