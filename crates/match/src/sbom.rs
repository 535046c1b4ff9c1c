//! An SBOM against the database.

use crate::grouping::{groups, names};
use crate::keys::keys;
use crate::range::{Hit, hit_by_keys};
use cleanbill_advisory::{Database, DatabaseError};
use cleanbill_model::{
    Advisory, Affected, CoverageRow, Cvss, Finding, FindingReason, Findings, Introduced, Package, Sbom, Severity, State,
};
use cleanbill_version::Scheme;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Feeds of a distribution itself. What they say of a vulnerability in their own packages stands, whatever
/// others say.
const AUTHORITATIVE: &[&str] = &["debian-tracker"];

/// Matches every package of an SBOM against the database. Coverage is part of the result.
///
/// Records about the same vulnerability are one finding of a package: fixes united, the worst severity.
/// Every finding is [`Introduced::Image`], as no base image is recognised from an SBOM alone.
pub fn match_sbom(sbom: &Sbom, database: &Database) -> Result<Findings, DatabaseError> {
    let mut findings = Vec::new();
    let mut coverage: BTreeMap<String, CoverageRow> = BTreeMap::new();
    for package in &sbom.packages {
        let keys = keys(package, &sbom.distro);
        let mut records: Vec<Arc<Advisory>> = Vec::new();
        for (ecosystem, name) in &keys {
            records.extend(database.lookup(ecosystem, name)?);
        }
        records.sort_by(|a, b| (&a.id, &a.feed).cmp(&(&b.id, &b.feed)));
        records.dedup_by(|a, b| a.id == b.id && a.feed == b.feed);
        cover(&mut coverage, package, &keys, records.is_empty(), database);
        findings.extend(of_package(package, &keys, &records, database)?);
    }
    findings.sort_by(|a, b| {
        let key = |f: &Finding| Reverse(f.severity);
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id)).then_with(|| a.package.cmp(&b.package))
    });
    Ok(Findings { findings, coverage: coverage.into_values().collect(), end_of_life: None })
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
    keys: &[(String, String)],
    records: &[Arc<Advisory>],
    database: &Database,
) -> Result<Vec<Finding>, DatabaseError> {
    // Withdrawn records stand aside before anything is grouped, so that they hide nothing.
    let standing: Vec<&Advisory> = records.iter().map(Arc::as_ref).filter(|r| r.withdrawn.is_none()).collect();
    let mut findings = Vec::new();
    for group in groups(&standing) {
        let group: Vec<&Advisory> = group.into_iter().map(|i| standing[i]).collect();
        let own: Vec<&Advisory> = group.iter().copied().filter(|r| AUTHORITATIVE.contains(&r.feed.as_str())).collect();
        let speaking = if own.is_empty() { &group } else { &own };
        let matches: Vec<Match<'_>> = speaking
            .iter()
            .filter_map(|advisory| {
                let (hit, affected) = hit_by_keys(advisory, package, keys)?;
                Some(Match { advisory, affected, hit })
            })
            .collect();
        if !matches.is_empty() {
            findings.push(finding(package, &group, &matches, database)?);
        }
    }
    Ok(findings)
}

fn finding(
    package: &Package,
    group: &[&Advisory],
    matches: &[Match<'_>],
    database: &Database,
) -> Result<Finding, DatabaseError> {
    let (id, aliases) = names(group);
    let mut severity =
        matches.iter().map(|m| m.affected.severity.unwrap_or(m.advisory.severity)).max().unwrap_or_default();
    let mut cvss: Vec<Cvss> = Vec::new();
    let mut summary = String::new();
    for advisory in group {
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
    Ok(Finding {
        id,
        aliases,
        package: package.clone(),
        introduced: Introduced::Image,
        severity,
        cvss,
        kev: None,
        epss: None,
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
