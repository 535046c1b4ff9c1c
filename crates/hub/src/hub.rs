//! The hub as a value: store, index, advisories, and what is known to be exposed.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use cleanbill_advisory::{Database, DatabaseError};
use cleanbill_model::{Cancel, CatalogerId, Digest, Timestamp};
use cleanbill_store::{AlertRecord, Store, StoreError};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::MissedTickBehavior;

use crate::advisories::{Advisories, notes_of};
use crate::alerts::{Cause, Exposures};
use crate::answer::{Page, QueryError, WhereAnswer};
use crate::evaluate::evaluate;
use crate::folder::{Folder, Look};
use crate::index::Index;
use crate::query::Query;
use crate::status::Status;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a hub is set up.
#[derive(Clone)]
pub struct HubOptions {
    /// Tells the time.
    pub clock: Clock,
    /// The catalogers of this version: SBOMs of older ones are wanted again.
    pub catalogers: Vec<CatalogerId>,
    /// A compiled database.
    pub database: Option<Database>,
    /// Folders of advisories that are watched.
    pub advisories: Vec<PathBuf>,
    /// Where the last good state of the watched folders is kept over restarts.
    pub keep: Option<PathBuf>,
    /// Everything is made up; pages say so.
    pub demo: bool,
}

/// Why the hub cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A database of advisories.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A file or the network.
    #[error("{path}: {source}")]
    Io {
        /// What.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No randomness is to be had.
    #[error("the system gives no random numbers")]
    Random,
    /// A part of it broke down.
    #[error("a part of the hub broke down: {0}")]
    Broken(String),
}

/// A page of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertPage {
    /// Newest first.
    pub alerts: Vec<AlertRecord>,
    /// The cursor of the next page.
    pub next: Option<i64>,
}

impl AlertPage {
    /// `cleanbill/alerts/v1`.
    pub fn to_json(&self) -> Value {
        let alerts: Vec<_> = self.alerts.iter().map(alert_json).collect();
        json!({"schema": "cleanbill/alerts/v1", "alerts": alerts, "next": self.next.map(|n| n.to_string())})
    }
}

fn alert_json(alert: &AlertRecord) -> Value {
    let distinct = |of: fn(&cleanbill_store::AlertPod) -> String| {
        alert.pods.iter().map(of).collect::<std::collections::BTreeSet<_>>().len()
    };
    let pods: Vec<_> = alert
        .pods
        .iter()
        .map(|p| json!({"cluster": p.cluster, "namespace": p.namespace, "pod": p.pod, "image": p.image}))
        .collect();
    json!({
        "id": alert.id,
        "vulnerability": alert.vulnerability,
        "aliases": alert.aliases,
        "kind": alert.kind.name(),
        "at": alert.at.to_string(),
        "counts": {"clusters": distinct(|p| p.cluster.clone()),
                   "namespaces": distinct(|p| format!("{}/{}", p.cluster, p.namespace)),
                   "pods": distinct(|p| format!("{}/{}/{}", p.cluster, p.namespace, p.pod))},
        "pods": pods,
        "acknowledged": alert.acknowledged.as_ref().map(|(by, at)| json!({"by": by, "at": at.to_string()})),
    })
}

/// What a look at the watched folders did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refresh {
    /// Nothing changed.
    Same,
    /// A change was taken.
    Changed,
    /// A change was refused, with the reason; the data before it stays.
    Refused(String),
}

pub(crate) struct State {
    pub(crate) index: Index,
    pub(crate) advisories: Advisories,
    pub(crate) exposures: Exposures,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: HubOptions,
    /// Held while something is taken in, so that store and index see one order.
    pub(crate) intake: Mutex<Folder>,
    /// Answers to admission requests on their way to the store.
    pub(crate) admissions: crate::admissions::Queue,
    state: RwLock<State>,
}

/// The hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub(pub(crate) Arc<Inner>);

