//! From a question to the containers that match and those that nothing can be said about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cleanbill_advisory::DatabaseError;
use cleanbill_model::{Advisory, ContainerState, DistroState, Timestamp};
use cleanbill_version::Scheme;

use crate::advisories::Advisories;
use crate::answer::{Counts, Coverage, Match, MatchedPackage, Page, QueryError, Uncovered, WhereAnswer, count};
use crate::index::{Index, Placed, RecordState, wanted_of};
use crate::query::Query;

const MOST_UNCOVERED: usize = 200;

/// What a question selects.
#[derive(Default)]
struct Selected {
    /// Images, each with the packages that made it match and their fixes.
    images: BTreeMap<u32, BTreeMap<u32, BTreeSet<String>>>,
    /// The ecosystems an answer about a vulnerability rests on; `None`: no advisory takes part.
    ecosystems: Option<BTreeSet<String>>,
    /// What nothing is known of: the sentence says so.
    unknown: Option<String>,
}

impl Selected {
    fn packages(&mut self, index: &Index, packages: impl IntoIterator<Item = u32>) {
        for ordinal in packages {
            for image in &index.packages.get(ordinal).images {
                self.images.entry(image).or_default().entry(ordinal).or_default();
            }
        }
    }
}

fn broken(error: DatabaseError) -> QueryError {
    QueryError { message: error.to_string(), hint: "build the database again, or restart with another one".to_owned() }
}

fn select(query: &Query, index: &Index, advisories: &Advisories) -> Result<Selected, QueryError> {
    let mut selected = Selected::default();
    match query {
        Query::Id(id) => by_records(id, advisories.group(id).map_err(broken)?, index, &mut selected),
        Query::Word(word) => {
            let records = advisories.group(word).map_err(broken)?;
            if records.is_empty() {
                by_name(word, &[], index, &mut selected);
            } else {
                by_records(word, records, index, &mut selected);
            }
        }
        Query::Range { name, constraints } => by_name(name, constraints, index, &mut selected),
        Query::Purl(purl) => {
            let found = index.packages.purl(purl);
            selected.packages(index, found.packages);
        }
        Query::Digest(digest) => {
            for image in index.images.by_digest(digest) {
                selected.images.entry(*image).or_default();
            }
        }
    }
    Ok(selected)
}

fn by_name(name: &str, constraints: &[crate::query::Constraint], index: &Index, selected: &mut Selected) {
    let found = index.packages.range(name, constraints);
    // A version that cannot be put in order may be inside the range: it is shown.
    selected.packages(index, found.packages.into_iter().chain(found.unordered));
}

fn by_records(id: &str, records: Vec<Arc<Advisory>>, index: &Index, selected: &mut Selected) {
    if records.is_empty() {
        selected.unknown = Some(id.to_owned());
        selected.ecosystems = Some(BTreeSet::new());
        return;
    }
    let mut ecosystems = BTreeSet::new();
    for record in &records {
        for affected in &record.affected {
            ecosystems.insert(affected.ecosystem.clone());
            for ordinal in index.packages.by_key(&affected.ecosystem, &affected.name) {
                let entry = index.packages.get(*ordinal);
                if record.withdrawn.is_some() || overruled(record, &records, &affected.ecosystem, &affected.name) {
                    continue;
                }
                if let Some(hit) = cleanbill_match::hit(record, &entry.package, &entry.distro) {
                    for image in &entry.images {
                        selected
                            .images
                            .entry(image)
                            .or_default()
                            .entry(*ordinal)
                            .or_default()
                            .extend(hit.fixed.clone());
                    }
                }
            }
        }
    }
    selected.ecosystems = Some(ecosystems);
}

/// Whether a distribution's own feed speaks of the package too: then it alone decides.
pub(crate) fn overruled(record: &Advisory, records: &[Arc<Advisory>], ecosystem: &str, name: &str) -> bool {
    const OWN: &str = "debian-tracker";
    record.feed != OWN
        && records.iter().any(|other| {
            other.feed == OWN
                && other.withdrawn.is_none()
                && other.affected.iter().any(|a| a.ecosystem == ecosystem && a.name == name)
        })
}

/// A container in the order of the list.
type RowKey = (String, String, String, String, String, String, String);

