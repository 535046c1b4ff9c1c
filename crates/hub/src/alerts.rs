//! What becomes exposed, what is no longer, and what of it is news.
//!
//! An exposure is a vulnerability that a workload runs with through one image. Those that are open are
//! kept in the store; an alert is raised for what opens after the first look (see [`Cause`]) and for what
//! is gone everywhere. An alert's id is made from its exposures: raised again after a crash between alert
//! and exposures, it is the same one, and the store keeps it once.

use std::collections::{BTreeMap, BTreeSet};

use cleanbill_model::{ContainerState, Digest, Timestamp, Workload};
use cleanbill_store::{AlertKind, AlertPod, AlertRecord, Exposure};

use crate::hub::{Hub, HubError};
use crate::index::{Index, Placed};

/// Why exposures are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The first look at all: what is there is where "new" begins.
    First,
    /// The first look after a restart: what opened meanwhile became known meanwhile.
    Restart,
    /// Something changed: whatever came later, record or pod, decides the kind.
    Change,
}

/// Vulnerability, cluster uid, namespace, workload; the image is the key of the map it stands in.
type OpenKey = (String, String, String, Workload);

/// What is open, by image.
#[derive(Debug, Default)]
pub(crate) struct Exposures {
    open: BTreeMap<Digest, BTreeMap<OpenKey, Timestamp>>,
    /// Images that were compared and whose pass is not durable yet: compared again at the next look.
    unsettled: BTreeSet<Digest>,
}

/// What a look found, to be made durable.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    alerts: Vec<AlertRecord>,
    opened: Vec<Exposure>,
    closed: Vec<Exposure>,
}

/// Pods that run an image with one exposure, and what decides the kind of the alert.
#[derive(Default)]
struct Present {
    pods: BTreeSet<AlertPod>,
    /// Some pod was there before the record.
    record_is_later: bool,
    /// All of them ran already when their cluster was first looked at.
    all_baseline: bool,
}

fn exposure(image: &Digest, key: &OpenKey, opened: Timestamp) -> Exposure {
    let (vulnerability, cluster, namespace, workload) = key.clone();
    Exposure { vulnerability, cluster, namespace, workload, image: image.clone(), opened }
}

impl Exposures {
    /// What the store holds.
    pub(crate) fn load(rows: Vec<Exposure>) -> Self {
        let mut open: BTreeMap<Digest, BTreeMap<OpenKey, Timestamp>> = BTreeMap::new();
        for row in rows {
            let key = (row.vulnerability, row.cluster, row.namespace, row.workload);
            open.entry(row.image).or_default().insert(key, row.opened);
        }
        Self { open, unsettled: BTreeSet::new() }
    }

    /// The images of what is open.
    pub(crate) fn images(&self) -> impl Iterator<Item = &Digest> {
        self.open.keys()
    }

    /// Compares what is exposed now through `images` with what is open, and says what to do. What is open
    /// stays as it is until [`Exposures::settle`].
    pub(crate) fn differ(&mut self, index: &Index, images: &BTreeSet<Digest>, cause: Cause, now: Timestamp) -> Pass {
        self.unsettled.extend(images.iter().cloned());
        let mut pass = Pass::default();
        let mut news: BTreeMap<(String, AlertKind), Vec<(Digest, OpenKey, BTreeSet<AlertPod>)>> = BTreeMap::new();
        for image in &self.unsettled {
            let present = present(index, image);
            let open = self.open.get(image);
            for (key, found) in &present {
                if open.is_some_and(|o| o.contains_key(key)) {
                    continue;
                }
                pass.opened.push(exposure(image, key, now));
                let kind = match cause {
                    Cause::First => None,
                    Cause::Restart => Some(AlertKind::New),
                    Cause::Change if found.record_is_later => Some(AlertKind::New),
                    Cause::Change if found.all_baseline => None,
                    Cause::Change => Some(AlertKind::Workload),
                };
                if let Some(kind) = kind {
                    let group = news.entry((key.0.clone(), kind)).or_default();
                    group.push((image.clone(), key.clone(), found.pods.clone()));
                }
            }
            for (key, opened) in open.into_iter().flatten() {
                if !present.contains_key(key) {
                    pass.closed.push(exposure(image, key, *opened));
                }
            }
        }
        for ((vulnerability, kind), exposures) in news {
            let pods: BTreeSet<AlertPod> = exposures.iter().flat_map(|(_, _, pods)| pods.clone()).collect();
            let keys = exposures.iter().map(|(image, key, _)| format!("{image} {key:?}"));
            pass.alerts.push(alert("opened", vulnerability, kind, keys, pods, now));
        }
        self.fixed(&mut pass, now);
        pass
    }

