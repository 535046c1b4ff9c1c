//! What admission asks others for, and what it tells them. Who starts it decides who they are.

use cleanbill_model::{AdmissionRecord, Digest, Reference, Timestamp};
use cleanbill_policy::Scan;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::Child;

/// Knows what is wrong with images.
pub trait Scans: Send + Sync {
    /// What is wrong with one manifest, by what is known already; what is small may be looked into first,
    /// if that is done before `until`. `image` names the manifest by digest, never an index. The error says
    /// why nobody knows yet; that it could not be fetched is one, never that it is clean. With `keep`
    /// false nothing is kept of it.
    fn scanned<'a>(
        &'a self,
        image: &'a Reference,
        child: &'a Child,
        until: Instant,
        keep: bool,
    ) -> BoxFuture<'a, Result<Scan, String>>;
}

/// Is told of every answer.
pub trait Journal: Send + Sync {
    /// Takes it down. Called while somebody waits for the answer: it must not wait itself.
    fn record(&self, record: AdmissionRecord);
}

/// Knows who broke the glass, and who may.
pub trait BreakGlass: Send + Sync {
    /// The object that lets this digest into the namespace now. Whoever stands in it must still have the
    /// right at this moment; where that cannot be found out, there is none.
    fn open<'a>(&'a self, namespace: &'a str, digest: &'a Digest, now: Timestamp)
    -> BoxFuture<'a, Option<BrokenGlass>>;

    /// Whether a person may break the glass in a namespace; the error says why that is not known.
    fn may<'a>(
        &'a self,
        user: &'a str,
        groups: &'a [String],
        namespace: &'a str,
    ) -> BoxFuture<'a, Result<bool, String>>;
}

/// A few hours in which one digest may run in one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenGlass {
    /// The object's name.
    pub name: String,
    /// Who.
    pub requested_by: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires: Timestamp,
}
