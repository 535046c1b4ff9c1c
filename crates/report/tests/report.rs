//! Reports as people and programs get them: the table and our own JSON.
#![allow(clippy::unwrap_used, clippy::panic)]

mod scan;

use cleanbill_model::{Digest, DistroState, Introduced, Location, Purl, Severity, State};
use cleanbill_report::{ALL, json, sbom_table, table};
use scan::{Scan, finding, package};
use serde_json::Value;

#[test]
fn the_table_says_everything_in_eighty_columns() {
    let scan = Scan::full();
    let text = table::write(&scan.report("ghcr.io/o/shop:1"), 80);
    let expect = "\
ghcr.io/o/shop:1: 2 findings (1 critical, 1 high) in 2 of 2 packages; 1 more
  suppressed.
1 of them is known to be exploited by ransomware.
Coverage: Debian:12 1 package by debian-tracker as of 2024-06-01; Maven 1
  package by osv as of 2024-06-01; PyPI 2 packages by no feed: not covered.
1 thing could not be read; what is in there is missing from this report.

org.apache.logging.log4j:log4j-core 2.14.1 (app/x.jar)
  critical    CVE-2021-44228  fixed in 2.15.0  exploited by ransomware, EPSS 94%

glibc 2.36-9+deb12u3 (libc6)
  high        CVE-2024-0001  fix deferred
  suppressed  CVE-2019-1     won't fix     ann: not reached

Next: 1 of 2 has a fix.
  raise org.apache.logging.log4j:log4j-core to 2.15.0
Next: give `db build` a feed for what is not covered; nothing is known about it.
Gate: not passed: 1 finding; no feed in the database speaks for PyPI (2
  packages) (uncovered).
";
    assert_eq!(text, expect);
    let narrow = table::write(&scan.report("ghcr.io/o/shop:1"), 60);
    let row = "  critical    CVE-2021-44228  fixed in 2.15.0; exploited by\n              ransomware, EPSS 94%\n";
    assert!(narrow.contains(row), "{narrow}");
    assert!(narrow.lines().all(|l| l.chars().count() <= 60), "{narrow}");
}

#[test]
fn names_versions_and_ids_are_never_cut() {
    let mut scan = Scan::full();
    let name = "a-very-long-name-of-a-package-that-goes-on-and-on-and-on-until-it-is-longer-than-a-line";
    let version = "1.2.3-20240601123456-0123456789abcdef0123456789abcdef0123456789abcdef";
    scan.findings.findings.push(finding(
        "GHSA-aaaa-bbbb-cccc-dddd-eeee-ffff",
        package("pkg:npm/x@1", name, version),
        Severity::Medium,
        State::Fixed,
        &[version],
    ));
    for width in [40, 60, 80, 100, 200] {
        let text = table::write(&scan.report("x"), width);
        assert!(text.matches(name).count() >= 2 && text.matches(version).count() >= 2, "{width}: {text}");
        assert!(text.contains("GHSA-aaaa-bbbb-cccc-dddd-eeee-ffff"), "{text}");
        // A line is longer than the width only where one word is.
        for line in text.lines().filter(|l| l.chars().count() > width) {
            let longest = line.split_whitespace().map(|w| w.chars().count()).max().unwrap();
            assert!(longest + 15 > width, "{width}: {line}");
        }
    }
}

#[test]
fn binary_packages_of_one_source_are_one_group() {
    let mut scan = Scan::full();
    let mut other = scan.findings.findings[1].clone();
    other.package.name = "libc-bin".into();
    other.package.purl = Purl::parse("pkg:deb/debian/libc-bin@2.36-9").unwrap();
    scan.findings.findings.push(other);
    let text = table::write(&scan.report("x"), 80);
    assert!(text.contains("glibc 2.36-9+deb12u3 (libc-bin, libc6)\n"), "{text}");
    assert_eq!(text.matches("CVE-2024-0001").count(), 1, "{text}");
    assert!(text.starts_with("x: 3 findings (1 critical, 2 high)"), "{text}");
}

