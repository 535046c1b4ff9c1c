//! Break-glass of the one cluster that `up` watches, for admission.

use cleanbill_admission::{BreakGlass, BrokenGlass};
use cleanbill_cluster::glass::Glasses;
use cleanbill_model::{Digest, Timestamp};
use futures::future::BoxFuture;

/// The objects of a cluster.
pub(crate) struct OfCluster(pub(crate) Glasses);

impl BreakGlass for OfCluster {
    fn open<'a>(
        &'a self,
        namespace: &'a str,
        digest: &'a Digest,
        now: Timestamp,
    ) -> BoxFuture<'a, Option<BrokenGlass>> {
        Box::pin(async move {
            let glass = self.0.open(namespace, digest, now).await?;
            Some(BrokenGlass {
                name: glass.name,
                requested_by: glass.spec.requested_by,
                reason: glass.spec.reason,
                expires: glass.spec.expires,
            })
        })
    }

    fn may<'a>(
        &'a self,
        user: &'a str,
        groups: &'a [String],
        namespace: &'a str,
    ) -> BoxFuture<'a, Result<bool, String>> {
        Box::pin(self.0.may(user, groups, namespace))
    }
}