fn row_key(index: &Index, placed: Placed<'_>, digest: &str) -> RowKey {
    let pod = &placed.entry.pod;
    (
        index.cluster_name(&placed.key.cluster).to_owned(),
        pod.namespace.clone(),
        format!("{}/{}", pod.workload.kind, pod.workload.name),
        pod.name.clone(),
        placed.container.name.clone(),
        // Two clusters may have one name, and a pod's name comes again: the uids tell them apart.
        format!("{}/{}", placed.key.cluster, placed.key.pod),
        digest.to_owned(),
    )
}

fn cursor_of(key: &RowKey) -> String {
    hex::encode([&key.0, &key.1, &key.2, &key.3, &key.4, &key.5, &key.6].map(String::as_str).join("\0"))
}

fn key_of(cursor: &str) -> Option<RowKey> {
    let text = String::from_utf8(hex::decode(cursor).ok()?).ok()?;
    let mut parts = text.split('\0').map(str::to_owned);
    let mut next = || parts.next();
    let key = (next()?, next()?, next()?, next()?, next()?, next()?, next()?);
    next().is_none().then_some(key)
}

/// Answers a question.
pub(crate) fn evaluate(
    text: &str,
    query: &Query,
    index: &Index,
    advisories: &Advisories,
    page: &Page,
    now: Timestamp,
) -> Result<WhereAnswer, QueryError> {
    let after = match &page.cursor {
        None => None,
        Some(cursor) => Some(key_of(cursor).ok_or_else(|| QueryError {
            message: "the cursor is not one of this list".to_owned(),
            hint: "take `next` of the page before".to_owned(),
        })?),
    };
    let selected = select(query, index, advisories)?;
    let mut rows: BTreeMap<RowKey, Match> = BTreeMap::new();
    let mut running = BTreeSet::new();
    for (image, packages) in &selected.images {
        let digest = index.images.get(*image).manifest.to_string();
        let packages: BTreeSet<MatchedPackage> = packages
            .iter()
            .map(|(ordinal, fixed)| {
                let purl = &index.packages.get(*ordinal).package.purl;
                let mut fixed: Vec<String> = fixed.iter().cloned().collect();
                if let Some(scheme) = Scheme::for_purl_type(&purl.kind) {
                    fixed.sort_by(|a, b| scheme.compare(a, b));
                }
                MatchedPackage { purl: purl.to_string(), fixed }
            })
            .collect();
        for (placed, _) in index.containers_of(*image) {
            let pod = &placed.entry.pod;
            if placed.container.state == ContainerState::Running {
                running.insert((placed.key.cluster.clone(), placed.key.pod.clone()));
            }
            let row = Match {
                cluster: index.cluster_name(&placed.key.cluster).to_owned(),
                namespace: pod.namespace.clone(),
                workload: pod.workload.clone(),
                pod: pod.name.clone(),
                container: placed.container.name.clone(),
                image: placed.container.image.clone(),
                digest: digest.clone(),
                packages: packages.iter().cloned().collect(),
                state: placed.container.state.name(),
            };
            rows.insert(row_key(index, placed, &digest), row);
        }
    }
    let counts = counts(&rows, running.len() as u64);
    let (coverage, uncovered) = coverage(index, advisories, selected.ecosystems.as_ref());
    let mut rest = rows.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    let taken: Vec<_> = rest.by_ref().take(page.limit).collect();
    let next = rest.next().and(taken.last().map(|(key, _)| cursor_of(key)));
    Ok(WhereAnswer {
        query: text.trim().to_owned(),
        as_of: now,
        sentence: sentence(text.trim(), &counts, selected.unknown.is_some(), index.clusters.len() as u64),
        coverage,
        counts,
        matches: taken.into_iter().map(|(_, m)| m).collect(),
        uncovered,
        next,
    })
}

fn counts(rows: &BTreeMap<RowKey, Match>, running: u64) -> Counts {
    let distinct = |of: &dyn Fn(&RowKey) -> String| rows.keys().map(of).collect::<BTreeSet<_>>().len() as u64;
    // The uid part names the cluster before its first slash.
    let cluster = |key: &RowKey| key.5.split_once('/').map_or("", |(c, _)| c).to_owned();
    Counts {
        clusters: distinct(&|k| cluster(k)),
        namespaces: distinct(&|k| format!("{}\0{}", cluster(k), k.1)),
        workloads: distinct(&|k| format!("{}\0{}\0{}", cluster(k), k.1, k.2)),
        pods: distinct(&|k| k.5.clone()),
        images: distinct(&|k| k.6.clone()),
        running,
    }
}

