//! How the hub stands: clusters, images, advisories, and how old each is.

use std::collections::BTreeSet;

use cleanbill_model::{ContainerState, Timestamp};
use serde_json::{Value, json};

use crate::advisories::{Advisories, AdvisoryStatus};
use crate::answer::count;
use crate::index::{Index, RecordState, wanted_of};

/// A cluster as last heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterStatus {
    /// The uid of its `kube-system` namespace.
    pub uid: String,
    /// Its name for people.
    pub name: String,
    /// When its agent was last heard.
    pub last_seen: Timestamp,
}

/// A feed in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedStatus {
    /// Its name.
    pub name: String,
    /// The ecosystems it speaks for.
    pub ecosystems: Vec<String>,
    /// Records.
    pub advisories: u64,
    /// Its newest record.
    pub as_of: Option<Timestamp>,
    /// It comes from a watched folder, else from the database.
    pub watched: bool,
}

impl FeedStatus {
    /// The newest record's time, for people.
    pub fn newest(&self) -> String {
        self.as_of.map_or_else(|| "not stated".to_owned(), |at| at.to_string())
    }
}

/// How the hub stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Now.
    pub as_of: Timestamp,
    /// Clusters, by name.
    pub clusters: Vec<ClusterStatus>,
    /// Distinct images that run and were looked into.
    pub ready: u64,
    /// Distinct images that run and wait to be looked into.
    pub pending: u64,
    /// Distinct images that run and could not be had.
    pub failed: u64,
    /// Feeds.
    pub feeds: Vec<FeedStatus>,
    /// The watched folders.
    pub advisories: AdvisoryStatus,
    built: Option<Timestamp>,
}

impl Status {
    pub(crate) fn new(index: &Index, advisories: &Advisories, now: Timestamp) -> Self {
        let mut clusters: Vec<_> = index
            .clusters
            .iter()
            .map(|(uid, c)| ClusterStatus { uid: uid.clone(), name: c.name.clone(), last_seen: c.last_seen })
            .collect();
        clusters.sort_by(|a, b| (&a.name, &a.uid).cmp(&(&b.name, &b.uid)));
        let (mut ready, mut pending, mut failed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for placed in index.containers().filter(|p| p.container.state == ContainerState::Running) {
            let images = index.images_of(placed);
            if !images.is_empty() {
                ready.extend(images);
            } else if let Some(wanted) = wanted_of(&placed.entry.pod, placed.container) {
                match index.images.records.get(&wanted) {
                    Some(RecordState::Failed { .. }) => failed.insert(wanted),
                    _ => pending.insert(wanted),
                };
            }
        }
        let feeds = advisories
            .feeds()
            .into_iter()
            .map(|(f, watched)| FeedStatus {
                name: f.name,
                ecosystems: f.ecosystems,
                advisories: f.advisories,
                as_of: f.as_of,
                watched,
            })
            .collect();
        Self {
            as_of: now,
            clusters,
            ready: ready.len() as u64,
            pending: pending.len() as u64,
            failed: failed.len() as u64,
            feeds,
            advisories: advisories.status.clone(),
            built: advisories.base.as_ref().and_then(|d| d.info().built),
        }
    }

    /// When the advisories in use were read or built.
    pub fn advisories_loaded_at(&self) -> Option<Timestamp> {
        self.advisories.loaded_at.max(self.built)
    }

    /// The images, in one sentence.
    pub fn images_sentence(&self) -> String {
        let all = self.ready + self.pending + self.failed;
        if all == 0 {
            return "No image runs that is known.".to_owned();
        }
        format!(
            "{} run: {} looked into, {} waiting, {} could not be pulled.",
            count(all, "image"),
            self.ready,
            self.pending,
            self.failed
        )
    }

    /// How long ago.
    pub fn since(&self, at: &Timestamp) -> String {
        crate::http::ago(*at, self.as_of)
    }

    /// `cleanbill/status/v1`.
    pub fn to_json(&self) -> Value {
        let clusters: Vec<_> = self
            .clusters
            .iter()
            .map(|c| json!({"uid": c.uid, "name": c.name, "last_seen": c.last_seen.to_string()}))
            .collect();
        let feeds: Vec<_> = self
            .feeds
            .iter()
            .map(|f| {
                json!({"name": f.name, "ecosystems": f.ecosystems, "advisories": f.advisories,
                       "as_of": f.as_of.map(|t| t.to_string()), "watched": f.watched})
            })
            .collect();
        json!({
            "schema": "cleanbill/status/v1",
            "as_of": self.as_of.to_string(),
            "clusters": clusters,
            "images": {"ready": self.ready, "pending": self.pending, "failed": self.failed},
            "feeds": feeds,
            "advisories": {"loaded_at": self.advisories.loaded_at.map(|t| t.to_string()),
                           "looked_at": self.advisories.looked_at.map(|t| t.to_string()),
                           "files": self.advisories.files, "records": self.advisories.records,
                           "error": self.advisories.error},
        })
    }
}
