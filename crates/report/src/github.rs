//! # github
//!
//! The packages as a snapshot for GitHub's dependency submission API, which then raises its own alerts.
//! Commit, reference and job come from the run of the CI system ([`crate::Ci`]).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{HOME, ScanReport, TOOL, facts};

/// A report as one snapshot.
pub fn write(report: &ScanReport<'_>) -> String {
    // One manifest for each file that proves packages; a distribution's packages are those of its database.
    let mut manifests: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for package in &report.sbom.packages {
        let place = package.locations.first().map(|l| l.path.as_str()).filter(|p| !p.is_empty());
        let name = format!("{}@{}", package.name, package.version);
        let resolved = json!({
            "package_url": package.purl.to_string(),
            "relationship": "direct",
            "scope": "runtime",
        });
        manifests.entry(place.unwrap_or(report.target)).or_default().insert(name, resolved);
    }
    let manifests: Map<String, Value> = manifests
        .into_iter()
        .map(|(name, resolved)| {
            let mut manifest = json!({"name": name, "resolved": resolved});
            if name != report.target {
                manifest["file"] = json!({"source_location": name});
            }
            (name.to_owned(), manifest)
        })
        .collect();
    let ci = &report.ci;
    let mut metadata = json!({"cleanbill:target": report.target});
    if let Some(identity) = &report.sbom.subject.identity {
        metadata["cleanbill:manifest"] = Value::from(identity.manifest.to_string());
    }
    if !report.sbom.distro.id.is_empty() {
        let distro = format!("{} {}", report.sbom.distro.id, report.sbom.distro.version);
        metadata["cleanbill:distribution"] = Value::from(distro.trim());
    }
    facts::pretty(&json!({
        "version": 0,
        "sha": ci.commit,
        "ref": ci.reference,
        "job": {"id": ci.run, "correlator": format!("{} {} {}", ci.workflow, ci.job, report.target).trim()},
        "detector": {"name": TOOL.0, "version": TOOL.1, "url": HOME},
        "scanned": facts::seconds(report.now),
        "metadata": metadata,
        "manifests": manifests,
    }))
}
