//! # html
//!
//! One page that stands alone: no script, nothing from elsewhere (its own content security policy says so),
//! readable in light and dark, on paper and at 320 px. Severity is a word before it is a colour.

use std::fmt::Write as _;

use cleanbill_model::{Finding, Severity};

use crate::encode::markup;
use crate::{ScanReport, TOOL, facts, next_steps, table};

const STYLE: &str = "\
:root{color-scheme:light dark;--text:#1c2024;--muted:#5b6470;--line:#d8dce1;--paper:#fff;--critical:#a3123a;\
--high:#b3450b;--medium:#7a5b00;--low:#2f5d8a}\
@media(prefers-color-scheme:dark){:root{--text:#e6e9ec;--muted:#9aa4af;--line:#363c43;--paper:#15181b;\
--critical:#ff8aa5;--high:#ffa06b;--medium:#e6c35c;--low:#8bbcec}}\
body{margin:0 auto;max-width:1200px;padding:16px;font:15px/1.5 system-ui,sans-serif;color:var(--text);\
background:var(--paper)}h1{font-size:20px;overflow-wrap:anywhere}p{max-width:80ch}\
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}\
caption{text-align:left;padding:8px 0;font-weight:600}\
th,td{text-align:left;vertical-align:top;padding:4px 12px 4px 0;border-bottom:1px solid var(--line)}\
code{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}.critical{color:var(--critical);font-weight:600}\
.high{color:var(--high);font-weight:600}.medium{color:var(--medium)}.low{color:var(--low)}\
.muted,.negligible,.unknown{color:var(--muted)}";

/// A report as a page.
pub fn write(report: &ScanReport<'_>) -> String {
    let title = markup(report.target);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Scan of {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Scan of {title}</h1>\n"
    );
    for line in table::summary(report) {
        let _ = writeln!(out, "<p>{}</p>", markup(&line));
    }
    let (counting, suppressed): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.findings.iter().partition(|f| f.suppressed.is_none());
    findings(&mut out, "Findings", &counting);
    let next = next_steps::lines(report);
    if !next.is_empty() {
        out.push_str("<h2>What to do</h2>\n<ul>\n");
        for line in next {
            let line = line.trim_start();
            let text = markup(line);
            let item = if line.starts_with("RUN ") { format!("<code>{text}</code>") } else { text };
            let _ = writeln!(out, "<li>{item}</li>");
        }
        out.push_str("</ul>\n");
    }
    findings(&mut out, "Suppressed", &suppressed);
    problems(&mut out, report);
    let identity = report.sbom.subject.identity.as_ref();
    let digest = identity.map(|i| format!(" Manifest <code>{}</code>.", i.manifest)).unwrap_or_default();
    let _ = writeln!(
        out,
        "<p class=\"muted\">Made by {} {} at {}.{digest} Advisory database <code>{}</code>.</p>\n</body>\n</html>",
        TOOL.0,
        TOOL.1,
        facts::seconds(report.now),
        markup(&report.database.digest)
    );
    out
}

fn findings(out: &mut String, title: &str, list: &[&Finding]) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<div class=\"scroll\"><table>\n<caption>{title} ({})</caption>\n<thead><tr><th scope=\"col\">Severity</th>\
         <th scope=\"col\">Id</th><th scope=\"col\">Package</th><th scope=\"col\">Version</th>\
         <th scope=\"col\">Fix</th><th scope=\"col\">Where</th><th scope=\"col\">Notes</th></tr></thead>\n<tbody>",
        list.len()
    );
    for finding in list {
        row(out, finding);
    }
    out.push_str("</tbody>\n</table></div>\n");
}

fn row(out: &mut String, finding: &Finding) {
    let package = &finding.package;
    let id = match facts::link(&finding.id) {
        Some(url) => format!("<a href=\"{}\" rel=\"noreferrer\">{}</a>", markup(&url), markup(&finding.id)),
        None => markup(&finding.id),
    };
    let mark = match finding.severity {
        Severity::Critical => "▲▲ ",
        Severity::High => "▲ ",
        _ => "",
    };
    let word = finding.severity.name();
    let mut notes = Vec::new();
    if let Some(kev) = finding.kev {
        let by = if kev.ransomware { " by ransomware" } else { "" };
        notes.push(format!("<strong>exploited{by}</strong> since {}", kev.added));
    }
    notes.extend(finding.epss.map(|e| format!("EPSS {}", table::percent(e.score))));
    notes.extend(finding.suppressed.as_ref().map(|s| markup(&format!("{}: {}", s.by, s.why))));
    if !finding.summary.is_empty() {
        notes.push(markup(&finding.summary));
    }
    let place = facts::path(finding).map(|p| format!("<code>{}</code>", markup(p))).unwrap_or_default();
    let _ = writeln!(
        out,
        "<tr><td class=\"{word}\">{mark}{word}</td><td>{id}</td><td><code>{}</code></td><td><code>{}</code></td>\
         <td>{}</td><td>{place} <span class=\"muted\">{}</span></td><td>{}</td></tr>",
        markup(&package.name),
        markup(&package.version),
        markup(&facts::fix(finding)),
        facts::introduced(finding),
        notes.join("; ")
    );
}

fn problems(out: &mut String, report: &ScanReport<'_>) {
    if report.sbom.problems.is_empty() {
        return;
    }
    out.push_str("<h2>What could not be read</h2>\n<ul>\n");
    for problem in &report.sbom.problems {
        let what = markup(&format!("could not {}: {}", problem.what, problem.why));
        let _ = writeln!(out, "<li><code>{}</code> {what}</li>", markup(&problem.path));
    }
    out.push_str("</ul>\n");
}
