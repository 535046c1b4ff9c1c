//! # grype-json
//!
//! Grype's JSON report (`grype/presenter/models`), with the members that scripts and importers read:
//! `matches[]` with vulnerability, match details and artifact; what is suppressed is in `ignoredMatches[]`.

use cleanbill_model::{Digest, Finding, State};
use serde_json::{Value, json};

use crate::{ScanReport, TOOL, facts};

/// A report as one document.
pub fn write(report: &ScanReport<'_>) -> String {
    let (matches, ignored): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.findings.iter().partition(|f| f.suppressed.is_none());
    let ignored: Vec<Value> = ignored
        .into_iter()
        .map(|f| {
            let mut value = one(report, f);
            let reason = f.suppressed.as_ref().map(|s| format!("{}: {}", s.by, s.why));
            value["appliedIgnoreRules"] = json!([{"vulnerability": f.id, "reason": reason}]);
            value
        })
        .collect();
    let distro = &report.sbom.distro;
    facts::pretty(&json!({
        "matches": matches.into_iter().map(|f| one(report, f)).collect::<Vec<_>>(),
        "ignoredMatches": ignored,
        "source": source(report),
        "distro": {"name": distro.id, "version": distro.version, "idLike": []},
        "descriptor": {
            "name": TOOL.0,
            "version": TOOL.1,
            "timestamp": facts::seconds(report.now),
            "db": {"built": report.database.built.map(facts::seconds), "checksum": report.database.digest},
        },
    }))
}

fn source(report: &ScanReport<'_>) -> Value {
    let Some(identity) = &report.sbom.subject.identity else {
        return json!({"type": "directory", "target": report.target});
    };
    let layers: Vec<Value> = report
        .sbom
        .layers
        .iter()
        .map(|l| json!({"digest": l.diff_id.as_ref().unwrap_or(&l.digest).to_string(), "size": l.size}))
        .collect();
    json!({"type": "image", "target": {
        "userInput": report.target,
        "imageID": identity.config.to_string(),
        "manifestDigest": identity.manifest.to_string(),
        "layers": layers,
    }})
}

/// Grype's name of the kind of a package, and of the matcher that finds what concerns it.
fn kind(purl_type: &str) -> (&str, &'static str, &'static str) {
    match purl_type {
        "deb" => ("deb", "dpkg-matcher", ""),
        "apk" => ("apk", "apk-matcher", ""),
        "rpm" => ("rpm", "rpm-matcher", ""),
        "alpm" => ("alpm", "pacman-matcher", ""),
        "maven" => ("java-archive", "java-matcher", "java"),
        "npm" => ("npm", "javascript-matcher", "javascript"),
        "pypi" => ("python", "python-matcher", "python"),
        "gem" => ("gem", "ruby-gem-matcher", "ruby"),
        "golang" => ("go-module", "go-module-matcher", "go"),
        "cargo" => ("rust-crate", "rust-matcher", "rust"),
        "composer" => ("php-composer", "stock-matcher", "php"),
        "nuget" => ("dotnet", "dotnet-matcher", "dotnet"),
        other => (other, "stock-matcher", ""),
    }
}

fn one(report: &ScanReport<'_>, finding: &Finding) -> Value {
    let package = &finding.package;
    let (kind, matcher, language) = kind(&package.purl.kind);
    let (feed, _) = facts::feed(finding);
    let state = match finding.state {
        State::Fixed => "fixed",
        State::WillNotFix => "wont-fix",
        State::Affected | State::FixDeferred | State::EndOfLife => "not-fixed",
        State::Unknown => "unknown",
    };
    let diff_id = |layer: &Digest| {
        let known = report.sbom.layers.iter().find(|l| l.digest == *layer).and_then(|l| l.diff_id.as_ref());
        known.unwrap_or(layer).to_string()
    };
    let locations: Vec<Value> = package
        .locations
        .iter()
        .map(|l| json!({"path": format!("/{}", l.path), "layerID": l.layer.as_ref().map(diff_id)}))
        .collect();
    let related: Vec<Value> = finding
        .aliases
        .iter()
        .map(|id| json!({"id": id, "dataSource": facts::link(id), "severity": facts::capital(finding.severity)}))
        .collect();
    let searched = json!({"package": {"name": package.name, "version": package.version}, "namespace": feed});
    let found = json!({"vulnerabilityID": finding.id, "versionConstraint": finding.reason.range});
    let indirect = finding.reason.matched_by.starts_with("source ");
    json!({
        "vulnerability": vulnerability(finding, feed, state),
        "relatedVulnerabilities": related,
        "matchDetails": [{
            "type": if indirect { "exact-indirect-match" } else { "exact-direct-match" },
            "matcher": matcher,
            "searchedBy": searched,
            "found": found,
            "fix": {"suggestedVersion": facts::needed(std::iter::once(finding))},
        }],
        "artifact": {
            "id": Digest::sha256(format!("{}\n{locations:?}", package.purl)).hex().get(..16),
            "name": package.name,
            "version": package.version,
            "type": kind,
            "locations": locations,
            "language": language,
            "licenses": package.licenses,
            "cpes": [],
            "purl": package.purl.to_string(),
            "upstreams": package.source.iter()
                .map(|s| json!({"name": s.name, "version": s.version})).collect::<Vec<_>>(),
        },
    })
}

fn vulnerability(finding: &Finding, feed: &str, state: &str) -> Value {
    let cvss: Vec<Value> = finding
        .cvss
        .iter()
        .map(|c| {
            let version = c.vector.strip_prefix("CVSS:").and_then(|v| v.split('/').next()).unwrap_or("2.0");
            json!({"source": feed, "type": "Primary", "version": version, "vector": c.vector,
                "metrics": {"baseScore": c.score}, "vendorMetadata": {}})
        })
        .collect();
    let mut value = json!({
        "id": finding.id,
        "dataSource": facts::link(&finding.id),
        "namespace": feed,
        "severity": facts::capital(finding.severity),
        "urls": facts::names(finding).filter_map(facts::link).collect::<Vec<_>>(),
        "description": finding.summary,
        "cvss": cvss,
        "fix": {"versions": finding.fixed, "state": state},
        "advisories": [],
    });
    if let Some(epss) = finding.epss {
        value["epss"] = json!([{"cve": finding.id, "epss": epss.score, "percentile": epss.percentile}]);
    }
    if let Some(kev) = finding.kev {
        let ransomware = if kev.ransomware { "Known" } else { "Unknown" };
        value["knownExploited"] = json!([{"cve": finding.id, "dateAdded": kev.added.to_string(),
            "dueDate": kev.due.map(|d| d.to_string()), "knownRansomwareCampaignUse": ransomware}]);
    }
    value
}
