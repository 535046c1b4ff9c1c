//! VEX documents of three formats against findings.
#![allow(clippy::unwrap_used)]

use cleanbill_match::{Vex, VexApplied, VexError, apply_vex};
use cleanbill_model::{
    Digest, Distro, DistroState, Finding, FindingReason, Findings, ImageIdentity, Introduced, Package, Platform, Purl,
    Sbom, Severity, SourcePackage, State, Subject, Suppression,
};
use proptest::prelude::*;

fn index() -> Digest {
    Digest::sha256("index")
}

fn manifest() -> Digest {
    Digest::sha256("manifest")
}

fn package(purl: &str, path: &str) -> Package {
    let purl = Purl::parse(purl).unwrap();
    let (name, version) = (purl.name.clone(), purl.version.clone().unwrap_or_default());
    Package::found(purl, &name, &version, path)
}

fn glibc() -> Package {
    let source = SourcePackage { name: "glibc".into(), version: "2.36-9".into() };
    let purl = "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12";
    Package { source: Some(source), ..package(purl, "var/lib/dpkg/status") }
}

/// `ghcr.io/org/app:1.2` with a library in a jar, a module in an executable and packages of Debian.
fn sbom() -> Sbom {
    let identity = ImageIdentity {
        index: Some(index()),
        manifest: manifest(),
        config: Digest::sha256("config"),
        platform: Platform::parse("linux/amd64"),
    };
    Sbom {
        subject: Subject { name: "ghcr.io/org/app:1.2".into(), identity: Some(identity) },
        distro: Distro {
            id: "debian".into(),
            version: "12".into(),
            codename: "bookworm".into(),
            state: DistroState::Confirmed,
            ..Distro::default()
        },
        packages: vec![
            package("pkg:maven/org.example/shop@1.0", "app/shop.jar"),
            package("pkg:maven/org.example/log@2.14.1", "app/shop.jar!/BOOT-INF/lib/log.jar"),
            package("pkg:golang/example.org/tool@v1.5.0", "usr/bin/tool"),
            package("pkg:golang/example.org/other@v0.1.0", "usr/bin/tool"),
            package("pkg:golang/golang.org/x/net@v0.4.0", "usr/bin/tool"),
            glibc(),
            package("pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12", "var/lib/dpkg/status"),
        ],
        problems: vec![],
        catalogers: vec![],
        layers: vec![],
    }
}

fn finding(id: &str, package: &Package) -> Finding {
    Finding {
        id: id.into(),
        aliases: vec![format!("GHSA-{}", &id[4..])],
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
    }
}

/// One finding of the same vulnerability in every package.
fn findings(sbom: &Sbom) -> Findings {
    let findings = sbom.packages.iter().map(|p| finding("CVE-2024-1", p)).collect();
    Findings { findings, ..Findings::default() }
}

fn suppressed(findings: &Findings) -> Vec<&str> {
    findings.findings.iter().filter(|f| f.suppressed.is_some()).map(|f| f.package.name.as_str()).collect()
}

fn parse(text: &str) -> Vex {
    Vex::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// An OpenVEX document of one statement.
fn openvex(vulnerability: &str, products: &str, status: &str) -> String {
    format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","@id":"doc-1","author":"A","timestamp":"2024-01-01T00:00:00Z",
        "statements":[{{"vulnerability":{{"name":"{vulnerability}"}},"products":{products},"status":"{status}",
        "justification":"vulnerable_code_not_present","impact_statement":"left out"}}]}}"#
    )
}

#[track_caller]
fn check_documents(documents: &[String], expect: &[&str]) -> (Findings, VexApplied) {
    let sbom = sbom();
    let mut found = findings(&sbom);
    let documents: Vec<Vex> = documents.iter().map(|d| parse(d)).collect();
    let applied = apply_vex(&documents, &mut found, &sbom);
    assert_eq!(suppressed(&found), expect, "{documents:?}");
    (found, applied)
}

/// Products of a statement that says `not_affected`, and the packages it reaches.
#[track_caller]
fn check(products: &str, expect: &[&str]) {
    check_documents(&[openvex("CVE-2024-1", products, "not_affected")], expect);
}

const ALL: &[&str] = &["shop", "log", "tool", "other", "net", "libc6", "bash"];

