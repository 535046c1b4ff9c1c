//! Reports as people and programs get them.
#![allow(clippy::unwrap_used, clippy::panic)]

use cleanbill_advisory::DatabaseInfo;
use cleanbill_match::{GateResult, Ignorance};
use cleanbill_model::{
    CoverageRow, Cvss, Digest, Distro, DistroState, Finding, FindingReason, Findings, ImageIdentity, Introduced,
    Location, Package, Platform, Problem, Purl, Sbom, Severity, SourcePackage, State, Subject, Suppression,
};
use cleanbill_report::{ALL, ScanReport, json, table};
use serde_json::Value;

fn package(purl: &str, name: &str, version: &str) -> Package {
    Package {
        purl: Purl::parse(purl).unwrap(),
        name: name.into(),
        version: version.into(),
        source: None,
        licenses: vec![],
        locations: vec![Location { path: "app/x.jar".into(), layer: Some(Digest::sha256("layer")) }],
        owner: None,
        cataloger: None,
    }
}

fn finding(id: &str, package: Package, severity: Severity, state: State, fixed: &[&str]) -> Finding {
    Finding {
        id: id.into(),
        aliases: vec!["GHSA-jfh8-c2jp-5v3q".into()],
        package,
        introduced: Introduced::Image,
        severity,
        cvss: vec![Cvss { vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H".into(), score: Some(10.0) }],
        kev: None,
        epss: None,
        fixed: fixed.iter().map(|f| (*f).to_owned()).collect(),
        state,
        reason: FindingReason { feed: "osv X".into(), range: "< 2.15.0".into(), matched_by: "maven name g:a".into() },
        suppressed: None,
        summary: "remote code execution".into(),
    }
}

struct Scan {
    sbom: Sbom,
    findings: Findings,
    database: DatabaseInfo,
    gate: Option<GateResult>,
}

impl Scan {
    fn full() -> Self {
        let log4j = package(
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
            "org.apache.logging.log4j:log4j-core",
            "2.14.1",
        );
        let mut libc = package("pkg:deb/debian/libc6@2.36-9", "libc6", "2.36-9+deb12u3");
        libc.source = Some(SourcePackage { name: "glibc".into(), version: "2.36-9+deb12u3".into() });
        let row = |ecosystem: &str, source: Option<&str>, packages| CoverageRow {
            ecosystem: ecosystem.into(),
            source: source.map(str::to_owned),
            as_of: source.and("2024-06-01T00:00:00Z".parse().ok()),
            packages,
            packages_without_record: 0,
        };
        let mut quiet = finding("CVE-2019-1", libc.clone(), Severity::Low, State::WillNotFix, &[]);
        quiet.suppressed = Some(Suppression { by: "ann".into(), why: "not reached".into(), until: None });
        Self {
            findings: Findings {
                end_of_life: None,
                findings: vec![
                    finding("CVE-2021-44228", log4j.clone(), Severity::Critical, State::Fixed, &["2.15.0"]),
                    finding("CVE-2024-0001", libc.clone(), Severity::High, State::FixDeferred, &[]),
                    quiet,
                ],
                coverage: vec![
                    row("Debian:12", Some("debian-tracker"), 1),
                    row("Maven", Some("osv"), 1),
                    row("PyPI", None, 2),
                ],
            },
            sbom: Sbom {
                subject: Subject {
                    name: "ghcr.io/o/shop:1".into(),
                    identity: Some(ImageIdentity {
                        index: Some(Digest::sha256("index")),
                        manifest: Digest::sha256("manifest"),
                        config: Digest::sha256("config"),
                        platform: Platform::parse("linux/amd64"),
                    }),
                },
                distro: Distro {
                    id: "debian".into(),
                    version: "12".into(),
                    state: DistroState::Confirmed,
                    ..Distro::default()
                },
                packages: vec![libc, log4j],
                problems: vec![Problem::new("zip-malformed", "a.jar", "read the archive", "it is cut short")],
                catalogers: vec![],
                layers: vec![],
            },
            database: DatabaseInfo {
                built: "2024-06-02T00:00:00Z".parse().ok(),
                advisories: 3,
                feeds: vec![],
                digest: "d".into(),
            },
            gate: Some(GateResult {
                passed: false,
                failing: vec![0],
                ignorance: vec![(Ignorance::Uncovered, "no feed in the database speaks for PyPI (2 packages)".into())],
            }),
        }
    }

    fn empty() -> Self {
        let mut scan = Self::full();
        scan.findings = Findings::default();
        scan.sbom.packages.clear();
        scan.sbom.problems.clear();
        scan.sbom.subject.identity = None;
        scan.gate = None;
        scan
    }

    fn report<'a>(&'a self, target: &'a str) -> ScanReport<'a> {
        ScanReport {
            target,
            sbom: &self.sbom,
            findings: &self.findings,
            database: &self.database,
            gate: self.gate.as_ref(),
        }
    }
}

#[test]
fn the_table_says_everything_in_eighty_columns() {
    let scan = Scan::full();
    let text = table::write(&scan.report("ghcr.io/o/shop:1"), 80);
    let expect = "\
ghcr.io/o/shop:1: 3 findings (1 critical, 1 high, 1 low) in 2 packages.
Coverage: Debian:12 1 package by debian-tracker as of 2024-06-01; Maven 1
  package by osv as of 2024-06-01; PyPI 2 packages by no feed: not covered.
1 thing could not be read; what is in there is missing from this report.
";
    let head: Vec<&str> = text.lines().take(4).collect();
    assert_eq!(head, expect.lines().collect::<Vec<_>>());
    assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
    let rows: Vec<Vec<&str>> = text.lines().skip(5).take(4).map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["severity", "package", "version", "fixed", "id"]);
    assert!(rows[1][1].ends_with("log4j-core"), "{text}");
    assert_eq!((rows[1][0], &rows[1][2..]), ("critical", &["2.14.1", "2.15.0", "CVE-2021-44228"][..]));
    assert_eq!(rows[2], ["high", "libc6", "2.36-9+deb12u3", "deferred", "CVE-2024-0001"]);
    assert_eq!(rows[3], ["suppressed", "libc6", "2.36-9+deb12u3", "won't", "fix", "CVE-2019-1"]);
    assert!(text.contains("Next: 1 of 3 has a fix; update org.apache.logging.log4j:log4j-core."), "{text}");
    let flat = text.replace("\n  ", " ");
    assert!(
        flat.contains("Gate: not passed: 1 finding; no feed in the database speaks for PyPI (2 packages) (uncovered)."),
        "{text}"
    );
}

#[test]
fn no_data_is_not_shown_as_no_vulnerabilities() {
    let mut scan = Scan::full();
    scan.findings.findings.clear();
    let text = table::write(&scan.report("x"), 80);
    assert!(text.starts_with("x: no known vulnerabilities in what was covered, 2 packages."), "{text}");
    scan.findings.coverage.retain(|r| r.source.is_some());
    let text = table::write(&scan.report("x"), 80);
    assert!(text.starts_with("x: no known vulnerabilities, 2 packages."), "{text}");
    let text = table::write(&Scan::empty().report("x"), 80);
    assert!(text.starts_with("x: no known vulnerabilities in what was covered, 0 packages."), "{text}");
}

#[test]
fn outside_text_cannot_drive_a_terminal_in_any_format() {
    let mut scan = Scan::full();
    let evil = "a\u{1b}[2J\u{202e}\u{9b}31m\nb";
    let first = &mut scan.findings.findings[0];
    first.id = evil.into();
    first.package.name = evil.into();
    first.package.version = evil.into();
    first.fixed = vec![evil.into()];
    first.summary = evil.into();
    scan.findings.coverage[0].ecosystem = evil.into();
    scan.sbom.distro.state = DistroState::Unknown(evil.into());
    scan.sbom.problems[0].path = evil.into();
    scan.gate.as_mut().unwrap().ignorance[0].1 = evil.into();
    let lines = table::write(&Scan::full().report("x"), 200).lines().count();
    for format in ALL {
        let text = (format.write)(&scan.report(evil), 200);
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.chars().any(acts), "{}: {text:?}", format.name);
    }
    // One more line, for the distribution that is unknown here; the line feeds in the texts make none.
    let wide = table::write(&scan.report(evil), 10_000).lines().count();
    assert!(wide <= lines + 1, "{wide} {lines}");
    let value: Value = serde_json::from_str(&json::write(&scan.report(evil))).unwrap();
    assert_eq!(value["findings"][0]["package"]["name"], evil, "JSON keeps the value");
}

