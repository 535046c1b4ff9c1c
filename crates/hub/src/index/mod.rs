//! The fleet index: clusters, pods, images and packages, in memory, rebuilt from the store at start.
//!
//! Nothing joins pods and images ahead of time: a container is found by the digest its runtime
//! reported, an image by each digest it goes by, and the two meet when asked
//! ([`Index::images_of`], [`Index::containers_of`]), so that no order of arrival leaves a stale join.

mod images;
mod packages;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cleanbill_model::{Container, ContainerState, Digest, Pod, Reference, Timestamp};
use cleanbill_protocol::{Batch, WantedImage};

pub(crate) use images::{Images, RecordState, later};
pub(crate) use packages::{Known, Packages};

/// A cluster as last heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterInfo {
    pub(crate) name: String,
    pub(crate) last_seen: Timestamp,
}

/// A pod and when it came.
#[derive(Debug)]
pub(crate) struct PodEntry {
    pub(crate) pod: Pod,
    /// Generation of the advisories when it was first seen.
    pub(crate) generation: u64,
    /// It ran already when its cluster was first looked at.
    pub(crate) baseline: bool,
    joints: Vec<Option<Digest>>,
}

/// Names one container of one pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ContainerKey {
    pub(crate) cluster: Arc<str>,
    pub(crate) pod: Arc<str>,
    pub(crate) at: usize,
}

/// A container, borrowed from the index.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub(crate) key: &'a ContainerKey,
    pub(crate) entry: &'a PodEntry,
    pub(crate) container: &'a Container,
}

/// The index.
#[derive(Default)]
pub(crate) struct Index {
    pub(crate) clusters: BTreeMap<String, ClusterInfo>,
    pods: BTreeMap<Arc<str>, HashMap<Arc<str>, PodEntry>>,
    by_digest: HashMap<Digest, BTreeSet<ContainerKey>>,
    /// Running, and the runtime named no digest that can be read.
    undigested: BTreeSet<ContainerKey>,
    pub(crate) images: Images,
    pub(crate) packages: Packages,
}

/// The digest a container is joined by: what the runtime reported, else what the specification pins.
fn joint(container: &Container) -> Option<Digest> {
    match &container.image_id {
        Some(id) => Some(id.digest.clone()),
        None => Reference::parse(&container.image).ok()?.digest().cloned(),
    }
}

/// What to ask for to learn what this container runs.
pub(crate) fn wanted_of(pod: &Pod, container: &Container) -> Option<WantedImage> {
    let digest = joint(container)?;
    let reference = container
        .image_id
        .as_ref()
        .and_then(|id| id.repository.as_ref())
        .map_or_else(|| container.image.clone(), Reference::name);
    Some(WantedImage { reference, digest, platform: pod.platform.clone() })
}

impl Index {
    /// Puts a pod in; one with this uid is replaced and keeps when it came.
    pub(crate) fn put_pod(&mut self, cluster: &str, pod: Pod, generation: u64, baseline: bool) {
        let cluster: Arc<str> = match self.pods.get_key_value(cluster) {
            Some((key, _)) => key.clone(),
            None => cluster.into(),
        };
        let (generation, baseline) = match self.remove_pod(&cluster, &pod.uid) {
            Some(old) => (old.generation, old.baseline),
            None => (generation, baseline),
        };
        let uid: Arc<str> = pod.uid.as_str().into();
        let joints: Vec<_> = pod.containers.iter().map(joint).collect();
        for (at, digest) in joints.iter().enumerate() {
            let key = ContainerKey { cluster: cluster.clone(), pod: uid.clone(), at };
            if let Some(digest) = digest {
                self.by_digest.entry(digest.clone()).or_default().insert(key);
            } else if pod.containers[at].state == ContainerState::Running {
                self.undigested.insert(key);
            }
        }
        self.pods.entry(cluster).or_default().insert(uid, PodEntry { pod, generation, baseline, joints });
    }

    /// Takes a pod out.
    pub(crate) fn remove_pod(&mut self, cluster: &str, uid: &str) -> Option<PodEntry> {
        let (cluster, pods) = self.pods.iter_mut().find(|(key, _)| key.as_ref() == cluster)?;
        let (uid, entry) = pods.remove_entry(uid)?;
        for (at, digest) in entry.joints.iter().enumerate() {
            let key = ContainerKey { cluster: cluster.clone(), pod: uid.clone(), at };
            match digest {
                Some(digest) => {
                    if let Some(set) = self.by_digest.get_mut(digest) {
                        set.remove(&key);
                        if set.is_empty() {
                            self.by_digest.remove(digest);
                        }
                    }
                }
                None => {
                    self.undigested.remove(&key);
                }
            }
        }
        Some(entry)
    }