#[test]
fn the_next_step_is_the_version_that_fixes_all_and_a_command() {
    let mut scan = Scan::full();
    let log4j = scan.findings.findings[0].package.clone();
    let more = finding("CVE-2021-45046", log4j, Severity::Critical, State::Fixed, &["2.3.1", "2.12.2", "2.16.0"]);
    scan.findings.findings.push(more);
    scan.findings.findings[1].state = State::Fixed;
    scan.findings.findings[1].fixed = vec!["2.36-9+deb12u4".into()];
    let mut evil = scan.findings.findings[1].clone();
    evil.package.name = "x; rm -rf $HOME".into();
    evil.introduced = Introduced::Base;
    scan.findings.findings.push(evil);
    let text = table::write(&scan.report("x"), 200);
    assert!(text.contains("  raise org.apache.logging.log4j:log4j-core to 2.16.0\n"), "{text}");
    assert!(text.contains("  RUN apt-get update && apt-get install -y --only-upgrade libc6\n"), "{text}");
    assert!(text.contains("Next: 1 of 4 come with the base image; build on a newer one."), "{text}");
}

#[test]
fn the_end_of_support_is_told() {
    let mut scan = Scan::full();
    scan.findings.end_of_life = "2026-06-30".parse().ok();
    let text = table::write(&scan.report("x"), 80);
    assert!(text.contains("debian 12 is supported until 2026-06-30."), "{text}");
    let value: Value = serde_json::from_str(&json::write(&scan.report("x"))).unwrap();
    assert_eq!((&value["distro"]["eol"], &value["distro"]["end_of_life"]), (&false.into(), &"2026-06-30".into()));
    scan.now = "2026-07-01T00:00:00Z".parse().unwrap();
    let text = table::write(&scan.report("x"), 80);
    assert!(text.contains("debian 12 is out of support since 2026-06-30"), "{text}");
    assert!(text.contains("Next: move to a release"), "{text}");
    let value: Value = serde_json::from_str(&json::write(&scan.report("x"))).unwrap();
    assert_eq!(value["distro"]["eol"], true);
    scan.findings.end_of_life = None;
    let value: Value = serde_json::from_str(&json::write(&scan.report("x"))).unwrap();
    assert_eq!((&value["distro"]["eol"], &value["distro"]["end_of_life"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_table_of_an_sbom_fits_and_keeps_versions_whole() {
    let mut sbom = Scan::full().sbom;
    sbom.packages[1].owner = Some(Purl::new("deb", "debian", "liblog4j2-java", "2"));
    let version = "v0.0.0-20240601123456-0123456789ab-and-more-than-a-quarter-of-a-line";
    let mut long = package("pkg:golang/a/b@1", "example.org/some/long/module/path/that/goes/on", version);
    long.locations = vec![Location { path: "usr/local/bin/some/long/path/to/a/program/of/ours".into(), layer: None }];
    sbom.packages.push(long);
    let text = sbom_table::write(&sbom, 80);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "ghcr.io/o/shop:1: 3 packages, debian 12");
    assert_eq!(lines[1], "1 thing could not be read; what is in there is missing here.");
    assert_eq!(lines[3].split_whitespace().collect::<Vec<_>>(), ["package", "version", "type", "origin"]);
    assert!(text.contains("from glibc") && text.contains("owned by liblog4j2-java"), "{text}");
    for width in [40, 80, 120] {
        let text = sbom_table::write(&sbom, width);
        assert!(text.contains(version) && text.contains("example.org/some/long/module/path/that/goes/on"), "{text}");
        for line in text.lines().filter(|l| l.chars().count() > width) {
            assert!(line.contains(version) || line.contains("example.org"), "{width}: {line}");
        }
    }
    sbom.packages.clear();
    assert_eq!(sbom_table::write(&sbom, 80).lines().count(), 2);
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
    assert!(text.starts_with("x: no package was found in it, so there was nothing to judge."), "{text}");
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
    assert_eq!((&first["kev"], &first["epss"]), (&true.into(), &0.944.into()));
    assert_eq!(first["exploited"], serde_json::json!({"added": "2021-12-10", "due": "2021-12-24", "ransomware": true}));
    assert_eq!(first["locations"][0]["path"], "app/x.jar");
    assert_eq!((&value["findings"][1]["kev"], &value["findings"][1]["exploited"]), (&Value::Null, &Value::Null));
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
