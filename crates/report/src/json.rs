//! # json
//!
//! `cleanbill/scan/v1`, the format for programs; its schema is `docs/schemas/scan-v1.json`. Fields are
//! added, never changed or taken away, within one version.

use crate::{ScanReport, facts};
use cleanbill_model::{Digest, Finding, Problem, Purl};
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    target: Target<'a>,
    distro: Distro<'a>,
    packages: usize,
    database: Database<'a>,
    coverage: Vec<Coverage<'a>>,
    findings: Vec<FindingRow<'a>>,
    gate: Option<Gate<'a>>,
    problems: Vec<ProblemRow<'a>>,
}

#[derive(Serialize)]
struct Target<'a> {
    name: &'a str,
    /// The digest the name led to: the index's where there is one.
    digest: Option<String>,
    manifest: Option<String>,
    config: Option<String>,
    platform: Option<String>,
}

#[derive(Serialize)]
struct Distro<'a> {
    id: &'a str,
    version: &'a str,
    /// Whether the distribution is out of support; unknown as long as nobody says so.
    eol: Option<bool>,
    /// The day support ends or ended.
    end_of_life: Option<String>,
    state: &'static str,
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct Database<'a> {
    built: Option<String>,
    digest: &'a str,
    advisories: u64,
}

#[derive(Serialize)]
struct Coverage<'a> {
    ecosystem: &'a str,
    source: Option<&'a str>,
    as_of: Option<String>,
    packages: u64,
    packages_without_record: u64,
}

#[derive(Serialize)]
struct FindingRow<'a> {
    id: &'a str,
    aliases: &'a [String],
    summary: &'a str,
    package: PackageRow<'a>,
    location: Location<'a>,
    locations: Vec<Place<'a>>,
    severity: &'static str,
    cvss: Vec<Cvss<'a>>,
    /// Probability, 0 to 1.
    epss: Option<f64>,
    epss_percentile: Option<f64>,
    /// Whether it is known to be exploited; unknown where it is not.
    kev: Option<bool>,
    exploited: Option<Exploited>,
    fixed: &'a [String],
    state: &'static str,
    reason: Reason<'a>,
    suppressed: Option<Suppressed<'a>>,
}

#[derive(Serialize)]
struct PackageRow<'a> {
    name: &'a str,
    version: &'a str,
    purl: String,
    source: Option<Source<'a>>,
    /// The distribution package that owns the files of a language package.
    owner: Option<String>,
}

#[derive(Serialize)]
struct Source<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Location<'a> {
    path: Option<&'a str>,
    layer: Option<String>,
    introduced_by: &'static str,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    layer: Option<String>,
}

#[derive(Serialize)]
struct Exploited {
    added: String,
    due: Option<String>,
    ransomware: bool,
}

#[derive(Serialize)]
struct Cvss<'a> {
    vector: &'a str,
    score: Option<f64>,
}

#[derive(Serialize)]
struct Reason<'a> {
    feed: &'a str,
    range: &'a str,
    matched_by: &'a str,
}

#[derive(Serialize)]
struct Suppressed<'a> {
    by: &'a str,
    why: &'a str,
    until: Option<String>,
}

#[derive(Serialize)]
struct Gate<'a> {
    passed: bool,
    failing: usize,
    ignorance: Vec<IgnoranceRow<'a>>,
}

#[derive(Serialize)]
struct IgnoranceRow<'a> {
    kind: &'static str,
    why: &'a str,
}

#[derive(Serialize)]
struct ProblemRow<'a> {
    path: &'a str,
    layer: Option<String>,
    what: &'a str,
    why: &'a str,
    code: &'a str,
}

/// A report as JSON, a line feed at its end.
pub fn write(report: &ScanReport<'_>) -> String {
    facts::pretty(&document(report))
}

/// The same as a value, for documents that hold it.
pub(crate) fn value(report: &ScanReport<'_>) -> serde_json::Value {
    serde_json::to_value(document(report)).unwrap_or_default()
}