#[test]
fn json_has_the_values() {
    let scan = Scan::full();
    let value: Value = serde_json::from_str(&json::write(&scan.report("ghcr.io/o/shop:1"))).unwrap();
    assert_eq!(value["schema"], "cleanbill/scan/v1");
    assert_eq!(value["target"]["digest"], Digest::sha256("index").to_string());
    assert_eq!(value["target"]["manifest"], Digest::sha256("manifest").to_string());
    assert_eq!(value["target"]["platform"], "linux/amd64");
    assert_eq!(value["packages"], 2);
    assert_eq!(value["coverage"][2]["source"], Value::Null);
    let first = &value["findings"][0];
    assert_eq!(
        (&first["id"], &first["state"], &first["fixed"][0]),
        (&"CVE-2021-44228".into(), &"fixed".into(), &"2.15.0".into())
    );
    assert_eq!(first["location"]["layer"], Digest::sha256("layer").to_string());
    assert_eq!(first["location"]["introduced_by"], "image");
    assert_eq!(first["cvss"][0]["score"], 10.0);
    assert_eq!(value["findings"][1]["package"]["source"]["name"], "glibc");
    assert_eq!(value["findings"][2]["suppressed"]["by"], "ann");
    assert_eq!(value["gate"]["ignorance"][0]["kind"], "uncovered");
    assert_eq!(value["problems"][0]["code"], "zip-malformed");
}

