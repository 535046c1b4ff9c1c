//! # gitlab
//!
//! GitLab's container scanning report (`container-scanning-report-format.json`, 15.0.7), as the artifact
//! `container_scanning`. What is suppressed is left out, as the format has no place for it.

use cleanbill_model::{Finding, Severity};
use serde_json::{Value, json};

use crate::{ScanReport, TOOL, facts};

/// What GitLab takes as a name or summary at most.
const LONGEST: usize = 255;

/// A report as one document.
pub fn write(report: &ScanReport<'_>) -> String {
    let time = report.now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let tool = json!({"id": TOOL.0, "name": TOOL.0, "version": TOOL.1, "vendor": {"name": TOOL.0}});
    let messages = report.sbom.problems.iter().map(|p| {
        let text = format!("{}: could not {}: {}", p.path, p.what, p.why);
        json!({"level": "warn", "value": text})
    });
    let gaps = facts::gaps(report).into_iter().map(|gap| json!({"level": "warn", "value": gap}));
    let messages: Vec<Value> = messages.chain(gaps).collect();
    facts::pretty(&json!({
        "version": "15.0.7",
        "scan": {
            "analyzer": tool,
            "scanner": tool,
            "type": "container_scanning",
            "start_time": time,
            "end_time": time,
            "status": "success",
            "messages": messages,
        },
        "vulnerabilities": facts::counted(report).map(|f| vulnerability(report, f)).collect::<Vec<_>>(),
    }))
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Negligible => "Info",
        other => facts::capital(other),
    }
}

fn vulnerability(report: &ScanReport<'_>, finding: &Finding) -> Value {
    let package = &finding.package;
    let distro = format!("{} {}", report.sbom.distro.id, report.sbom.distro.version);
    let system = if package.is_distribution() { distro.trim() } else { package.purl.kind.as_str() };
    let identifiers: Vec<Value> = facts::names(finding).map(identifier).collect();
    let links: Vec<Value> = facts::names(finding).filter_map(facts::link).map(|url| json!({"url": url})).collect();
    let name: String = finding.id.chars().take(LONGEST).collect();
    let description = if finding.summary.is_empty() { &finding.id } else { &finding.summary };
    json!({
        "id": facts::fingerprint(finding, facts::path(finding).unwrap_or_default()),
        "name": name,
        "description": description,
        "severity": severity(finding.severity),
        "solution": facts::solution(finding),
        "identifiers": identifiers,
        "links": links,
        "location": {
            "dependency": {"package": {"name": package.name}, "version": package.version},
            "operating_system": if system.is_empty() { "unknown" } else { system },
            "image": if report.target.is_empty() { "unknown" } else { report.target },
        },
    })
}

fn identifier(id: &str) -> Value {
    let kind = id.split('-').next().filter(|k| !k.is_empty()).unwrap_or("id").to_ascii_lowercase();
    let mut value = json!({"type": kind, "name": id, "value": id});
    if let Some(url) = facts::link(id) {
        value["url"] = Value::from(url);
    }
    value
}
