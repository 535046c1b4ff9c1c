//! Looking into the images that the hub wants to know about.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cleanbill_model::{Budget, Digest, ImageIdentity};
use cleanbill_oci::Client;
use cleanbill_protocol::{ImageOutcome, ImageReport, WantedImage};
use tokio::sync::{OnceCell, Semaphore};

use crate::resolve::resolve;

/// Documents kept for images that are wanted by another name soon after.
const KEPT: usize = 64;
/// One image may take so long; then its place is free for another.
const LONGEST: Duration = Duration::from_secs(15 * 60);

type Document = Arc<OnceCell<Arc<Vec<u8>>>>;

/// Makes SBOMs, each manifest's once however many names it goes by, a few at a time.
#[derive(Clone)]
pub struct Images {
    client: Client,
    slots: Arc<Semaphore>,
    made: Arc<Mutex<HashMap<Digest, Document>>>,
}

impl Images {
    /// Pulls through `client`, at most `at_once` images at a time.
    pub fn new(client: Client, at_once: usize) -> Self {
        Self { client, slots: Arc::new(Semaphore::new(at_once.max(1))), made: Arc::default() }
    }

    /// Finds out about one image. Whatever goes wrong is an outcome, with its reason.
    pub async fn look(&self, wanted: WantedImage) -> ImageReport {
        let outcome = match self.inventory(&wanted).await {
            Ok((identity, sbom)) => ImageOutcome::Ready { identity, sbom: sbom.as_ref().clone() },
            Err(why) => ImageOutcome::Failed { why },
        };
        ImageReport { wanted, outcome }
    }

    async fn inventory(&self, wanted: &WantedImage) -> Result<(ImageIdentity, Arc<Vec<u8>>), String> {
        let _slot = self.slots.acquire().await.map_err(|_| "the agent is stopping".to_owned())?;
        let image = resolve(&self.client, wanted).await?;
        let identity = image.identity.clone();
        let cell = self.cell(&identity.manifest);
        let reference = cleanbill_model::Reference::parse(&wanted.reference).map_err(|e| e.to_string())?;
        let sbom = cell
            .get_or_try_init(|| async {
                let blobs = self.client.blobs(&reference);
                let budget = Budget { deadline: Some(Instant::now() + LONGEST), ..Budget::default() };
                let made = tokio::task::spawn_blocking(move || cleanbill_catalog::inventory(&image, &blobs, &budget));
                let sbom = made.await.map_err(|_| "the image reader broke down".to_owned())?;
                let sbom = sbom.map_err(|e| e.to_string())?;
                Ok::<_, String>(Arc::new(cleanbill_sbom::cyclonedx::write(&sbom, None)))
            })
            .await?;
        Ok((identity, sbom.clone()))
    }

    /// The place of a manifest's document. When too many are kept, those that are made are let go: the
    /// hub has them.
    fn cell(&self, manifest: &Digest) -> Document {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= KEPT {
            made.retain(|_, cell| !cell.initialized());
        }
        made.entry(manifest.clone()).or_default().clone()
    }
}
