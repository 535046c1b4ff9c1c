//! What runs, put together from four watches: pods, nodes (their platform), and the owners between
//! a pod and its workload. A pure state machine: events in, changes out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cleanbill_model::{Platform, Pod, Workload};
use k8s_openapi::api::core::v1::{Node, Pod as Object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::watcher::Event;

use crate::pod::{Seen, controller, from_object, is_finished};
use crate::watch::Change;

/// The two kinds that stand between a pod and its workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Between {
    /// A ReplicaSet, of a Deployment as a rule.
    ReplicaSet,
    /// A Job, maybe of a CronJob.
    Job,
}

/// The watches that must have been listed once before anything is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// Pods.
    Pods,
    /// Nodes.
    Nodes,
    /// ReplicaSets or Jobs.
    Owners(Between),
}

#[derive(Default)]
pub(crate) struct Inventory {
    pods: BTreeMap<String, Seen>,
    told: HashMap<String, Pod>,
    listing: Option<BTreeMap<String, Seen>>,
    nodes: HashMap<String, Platform>,
    nodes_listing: Option<HashMap<String, Platform>>,
    /// Owner's uid → its own controlling owner, or itself.
    owners: HashMap<String, Workload>,
    /// Owner's uid → pods it owns.
    children: HashMap<String, BTreeSet<String>>,
    /// Owners that are deleted and still have pods here.
    ended: HashSet<String>,
    settled: BTreeSet<Source>,
    snapshot_due: bool,
    started: bool,
}

impl Inventory {
    /// A pod event.
    pub(crate) fn pod(&mut self, event: Event<Object>) -> Vec<Change> {
        match event {
            Event::Init => {
                self.listing = Some(BTreeMap::new());
                vec![]
            }
            Event::InitApply(object) => {
                if !is_finished(&object)
                    && let (Some(seen), Some(listing)) = (from_object(&object), &mut self.listing)
                {
                    listing.insert(seen.pod.uid.clone(), seen);
                }
                vec![]
            }
            Event::InitDone => {
                self.pods = self.listing.take().unwrap_or_default();
                self.children.clear();
                for seen in self.pods.values() {
                    if let Some(owner) = &seen.owner {
                        self.children.entry(owner.clone()).or_default().insert(seen.pod.uid.clone());
                    }
                }
                self.forget_ended();
                self.snapshot_due = true;
                self.settle(Source::Pods)
            }
            Event::Apply(object) if is_finished(&object) => self.gone(object.metadata.uid),
            Event::Apply(object) => {
                let Some(seen) = from_object(&object) else { return vec![] };
                let uid = seen.pod.uid.clone();
                if let Some(owner) = &seen.owner {
                    self.children.entry(owner.clone()).or_default().insert(uid.clone());
                }
                self.pods.insert(uid.clone(), seen);
                self.tell(&[uid])
            }
            Event::Delete(object) => self.gone(object.metadata.uid),
        }
    }

    /// A node event.
    pub(crate) fn node(&mut self, event: Event<Node>) -> Vec<Change> {
        match event {
            Event::Init => {
                self.nodes_listing = Some(HashMap::new());
                vec![]
            }
            Event::InitApply(node) => {
                if let (Some((name, platform)), Some(listing)) = (platform(&node), &mut self.nodes_listing) {
                    listing.insert(name, platform);
                }
                vec![]
            }
            Event::InitDone => {
                let new = self.nodes_listing.take().unwrap_or_default();
                let old = std::mem::replace(&mut self.nodes, new);
                let changed: Vec<_> = self.nodes.iter().filter(|(n, p)| old.get(*n) != Some(*p)).collect();
                let names: HashSet<String> = changed.into_iter().map(|(n, _)| n.clone()).collect();
                let mut changes = self.settle(Source::Nodes);
                changes.extend(self.tell_on(&names));
                changes
            }
            Event::Apply(node) => {
                let Some((name, platform)) = platform(&node) else { return vec![] };
                if self.nodes.get(&name) == Some(&platform) {
                    return vec![];
                }
                self.nodes.insert(name.clone(), platform);
                self.tell_on(&HashSet::from([name]))
            }
            // What ran there keeps its platform until it is gone.
            Event::Delete(_) => vec![],
        }
    }

