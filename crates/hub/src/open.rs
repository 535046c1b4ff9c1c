//! Opening a hub: the index is rebuilt from the store, the advisories are read, and what changed while
//! nothing ran is found out.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cleanbill_advisory::Database;
use cleanbill_model::Digest;
use cleanbill_store::{ImageState, Store};

use crate::advisories::{Advisories, notes_of};
use crate::alerts::{Cause, Exposures};
use crate::folder::{Folder, Look};
use crate::hub::{Hub, HubError, HubOptions, State};
use crate::index::Index;

/// The setting that says that advisories were loaded once: from then on, what is new is news.
pub(crate) const BASELINE: &str = "advisories-baseline";

impl Hub {
    /// Opens a hub on a store.
    pub async fn open(store: Arc<dyn Store>, options: HubOptions) -> Result<Self, HubError> {
        let now = (options.clock)();
        let mut advisories = Advisories { base: options.database.clone(), ..Advisories::default() };
        let mut folder = Folder::new(options.advisories.clone());
        if !folder.is_empty() {
            let looked = tokio::task::spawn_blocking(move || {
                let look = folder.look(now);
                (folder, look)
            });
            let (looked, look) = looked.await.map_err(|e| HubError::Broken(e.to_string()))?;
            folder = looked;
            advisories.status.looked_at = Some(now);
            match look {
                Look::Changed { database, bytes, files } => {
                    if let Some(keep) = &options.keep {
                        Database::write(&bytes, keep)?;
                    }
                    let notes = notes_of(&database, 0)?;
                    advisories.install(database, notes, 0, files, now);
                }
                Look::Refused(why) => {
                    tracing::warn!("advisories: a change was refused, the data before it stays in use: {why}");
                    advisories.last_good(&options)?;
                    advisories.status.error = Some(why);
                }
                Look::Same => {}
            }
        }
        let mut state =
            State { index: Index::default(), advisories, exposures: Exposures::load(store.exposures().await?) };
        for cluster in store.clusters().await? {
            state.index.heard(&cluster.uid, &cluster.name, cluster.last_seen);
        }
        for (cluster, pod) in store.pods().await? {
            state.index.put_pod(&cluster, pod, 0, false);
        }
        load_images(&mut state, store.as_ref(), &options).await?;
        let pass = {
            let mut images: BTreeSet<Digest> = state.exposures.images().cloned().collect();
            images.extend((0..state.index.images.len()).map(|i| state.index.images.get(i).manifest.clone()));
            let loaded = state.advisories.base.is_some() || state.advisories.folder.is_some();
            let first = store.setting(BASELINE).await?.is_none();
            if !loaded {
                // Nothing can be said: what was open stays open.
                None
            } else {
                let cause = if first { Cause::First } else { Cause::Restart };
                if first {
                    store.set_setting(BASELINE, "1").await?;
                }
                Some(state.exposures.differ(&state.index, &images, cause, now))
            }
        };
        let hub = Self::new(store, options, folder, state);
        if let Some(pass) = pass {
            hub.carry_out(pass).await?;
        }
        Ok(hub)
    }
}

impl Advisories {
    /// The last good state of the watched folders, where one was kept. A damaged one is told and left.
    fn last_good(&mut self, options: &HubOptions) -> Result<(), HubError> {
        let Some(keep) = options.keep.as_ref().filter(|k| k.exists()) else { return Ok(()) };
        match Database::open(keep) {
            Ok(database) => {
                let built = database.info().built.unwrap_or(cleanbill_model::Timestamp::UNIX_EPOCH);
                let notes = notes_of(&database, 0)?;
                self.install(database, notes, 0, 0, built);
            }
            Err(error) => tracing::warn!("the last good advisories cannot be used: {error}"),
        }
        Ok(())
    }
}

async fn load_images(state: &mut State, store: &dyn Store, options: &HubOptions) -> Result<(), HubError> {
    // Many names may share one document.
    let mut read: HashMap<Digest, Option<Arc<cleanbill_model::Sbom>>> = HashMap::new();
    for record in store.images().await? {
        match record.state {
            ImageState::Pending => {}
            ImageState::Failed { why, tries, retry_at, .. } => {
                state.index.images.failed(&record.wanted, &why, tries, retry_at);
            }
            ImageState::Ready { identity, sbom } => {
                if !read.contains_key(&sbom) {
                    let document = match store.sbom(&sbom).await {
                        Ok(bytes) => match cleanbill_sbom::cyclonedx::read(&bytes) {
                            Ok(document) => Some(Arc::new(document)),
                            Err(error) => {
                                tracing::warn!(
                                    "the SBOM of {} cannot be read, it is made again: {error}",
                                    record.wanted.reference
                                );
                                None
                            }
                        },
                        Err(error) => {
                            tracing::warn!(
                                "the SBOM of {} cannot be read, it is made again: {error}",
                                record.wanted.reference
                            );
                            None
                        }
                    };
                    read.insert(sbom.clone(), document);
                }
                if let Some(Some(document)) = read.get(&sbom) {
                    let stale = document.catalogers != options.catalogers;
                    state.put_sbom(&record.wanted, &identity, &sbom, document, stale);
                }
            }
        }
    }
    Ok(())
}
