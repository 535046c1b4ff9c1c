//! What admission asks others for, and what it tells them. Who starts it decides who they are.

use cleanbill_model::{AdmissionRecord, Digest, Reference, Scanned};
use futures::future::BoxFuture;
use tokio::time::Instant;

/// Knows what is wrong with images.
pub trait Scans: Send + Sync {
    /// What is wrong with the image of this digest, by what is known already; what is small may be
    /// looked into first, if that is done before `until`. With `keep` false nothing is kept of it.
    fn scanned<'a>(
        &'a self,
        image: &'a Reference,
        digest: &'a Digest,
        until: Instant,
        keep: bool,
    ) -> BoxFuture<'a, Scanned>;
}

/// Is told of every answer.
pub trait Journal: Send + Sync {
    /// Takes it down. Called while somebody waits for the answer: it must not wait itself.
    fn record(&self, record: AdmissionRecord);
}
