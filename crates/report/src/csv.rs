//! # csv
//!
//! One line a finding, for spreadsheets (RFC 4180, lines end with a line feed); nothing in it is a formula.

use cleanbill_model::Finding;

use crate::{ScanReport, encode, facts};

/// The columns, in order; new ones are added at the end.
const COLUMNS: [&str; 17] = [
    "target",
    "id",
    "aliases",
    "severity",
    "score",
    "package",
    "version",
    "type",
    "fixed",
    "state",
    "path",
    "layer",
    "introduced by",
    "exploited since",
    "epss",
    "suppressed",
    "summary",
];

/// A report as lines.
pub fn write(report: &ScanReport<'_>) -> String {
    let mut out = line(COLUMNS.iter().map(|c| (*c).to_owned()));
    for finding in &report.findings.findings {
        out.push_str(&line(row(report, finding).into_iter()));
    }
    out
}

fn line(fields: impl Iterator<Item = String>) -> String {
    fields.map(|f| encode::csv(&f)).collect::<Vec<_>>().join(",") + "\n"
}

fn row(report: &ScanReport<'_>, finding: &Finding) -> [String; COLUMNS.len()] {
    let package = &finding.package;
    let scored = finding.cvss.iter().any(|c| c.score.is_some());
    [
        report.target.to_owned(),
        finding.id.clone(),
        finding.aliases.join(" "),
        finding.severity.name().to_owned(),
        if scored { format!("{:.1}", facts::score(finding)) } else { String::new() },
        package.name.clone(),
        package.version.clone(),
        package.purl.kind.clone(),
        finding.fixed.join(" "),
        finding.state.name().to_owned(),
        facts::path(finding).unwrap_or_default().to_owned(),
        facts::layer(finding).map(ToString::to_string).unwrap_or_default(),
        facts::introduced(finding).to_owned(),
        finding.kev.map(|k| k.added.to_string()).unwrap_or_default(),
        finding.epss.map(|e| e.score.to_string()).unwrap_or_default(),
        finding.suppressed.as_ref().map(|s| format!("{}: {}", s.by, s.why)).unwrap_or_default(),
        finding.summary.clone(),
    ]
}