/// Checks a value against the part of JSON Schema that our schema files use.
fn validate(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_i64() || n.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is = |t: &Value| t == kind || (t == "number" && kind == "integer");
    let good = match &schema["type"] {
        Value::Null => true,
        Value::Array(types) => types.iter().any(is),
        one => is(one),
    };
    if !good {
        return Err(format!("{at} is {kind}, not {}", schema["type"]));
    }
    if schema.get("const").is_some_and(|c| c != value) {
        return Err(format!("{at} is not {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|e| !e.contains(value)) {
        return Err(format!("{at} is {value}, none of {}", schema["enum"]));
    }
    if let Value::Object(members) = value {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !members.contains_key(name.as_str().unwrap()) {
                return Err(format!("{at} lacks {name}"));
            }
        }
        for (name, member) in members {
            let known = schema["properties"].get(name);
            let known = known.ok_or_else(|| format!("{at}.{name} is not in the schema"))?;
            validate(known, member, &format!("{at}.{name}"))?;
        }
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        validate(&schema["items"], item, &format!("{at}[{i}]"))?;
    }
    Ok(())
}

#[test]
fn json_is_what_the_published_schema_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas/scan-v1.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for scan in [Scan::full(), Scan::empty()] {
        let value: Value = serde_json::from_str(&json::write(&scan.report("x"))).unwrap();
        validate(&schema, &value, "report").unwrap();
        // The check itself notices a member that is missing, one too many, and one of another type.
        for (name, wrong) in [("packages", Value::Null), ("schema", "cleanbill/scan/v2".into()), ("more", 1.into())] {
            let mut broken = value.clone();
            broken[name] = wrong;
            validate(&schema, &broken, "report").unwrap_err();
        }
        let mut broken = value.clone();
        broken.as_object_mut().unwrap().remove("coverage");
        validate(&schema, &broken, "report").unwrap_err();
    }
}
