//! Taking in what agents report: durable first, then the index, then what follows from it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use cleanbill_model::{Digest, ImageIdentity, Sbom};
use cleanbill_protocol::{Ack, Batch, ImageOutcome, ImageReport, Ingest, IngestError, WantedImage};
use cleanbill_store::{Applied, ImageRecord, ImageState};

use crate::alerts::Cause;
use crate::hub::{Hub, HubError, State};
use crate::index::{RecordState, later};

/// Images asked for in one answer.
const MOST_WANTED: usize = 64;
/// Seconds until a failed image is tried again; doubled with each failure.
const FIRST_RETRY: i64 = 30;
const LAST_RETRY: i64 = 3600;

fn refused(error: impl std::fmt::Display) -> IngestError {
    IngestError(error.to_string())
}

#[async_trait]
impl Ingest for Hub {
    async fn batch(&self, batch: Batch) -> Result<Ack, IngestError> {
        self.take_batch(batch).await.map_err(refused)
    }

    async fn image(&self, report: ImageReport) -> Result<(), IngestError> {
        match report.outcome {
            ImageOutcome::Ready { identity, sbom } => self.take_sbom(report.wanted, identity, sbom).await,
            ImageOutcome::Failed { why } => self.take_failure(&report.wanted, &why).await.map_err(refused),
        }
    }
}

impl Hub {
    async fn take_batch(&self, batch: Batch) -> Result<Ack, HubError> {
        let _intake = self.0.intake.lock().await;
        let now = self.now();
        let pass = match self.0.store.apply(&batch, now).await? {
            Applied::Resync => return Ok(Ack { seq: batch.seq, resync: true, wanted: Vec::new() }),
            // Stored before, but perhaps not carried out: what is not settled is compared again.
            Applied::Repeated => {
                let mut guard = self.write();
                let state = &mut *guard;
                state.index.heard(&batch.cluster.uid, &batch.cluster.name, now);
                state.exposures.differ(&state.index, &BTreeSet::new(), Cause::Change, now)
            }
            Applied::Done => {
                let mut guard = self.write();
                let state = &mut *guard;
                let baseline = !state.index.clusters.contains_key(&batch.cluster.uid);
                let dirty = state.index.apply(&batch, now, state.advisories.generation, baseline);
                state.exposures.differ(&state.index, &dirty, Cause::Change, now)
            }
        };
        self.carry_out(pass).await?;
        let (wanted, new) = {
            let mut state = self.write();
            let wanted = state.index.wanted(&batch.cluster.uid, now, MOST_WANTED);
            let new: Vec<_> = wanted.iter().filter(|w| !state.index.images.records.contains_key(*w)).cloned().collect();
            (wanted, new)
        };
        for wanted in new {
            self.0.store.put_image(&ImageRecord { wanted, state: ImageState::Pending }, None).await?;
        }
        Ok(Ack { seq: batch.seq, resync: false, wanted })
    }

    async fn take_sbom(&self, wanted: WantedImage, identity: ImageIdentity, bytes: Vec<u8>) -> Result<(), IngestError> {
        let (bytes, read) = tokio::task::spawn_blocking(move || {
            let read = cleanbill_sbom::cyclonedx::read(&bytes);
            (bytes, read)
        })
        .await
        .map_err(refused)?;
        let sbom = read.map_err(|e| refused(format!("the SBOM of {}: {e}", wanted.reference)))?;
        let digest = Digest::sha256(&bytes);
        let _intake = self.0.intake.lock().await;
        let state = ImageState::Ready { identity: identity.clone(), sbom: digest.clone() };
        let record = ImageRecord { wanted: wanted.clone(), state };
        self.0.store.put_image(&record, Some(bytes)).await.map_err(refused)?;
        let pass = {
            let mut guard = self.write();
            let state = &mut *guard;
            let dirty = state.put_sbom(&wanted, &identity, &digest, &sbom, false);
            state.exposures.differ(&state.index, &dirty, Cause::Change, self.now())
        };
        self.carry_out(pass).await.map_err(refused)
    }

    async fn take_failure(&self, wanted: &WantedImage, why: &str) -> Result<(), HubError> {
        let _intake = self.0.intake.lock().await;
        let now = self.now();
        let tries = match self.read().index.images.records.get(wanted) {
            // What was looked into once stays known; only the new look failed.
            Some(RecordState::Ready) => None,
            Some(RecordState::Failed { tries, .. }) => Some(tries.saturating_add(1)),
            None => Some(1),
        };
        let Some(tries) = tries else {
            self.write().index.images.postpone(wanted, later(now, LAST_RETRY));
            return Ok(());
        };
        let seconds = FIRST_RETRY.saturating_mul(1 << (tries - 1).min(16)).min(LAST_RETRY);
        let retry_at = later(now, seconds);
        let state = ImageState::Failed { why: why.to_owned(), at: now, tries, retry_at };
        self.0.store.put_image(&ImageRecord { wanted: wanted.clone(), state }, None).await?;
        self.write().index.images.failed(wanted, why, tries, retry_at);
        Ok(())
    }
}

impl State {
    /// Puts an image's SBOM into the index; gives the images whose exposures may have changed.
    pub(crate) fn put_sbom(
        &mut self,
        wanted: &WantedImage,
        identity: &ImageIdentity,
        digest: &Digest,
        sbom: &Sbom,
        stale: bool,
    ) -> BTreeSet<Digest> {
        let ordinal = self.index.images.add(wanted, identity, digest);
        let before = self.index.images.get(ordinal).packages.clone();
        let (packages, new) = self.index.packages.put(ordinal, &before, &sbom.packages, &sbom.distro);
        let (_, distro) = self.index.packages.distro(&sbom.distro);
        let entry = self.index.images.get_mut(ordinal);
        entry.packages = packages;
        entry.distro = distro;
        entry.sbom = digest.clone();
        entry.stale = stale;
        entry.problems = sbom.problems.len();
        let mut dirty = self.advisories.rematch(&mut self.index, new);
        dirty.insert(identity.manifest.clone());
        dirty
    }
}
