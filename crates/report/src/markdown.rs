//! # markdown
//!
//! For comments on changes and job summaries: the same sentences as the table, and a table of findings.
//! Comments have a size limit where they are posted, so at most [`MOST`] findings are listed; the rest is
//! counted.

use std::fmt::Write as _;

use cleanbill_model::Finding;

use crate::encode::{markdown, markdown_code};
use crate::lines::counted;
use crate::{ScanReport, facts, next_steps, table};

/// Findings that are listed.
const MOST: usize = 200;

/// A report as a section.
pub fn write(report: &ScanReport<'_>) -> String {
    let mut out = format!("## Scan of {}\n\n", markdown_code(report.target));
    for line in table::summary(report) {
        let _ = writeln!(out, "{}\n", markdown(&line));
    }
    let (counting, suppressed): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.findings.iter().partition(|f| f.suppressed.is_none());
    if !counting.is_empty() {
        out.push_str("| severity | id | package | version | fix | notes |\n|---|---|---|---|---|---|\n");
        for finding in counting.iter().take(MOST) {
            let notes = notes(finding);
            row(&mut out, finding, &notes);
        }
        out.push('\n');
        if counting.len() > MOST {
            let _ = writeln!(out, "{} not listed here.\n", counted(counting.len() - MOST, "more finding"));
        }
    }
    if !suppressed.is_empty() {
        let _ = writeln!(out, "<details><summary>{} suppressed</summary>\n", suppressed.len());
        out.push_str("| severity | id | package | version | fix | who and why |\n|---|---|---|---|---|---|\n");
        for finding in suppressed.iter().take(MOST) {
            let why = finding.suppressed.as_ref().map(|s| markdown(&format!("{}: {}", s.by, s.why)));
            row(&mut out, finding, &why.unwrap_or_default());
        }
        out.push_str("\n</details>\n\n");
    }
    let (commands, sentences): (Vec<_>, Vec<_>) =
        next_steps::lines(report).into_iter().partition(|l| l.starts_with("  RUN "));
    for line in sentences {
        let _ = writeln!(out, "* {}", markdown(line.trim_start()));
    }
    for command in commands {
        let _ = writeln!(out, "* {}", markdown_code(command.trim_start()));
    }
    out
}

fn row(out: &mut String, finding: &Finding, notes: &str) {
    let id = match facts::link(&finding.id) {
        Some(url) => format!("[{}]({url})", markdown(&finding.id)),
        None => markdown(&finding.id),
    };
    let package = &finding.package;
    let cells = [
        finding.severity.name().to_owned(),
        id,
        markdown_code(&package.name),
        markdown_code(&package.version),
        markdown(&facts::fix(finding)),
        notes.to_owned(),
    ];
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn notes(finding: &Finding) -> String {
    let mut notes = Vec::new();
    if let Some(kev) = finding.kev {
        notes.push(format!("**exploited**{}", if kev.ransomware { " by ransomware" } else { "" }));
    }
    notes.extend(finding.epss.map(|e| format!("EPSS {}", table::percent(e.score))));
    notes.extend(facts::path(finding).map(markdown_code));
    notes.join(", ")
}
