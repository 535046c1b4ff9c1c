//! An SBOM against the database.

use crate::grouping::{Speaking, groups, names};
use crate::keys::keys;
use crate::ownership;
use crate::range::{Hit, best, hit_affected};
use crate::support::end_of_life;
use cleanbill_advisory::{Candidate, Database, DatabaseError, is_distribution_feed};
use cleanbill_model::{
    Advisory, Affected, CoverageRow, Cvss, Digest, Finding, FindingReason, Findings, Introduced, Package, Purl, Sbom,
    Severity, State,
};
use cleanbill_version::Scheme;
use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What the caller knows beyond SBOM and database.
#[derive(Debug, Clone, Default)]
pub struct MatchOptions {
    /// Layers of the base image that the operator recognises, as the SBOM names them. What is in them
    /// comes with the base; only file lists in them can make a language package the distribution's own.
    pub base: Vec<Digest>,
}

/// Matches every package of an SBOM against the database. Coverage is part of the result.
///
/// Records about the same vulnerability are one finding of a package: fixes united, the worst severity.
pub fn match_sbom(sbom: &Sbom, database: &Database, options: &MatchOptions) -> Result<Findings, DatabaseError> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(4);
    let share = sbom.packages.len().div_ceil(workers).max(256);
    let parts: Vec<&[Package]> = sbom.packages.chunks(share).collect();
    let matched = std::thread::scope(|scope| {
        let work = |packages| move || match_packages(packages, sbom, database, options);
        let (first, others) = match parts.split_first() {
            Some((first, others)) => (*first, others),
            None => (&[][..], &[][..]),
        };
        let running: Vec<_> = others.iter().map(|packages| scope.spawn(work(packages))).collect();
        let mut done = vec![work(first)()];
        done.extend(running.into_iter().map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        done
    });
    let mut findings = Vec::new();
    let mut coverage: BTreeMap<String, CoverageRow> = BTreeMap::new();
    for part in matched {
        let (found, rows) = part?;
        findings.extend(found);
        for (ecosystem, row) in rows {
            match coverage.entry(ecosystem) {
                Entry::Vacant(slot) => {
                    slot.insert(row);
                }
                Entry::Occupied(mut slot) => {
                    let sum = slot.get_mut();
                    sum.packages += row.packages;
                    sum.packages_without_record += row.packages_without_record;
                }
            }
        }
    }
    let owners: HashMap<&Purl, &Package> =
        sbom.packages.iter().filter(|p| p.is_distribution()).map(|p| (&p.purl, p)).collect();
    for finding in &mut findings {
        finding.suppressed = ownership::settled(finding, &owners, sbom, database, options)?;
    }
    findings.sort_by(|a, b| {
        let key = |f: &Finding| Reverse((f.severity, f.kev.is_some()));
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id)).then_with(|| a.package.cmp(&b.package))
    });
    Ok(Findings { findings, coverage: coverage.into_values().collect(), end_of_life: end_of_life(&sbom.distro) })
}

type Part = (Vec<Finding>, BTreeMap<String, CoverageRow>);

fn match_packages(
    packages: &[Package],
    sbom: &Sbom,
    database: &Database,
    options: &MatchOptions,
) -> Result<Part, DatabaseError> {
    let mut findings = Vec::new();
    let mut coverage: BTreeMap<String, CoverageRow> = BTreeMap::new();
    for package in packages {
        let keys = keys(package, &sbom.distro);
        let said = said(&keys, database)?;
        cover(&mut coverage, package, &keys, said.is_empty(), database);
        findings.extend(of_package(package, &said, database, options)?);
    }
    Ok((findings, coverage))
}

/// Everything the database says under these keys; records are not loaded yet.
fn said(keys: &[(String, String)], database: &Database) -> Result<Vec<Arc<[Candidate]>>, DatabaseError> {
    let mut said = Vec::new();
    for (ecosystem, name) in keys {
        let candidates = database.candidates(ecosystem, name)?;
        if !candidates.is_empty() {
            said.push(candidates);
        }
    }
    Ok(said)
}