    /// A vulnerability whose last exposure closes is gone.
    fn fixed(&self, pass: &mut Pass, now: Timestamp) {
        let closed: BTreeSet<&str> = pass.closed.iter().map(|e| e.vulnerability.as_str()).collect();
        let gone = closed.into_iter().filter(|vulnerability| {
            let closing = pass.closed.iter().filter(|e| e.vulnerability == *vulnerability).count();
            let open = self.open.values().flat_map(BTreeMap::keys).filter(|k| k.0 == *vulnerability).count();
            closing == open && !pass.opened.iter().any(|e| e.vulnerability == *vulnerability)
        });
        let alerts: Vec<_> = gone
            .map(|vulnerability| {
                let of_it = pass.closed.iter().filter(|e| e.vulnerability == vulnerability);
                let keys =
                    of_it.map(|e| format!("{} {} {} {:?} {}", e.image, e.cluster, e.namespace, e.workload, e.opened));
                alert("fixed", vulnerability.to_owned(), AlertKind::Fixed, keys, BTreeSet::new(), now)
            })
            .collect();
        pass.alerts.extend(alerts);
    }

    /// Notes that a pass is durable.
    fn settle(&mut self, pass: &Pass) {
        self.unsettled.clear();
        let key = |e: &Exposure| (e.vulnerability.clone(), e.cluster.clone(), e.namespace.clone(), e.workload.clone());
        for e in &pass.closed {
            if let Some(open) = self.open.get_mut(&e.image) {
                open.remove(&key(e));
                if open.is_empty() {
                    self.open.remove(&e.image);
                }
            }
        }
        for e in &pass.opened {
            self.open.entry(e.image.clone()).or_default().insert(key(e), e.opened);
        }
    }
}

fn alert(
    what: &str,
    vulnerability: String,
    kind: AlertKind,
    keys: impl Iterator<Item = String>,
    pods: BTreeSet<AlertPod>,
    at: Timestamp,
) -> AlertRecord {
    let keys: BTreeSet<String> = keys.collect();
    let content = format!("{what}\n{vulnerability}\n{}", keys.into_iter().collect::<Vec<_>>().join("\n"));
    AlertRecord {
        id: Digest::sha256(content).hex()[..24].to_owned(),
        cursor: 0,
        vulnerability,
        aliases: Vec::new(),
        kind,
        at,
        pods: pods.into_iter().collect(),
        acknowledged: None,
    }
}

/// What is exposed now through an image.
fn present(index: &Index, image: &Digest) -> BTreeMap<OpenKey, Present> {
    let mut present: BTreeMap<OpenKey, Present> = BTreeMap::new();
    let Some(ordinal) = index.images.by_manifest(image) else { return present };
    let running: Vec<Placed<'_>> = index
        .containers_of(ordinal)
        .map(|(placed, _)| placed)
        .filter(|p| p.container.state == ContainerState::Running)
        .collect();
    if running.is_empty() {
        return present;
    }
    for package in &index.images.get(ordinal).packages {
        for (group, known) in &index.packages.get(*package).groups {
            for placed in &running {
                let pod = &placed.entry.pod;
                let key = (group.clone(), placed.key.cluster.to_string(), pod.namespace.clone(), pod.workload.clone());
                let found = present.entry(key).or_insert_with(|| Present { all_baseline: true, ..Present::default() });
                let later = !known.base && known.folder.is_some_and(|record| record > placed.entry.generation);
                found.record_is_later |= later;
                found.all_baseline &= placed.entry.baseline;
                found.pods.insert(AlertPod {
                    cluster: index.cluster_name(&placed.key.cluster).to_owned(),
                    namespace: pod.namespace.clone(),
                    pod: pod.name.clone(),
                    image: placed.container.image.clone(),
                });
            }
        }
    }
    present
}

impl Hub {
    /// Makes a pass durable: alerts first, so that a crash before the exposures raises the same alerts
    /// again, which the store then knows.
    pub(crate) async fn carry_out(&self, mut pass: Pass) -> Result<(), HubError> {
        for alert in &mut pass.alerts {
            let records = self.read().advisories.group(&alert.vulnerability).unwrap_or_default();
            let names: BTreeSet<String> =
                records.iter().flat_map(|r| r.aliases.iter().chain([&r.id])).cloned().collect();
            alert.aliases = names.into_iter().filter(|n| *n != alert.vulnerability).collect();
            if self.0.store.add_alert(alert).await? {
                tracing::info!("alert: {} {} ({} pods)", alert.kind.name(), alert.vulnerability, alert.pods.len());
            }
        }
        if !pass.opened.is_empty() || !pass.closed.is_empty() {
            self.0.store.put_exposures(&pass.opened, &pass.closed).await?;
        }
        self.write().exposures.settle(&pass);
        Ok(())
    }
}
