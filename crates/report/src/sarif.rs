//! # sarif
//!
//! SARIF 2.1.0 (OASIS), for code scanning: a rule for each vulnerability, a result for each file that
//! proves an affected package. Fingerprints hold id, package and path, so that an alert stays the same one
//! while versions and layers change.

use std::collections::BTreeMap;

use cleanbill_model::{Finding, Severity};
use serde_json::{Value, json};

use crate::{HOME, ScanReport, TOOL, encode, facts};

/// A report as a log with one run.
pub fn write(report: &ScanReport<'_>) -> String {
    let mut rules: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings.findings {
        rules.entry(&finding.id).or_default().push(finding);
    }
    let index: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(n, id)| (*id, n)).collect();
    let results = report.findings.findings.iter().flat_map(|f| results(report, f, index.get(f.id.as_str()).copied()));
    let notifications: Vec<Value> = report
        .sbom
        .problems
        .iter()
        .map(|p| {
            let text = format!("{}: could not {}: {}", p.path, p.what, p.why);
            json!({"level": "warning", "descriptor": {"id": p.code}, "message": {"text": text}})
        })
        .chain(
            facts::gaps(report)
                .into_iter()
                .map(|gap| json!({"level": "warning", "descriptor": {"id": "not-covered"}, "message": {"text": gap}})),
        )
        .collect();
    let identity = report.sbom.subject.identity.as_ref();
    facts::pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": TOOL.0,
                "version": TOOL.1,
                "semanticVersion": TOOL.1,
                "informationUri": HOME,
                "rules": rules.iter().map(|(id, findings)| rule(id, findings)).collect::<Vec<_>>(),
            }},
            "invocations": [{
                // Something unread leaves the run successful; it is told beside.
                "executionSuccessful": true,
                "endTimeUtc": facts::seconds(report.now),
                "toolExecutionNotifications": notifications,
            }],
            "originalUriBaseIds": {"ROOTPATH": {"uri": "file:///"}},
            "columnKind": "utf16CodeUnits",
            "results": results.collect::<Vec<_>>(),
            "properties": {
                "target": report.target,
                "digest": identity.map(|i| i.index.as_ref().unwrap_or(&i.manifest).to_string()),
                "platform": identity.and_then(|i| i.platform.as_ref()).map(ToString::to_string),
                "database": report.database.digest,
            },
        }],
    }))
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Negligible | Severity::Unknown => "note",
    }
}

fn rule(id: &str, findings: &[&Finding]) -> Value {
    let worst = findings.iter().map(|f| f.severity).max().unwrap_or_default();
    let score = findings.iter().map(|f| facts::score(f)).fold(0.0, f64::max);
    let first = findings.first();
    let summary = first.map(|f| f.summary.as_str()).filter(|s| !s.is_empty()).unwrap_or(id);
    let mut names: Vec<&str> = findings.iter().map(|f| f.package.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let links: Vec<String> = first.into_iter().flat_map(|f| facts::names(f)).filter_map(facts::link).collect();
    let text = format!("{summary}\nPackages: {}\n{}", names.join(", "), links.join("\n"));
    let markdown = format!(
        "{}\n\nPackages: {}\n\n{}",
        encode::markdown(summary),
        names.iter().map(|n| encode::markdown_code(n)).collect::<Vec<_>>().join(", "),
        links.iter().map(|l| format!("* <{l}>")).collect::<Vec<_>>().join("\n")
    );
    let mut rule = json!({
        "id": id,
        "name": "VulnerablePackage",
        "shortDescription": {"text": format!("{id}: {summary}")},
        "fullDescription": {"text": summary},
        "help": {"text": text, "markdown": markdown},
        "defaultConfiguration": {"level": level(worst)},
        "properties": {
            "security-severity": format!("{score:.1}"),
            "precision": "very-high",
            "tags": ["security", "vulnerability", worst.name()],
        },
    });
    if let Some(link) = facts::link(id) {
        rule["helpUri"] = Value::from(link);
    }
    rule
}

/// One result for each file; for a package without any, one that names the target.
fn results(report: &ScanReport<'_>, finding: &Finding, rule: Option<usize>) -> Vec<Value> {
    let places = finding.package.locations.iter().map(|l| (l.path.as_str(), l.layer.as_ref()));
    let mut places: Vec<_> = places.filter(|(path, _)| !path.is_empty()).collect();
    if places.is_empty() {
        places.push(("", facts::layer(finding)));
    }
    let package = &finding.package;
    let result = |(path, layer): (&str, Option<&cleanbill_model::Digest>)| {
        let text = format!(
            "{} {} has {}: {}. {}",
            package.name,
            package.version,
            finding.id,
            if finding.summary.is_empty() { "a known vulnerability" } else { finding.summary.trim_end_matches('.') },
            facts::solution(finding)
        );
        let artifact = match path {
            "" => json!({"uri": encode::path(report.target)}),
            path => json!({"uri": encode::path(path), "uriBaseId": "ROOTPATH"}),
        };
        let about = format!("{}: {} {}", report.target, package.name, package.version);
        let mut value = json!({
            "ruleId": finding.id,
            "level": level(finding.severity),
            "kind": "fail",
            "message": {"text": text},
            "locations": [{
                "physicalLocation": {"artifactLocation": artifact, "region": {"startLine": 1}},
                "message": {"text": about},
            }],
            "partialFingerprints": {"cleanbill/v1": facts::fingerprint(finding, path)},
            "properties": {
                "package": package.purl.to_string(),
                "layer": layer.map(ToString::to_string),
                "introducedBy": facts::introduced(finding),
                "fixed": finding.fixed,
                "state": finding.state.name(),
                "feed": finding.reason.feed,
                "range": finding.reason.range,
                "matchedBy": finding.reason.matched_by,
                "exploited": finding.kev.is_some(),
                "epss": finding.epss.map(|e| e.score),
            },
        });
        if let Some(rule) = rule {
            value["ruleIndex"] = Value::from(rule);
        }
        if let Some(suppression) = &finding.suppressed {
            let justification = format!("{}: {}", suppression.by, suppression.why);
            value["suppressions"] = json!([{"kind": "external", "status": "accepted", "justification": justification}]);
        }
        value
    };
    places.into_iter().map(result).collect()
}
