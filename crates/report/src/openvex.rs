//! # openvex
//!
//! The findings as OpenVEX 0.2.0: what affects the image, with what to do about it, and what somebody
//! decided does not, with the reason. A draft to be reviewed and signed by whoever answers for the image.

use std::collections::BTreeMap;

use cleanbill_model::{Digest, Finding};
use serde_json::{Value, json};

use crate::{ScanReport, TOOL, facts};

/// A report as one document.
pub fn write(report: &ScanReport<'_>) -> String {
    let product = facts::image_purl(report);
    let mut statements: Vec<(Value, Vec<String>)> = Vec::new();
    let mut at: BTreeMap<String, usize> = BTreeMap::new();
    for finding in &report.findings.findings {
        let statement = statement(finding);
        let n = *at.entry(statement.to_string()).or_insert_with(|| {
            statements.push((statement, Vec::new()));
            statements.len() - 1
        });
        if let Some((_, packages)) = statements.get_mut(n) {
            packages.push(finding.package.purl.to_string());
        }
    }
    let statements: Vec<Value> = statements
        .into_iter()
        .map(|(mut statement, mut packages)| {
            packages.sort();
            packages.dedup();
            let packages: Vec<Value> = packages.into_iter().map(|p| json!({"@id": p})).collect();
            statement["products"] = match &product {
                Some(product) => json!([{"@id": product, "subcomponents": packages}]),
                None => Value::from(packages),
            };
            statement
        })
        .collect();
    let mut document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "author": TOOL.0,
        "role": "scanner",
        "timestamp": facts::seconds(report.now),
        "version": 1,
        "tooling": format!("{} {}", TOOL.0, TOOL.1),
        "statements": statements,
    });
    // The same content is the same document.
    let hex = Digest::sha256(document.to_string()).hex().to_owned();
    document["@id"] = Value::from(format!("https://openvex.dev/docs/public/vex-{hex}"));
    facts::pretty(&document)
}

fn statement(finding: &Finding) -> Value {
    let mut vulnerability = json!({"name": finding.id});
    if !finding.aliases.is_empty() {
        vulnerability["aliases"] = json!(finding.aliases);
    }
    if !finding.summary.is_empty() {
        vulnerability["description"] = Value::from(finding.summary.as_str());
    }
    match &finding.suppressed {
        Some(suppression) => json!({
            "vulnerability": vulnerability,
            "status": "not_affected",
            "impact_statement": format!("{}: {}", suppression.by, suppression.why),
        }),
        None => json!({
            "vulnerability": vulnerability,
            "status": "affected",
            "action_statement": facts::solution(finding),
        }),
    }
}