fn document<'a>(report: &ScanReport<'a>) -> Document<'a> {
    let ScanReport { target, sbom, findings, database, gate, .. } = *report;
    let identity = sbom.subject.identity.as_ref();
    let (state, why) = match &sbom.distro.state {
        cleanbill_model::DistroState::Confirmed => ("confirmed", None),
        cleanbill_model::DistroState::None => ("none", None),
        cleanbill_model::DistroState::Unknown(why) => ("unknown", Some(why.as_str())),
    };
    Document {
        schema: "cleanbill/scan/v1",
        target: Target {
            name: target,
            digest: identity.map(|i| i.index.as_ref().unwrap_or(&i.manifest).to_string()),
            manifest: identity.map(|i| i.manifest.to_string()),
            config: identity.map(|i| i.config.to_string()),
            platform: identity.and_then(|i| i.platform.as_ref()).map(ToString::to_string),
        },
        distro: Distro {
            id: &sbom.distro.id,
            version: &sbom.distro.version,
            eol: facts::end_of_life(report),
            end_of_life: findings.end_of_life.map(|d| d.to_string()),
            state,
            why,
        },
        packages: sbom.packages.len(),
        database: Database {
            built: database.built.map(|t| t.to_string()),
            digest: &database.digest,
            advisories: database.advisories,
        },
        coverage: findings
            .coverage
            .iter()
            .map(|row| Coverage {
                ecosystem: &row.ecosystem,
                source: row.source.as_deref(),
                as_of: row.as_of.map(|t| t.to_string()),
                packages: row.packages,
                packages_without_record: row.packages_without_record,
            })
            .collect(),
        findings: findings.findings.iter().map(finding).collect(),
        gate: gate.map(|g| Gate {
            passed: g.passed,
            failing: g.failing.len(),
            ignorance: g.ignorance.iter().map(|(kind, why)| IgnoranceRow { kind: kind.name(), why }).collect(),
        }),
        problems: sbom.problems.iter().map(problem).collect(),
    }
}

fn finding(finding: &Finding) -> FindingRow<'_> {
    let package = &finding.package;
    FindingRow {
        id: &finding.id,
        aliases: &finding.aliases,
        summary: &finding.summary,
        package: PackageRow {
            name: &finding.package.name,
            version: &finding.package.version,
            purl: finding.package.purl.to_string(),
            source: finding.package.source.as_ref().map(|s| Source { name: &s.name, version: &s.version }),
            owner: package.owner.as_ref().map(Purl::to_string),
        },
        location: Location {
            path: facts::path(finding),
            layer: facts::layer(finding).map(Digest::to_string),
            introduced_by: facts::introduced(finding),
        },
        locations: package
            .locations
            .iter()
            .map(|l| Place { path: &l.path, layer: l.layer.as_ref().map(Digest::to_string) })
            .collect(),
        severity: finding.severity.name(),
        cvss: finding.cvss.iter().map(|c| Cvss { vector: &c.vector, score: c.score }).collect(),
        epss: finding.epss.map(|e| e.score),
        epss_percentile: finding.epss.map(|e| e.percentile),
        kev: finding.kev.map(|_| true),
        exploited: finding.kev.map(|k| Exploited {
            added: k.added.to_string(),
            due: k.due.map(|d| d.to_string()),
            ransomware: k.ransomware,
        }),
        fixed: &finding.fixed,
        state: finding.state.name(),
        reason: Reason {
            feed: &finding.reason.feed,
            range: &finding.reason.range,
            matched_by: &finding.reason.matched_by,
        },
        suppressed: finding.suppressed.as_ref().map(|s| Suppressed {
            by: &s.by,
            why: &s.why,
            until: s.until.map(|t| t.to_string()),
        }),
    }
}

fn problem(problem: &Problem) -> ProblemRow<'_> {
    ProblemRow {
        path: &problem.path,
        layer: problem.layer.as_ref().map(Digest::to_string),
        what: &problem.what,
        why: &problem.why,
        code: &problem.code,
    }
}
