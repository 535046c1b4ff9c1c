//! What the hub has been told of a cluster, and what it has not.

use std::collections::{BTreeMap, BTreeSet};

use cleanbill_cluster::Change;
use cleanbill_model::{Cluster, Pod};
use cleanbill_protocol::Batch;

/// Turns changes into batches so that none is lost: a change stays until a batch that carried it was
/// acknowledged.
#[derive(Debug)]
pub struct Tracker {
    cluster: Cluster,
    epoch: u64,
    seq: u64,
    pods: BTreeMap<String, Pod>,
    dirty: BTreeSet<String>,
    full: bool,
    known: bool,
    in_flight: Option<Batch>,
}

impl Tracker {
    /// Nothing is known yet. `epoch` tells this start of the agent from all others.
    pub fn new(cluster: Cluster, epoch: u64) -> Self {
        Self {
            cluster,
            epoch,
            seq: 0,
            pods: BTreeMap::new(),
            dirty: BTreeSet::new(),
            full: true,
            known: false,
            in_flight: None,
        }
    }

    /// Takes a change in.
    pub fn note(&mut self, change: Change) {
        match change {
            Change::Snapshot(pods) => {
                let pods: BTreeMap<_, _> = pods.into_iter().map(|p| (p.uid.clone(), p)).collect();
                let gone = self.pods.keys().filter(|uid| !pods.contains_key(*uid)).cloned();
                self.dirty.extend(gone);
                let changed = pods.iter().filter(|(uid, pod)| self.pods.get(*uid) != Some(*pod));
                self.dirty.extend(changed.map(|(uid, _)| uid.clone()));
                self.pods = pods;
                self.known = true;
            }
            Change::Changed(pod) => {
                if self.pods.get(&pod.uid) != Some(&pod) {
                    self.dirty.insert(pod.uid.clone());
                    self.pods.insert(pod.uid.clone(), pod);
                }
            }
            Change::Gone(uid) => {
                if self.pods.remove(&uid).is_some() {
                    self.dirty.insert(uid);
                }
            }
        }
    }

    /// Whether there is something to tell. Before the first snapshot there is not: a full batch of half
    /// a cluster would tell the hub that the other half is gone.
    pub fn has_news(&self) -> bool {
        self.known && (self.full || self.in_flight.is_some() || !self.dirty.is_empty())
    }

    /// Whether the cluster has been seen whole.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// The batch to send: the one that was not acknowledged yet, unchanged, else the next one, empty where
    /// there is no news. One whose answer was lost is sent again as it was, since the hub takes each
    /// sequence number once; what was noted meanwhile waits for the next.
    pub fn batch(&mut self) -> Batch {
        if let Some(batch) = &self.in_flight {
            return batch.clone();
        }
        let dirty = std::mem::take(&mut self.dirty);
        let (pods, gone) = if self.full {
            (self.pods.values().cloned().collect(), Vec::new())
        } else {
            let changed = dirty.iter().filter_map(|uid| self.pods.get(uid)).cloned().collect();
            (changed, dirty.into_iter().filter(|uid| !self.pods.contains_key(uid)).collect())
        };
        let batch =
            Batch { cluster: self.cluster.clone(), epoch: self.epoch, seq: self.seq + 1, full: self.full, pods, gone };
        self.in_flight = Some(batch.clone());
        batch
    }

    /// The hub has the batch that was in flight.
    pub fn acknowledged(&mut self) {
        self.seq += 1;
        self.full = false;
        self.in_flight = None;
    }

    /// The hub lacks something: the next batch holds everything, in an epoch of its own.
    pub fn resync(&mut self) {
        self.epoch += 1;
        self.seq = 0;
        self.full = true;
        self.in_flight = None;
    }
}
