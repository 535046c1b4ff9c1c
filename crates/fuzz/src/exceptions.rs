//! Files that take findings back: VEX documents and lists of exceptions.
//!
//! Beside: they take back and never add; a file that takes anything back has a statement that does.

use cleanbill_match::{Ignores, Vex, apply_vex};
use cleanbill_model::{
    Digest, Distro, DistroState, Finding, FindingReason, Findings, ImageIdentity, Introduced, Package, Platform, Purl,
    Sbom, Severity, State, Subject, Timestamp,
};

use crate::mutate::{JSON, YAML};
use crate::{Target, texts};

pub(crate) fn targets() -> Vec<Target> {
    vec![
        Target::new("vex", 4000, JSON, vex_seeds, vex),
        Target::new(
            "ignore-lines",
            10_000,
            &["CVE-2024-0001", "exp:2030-01-01", "#", "\n", " ", "*"],
            lines_seeds,
            ignores,
        ),
        Target::new("ignore-yaml", 2500, YAML, yaml_seeds, ignores),
    ]
}

fn package(purl: &str, path: &str) -> Package {
    let purl = Purl::parse(purl).expect("a package URL");
    let (name, version) = (purl.name.clone(), purl.version.clone().unwrap_or_default());
    Package::found(purl, &name, &version, path)
}

fn sbom() -> Sbom {
    let identity = ImageIdentity {
        index: Some(Digest::sha256("index")),
        manifest: Digest::sha256("manifest"),
        config: Digest::sha256("config"),
        platform: Platform::parse("linux/amd64"),
    };
    let distro =
        Distro { id: "debian".into(), version: "12".into(), state: DistroState::Confirmed, ..Distro::default() };
    Sbom {
        subject: Subject { name: "ghcr.io/org/app:1.2".into(), identity: Some(identity) },
        distro,
        packages: vec![
            package("pkg:maven/org.example/shop@1.0", "app/shop.jar"),
            package("pkg:maven/org.example/log@2.14.1", "app/shop.jar!/lib/log.jar"),
            package("pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12", "var/lib/dpkg/status"),
        ],
        problems: vec![],
        catalogers: vec![],
        layers: vec![],
    }
}

fn findings(sbom: &Sbom) -> Findings {
    let finding = |package: &Package| Finding {
        id: "CVE-2024-0001".into(),
        aliases: vec!["GHSA-2024-0001".into()],
        package: package.clone(),
        introduced: Introduced::Image,
        severity: Severity::High,
        cvss: vec![],
        kev: None,
        epss: None,
        fixed: vec![],
        state: State::Affected,
        reason: FindingReason { feed: String::new(), range: String::new(), matched_by: String::new() },
        suppressed: None,
        summary: String::new(),
    };
    Findings { findings: sbom.packages.iter().map(finding).collect(), ..Findings::default() }
}

/// Every finding is still there, the same but for what is said of its suppression.
fn check(before: &Findings, after: &Findings, rules: usize) {
    assert_eq!(before.findings.len(), after.findings.len());
    for (before, after) in before.findings.iter().zip(&after.findings) {
        assert_eq!(Finding { suppressed: None, ..after.clone() }, *before);
        assert!(after.suppressed.is_none() || rules > 0, "suppressed without a rule");
    }
}

