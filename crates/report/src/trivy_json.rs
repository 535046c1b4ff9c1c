//! # trivy-json
//!
//! Trivy's JSON report (schema version 2, `pkg/types/report.go`), with the members that scripts and
//! importers read: `Results[].Vulnerabilities[]` with ids, versions, status, severity, layer and package URL.

use std::collections::BTreeMap;

use cleanbill_model::{Digest, Distro, Finding, Package, State};
use serde_json::{Map, Value, json};

use crate::{ScanReport, TOOL, facts};

/// A report as one document.
pub fn write(report: &ScanReport<'_>) -> String {
    let sbom = report.sbom;
    let layers: BTreeMap<&Digest, &Digest> =
        sbom.layers.iter().filter_map(|l| Some((&l.digest, l.diff_id.as_ref()?))).collect();
    let mut results: BTreeMap<(&str, String), Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings.findings {
        let package = &finding.package;
        let class = if package.is_distribution() { "os-pkgs" } else { "lang-pkgs" };
        results.entry((class, type_of(package, &sbom.distro))).or_default().push(finding);
    }
    let results: Vec<Value> = results
        .into_iter()
        // The distribution comes first there.
        .rev()
        .map(|((class, kind), findings)| {
            let target = if class == "os-pkgs" {
                format!("{} ({} {})", report.target, family(&sbom.distro), sbom.distro.version)
            } else {
                language(&kind).to_owned()
            };
            let (counting, ignored): (Vec<&Finding>, Vec<&Finding>) =
                findings.into_iter().partition(|f| f.suppressed.is_none());
            let mut result = json!({"Target": target, "Class": class, "Type": kind});
            if !counting.is_empty() {
                result["Vulnerabilities"] = counting.iter().map(|f| vulnerability(f, &layers)).collect();
            }
            if !ignored.is_empty() {
                result["ExperimentalModifiedFindings"] = ignored
                    .iter()
                    .map(|f| {
                        let statement = f.suppressed.as_ref().map(|s| s.why.as_str()).unwrap_or_default();
                        let source = f.suppressed.as_ref().map(|s| s.by.as_str()).unwrap_or_default();
                        json!({"Type": "vulnerability", "Status": "ignored", "Statement": statement,
                            "Source": source, "Finding": vulnerability(f, &layers)})
                    })
                    .collect();
            }
            result
        })
        .collect();
    facts::pretty(&json!({
        "SchemaVersion": 2,
        "Trivy": {"Version": format!("{} {}", TOOL.0, TOOL.1)},
        "CreatedAt": facts::seconds(report.now),
        "ArtifactName": report.target,
        "ArtifactType": if sbom.subject.identity.is_some() { "container_image" } else { "filesystem" },
        "Metadata": metadata(report),
        "Results": results,
    }))
}

fn metadata(report: &ScanReport<'_>) -> Value {
    let sbom = report.sbom;
    let mut metadata = Map::new();
    if !sbom.distro.id.is_empty() {
        let mut system = json!({"Family": family(&sbom.distro), "Name": sbom.distro.version});
        if facts::end_of_life(report) == Some(true) {
            system["EOSL"] = Value::from(true);
        }
        metadata.insert("OS".to_owned(), system);
    }
    if let Some(identity) = &sbom.subject.identity {
        metadata.insert("ImageID".to_owned(), Value::from(identity.config.to_string()));
        let name = sbom.subject.name.split('@').next().unwrap_or_default();
        let (repository, tag) = match name.rsplit_once(':') {
            Some((before, tag)) if !tag.contains('/') => (before, Some(tag)),
            _ => (name, None),
        };
        if !repository.is_empty() {
            let digest = identity.index.as_ref().unwrap_or(&identity.manifest);
            metadata.insert("RepoDigests".to_owned(), json!([format!("{repository}@{digest}")]));
            if tag.is_some() {
                metadata.insert("RepoTags".to_owned(), json!([name]));
            }
        }
        if let Some(platform) = &identity.platform {
            let text = platform.to_string();
            let mut parts = text.split('/');
            let (os, architecture) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            metadata.insert("ImageConfig".to_owned(), json!({"architecture": architecture, "os": os}));
        }
        let diff_ids: Vec<String> =
            sbom.layers.iter().filter_map(|l| l.diff_id.as_ref()).map(Digest::to_string).collect();
        metadata.insert("DiffIDs".to_owned(), json!(diff_ids));
    }
    Value::Object(metadata)
}

