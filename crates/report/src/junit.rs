//! # junit
//!
//! JUnit XML, which CI systems show as tests: each finding is one that fails, each suppressed finding one
//! that was skipped, and so is each thing that no feed covers; each thing that could not be read is an error. With
//! none of these there is one test that passes.

use std::fmt::Write as _;

use cleanbill_model::Finding;

use crate::{ScanReport, TOOL, encode::markup, facts};

/// A report as one test suite.
pub fn write(report: &ScanReport<'_>) -> String {
    let findings = &report.findings.findings;
    let failures = facts::counted(report).count();
    let (skipped, errors) = (findings.len() - failures, report.sbom.problems.len());
    let gaps = facts::gaps(report);
    let skipped = skipped + gaps.len();
    let none = findings.is_empty() && errors == 0 && gaps.is_empty();
    let tests = findings.len() + errors + gaps.len() + usize::from(none);
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"");
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"{}\" {counts}>", TOOL.0);
    let time = report.now.strftime("%Y-%m-%dT%H:%M:%S");
    let _ = writeln!(out, "  <testsuite name=\"{}\" timestamp=\"{time}\" {counts}>", markup(report.target));
    for finding in findings {
        case(&mut out, finding);
    }
    for problem in &report.sbom.problems {
        let what = markup(&format!("could not {}", problem.what));
        let _ = writeln!(out, "    <testcase classname=\"{}\" name=\"{what}\">", markup(&problem.path));
        let why = markup(&problem.why);
        let _ = writeln!(out, "      <error type=\"{}\" message=\"{why}\"/>", markup(&problem.code));
        out.push_str("    </testcase>\n");
    }
    for gap in &gaps {
        let class = markup(report.target);
        let _ = writeln!(out, "    <testcase classname=\"{class}\" name=\"not covered\">");
        let _ = writeln!(out, "      <skipped message=\"{}\"/>", markup(gap));
        out.push_str("    </testcase>\n");
    }
    if none {
        let _ =
            writeln!(out, "    <testcase classname=\"{}\" name=\"no known vulnerabilities\"/>", markup(report.target));
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn case(out: &mut String, finding: &Finding) {
    let package = &finding.package;
    let class = markup(&format!("{} {}", package.name, package.version));
    let name = markup(&format!("[{}] {}", finding.severity, finding.id));
    let _ = writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\">");
    if let Some(suppression) = &finding.suppressed {
        let message = markup(&format!("{}: {}", suppression.by, suppression.why));
        let _ = writeln!(out, "      <skipped message=\"{message}\"/>");
    } else {
        let message = markup(&format!("{}: {}", finding.id, finding.summary));
        let mut text = vec![facts::solution(finding)];
        text.extend(facts::path(finding).map(|p| format!("In {p}.")));
        text.extend(finding.kev.map(|k| format!("Known to be exploited since {}.", k.added)));
        text.extend(facts::link(&finding.id));
        let text = markup(&text.join(" "));
        let _ = writeln!(out, "      <failure type=\"{}\" message=\"{message}\">{text}</failure>", finding.severity);
    }
    out.push_str("    </testcase>\n");
}
