//! # table
//!
//! The report for people: one sentence that sums it up, how far the look reached, the findings worst
//! first, and what to do next. Lines keep to the width they are told, long texts are cut with `…`; the id
//! of a vulnerability and a version that fixes it are never cut, so that they can be copied.

use crate::{ScanReport, terminal};
use cleanbill_model::{Finding, Severity, State};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The narrowest table that makes sense.
const NARROWEST: usize = 60;

/// A report as lines of at most `width` characters (where ids and versions leave that much).
pub fn write(report: &ScanReport<'_>, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut out = String::new();
    for line in summary(report) {
        wrap(&mut out, &line, width);
    }
    if !report.findings.findings.is_empty() {
        out.push('\n');
        rows(&mut out, &report.findings.findings, width);
    }
    let next = next_steps(report);
    if !next.is_empty() {
        out.push('\n');
        for line in next {
            wrap(&mut out, &line, width);
        }
    }
    out
}

/// `1 package`, `2 packages`.
fn counted(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

fn summary(report: &ScanReport<'_>) -> Vec<String> {
    let findings = &report.findings.findings;
    let packages = counted(report.sbom.packages.len() as u64, "package");
    let target = terminal::clean(report.target);
    let uncovered = uncovered(report);
    let counts: Vec<String> = Severity::WORST_FIRST
        .iter()
        .map(|s| (s, findings.iter().filter(|f| f.severity == *s).count()))
        .filter(|(_, n)| *n > 0)
        .map(|(s, n)| format!("{n} {s}"))
        .collect();
    let mut lines = vec![if findings.is_empty() {
        let reach = if uncovered > 0 || report.findings.coverage.is_empty() { " in what was covered" } else { "" };
        format!("{target}: no known vulnerabilities{reach}, {packages}.")
    } else {
        format!("{target}: {} ({}) in {packages}.", counted(findings.len() as u64, "finding"), counts.join(", "))
    }];
    let mut covered = Vec::new();
    for row in &report.findings.coverage {
        let ecosystem = terminal::clean(&row.ecosystem).into_owned();
        let rows = counted(row.packages, "package");
        match (&row.source, row.as_of) {
            (Some(source), Some(as_of)) => {
                covered.push(format!("{ecosystem} {rows} by {source} as of {}", as_of.strftime("%Y-%m-%d")));
            }
            (Some(source), None) => covered.push(format!("{ecosystem} {rows} by {source}")),
            (None, _) => covered.push(format!("{ecosystem} {rows} by no feed: not covered")),
        }
    }
    if !covered.is_empty() {
        lines.push(format!("Coverage: {}.", covered.join("; ")));
    }
    if let cleanbill_model::DistroState::Unknown(why) = &report.sbom.distro.state {
        lines.push(format!("The distribution is unknown: {}.", terminal::clean(why)));
    }
    if !report.sbom.problems.is_empty() {
        let problems = counted(report.sbom.problems.len() as u64, "thing");
        lines.push(format!("{problems} could not be read; what is in there is missing from this report."));
    }
    lines
}

fn uncovered(report: &ScanReport<'_>) -> u64 {
    report.findings.coverage.iter().filter(|r| r.source.is_none()).map(|r| r.packages).sum()
}

fn next_steps(report: &ScanReport<'_>) -> Vec<String> {
    let findings = &report.findings.findings;
    let mut lines = Vec::new();
    let fixable = findings.iter().filter(|f| f.state == State::Fixed).count();
    if fixable > 0 {
        let names = findings.iter().filter(|f| f.state == State::Fixed).map(source);
        let names: BTreeSet<_> = names.map(|n| terminal::clean(n).into_owned()).collect();
        let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
        let more = match names.len().saturating_sub(5) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let verb = if fixable == 1 { "has a fix" } else { "have a fix" };
        lines.push(format!("Next: {fixable} of {} {verb}; update {}{more}.", findings.len(), shown.join(", ")));
    }
    if uncovered(report) > 0 {
        lines.push("Next: give `db build` a feed for what is not covered; nothing is known about it.".to_owned());
    }
    if let Some(gate) = report.gate {
        if gate.passed {
            lines.push("Gate: passed.".to_owned());
        } else {
            let mut why = Vec::new();
            if !gate.failing.is_empty() {
                why.push(counted(gate.failing.len() as u64, "finding"));
            }
            why.extend(
                gate.ignorance.iter().map(|(kind, text)| format!("{} ({})", terminal::clean(text), kind.name())),
            );
            lines.push(format!("Gate: not passed: {}.", why.join("; ")));
        }
    }
    lines
}

/// What is to be updated: the source package of distributions.
fn source(finding: &Finding) -> &str {
    finding.package.source.as_ref().map_or(&finding.package.name, |s| &s.name)
}

fn rows(out: &mut String, findings: &[Finding], width: usize) {
    let cells: Vec<[String; 5]> = std::iter::once(["severity", "package", "version", "fixed", "id"].map(str::to_owned))
        .chain(findings.iter().map(cells))
        .collect();
    let widest = |i: usize| cells.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let mut widths = [widest(0), widest(1), widest(2), widest(3), widest(4)];
    let gaps = 2 * (widths.len() - 1);
    // What is over is taken from the package first, then from the installed version, then from the fix.
    for (column, least) in [(1, 16), (2, 12), (1, 10), (2, 8), (3, 12)] {
        let over = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
        widths[column] -= over.min(widths[column].saturating_sub(least));
    }
    for row in &cells {
        let mut line = String::new();
        for (i, cell) in row.iter().enumerate() {
            let cell = if i == 3 || i == 4 { cell.clone() } else { shorten(cell, widths[i]) };
            let pad = widths[i].saturating_sub(cell.chars().count()) + 2;
            let _ = write!(line, "{cell}{:pad$}", "");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn cells(finding: &Finding) -> [String; 5] {
    let fixed = match finding.state {
        State::Fixed => finding.fixed.first().map_or_else(String::new, |v| terminal::clean(v).into_owned()),
        State::Affected => "no fix yet".to_owned(),
        State::WillNotFix => "won't fix".to_owned(),
        State::FixDeferred => "deferred".to_owned(),
        State::EndOfLife => "end of life".to_owned(),
        State::Unknown => "unknown".to_owned(),
    };
    let severity = if finding.suppressed.is_some() { "suppressed" } else { finding.severity.name() };
    [
        severity.to_owned(),
        terminal::clean(&finding.package.name).into_owned(),
        terminal::clean(&finding.package.version).into_owned(),
        fixed,
        terminal::clean(&finding.id).into_owned(),
    ]
}

/// Cuts in the front, where names of a kind are alike (`org.apache…`).
fn shorten(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let tail: String = text.chars().skip(count - width.saturating_sub(1)).collect();
    format!("…{tail}")
}

/// Adds a text as lines of at most `width` characters, broken between words.
fn wrap(out: &mut String, text: &str, width: usize) {
    let mut length = 0;
    for word in text.split(' ') {
        let size = word.chars().count();
        if length > 0 && length + 1 + size > width {
            out.push_str("\n  ");
            length = 2;
        } else if length > 0 {
            out.push(' ');
            length += 1;
        }
        out.push_str(word);
        length += size;
    }
    out.push('\n');
}