/// The records that speak of a package, each once.
pub(crate) fn records(keys: &[(String, String)], database: &Database) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
    let mut records: Vec<Arc<Advisory>> = Vec::new();
    for (ecosystem, name) in keys {
        records.extend(database.lookup(ecosystem, name)?);
    }
    records.sort_by(|a, b| (&a.id, &a.feed).cmp(&(&b.id, &b.feed)));
    records.dedup_by(|a, b| a.id == b.id && a.feed == b.feed);
    Ok(records)
}

fn cover(
    coverage: &mut BTreeMap<String, CoverageRow>,
    package: &Package,
    keys: &[(String, String)],
    without_record: bool,
    database: &Database,
) {
    let ecosystem = match keys.first() {
        Some((ecosystem, _)) => ecosystem.as_str(),
        None => &package.purl.kind,
    };
    let row = coverage.entry(ecosystem.to_owned()).or_insert_with(|| {
        let ordered = Scheme::for_ecosystem(ecosystem).is_some() && !keys.is_empty();
        let ecosystems: BTreeSet<&str> = keys.iter().map(|(e, _)| e.as_str()).filter(|_| ordered).collect();
        let feeds: Vec<_> = ecosystems.into_iter().flat_map(|e| database.feeds_for(e)).collect();
        let feed_names: BTreeSet<&str> = feeds.iter().map(|f| f.name.as_str()).collect();
        let source = feed_names.into_iter().collect::<Vec<_>>().join(", ");
        CoverageRow {
            ecosystem: ecosystem.to_owned(),
            source: Some(source).filter(|s| !s.is_empty()),
            as_of: feeds.iter().filter_map(|f| f.as_of).min(),
            packages: 0,
            packages_without_record: 0,
        }
    });
    row.packages += 1;
    row.packages_without_record += u64::from(without_record);
}

/// A record that hits, with what it says.
struct Match<'a> {
    advisory: &'a Advisory,
    affected: &'a Affected,
    hit: Hit,
}