/// Trivy's name of a distribution.
fn family(distro: &Distro) -> &str {
    match distro.id.as_str() {
        "almalinux" => "alma",
        "amzn" => "amazon",
        "ol" => "oracle",
        "rhel" => "redhat",
        "mariner" => "cbl-mariner",
        "" => "none",
        id => id,
    }
}

/// Trivy's name of the kind of evidence.
fn type_of(package: &Package, distro: &Distro) -> String {
    match package.purl.kind.as_str() {
        _ if package.is_distribution() => family(distro),
        "maven" => "jar",
        "npm" => "node-pkg",
        "pypi" => "python-pkg",
        "gem" => "gemspec",
        "golang" => "gobinary",
        "cargo" => "rustbinary",
        "composer" => "composer-vendor",
        "nuget" => "dotnet-core",
        "conda" => "conda-pkg",
        kind => kind,
    }
    .to_owned()
}

/// What Trivy names as the target where packages of a language are told apart by their paths.
fn language(kind: &str) -> &str {
    match kind {
        "jar" => "Java",
        "node-pkg" => "Node.js",
        "python-pkg" => "Python",
        "gemspec" => "Ruby",
        "conda-pkg" => "Conda",
        other => other,
    }
}

fn vulnerability(finding: &Finding, layers: &BTreeMap<&Digest, &Digest>) -> Value {
    let package = &finding.package;
    let status = match finding.state {
        State::Fixed => "fixed",
        State::Affected => "affected",
        State::WillNotFix => "will_not_fix",
        State::FixDeferred => "fix_deferred",
        State::EndOfLife => "end_of_life",
        State::Unknown => "unknown",
    };
    let (feed, record) = facts::feed(finding);
    let mut layer = Map::new();
    if let Some(digest) = facts::layer(finding) {
        layer.insert("Digest".to_owned(), Value::from(digest.to_string()));
        if let Some(diff_id) = layers.get(digest) {
            layer.insert("DiffID".to_owned(), Value::from(diff_id.to_string()));
        }
    }
    let mut value = json!({
        "VulnerabilityID": finding.id,
        "PkgID": format!("{}@{}", package.name, package.version),
        "PkgName": package.name,
        "PkgIdentifier": {"PURL": package.purl.to_string()},
        "InstalledVersion": package.version,
        "Status": status,
        "Layer": layer,
        "SeveritySource": feed,
        "DataSource": {"ID": feed, "Name": feed, "URL": facts::link(record)},
        "Severity": finding.severity.name().to_ascii_uppercase().replace("NEGLIGIBLE", "LOW"),
        "References": facts::names(finding).filter_map(facts::link).collect::<Vec<_>>(),
    });
    let mut add = |name: &str, text: String| {
        if !text.is_empty() {
            value[name] = Value::from(text);
        }
    };
    add("FixedVersion", finding.fixed.join(", "));
    add(
        "PkgPath",
        if package.is_distribution() { String::new() } else { facts::path(finding).unwrap_or_default().to_owned() },
    );
    add("PrimaryURL", facts::link(&finding.id).unwrap_or_default());
    add("Title", finding.summary.clone());
    add("Description", finding.summary.clone());
    if !finding.aliases.is_empty() {
        value["VendorIDs"] = json!(finding.aliases);
    }
    let cvss = cvss(finding);
    if !cvss.is_empty() {
        value["CVSS"] = json!({feed: cvss});
    }
    value
}

fn cvss(finding: &Finding) -> Map<String, Value> {
    let mut members = Map::new();
    for cvss in &finding.cvss {
        let version = if cvss.vector.starts_with("CVSS:4") {
            "V40"
        } else if cvss.vector.starts_with("CVSS:3") {
            "V3"
        } else {
            "V2"
        };
        if members.contains_key(&format!("{version}Vector")) {
            continue;
        }
        members.insert(format!("{version}Vector"), Value::from(cvss.vector.as_str()));
        if let Some(score) = cvss.score {
            members.insert(format!("{version}Score"), Value::from(score));
        }
    }
    members
}