    /// An event of a ReplicaSet's or Job's metadata.
    pub(crate) fn owner(&mut self, kind: Between, event: Event<ObjectMeta>) -> Vec<Change> {
        match event {
            Event::Init => vec![],
            Event::InitApply(meta) | Event::Apply(meta) => {
                let Some(uid) = meta.uid.clone() else { return vec![] };
                let own = match kind {
                    Between::ReplicaSet => "ReplicaSet",
                    Between::Job => "Job",
                };
                let workload = match controller(&meta) {
                    Some(above) => Workload { kind: above.kind.clone(), name: above.name.clone() },
                    None => Workload { kind: own.to_owned(), name: meta.name.clone().unwrap_or_default() },
                };
                self.ended.remove(&uid);
                self.owners.insert(uid.clone(), workload);
                let children: Vec<_> = self.children.get(&uid).into_iter().flatten().cloned().collect();
                self.tell(&children)
            }
            Event::InitDone => self.settle(Source::Owners(kind)),
            Event::Delete(meta) => {
                if let Some(uid) = meta.uid {
                    self.ended.insert(uid);
                    self.forget_ended();
                }
                vec![]
            }
        }
    }

    /// A watch has been listed once, or cannot be: what it would have told is left out.
    pub(crate) fn settle(&mut self, source: Source) -> Vec<Change> {
        self.settled.insert(source);
        let ready = self.settled.len() == 4;
        if !ready || !self.snapshot_due {
            return vec![];
        }
        self.snapshot_due = false;
        self.started = true;
        self.told = self.pods.iter().map(|(uid, seen)| (uid.clone(), self.complete(seen))).collect();
        let mut pods: Vec<_> = self.told.values().cloned().collect();
        pods.sort_by(|a, b| a.uid.cmp(&b.uid));
        vec![Change::Snapshot(pods)]
    }

    /// The pod with what nodes and owners say.
    fn complete(&self, seen: &Seen) -> Pod {
        let mut pod = seen.pod.clone();
        pod.platform = self.nodes.get(&pod.node).cloned();
        if let Some(workload) = seen.owner.as_ref().and_then(|uid| self.owners.get(uid)) {
            pod.workload = workload.clone();
        }
        pod
    }

    /// Tells pods that differ from what was told of them last.
    fn tell(&mut self, uids: &[String]) -> Vec<Change> {
        if !self.started || self.snapshot_due {
            return vec![];
        }
        let mut changes = Vec::new();
        for uid in uids {
            let Some(seen) = self.pods.get(uid) else { continue };
            let pod = self.complete(seen);
            if self.told.get(uid) != Some(&pod) {
                self.told.insert(uid.clone(), pod.clone());
                changes.push(Change::Changed(pod));
            }
        }
        changes
    }

    fn tell_on(&mut self, nodes: &HashSet<String>) -> Vec<Change> {
        if nodes.is_empty() {
            return vec![];
        }
        let on = |seen: &&Seen| nodes.contains(&seen.pod.node);
        let uids: Vec<_> = self.pods.values().filter(on).map(|s| s.pod.uid.clone()).collect();
        self.tell(&uids)
    }

    fn gone(&mut self, uid: Option<String>) -> Vec<Change> {
        let Some(uid) = uid else { return vec![] };
        if let Some(owner) = self.pods.remove(&uid).and_then(|seen| seen.owner)
            && let Some(children) = self.children.get_mut(&owner)
        {
            children.remove(&uid);
            if children.is_empty() {
                self.children.remove(&owner);
                self.forget_ended();
            }
        }
        match self.told.remove(&uid) {
            Some(_) => vec![Change::Gone(uid)],
            None => vec![],
        }
    }

    /// Forgets deleted owners that have no pod any more.
    fn forget_ended(&mut self) {
        let (children, owners) = (&self.children, &mut self.owners);
        self.ended.retain(|uid| {
            let needed = children.contains_key(uid);
            if !needed {
                owners.remove(uid);
            }
            needed
        });
    }
}

/// A node's name and platform: as its kubelet reports it, else by its labels.
fn platform(node: &Node) -> Option<(String, Platform)> {
    let name = node.metadata.name.clone()?;
    let info = node.status.as_ref().and_then(|s| s.node_info.as_ref());
    let label = |key: &str| node.metadata.labels.as_ref().and_then(|l| l.get(key)).map(String::as_str);
    let pick = |reported: Option<&str>, label: Option<&str>| {
        reported.filter(|t| !t.is_empty()).or(label).filter(|t| !t.is_empty()).map(str::to_owned)
    };
    let os = pick(info.map(|i| i.operating_system.as_str()), label("kubernetes.io/os"))?;
    let architecture = pick(info.map(|i| i.architecture.as_str()), label("kubernetes.io/arch"))?;
    Some((name, Platform::new(&os, &architecture)))
}

#[cfg(test)]
mod tests;