impl Hub {
    pub(crate) fn new(store: Arc<dyn Store>, options: HubOptions, folder: Folder, state: State) -> Self {
        Self(Arc::new(Inner {
            store,
            options,
            intake: Mutex::new(folder),
            admissions: crate::admissions::Queue::default(),
            state: RwLock::new(state),
        }))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Now, to the second: nothing here is told more exactly.
    pub(crate) fn now(&self) -> Timestamp {
        let now = (self.0.options.clock)();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// Whether everything is made up.
    pub fn is_demo(&self) -> bool {
        self.0.options.demo
    }

    /// Which pods run it?
    pub async fn where_(&self, text: &str, page: &Page) -> Result<WhereAnswer, QueryError> {
        let query = Query::parse(text).map_err(|e| QueryError { message: e.message, hint: e.hint })?;
        let state = self.read();
        evaluate(text, &query, &state.index, &state.advisories, page, self.now())
    }

    /// Alerts, newest first.
    pub async fn alerts(&self, before: Option<i64>, limit: usize) -> Result<AlertPage, HubError> {
        let limit = limit.clamp(1, 1000);
        let mut alerts = self.0.store.alerts(before, limit + 1).await?;
        let more = alerts.len() > limit;
        alerts.truncate(limit);
        let next = if more { alerts.last().map(|a| a.cursor) } else { None };
        Ok(AlertPage { alerts, next })
    }

    /// Notes that somebody takes care of an alert; `false`: there is none of this id.
    pub async fn acknowledge(&self, id: &str, by: &str) -> Result<bool, HubError> {
        Ok(self.0.store.acknowledge(id, by, self.now()).await?)
    }

    /// The SBOM of a manifest as it was reported, CycloneDX; `None`: nobody has looked into it.
    pub async fn sbom_of(&self, manifest: &Digest) -> Result<Option<Vec<u8>>, HubError> {
        let sbom = {
            let state = self.read();
            let images = &state.index.images;
            images.by_manifest(manifest).map(|ordinal| images.get(ordinal).sbom.clone())
        };
        match sbom {
            Some(digest) => Ok(Some(self.0.store.sbom(&digest).await?)),
            None => Ok(None),
        }
    }

    /// The advisories in use: the database that was named, and what the watched folders hold.
    pub fn databases(&self) -> Vec<Database> {
        let state = self.read();
        [&state.advisories.base, &state.advisories.folder].into_iter().flatten().cloned().collect()
    }

    /// How the hub stands.
    pub async fn status(&self) -> Result<Status, HubError> {
        let state = self.read();
        Ok(Status::new(&state.index, &state.advisories, self.now()))
    }

    /// Looks at the watched folders. A change is validated and taken whole, or refused.
    pub async fn refresh_advisories(&self) -> Result<Refresh, HubError> {
        let mut folder = self.0.intake.lock().await;
        if folder.is_empty() {
            return Ok(Refresh::Same);
        }
        let now = self.now();
        let mut looking = std::mem::take(&mut *folder);
        let looked = tokio::task::spawn_blocking(move || {
            let look = looking.look(now);
            (looking, look)
        });
        let (looked, look) = looked.await.map_err(|e| HubError::Broken(e.to_string()))?;
        *folder = looked;
        match look {
            Look::Same => {
                self.write().advisories.status.looked_at = Some(now);
                Ok(Refresh::Same)
            }
            Look::Refused(why) => {
                let mut state = self.write();
                let status = &mut state.advisories.status;
                status.looked_at = Some(now);
                if status.error.as_deref() != Some(&why) {
                    tracing::warn!("advisories: a change was refused, the data before it stays in use: {why}");
                    status.error = Some(why.clone());
                }
                Ok(Refresh::Refused(why))
            }
            Look::Changed { database, bytes, files } => {
                if let Some(keep) = &self.0.options.keep {
                    Database::write(&bytes, keep)?;
                }
                self.take_advisories(database, files, now).await?;
                Ok(Refresh::Changed)
            }
        }
    }

    /// Swaps the watched records, matches those that changed, and raises what follows.
    async fn take_advisories(&self, database: Database, files: usize, now: Timestamp) -> Result<(), HubError> {
        let pass = {
            let mut guard = self.write();
            let state = &mut *guard;
            let generation = state.advisories.generation + 1;
            let mut notes = notes_of(&database, generation)?;
            let mut keys = std::collections::BTreeSet::new();
            for (record, note) in &mut notes {
                match state.advisories.notes.get(record) {
                    Some(before) if before.hash == note.hash => note.generation = before.generation,
                    before => keys.extend(note.keys.iter().chain(before.iter().flat_map(|b| &b.keys)).cloned()),
                }
            }
            for (record, before) in &state.advisories.notes {
                if !notes.contains_key(record) {
                    keys.extend(before.keys.iter().cloned());
                }
            }
            state.advisories.install(database, notes, generation, files, now);
            let ordinals: std::collections::BTreeSet<u32> =
                keys.iter().flat_map(|(e, n)| state.index.packages.by_key(e, n).to_vec()).collect();
            let dirty = state.advisories.rematch(&mut state.index, ordinals);
            state.exposures.differ(&state.index, &dirty, Cause::Change, now)
        };
        self.carry_out(pass).await?;
        // What was there when advisories were first loaded is where "new" begins.
        self.0.store.set_setting(crate::open::BASELINE, "1").await?;
        Ok(())
    }

    /// Looks at the watched folders again and again until cancelled.
    pub async fn watch_advisories(&self, interval: Duration, cancel: Cancel) {
        let mut tick = tokio::time::interval(interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !cancel.is_cancelled() {
            tick.tick().await;
            if let Err(error) = self.refresh_advisories().await {
                tracing::error!("could not take the advisories in: {error}; the data before stays in use");
            }
        }
    }
}
