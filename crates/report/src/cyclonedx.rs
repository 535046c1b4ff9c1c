//! # cyclonedx
//!
//! The SBOM as CycloneDX 1.6 with its `vulnerabilities` (a VDR): one entry for each vulnerability, with
//! the packages that it affects; what is suppressed stands in entries of its own, with who decided and why.

use std::collections::BTreeMap;

use cleanbill_model::{Cvss, Finding, Package, Severity};
use serde_json::{Value, json};

use crate::{ScanReport, facts, terminal};

/// A report as one document.
pub fn write(report: &ScanReport<'_>) -> String {
    let make = |references: &[String]| vulnerabilities(report, references);
    let bytes = cleanbill_sbom::cyclonedx::write_with_vulnerabilities(report.sbom, Some(report.now), &make);
    let text = String::from_utf8_lossy(&bytes);
    terminal::clean_json(&text).into_owned() + "\n"
}

fn vulnerabilities(report: &ScanReport<'_>, references: &[String]) -> Vec<Value> {
    let by_package: BTreeMap<&Package, &str> =
        report.sbom.packages.iter().zip(references.iter().map(String::as_str)).collect();
    // The same decision about the same vulnerability is one entry.
    let mut entries: Vec<(String, Vec<&Finding>)> = Vec::new();
    let mut at = BTreeMap::new();
    for finding in &report.findings.findings {
        let decision = finding.suppressed.as_ref().map(|s| (&s.by, &s.why, s.until));
        let n = *at.entry((&finding.id, decision)).or_insert_with(|| {
            let same = entries.iter().filter(|(_, f)| f.first().is_some_and(|f| f.id == finding.id)).count();
            let reference = if same == 0 { finding.id.clone() } else { format!("{};{}", finding.id, same + 1) };
            entries.push((format!("vulnerability:{reference}"), Vec::new()));
            entries.len() - 1
        });
        if let Some((_, list)) = entries.get_mut(n) {
            list.push(finding);
        }
    }
    entries.iter().filter_map(|(reference, list)| entry(reference, list, &by_package)).collect()
}

fn entry(reference: &str, findings: &[&Finding], by_package: &BTreeMap<&Package, &str>) -> Option<Value> {
    let first = *findings.first()?;
    let (feed, _) = facts::feed(first);
    let mut affects: BTreeMap<String, Value> = BTreeMap::new();
    let mut ratings: Vec<Value> = Vec::new();
    for finding in findings {
        let reference =
            by_package.get(&finding.package).map_or_else(|| finding.package.purl.to_string(), |r| (*r).to_owned());
        let status = if finding.suppressed.is_some() { "unaffected" } else { "affected" };
        let mut affected = json!({"ref": reference});
        if !finding.package.version.is_empty() {
            affected["versions"] = json!([{"version": finding.package.version, "status": status}]);
        }
        affects.entry(reference).or_insert(affected);
        for cvss in &finding.cvss {
            let rating = rating(cvss, finding.severity);
            if !ratings.contains(&rating) {
                ratings.push(rating);
            }
        }
    }
    if ratings.is_empty() {
        let worst = findings.iter().map(|f| f.severity).max().unwrap_or_default();
        ratings.push(json!({"severity": severity(worst), "method": "other"}));
    }
    let source = |name: &str| json!({"name": name});
    let references: Vec<Value> = first
        .aliases
        .iter()
        .map(|id| match facts::link(id) {
            Some(url) => json!({"id": id, "source": {"url": url}}),
            None => json!({"id": id, "source": source(feed)}),
        })
        .collect();
    let mut entry = json!({
        "bom-ref": reference,
        "id": first.id,
        "source": facts::link(&first.id).map_or_else(|| source(feed), |url| json!({"name": feed, "url": url})),
        "references": references,
        "ratings": ratings,
        "recommendation": facts::solution(first),
        "advisories": facts::names(first).filter_map(facts::link).map(|url| json!({"url": url})).collect::<Vec<_>>(),
        "affects": affects.into_values().collect::<Vec<_>>(),
        "properties": properties(first),
    });
    if !first.summary.is_empty() {
        entry["description"] = Value::from(first.summary.as_str());
    }
    if let Some(suppression) = &first.suppressed {
        let until = suppression.until.map(|t| format!(", until {t}")).unwrap_or_default();
        let detail = format!("{}: {}{until}", suppression.by, suppression.why);
        entry["analysis"] = json!({"state": "not_affected", "detail": detail});
    }
    Some(entry)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        // The word for what has no practical effect.
        Severity::Negligible => "info",
        other => other.name(),
    }
}

fn rating(cvss: &Cvss, word: Severity) -> Value {
    let method = match cvss.vector.get(..8) {
        Some("CVSS:4.0") => "CVSSv4",
        Some("CVSS:3.1") => "CVSSv31",
        Some("CVSS:3.0") => "CVSSv3",
        _ if cvss.vector.starts_with("AV:") => "CVSSv2",
        _ => "other",
    };
    let word = match cvss.score {
        Some(score) if score > 0.0 => Severity::from_score(score),
        Some(_) => Severity::Negligible,
        None => word,
    };
    let mut rating = json!({"severity": severity(word), "method": method, "vector": cvss.vector});
    if let Some(score) = cvss.score {
        rating["score"] = Value::from(score);
    }
    rating
}

fn properties(finding: &Finding) -> Vec<Value> {
    let mut properties = Vec::new();
    let mut add = |name: &str, value: String| {
        properties.push(json!({"name": format!("cleanbill:{name}"), "value": value}));
    };
    add("state", finding.state.name().to_owned());
    for version in &finding.fixed {
        add("fixed", version.clone());
    }
    add("feed", finding.reason.feed.clone());
    add("range", finding.reason.range.clone());
    add("matched-by", finding.reason.matched_by.clone());
    if let Some(kev) = finding.kev {
        add("exploited:added", kev.added.to_string());
        if let Some(due) = kev.due {
            add("exploited:due", due.to_string());
        }
        add("exploited:ransomware", kev.ransomware.to_string());
    }
    if let Some(epss) = finding.epss {
        add("epss:score", epss.score.to_string());
        add("epss:percentile", epss.percentile.to_string());
    }
    properties
}