    /// Applies a batch; gives the manifests whose containers may have changed.
    pub(crate) fn apply(&mut self, batch: &Batch, at: Timestamp, generation: u64, baseline: bool) -> BTreeSet<Digest> {
        let cluster = batch.cluster.uid.as_str();
        self.heard(cluster, &batch.cluster.name, at);
        let mut dirty = BTreeSet::new();
        let gone: Vec<String> = if batch.full {
            let there: BTreeSet<&str> = batch.pods.iter().map(|p| p.uid.as_str()).collect();
            let known = self.pods.get(cluster).into_iter().flatten().map(|(uid, _)| uid.to_string());
            known.filter(|uid| !there.contains(uid.as_str())).collect()
        } else {
            batch.gone.clone()
        };
        for uid in gone {
            self.manifests_of_pod(cluster, &uid, &mut dirty);
            self.remove_pod(cluster, &uid);
        }
        for pod in &batch.pods {
            if self.pods.get(cluster).and_then(|pods| pods.get(pod.uid.as_str())).is_some_and(|old| old.pod == *pod) {
                continue;
            }
            self.manifests_of_pod(cluster, &pod.uid, &mut dirty);
            self.put_pod(cluster, pod.clone(), generation, baseline);
            self.manifests_of_pod(cluster, &pod.uid, &mut dirty);
        }
        dirty
    }

    /// Notes that a cluster was heard.
    pub(crate) fn heard(&mut self, uid: &str, name: &str, at: Timestamp) {
        self.clusters.insert(uid.to_owned(), ClusterInfo { name: name.to_owned(), last_seen: at });
    }

    fn manifests_of_pod(&self, cluster: &str, uid: &str, into: &mut BTreeSet<Digest>) {
        let Some(entry) = self.pods.get(cluster).and_then(|pods| pods.get(uid)) else { return };
        for digest in entry.joints.iter().flatten() {
            for ordinal in self.images.joined(digest, entry.pod.platform.as_ref()) {
                into.insert(self.images.get(ordinal).manifest.clone());
            }
        }
    }

    fn placed<'a>(&'a self, key: &'a ContainerKey) -> Option<Placed<'a>> {
        let entry = self.pods.get(&key.cluster)?.get(&key.pod)?;
        Some(Placed { key, entry, container: entry.pod.containers.get(key.at)? })
    }

    /// The name of a cluster for people; its uid where none is known.
    pub(crate) fn cluster_name<'a>(&'a self, uid: &'a str) -> &'a str {
        self.clusters.get(uid).map(|c| c.name.as_str()).filter(|n| !n.is_empty()).unwrap_or(uid)
    }

    /// Containers that run an image, with the digest the runtime or the specification names.
    pub(crate) fn containers_of(&self, image: u32) -> impl Iterator<Item = (Placed<'_>, &Digest)> {
        let entry = self.images.get(image);
        entry.digests().into_iter().flat_map(move |digest| {
            self.by_digest.get_key_value(digest).into_iter().flat_map(move |(digest, keys)| {
                keys.iter()
                    .filter_map(|key| self.placed(key))
                    .filter(move |placed| entry.runs_as(digest, placed.entry.pod.platform.as_ref()))
                    .map(move |placed| (placed, digest))
            })
        })
    }

    /// The images that a container runs: one, but for a node whose platform is not known.
    pub(crate) fn images_of(&self, placed: Placed<'_>) -> Vec<u32> {
        match &placed.entry.joints[placed.key.at] {
            Some(digest) => self.images.joined(digest, placed.entry.pod.platform.as_ref()),
            None => Vec::new(),
        }
    }

    /// Every container that runs, and every one that is declared by digest.
    pub(crate) fn containers(&self) -> impl Iterator<Item = Placed<'_>> {
        self.by_digest.values().flatten().chain(&self.undigested).filter_map(|key| self.placed(key))
    }

    /// What this cluster's agent should look into: digests without an SBOM or with an old one.
    pub(crate) fn wanted(&mut self, cluster: &str, now: Timestamp, most: usize) -> Vec<WantedImage> {
        let mut wanted = BTreeSet::new();
        for keys in self.by_digest.values() {
            for placed in keys.iter().filter(|k| k.cluster.as_ref() == cluster).filter_map(|k| self.placed(k)) {
                let joined = self.images_of(placed);
                if !joined.is_empty() && joined.iter().all(|i| !self.images.get(*i).stale) {
                    continue;
                }
                if let Some(image) = wanted_of(&placed.entry.pod, placed.container)
                    && self.images.due(&image, now)
                {
                    wanted.insert(image);
                }
            }
        }
        let wanted: Vec<_> = wanted.into_iter().take(most).collect();
        for image in &wanted {
            self.images.asked(image, now);
        }
        wanted
    }
}