fn of_package(
    package: &Package,
    said: &[Arc<[Candidate]>],
    database: &Database,
    options: &MatchOptions,
) -> Result<Vec<Finding>, DatabaseError> {
    // Withdrawn records stand aside before anything is grouped, so that they hide nothing.
    let standing: Vec<&Candidate> = said.iter().flat_map(|c| c.iter()).filter(|c| !c.withdrawn).collect();
    let hits: Vec<Option<Hit>> = standing.iter().map(|c| hit_affected(&c.affected, package)).collect();
    // Most packages are hit by nothing: then no record is looked at.
    if hits.iter().all(Option::is_none) {
        return Ok(Vec::new());
    }
    // What a distribution's feed says goes before others, also when it says that nothing is wrong.
    let several = standing.iter().any(|c| database.has_several_feeds(&c.affected.ecosystem));
    let mut records: BTreeMap<(String, String), (Arc<Advisory>, Option<(Hit, &Affected)>)> = BTreeMap::new();
    for (candidate, hit) in standing.iter().zip(hits) {
        if hit.is_none() && !several {
            continue;
        }
        let record = database.record(candidate)?;
        let slot = records.entry((record.id.clone(), record.feed.clone())).or_insert((record, None));
        slot.1 = best(slot.1.take().into_iter().chain(hit.map(|hit| (hit, &candidate.affected))));
    }
    let speaking: Vec<(Speaking<'_>, Option<&(Hit, &Affected)>)> = records
        .values()
        .flat_map(|(record, hit)| Speaking::of(record).into_iter().map(move |one| (one, hit.as_ref())))
        .collect();
    let voices: Vec<Speaking<'_>> = speaking.iter().map(|(one, _)| *one).collect();
    let mut findings = Vec::new();
    for group in groups(&voices) {
        let own = |position: &&usize| is_distribution_feed(&voices[**position].advisory.feed);
        let counted: Vec<usize> = match group.iter().filter(own).copied().collect::<Vec<_>>() {
            own if own.is_empty() => group.clone(),
            own => own,
        };
        let matches: Vec<Match<'_>> = counted
            .iter()
            .filter_map(|position| {
                let (voice, hit) = &speaking[*position];
                let (hit, affected) = (*hit)?;
                Some(Match { advisory: voice.advisory, affected, hit: hit.clone() })
            })
            .collect();
        if !matches.is_empty() {
            let group: Vec<Speaking<'_>> = group.iter().map(|position| voices[*position]).collect();
            findings.push(finding(package, &group, &matches, database, options)?);
        }
    }
    Ok(findings)
}

fn finding(
    package: &Package,
    group: &[Speaking<'_>],
    matches: &[Match<'_>],
    database: &Database,
    options: &MatchOptions,
) -> Result<Finding, DatabaseError> {
    let (id, aliases) = names(group);
    let mut severity =
        matches.iter().map(|m| m.affected.severity.unwrap_or(m.advisory.severity)).max().unwrap_or_default();
    let mut cvss: Vec<Cvss> = Vec::new();
    let mut summary = String::new();
    for advisory in group.iter().map(|one| one.advisory) {
        extend(&mut cvss, &advisory.cvss);
        if summary.is_empty() {
            summary.clone_from(&advisory.summary);
        }
    }
    // A distribution often does not rate: then what other feeds say of the same vulnerability counts.
    if severity == Severity::Unknown {
        for other in database.by_id(&id)?.iter().filter(|a| a.withdrawn.is_none()) {
            severity = severity.max(other.severity);
            extend(&mut cvss, &other.cvss);
            if summary.is_empty() {
                summary.clone_from(&other.summary);
            }
        }
    }
    let mut fixed: Vec<String> = matches.iter().flat_map(|m| m.hit.fixed.iter().cloned()).collect();
    let scheme = Scheme::for_ecosystem(&matches[0].affected.ecosystem);
    fixed.sort_by(|a, b| scheme.map_or_else(|| a.cmp(b), |s| s.compare(a, b)).then_with(|| a.cmp(b)));
    fixed.dedup();
    let states: BTreeSet<State> = matches.iter().map(|m| m.hit.state).collect();
    let said = [State::Fixed, State::WillNotFix, State::EndOfLife, State::FixDeferred, State::Affected];
    let state = said.into_iter().find(|s| states.contains(s)).unwrap_or(State::Unknown);
    let join = |each: &dyn Fn(&Match<'_>) -> String, with: &str| {
        let mut parts: Vec<String> = Vec::new();
        for part in matches.iter().map(each) {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        parts.join(with)
    };
    let base = !package.locations.is_empty()
        && package.locations.iter().all(|l| l.layer.as_ref().is_some_and(|layer| options.base.contains(layer)));
    let (mut kev, mut epss) = (None, None);
    for cve in std::iter::once(&id).chain(&aliases).filter(|name| name.starts_with("CVE-")) {
        kev = kev.or(database.known_exploited(cve)?);
        epss = epss.or(database.exploit_prediction(cve)?);
    }
    Ok(Finding {
        id,
        aliases,
        package: package.clone(),
        introduced: if base { Introduced::Base } else { Introduced::Image },
        severity,
        cvss,
        kev,
        epss,
        fixed,
        state,
        reason: FindingReason {
            feed: join(&|m| format!("{} {}", m.advisory.feed, m.advisory.id), ", "),
            range: join(&|m| m.hit.range.clone(), " || "),
            matched_by: join(&|m| m.hit.matched_by.clone(), ", "),
        },
        suppressed: None,
        summary,
    })
}

fn extend(cvss: &mut Vec<Cvss>, more: &[Cvss]) {
    for vector in more {
        if !cvss.contains(vector) {
            cvss.push(vector.clone());
        }
    }
}