#[test]
fn a_package_is_reached_by_version_and_qualifiers() {
    check(r#"[{"@id":"pkg:maven/org.example/log@2.14.1"}]"#, &["log"]);
    check(r#"[{"@id":"pkg:maven/org.example/log"}]"#, &["log"]);
    check(r#"[{"@id":"pkg:maven/org.example/log@2.14.2"}]"#, &[]);
    check(r#"[{"@id":"pkg:maven/org.other/log@2.14.1"}]"#, &[]);
    check(r#"[{"@id":"pkg:maven/org.example/log@2.14.1?type=war"}]"#, &[]);
    check(r#"[{"@id":"pkg:deb/debian/bash?arch=amd64"}]"#, &["bash"]);
    check(r#"[{"@id":"pkg:deb/debian/bash?arch=arm64"}]"#, &[]);
    check(r#"[{"@id":"pkg:deb/debian/bash?distro=bookworm"}]"#, &["bash"]);
    check(r#"[{"@id":"pkg:deb/debian/bash?distro=debian-11"}]"#, &[]);
    check(r#"[{"@id":"pkg:deb/debian/glibc@2.36-9?arch=source"}]"#, &["libc6"]);
    check(r#"[{"@id":"pkg:deb/debian/glibc@2.36-9"}]"#, &[]);
    check(r#"[{"@id":"pkg:deb/debian/libc6?upstream=glibc"}]"#, &["libc6"]);
    check(r#"[{"@id":"pkg:deb/debian/libc6?upstream=musl"}]"#, &[]);
    check(r#"[{"@id":"pkg:golang/golang.org/x/net@0.4.0"}]"#, &["net"]);
    check(r#"["pkg:maven/org.example/log@2.14.1"]"#, &["log"]);
}

#[test]
fn an_image_is_reached_by_digest_name_and_tag() {
    let (index, manifest) = (index(), manifest());
    check(&format!(r#"[{{"@id":"pkg:oci/app@{index}"}}]"#), ALL);
    check(&format!(r#"[{{"@id":"pkg:oci/app@{manifest}?arch=amd64"}}]"#), ALL);
    check(&format!(r#"[{{"@id":"pkg:oci/app@{index}?arch=arm64"}}]"#), &[]);
    check(&format!(r#"[{{"@id":"pkg:oci/app@{}"}}]"#, Digest::sha256("config")), &[]);
    check(&format!(r#"[{{"@id":"ghcr.io/org/app@{index}"}}]"#), ALL);
    check(&format!(r#"["{manifest}"]"#), ALL);
    check(r#"[{"@id":"pkg:oci/app"}]"#, ALL);
    check(r#"[{"@id":"pkg:oci/app?tag=1.2&repository_url=ghcr.io/org/app"}]"#, ALL);
    check(r#"[{"@id":"pkg:oci/app?repository_url=ghcr.io/org"}]"#, ALL);
    check(r#"[{"@id":"pkg:oci/app?repository_url=ghcr.io/other"}]"#, &[]);
    check(r#"[{"@id":"pkg:oci/app?tag=1.3"}]"#, &[]);
    check(r#"[{"@id":"pkg:oci/ap"}]"#, &[]);
    check(r#"[{"@id":"pkg:oci/app?mediaType=x"}]"#, &[]);
    check(r#"["ghcr.io/org/app:1.2"]"#, ALL);
    check(r#"["ghcr.io/org/app:1.3"]"#, &[]);
    check(r#"["app"]"#, &[]);
    check(r#"[{"@id":"pkg:docker/org/app@1.2?repository_url=ghcr.io"}]"#, ALL);
    check(r#"[{"@id":"pkg:docker/org/app@1.2"}]"#, &[]);
    // Further identifiers only narrow.
    let hex = Digest::sha256("elsewhere").hex().to_owned();
    check(&format!(r#"[{{"@id":"pkg:oci/app","hashes":{{"sha-256":"{hex}"}}}}]"#), &[]);
    check(&format!(r#"[{{"@id":"pkg:oci/app","hashes":{{"sha-256":"{}"}}}}]"#, manifest.hex()), ALL);
    check(r#"[{"@id":"pkg:oci/app","hashes":{"md5":"00"}}]"#, &[]);
    check(r#"[{"@id":"pkg:oci/app","identifiers":{"purl":"pkg:oci/other"}}]"#, &[]);
    check(r#"[{"@id":"pkg:oci/app","identifiers":{"swid":"x"}}]"#, &[]);
}

#[test]
fn a_subcomponent_is_reached_in_its_product_only() {
    let within = |product: &str, part: &str| format!(r#"[{{"@id":"{product}","subcomponents":[{{"@id":"{part}"}}]}}]"#);
    check(&within("pkg:oci/app", "pkg:deb/debian/bash"), &["bash"]);
    check(&within("pkg:oci/other", "pkg:deb/debian/bash"), &[]);
    check(&within("pkg:oci/app", "pkg:deb/debian/zsh"), &[]);
    check(&within("pkg:oci/app", "something"), &[]);
    check(&within("something", "pkg:deb/debian/bash"), &[]);
    check(&within("pkg:maven/org.example/shop@1.0", "pkg:maven/org.example/log"), &["log"]);
    check(&within("pkg:maven/org.example/shop@1.1", "pkg:maven/org.example/log"), &[]);
    check(&within("pkg:golang/example.org/tool@v1.5.0", "pkg:golang/golang.org/x/net"), &["net"]);
    // In the same executable, but not the one it is the executable of.
    check(&within("pkg:golang/example.org/other", "pkg:golang/golang.org/x/net"), &[]);
    // In the same package database.
    check(&within("pkg:deb/debian/bash", "pkg:deb/debian/libc6"), &[]);
    let deep = r#"[{"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:maven/org.example/shop","subcomponents":[{"@id":"pkg:maven/org.example/log"}]}]}]"#;
    check(deep, &["log"]);
    check(&deep.replace("org.example/shop", "org.example/shed"), &[]);
}

#[test]
fn status_and_vulnerability_decide() {
    let product = r#"[{"@id":"pkg:deb/debian/bash"}]"#;
    for (status, expect) in
        [("fixed", &["bash"][..]), ("not_affected", &["bash"]), ("affected", &[]), ("under_investigation", &[])]
    {
        check_documents(&[openvex("CVE-2024-1", product, status)], expect);
    }
    check_documents(&[openvex("CVE-2024-2", product, "fixed")], &[]);
    check_documents(&[openvex("ghsa-2024-1", product, "fixed")], &["bash"]);
    let document = parse(&openvex("CVE-2024-1", product, "perhaps"));
    assert_eq!((document.statements(), document.problems[0].code.as_str()), (0, "vex-status"));
    let document = parse(&openvex("CVE-2024-1", "[]", "not_affected"));
    assert_eq!((document.statements(), document.problems[0].code.as_str()), (0, "vex-product"));
}

#[test]
fn the_reason_names_document_and_words() {
    let (found, applied) =
        check_documents(&[openvex("CVE-2024-1", r#"[{"@id":"pkg:deb/debian/bash"}]"#, "not_affected")], &["bash"]);
    let suppression = found.findings.iter().find_map(|f| f.suppressed.clone()).unwrap();
    assert_eq!(suppression.by, "VEX document OpenVEX doc-1 (A)");
    let why = "not_affected of pkg:deb/debian/bash: vulnerable_code_not_present: left out";
    assert_eq!(suppression.why, why);
    assert_eq!((applied.used.len(), applied.used[0].findings, applied.unused), (1, 1, 0));
}

#[test]
fn later_statements_take_back_earlier_ones() {
    let at = |status: &str, day: &str, product: &str| {
        openvex("CVE-2024-1", product, status).replace("2024-01-01", &format!("2024-01-{day}"))
    };
    let bash = r#"[{"@id":"pkg:deb/debian/bash"}]"#;
    let both = |a: &str, b: &str| check_documents(&[at(a, "02", bash), at(b, "03", bash)], &[]);
    both("fixed", "affected");
    both("not_affected", "under_investigation");
    check_documents(&[at("affected", "02", bash), at("fixed", "03", bash)], &["bash"]);
    // Time before order.
    check_documents(&[at("fixed", "03", bash), at("affected", "02", bash)], &["bash"]);
    // Order at the same time.
    check_documents(&[at("fixed", "03", bash), at("affected", "03", bash)], &[]);
    // What is said of the product decides before what is said of a package anywhere.
    let inside = r#"[{"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:deb/debian/bash"}]}]"#;
    check_documents(&[at("not_affected", "02", inside), at("affected", "03", bash)], &["bash"]);
    let (_, applied) = check_documents(&[at("affected", "02", inside), at("not_affected", "03", bash)], &[]);
    assert_eq!((applied.used.len(), applied.standing.len(), applied.unused), (0, 1, 1));
    // What is said of the part stands against what is said of the whole.
    let rest = &ALL[..6];
    check_documents(&[at("affected", "02", inside), at("not_affected", "03", r#"["pkg:oci/app"]"#)], rest);
}

fn csaf(purl: &str, helper: &str, status: &str) -> String {
    format!(
        r#"{{"document":{{"csaf_version":"2.0","category":"csaf_vex","publisher":{{"name":"Vendor"}},
        "tracking":{{"id":"V-1","current_release_date":"2024-01-01T00:00:00Z"}}}},
        "product_tree":{{"full_product_names":[
          {{"name":"the product","product_id":"P","product_identification_helper":{{{helper}}}}},
          {{"name":"the part","product_id":"C","product_identification_helper":{{"purl":"{purl}"}}}},
          {{"name":"words alone","product_id":"W"}}],
        "relationships":[{{"category":"default_component_of","product_reference":"C","relates_to_product_reference":"P",
          "full_product_name":{{"name":"both","product_id":"CP"}}}},
          {{"category":"default_component_of","product_reference":"L","relates_to_product_reference":"P",
          "full_product_name":{{"name":"ring","product_id":"L"}}}}]}},
        "vulnerabilities":[{{"cve":"CVE-2024-1","product_status":{status},
          "flags":[{{"label":"component_not_present","product_ids":["CP"]}}],
          "threats":[{{"category":"impact","details":"never called","product_ids":["CP"]}}]}}]}}"#
    )
}

#[test]
fn csaf_products_and_relationships() {
    let image = r#""purl":"pkg:oci/app""#;
    let not = |id: &str| format!(r#"{{"known_not_affected":["{id}"]}}"#);
    let bash = "pkg:deb/debian/bash@5.2";
    let (found, _) = check_documents(&[csaf(bash, image, &not("CP"))], &["bash"]);
    let suppression = found.findings.iter().find_map(|f| f.suppressed.clone()).unwrap();
    assert_eq!(suppression.by, "VEX document CSAF V-1 (Vendor)");
    assert_eq!(suppression.why, "not_affected of the part in the product: component_not_present: never called");
    check_documents(&[csaf(bash, r#""purl":"pkg:oci/x""#, &not("CP"))], &[]);
    check_documents(&[csaf(bash, image, &not("C"))], &["bash"]);
    check_documents(&[csaf(bash, image, &not("P"))], ALL);
    check_documents(&[csaf(bash, image, &not("W"))], &[]);
    check_documents(&[csaf(bash, image, &not("L"))], &[]);
    check_documents(&[csaf(bash, image, &not("nowhere"))], &[]);
    check_documents(&[csaf(bash, image, r#"{"fixed":["CP"]}"#)], &["bash"]);
    check_documents(&[csaf(bash, image, r#"{"known_affected":["CP"]}"#)], &[]);
    check_documents(&[csaf(bash, image, r#"{"recommended":["CP"]}"#)], &[]);
    check_documents(&[csaf(bash, image, r#"{"known_affected":["CP"],"known_not_affected":["CP"]}"#)], &[]);
    let debian = r#""cpe":"cpe:2.3:o:debian:debian_linux:12:*:*:*:*:*:*:*""#;
    check_documents(&[csaf(bash, debian, &not("CP"))], &["bash"]);
    check_documents(&[csaf(bash, debian, &not("P"))], &[]);
    check_documents(&[csaf(bash, &debian.replace("12", "1"), &not("CP"))], &[]);
    check_documents(&[csaf("pkg:maven/org.example/log", debian, &not("CP"))], &[]);
    let published = r#""cpe":"cpe:/a:redhat:some_product:2.5""#;
    check_documents(&[csaf(&format!("pkg:oci/app@{}", index()), published, &not("CP"))], ALL);
    check_documents(&[csaf("pkg:oci/app", published, &not("CP"))], &[]);
    check_documents(&[csaf(&format!("pkg:oci/app@{}", index()), r#""purl":"pkg:oci/x""#, &not("CP"))], &[]);
    let lost = parse(&csaf(bash, image, &not("W")));
    assert!(lost.problems[0].why.contains("words alone"), "{:?}", lost.problems);
}

#[test]
fn csaf_branches_limit_package_urls_without_version() {
    let branch = |category: &str, name: &str| {
        format!(
            r#"{{"document":{{"csaf_version":"2.0"}},"product_tree":{{"branches":[{{"category":"vendor","name":"v","branches":[
            {{"category":"{category}","name":"{name}","product":{{"name":"n","product_id":"B",
            "product_identification_helper":{{"purl":"pkg:deb/debian/bash"}}}}}}]}}]}},
            "vulnerabilities":[{{"cve":"CVE-2024-1","product_status":{{"fixed":["B"]}}}}]}}"#
        )
    };
    check_documents(&[branch("product_version", "5.2")], &["bash"]);
    check_documents(&[branch("product_version", "5.3")], &[]);
    check_documents(&[branch("product_version", "bash")], &["bash"]);
    check_documents(&[branch("product_version_range", "vers:deb/<6")], &[]);
    check_documents(&[branch("product_name", "Bash")], &["bash"]);
    // A range that is not read may hold the version: what is affected by it stays affected.
    let fixed = openvex("CVE-2024-1", r#"["pkg:deb/debian/bash"]"#, "fixed").replace("2024-01", "2023-01");
    let affected = branch("product_version_range", "vers:deb/<6").replace("fixed", "known_affected");
    let affected = affected.replace(r#""2.0""#, r#""2.0","tracking":{"current_release_date":"2024-01-01T00:00:00Z"}"#);
    check_documents(&[fixed, affected], &[]);
}

/// `product` is the metadata, `reference` what is affected.
fn cyclonedx(product: &str, reference: &str, state: &str, versions: &str) -> String {
    format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.5","serialNumber":"urn:uuid:1","metadata":{{"timestamp":"2024-01-01T00:00:00Z"{product}}},
        "components":[{{"bom-ref":"b","type":"library","name":"bash","purl":"pkg:deb/debian/bash"}}],
        "vulnerabilities":[{{"id":"CVE-2024-1","analysis":{{"state":"{state}","justification":"code_not_reachable","detail":"d"}},
        "affects":[{{"ref":"{reference}"{versions}}}]}}]}}"#
    )
}

#[test]
fn cyclonedx_references_and_states() {
    let not = |product: &str, reference: &str| cyclonedx(product, reference, "not_affected", "");
    check_documents(&[not("", "b")], &["bash"]);
    check_documents(&[not("", "urn:cdx:1/1#b")], &["bash"]);
    check_documents(&[not("", "urn:cdx:2/1#b")], &[]);
    check_documents(&[not("", "urn:cdx:2/1#pkg:deb/debian/bash@5.2")], &[]);
    check_documents(&[not("", "c")], &[]);
    check_documents(&[not("", "pkg:deb/debian/bash@5.2")], &["bash"]);
    let product =
        |purl: &str| format!(r#","component":{{"bom-ref":"p","type":"container","name":"x","purl":"{purl}"}}"#);
    check_documents(&[not(&product("pkg:oci/app"), "b")], &["bash"]);
    check_documents(&[not(&product("pkg:oci/app"), "p")], ALL);
    check_documents(&[not(&product("pkg:oci/other"), "b")], &[]);
    check_documents(&[not(r#","component":{"type":"application","name":"x"}"#, "b")], &[]);
    let named = r#","component":{"type":"container","name":"ghcr.io/org/app:1.2"}"#;
    check_documents(&[not(named, "b")], &["bash"]);
    let named = r#","component":{"type":"container","name":"ghcr.io/org/app","version":"1.3"}"#;
    check_documents(&[not(named, "b")], &[]);
    check_documents(&[not(&named.replace("1.3", "1.2"), "b")], &["bash"]);
    check_documents(&[not(&named.replace("1.3", &index().to_string()), "b")], &["bash"]);
    let oci = r#","component":{"type":"container","name":"app","purl":"pkg:oci/app","version":"1.3"}"#;
    check_documents(&[not(oci, "b")], &[]);
    check_documents(&[not(&oci.replace("1.3", "1.2"), "b")], &["bash"]);
    check_documents(&[not(&oci.replace("1.3", &manifest().to_string()), "b")], &["bash"]);
    for (state, expect) in [
        ("resolved", &["bash"][..]),
        ("resolved_with_pedigree", &["bash"]),
        ("false_positive", &["bash"]),
        ("exploitable", &[]),
        ("in_triage", &[]),
        ("else", &[]),
    ] {
        check_documents(&[cyclonedx("", "b", state, "")], expect);
    }
    let versions = |v: &str| cyclonedx("", "b", "not_affected", &format!(r#","versions":[{v}]"#));
    check_documents(&[versions(r#"{"version":"5.2"}"#)], &["bash"]);
    check_documents(&[versions(r#"{"version":"5.3"}"#)], &[]);
    check_documents(&[versions(r#"{"range":"vers:deb/<6"}"#)], &[]);
    let other = parse(&not("", "urn:cdx:2/1#b"));
    assert!(other.problems[0].why.contains("another bill of materials"), "{:?}", other.problems);
}

#[test]
fn what_is_no_vex_is_refused_with_a_hint() {
    let check = |text: &str, part: &str| {
        let error = Vex::parse(text.as_bytes()).expect_err(text).to_string();
        assert!(error.contains(part), "{text}: {error}");
    };
    check("", "not a JSON object");
    check("[]", "not a JSON object");
    check("{", "not a JSON object");
    check("{}", "no VEX that is known");
    check(r#"{"spdxVersion":"SPDX-2.3"}"#, "no VEX that is known");
    check(r#"{"predicateType":"x"}"#, "attestation");
    check(r#"{"payloadType":"x"}"#, "attestation");
    check(r#"{"@context":"https://openvex.dev/ns/v9","statements":[]}"#, "OpenVEX v9 is not read");
    check(r#"{"@context":"https://openvex.dev/ns"}"#, "breaks its format");
    check(r#"{"document":{"csaf_version":"1.2"}}"#, "CSAF 1.2 is not read");
    check(r#"{"bomFormat":"CycloneDX","specVersion":"1.3"}"#, "CycloneDX 1.3 is not read");
    check(&format!("{{\"x\":{}", "[".repeat(100_000)), "not a JSON object");
    let deep = format!(r#"{{"@context":"https://openvex.dev/ns","statements":{}"#, "[".repeat(100_000));
    assert!(matches!(Vex::parse(deep.as_bytes()), Err(VexError::NotJson(_))));
}

#[test]
fn a_first_reason_stays() {
    let sbom = sbom();
    let mut found = findings(&sbom);
    let first = Suppression { by: "first".into(), why: String::new(), until: None };
    found.findings[6].suppressed = Some(first.clone());
    parse(&openvex("CVE-2024-1", r#"["pkg:oci/app"]"#, "fixed")).apply(&mut found, &sbom);
    assert_eq!(found.findings[6].suppressed.as_ref(), Some(&first));
    assert_eq!(suppressed(&found), ALL);
}

fn samples() -> Vec<String> {
    vec![
        openvex("CVE-2024-1", r#"[{"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:deb/debian/bash"}]}]"#, "fixed"),
        csaf("pkg:deb/debian/bash", r#""purl":"pkg:oci/app""#, r#"{"fixed":["CP"]}"#),
        cyclonedx(r#","component":{"bom-ref":"p","purl":"pkg:oci/app"}"#, "b", "resolved", ""),
    ]
}

fn check_only_suppressed(before: &Findings, after: &Findings) {
    let mut cleared = after.clone();
    for (finding, old) in cleared.findings.iter_mut().zip(&before.findings) {
        finding.suppressed.clone_from(&old.suppressed);
    }
    assert_eq!(&cleared, before);
}

proptest! {
    /// Broken documents are read or refused; whatever is read takes no finding away.
    #[test]
    fn mutated_documents_never_panic(
        which in 0..3usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..8),
    ) {
        let mut bytes = samples()[which].clone().into_bytes();
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, byte),
            }
        }
        if let Ok(vex) = Vex::parse(&bytes) {
            let sbom = sbom();
            let before = findings(&sbom);
            let mut after = before.clone();
            vex.apply(&mut after, &sbom);
            check_only_suppressed(&before, &after);
        }
    }

    /// A statement about another product or another vulnerability changes nothing.
    #[test]
    fn what_is_about_something_else_changes_nothing(
        vulnerability in "CVE-202[0-9]-[0-9]{1,2}",
        product in "pkg:(oci|deb/debian|maven/org\\.example|golang/example\\.org)/[a-z]{1,5}(@[0-9]\\.[0-9])?",
        part in "pkg:(deb/debian|maven/org\\.example)/[a-z]{1,4}",
        with_part in any::<bool>(),
    ) {
        let parts = if with_part { format!(r#","subcomponents":[{{"@id":"{part}"}}]"#) } else { String::new() };
        let document = openvex(&vulnerability, &format!(r#"[{{"@id":"{product}"{parts}}}]"#), "not_affected");
        let sbom = sbom();
        let before = findings(&sbom);
        let mut after = before.clone();
        parse(&document).apply(&mut after, &sbom);
        check_only_suppressed(&before, &after);
        let wanted = Purl::parse(if with_part { &part } else { &product }).unwrap();
        for finding in after.findings.iter().filter(|f| f.suppressed.is_some()) {
            prop_assert_eq!(&finding.id, &vulnerability);
            let own = finding.package.purl.name == wanted.name && finding.package.purl.kind == wanted.kind;
            prop_assert!(own || !with_part && product == "pkg:oci/app");
        }
    }
}