fn sentence(query: &str, counts: &Counts, unknown: bool, clusters: u64) -> String {
    if unknown {
        return format!("{query} is in none of the advisories that are loaded: where it runs is not known.");
    }
    if counts.pods == 0 {
        return format!("{query} runs in no pod that was looked into.");
    }
    let mut text = format!(
        "{query} runs in {} of {} in {} of {}",
        count(counts.running, "pod"),
        count(counts.workloads, "workload"),
        counts.clusters,
        count(clusters, "cluster"),
    );
    let declared = counts.pods - counts.running.min(counts.pods);
    if declared > 0 {
        text.push_str(&format!("; {declared} more are declared and do not run yet"));
    }
    text + "."
}

/// How far the look reached. With `ecosystems`, an image also counts as not covered where no advisories
/// speak for what is asked, or its distribution is not known.
fn coverage(
    index: &Index,
    advisories: &Advisories,
    ecosystems: Option<&BTreeSet<String>>,
) -> (Coverage, Vec<Uncovered>) {
    let mut looked = BTreeSet::new();
    let mut pending = BTreeSet::new();
    let mut failed = BTreeSet::new();
    let mut undigested = 0;
    let mut uncovered = BTreeSet::new();
    for placed in index.containers().filter(|p| p.container.state == ContainerState::Running) {
        let images = index.images_of(placed);
        let why = if images.is_empty() {
            match wanted_of(&placed.entry.pod, placed.container) {
                None => {
                    undigested += 1;
                    Some("the runtime named no digest".to_owned())
                }
                Some(wanted) => match index.images.records.get(&wanted) {
                    Some(RecordState::Failed { why, .. }) => {
                        failed.insert(wanted);
                        Some(why.clone())
                    }
                    _ => {
                        pending.insert(wanted);
                        Some("not looked into yet".to_owned())
                    }
                },
            }
        } else {
            let why = images.iter().find_map(|i| ecosystems.and_then(|e| unanswered(index, advisories, *i, e)));
            looked.extend(images.iter().map(|i| (*i, why.is_some())));
            why
        };
        if let Some(why) = why
            && uncovered.len() < MOST_UNCOVERED
        {
            let pod = &placed.entry.pod;
            uncovered.insert(Uncovered {
                cluster: index.cluster_name(&placed.key.cluster).to_owned(),
                namespace: pod.namespace.clone(),
                pod: pod.name.clone(),
                container: placed.container.name.clone(),
                image: placed.container.image.clone(),
                why,
            });
        }
    }
    let (pending, failed) = (pending.len() as u64, failed.len() as u64);
    let unanswered = looked.iter().filter(|(_, unanswered)| *unanswered).count() as u64;
    let coverage = Coverage {
        images: looked.len() as u64 + pending + failed + undigested,
        pending,
        failed,
        not_covered: pending + failed + undigested + unanswered,
    };
    (coverage, uncovered.into_iter().collect())
}

/// Why a question about a vulnerability of `ecosystems` is not answered for an image that was looked into.
fn unanswered(index: &Index, advisories: &Advisories, image: u32, ecosystems: &BTreeSet<String>) -> Option<String> {
    if ecosystems.is_empty() {
        return Some("no advisory that is loaded speaks of it".to_owned());
    }
    let entry = index.images.get(image);
    // A vulnerability of a language's package says nothing about distributions, and the other way round.
    let of_distributions = ecosystems.iter().any(|e| e.contains(':'));
    if of_distributions && let DistroState::Unknown(why) = &entry.distro.state {
        return Some(format!("its distribution is not known: {why}"));
    }
    let families: BTreeSet<&str> = ecosystems.iter().map(|e| e.split(':').next().unwrap_or(e)).collect();
    let missing = entry.packages.iter().flat_map(|p| &index.packages.get(*p).keys).find(|(ecosystem, _)| {
        families.contains(ecosystem.split(':').next().unwrap_or(ecosystem)) && !advisories.covers(ecosystem)
    });
    missing.map(|(ecosystem, _)| format!("no advisories are loaded for {ecosystem}"))
}