fn vex_seeds() -> Vec<Vec<u8>> {
    let index = Digest::sha256("index");
    texts(&[
        r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"doc","author":"A","timestamp":"2024-01-01T00:00:00Z","version":1,"statements":[
        {"vulnerability":{"name":"CVE-2024-0001","aliases":["GHSA-1"]},"products":[{"@id":"pkg:oci/app?repository_url=ghcr.io/org","subcomponents":[{"@id":"pkg:deb/debian/bash"}]}],
        "status":"not_affected","justification":"component_not_present","impact_statement":"x"},
        {"vulnerability":"CVE-2024-0001","products":["pkg:maven/org.example/log@2.14.1"],"status":"fixed","timestamp":"2024-01-02T00:00:00Z"}]}"#,
        &format!(
            r#"{{"@context":"https://openvex.dev/ns","@id":"d","statements":[{{"vulnerability":{{"name":"CVE-2024-0001"}},"products":[{{"@id":"pkg:oci/app@{index}","hashes":{{"sha-256":"{}"}}}}],"status":"under_investigation"}}]}}"#,
            index.hex()
        ),
        r#"{"document":{"category":"csaf_vex","csaf_version":"2.0","title":"t","publisher":{"name":"P"},"tracking":{"id":"i","current_release_date":"2024-01-01T00:00:00Z"}},
        "product_tree":{"branches":[{"category":"vendor","name":"v","branches":[{"category":"product_version","name":"1","product":{"product_id":"a","name":"bash","product_identification_helper":{"purl":"pkg:deb/debian/bash@5.2?arch=amd64"}}}]}],
        "full_product_names":[{"product_id":"p","name":"app","product_identification_helper":{"purl":"pkg:oci/app"}}],
        "relationships":[{"category":"default_component_of","product_reference":"a","relates_to_product_reference":"p","full_product_name":{"product_id":"p:a","name":"bash in app"}}]},
        "vulnerabilities":[{"cve":"CVE-2024-0001","product_status":{"known_not_affected":["p:a"],"fixed":["a"]},"flags":[{"label":"component_not_present","product_ids":["p:a"]}]}]}"#,
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"timestamp":"2024-01-01T00:00:00Z","component":{"bom-ref":"r","type":"container","name":"app","purl":"pkg:oci/app"}},
        "components":[{"bom-ref":"b","type":"library","name":"bash","version":"5.2","purl":"pkg:deb/debian/bash@5.2"}],
        "vulnerabilities":[{"id":"CVE-2024-0001","analysis":{"state":"not_affected","justification":"code_not_present","detail":"x"},"affects":[{"ref":"b"},{"ref":"pkg:maven/org.example/log@2.14.1","versions":[{"range":"vers:maven/<3"}]}]}]}"#,
    ])
}

fn vex(bytes: &[u8]) {
    let Ok(document) = Vex::parse(bytes) else { return };
    let sbom = sbom();
    let before = findings(&sbom);
    let mut after = before.clone();
    let statements = document.statements();
    apply_vex(&[document.clone(), document], &mut after, &sbom);
    check(&before, &after, statements);
}

fn lines_seeds() -> Vec<Vec<u8>> {
    texts(&["# accepted\nCVE-2024-0001 exp:2030-01-01\nGHSA-2024-0001\n", "\u{feff}CVE-2024-0001\r\nDSA-1-1 # why\r\n"])
}

fn yaml_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "- id: CVE-2024-0001\n  package: bash\n  reason: not reachable\n  owner: team\n  until: 2030-01-01\n- id: GHSA-2024-0001\n  purl: pkg:maven/org.example/log@2.14.1\n  path: app/**/*.jar\n  reason: r\n  owner: o\n  until: 2030-01-01T00:00:00Z\n",
        "vulnerabilities:\n- id: CVE-2024-0001\n  paths: [\"app/*.jar\"]\n  purls: [\"pkg:deb/debian/bash\"]\n  expired_at: 2030-01-01\n  statement: s\nmisconfigurations:\n- id: x\n",
        "ignore:\n- vulnerability: CVE-2024-0001\n  fix-state: unknown\n  reason: r\n  package: {name: 'ba.*', version: 5.2, type: deb, location: '/var/**', upstream-name: bash}\n- package: {type: java-archive}\n",
    ])
}

fn ignores(bytes: &[u8]) {
    let Ok(ignores) = Ignores::parse(bytes, "rules") else { return };
    let before = findings(&sbom());
    let mut after = before.clone();
    ignores.apply(&mut after, Timestamp::UNIX_EPOCH);
    check(&before, &after, ignores.rules());
}
