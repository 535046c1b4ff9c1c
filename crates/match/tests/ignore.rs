//! Files of exceptions in four shapes.
#![allow(clippy::unwrap_used)]

use cleanbill_match::{Applied, Ignores};
use cleanbill_model::{
    Finding, FindingReason, Findings, Introduced, Location, Package, Purl, Severity, SourcePackage, State, Timestamp,
};
use proptest::prelude::*;

fn package(purl: &str, paths: &[&str]) -> Package {
    let purl = Purl::parse(purl).unwrap();
    let (name, version) = (purl.name.clone(), purl.version.clone().unwrap_or_default());
    let locations = paths.iter().map(|p| Location { path: (*p).to_owned(), layer: None }).collect();
    Package { locations, ..Package::found(purl, &name, &version, "") }
}

fn finding(id: &str, alias: &str, package: Package, state: State) -> Finding {
    Finding {
        id: id.into(),
        aliases: vec![alias.into()],
        package,
        introduced: Introduced::Image,
        severity: Severity::High,
        cvss: vec![],
        kev: None,
        epss: None,
        fixed: vec![],
        state,
        reason: FindingReason { feed: String::new(), range: String::new(), matched_by: String::new() },
        suppressed: None,
        summary: String::new(),
    }
}

/// Findings a to e.
fn findings() -> Findings {
    let log = "pkg:maven/org.example/log@2.14.1";
    let source = SourcePackage { name: "glibc".into(), version: "2.36".into() };
    let libc = package("pkg:deb/debian/libc6@2.36?arch=amd64&distro=debian-12", &["var/lib/dpkg/status"]);
    let findings = vec![
        finding("CVE-2024-1", "GHSA-a", package(log, &["app/shop.war!/WEB-INF/lib/log.jar"]), State::Fixed),
        finding("CVE-2024-1", "GHSA-a", package(log, &["opt/a/log.jar", "srv/log.jar"]), State::Fixed),
        finding("CVE-2024-2", "DSA-2", Package { source: Some(source), ..libc }, State::WillNotFix),
        finding("CVE-2024-3", "GO-3", package("pkg:golang/golang.org/x/net@v0.4.0", &["bin/x"]), State::Affected),
        finding("CVE-2024-3", "GO-3", package("pkg:pypi/Foo_Bar@1.10", &["lib/foo/METADATA"]), State::Unknown),
    ];
    Findings { findings, ..Findings::default() }
}

fn now() -> Timestamp {
    "2024-06-15T12:00:00Z".parse().unwrap()
}

fn parse(text: &str) -> Ignores {
    Ignores::parse(text.as_bytes(), "exceptions").unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Which findings a file suppresses, by letter.
#[track_caller]
fn check(text: &str, expect: &str) -> Applied {
    let mut found = findings();
    let applied = parse(text).apply(&mut found, now());
    let letters = "abcde".chars().zip(&found.findings);
    let letters: String = letters.filter(|(_, f)| f.suppressed.is_some()).map(|(c, _)| c).collect();
    assert_eq!(letters, expect, "{text}");
    applied
}

#[track_caller]
fn refused(text: &str, part: &str) {
    let error = Ignores::parse(text.as_bytes(), "exceptions").expect_err(text).to_string();
    assert!(error.contains(part) && error.contains("hint:"), "{text}: {error}");
}

#[test]
fn one_id_a_line() {
    check("", "");
    check("# only words\n\n", "");
    check("CVE-2024-1\n", "ab");
    check("# why\r\nCVE-2024-1 # never called\r\n  GO-3\r\n", "abde");
    check("ghsa-a", "ab");
    check("CVE-2024-1 exp:2024-06-16", "ab");
    check("CVE-2024-1 exp:2024-06-15 # it ended as the day began", "");
    check("CVE-2024", "");
    let applied = check("CVE-2024-1\nCVE-2024-2 exp:2024-01-01\nCVE-1999-1", "ab");
    assert_eq!(applied.used[0].rule, "exceptions, line 1: CVE-2024-1");
    assert_eq!(applied.used[0].findings, 2);
    assert_eq!(applied.expired[0].rule, "exceptions, line 2: CVE-2024-2 until 2024-01-01T00:00:00Z");
    assert_eq!(applied.expired[0].findings, 1);
    assert_eq!(applied.unused, ["exceptions, line 3: CVE-1999-1"]);
    refused("CVE-2024-1 pkg:deb/debian/x", "line 1: `pkg:deb/debian/x` after the id is not understood");
    refused("CVE-2024-*", "no vulnerability's id");
    refused("CVE-2024-1 exp:soon", "no date");
}

#[test]
fn the_yaml_of_trivy() {
    let rule = |more: &str| format!("vulnerabilities:\n- id: CVE-2024-1\n{more}");
    check(&rule(""), "ab");
    check(&rule("  paths: ['app/**/*.jar']"), "a");
    check(&rule("  paths: ['opt/**']"), "");
    check(&rule("  paths: ['opt/**', /srv/log.jar]"), "b");
    check(&rule("  purls: ['pkg:maven/org.example/log']"), "ab");
    check(&rule("  purls: ['pkg:maven/org.example/log@2.14.1']"), "ab");
    check(&rule("  purls: ['pkg:maven/org.example/log@2.14.2', 'pkg:deb/debian/log']"), "");
    check(&rule("  expired_at: 2024-06-16"), "ab");
    check(&rule("  expired_at: 2024-06-15T12:00:00Z"), "");
    check("vulnerabilities:\n- id: CVE-2024-3\n  purls: ['pkg:pypi/foo-bar']\n", "e");
    check("vulnerabilities:\n- id: CVE-2024-2\n  purls: ['pkg:deb/debian/libc6?arch=arm64']\n", "");
    let notes = parse("secrets:\n- id: x\nvulnerabilities: []\n");
    assert_eq!((notes.rules(), notes.problems[0].code.as_str()), (0, "ignore-section"));
    refused(&rule("  severity: high"), "severity");
    refused(&rule("  purls: [log]"), "is not a package URL");
    refused(&rule("  paths: ['{a,b}']"), "no pattern of paths");
    let mut found = findings();
    parse(&rule("  statement: never called\n")).apply(&mut found, now());
    let suppression = found.findings[0].suppressed.clone().unwrap();
    assert_eq!((suppression.by.as_str(), suppression.why.as_str()), ("exceptions, line 2", "never called"));
}

#[test]
fn the_rules_of_grype() {
    let rule = |rule: &str| format!("ignore:\n  - {rule}\n");
    check(&rule("vulnerability: CVE-2024-1"), "ab");
    check(&rule("{vulnerability: GHSA-a, include-aliases: true, reason: x}"), "ab");
    check(&rule("fix-state: wont-fix"), "c");
    check(&rule("fix-state: not-fixed"), "d");
    check(&rule("fix-state: fixed"), "ab");
    check(&rule("{fix-state: unknown, vulnerability: CVE-2024-1}"), "");
    check(&rule("package: {name: libc6}"), "c");
    check(&rule("package: {name: 'lib.*'}"), "c");
    check(&rule("package: {name: lib}"), "");
    check(&rule("package: {upstream-name: glibc}"), "c");
    check(&rule("package: {version: 1.10}"), "e");
    check(&rule("package: {language: java, location: 'app/**'}"), "a");
    check(&rule("package: {type: go-module}"), "d");
    check(&rule("package: {language: go, type: deb}"), "");
    for (void, word) in [
        ("{vulnerability: CVE-2024-1, namespace: debian}", "namespace"),
        ("{vulnerability: CVE-2024-1, vex-status: not_affected}", "vex-status"),
        ("{vulnerability: CVE-2024-1, vex-justification: x}", "vex-justification"),
        ("{vulnerability: CVE-2024-1, match-type: x}", "match-type"),
        ("{vulnerability: CVE-2024-1, fix-state: odd}", "fix-state"),
        ("{vulnerability: CVE-2024-1, package: {name: '(a|b)'}}", "expression"),
        ("{vulnerability: CVE-2024-1, package: {type: firmware}}", "firmware"),
        ("{vulnerability: CVE-2024-1, package: {location: '[a]'}}", "pattern"),
    ] {
        check(&rule(void), "");
        let read = parse(&rule(void));
        assert_eq!(read.problems[0].code, "ignore-rule", "{void}");
        assert!(read.problems[0].why.contains(word), "{void}: {}", read.problems[0].why);
    }
    refused(&rule("reason: all of it"), "would ignore everything");
    refused(&rule("{vulnerability: CVE-2024-1, colour: red}"), "colour");
    assert_eq!(parse(&format!("check-for-app-update: false\n{}", rule("vulnerability: x-1"))).problems.len(), 1);
}

#[test]
fn our_own_list() {
    let rule = |more: &str| format!("- id: CVE-2024-1\n  reason: never called\n  owner: team@example.org\n{more}");
    check(&rule("  until: 2024-06-15"), "ab");
    check(&rule("  until: 2024-06-14"), "");
    check(&rule("  until: 2024-12-31\n  package: log"), "ab");
    check(&rule("  until: 2024-12-31\n  package: other"), "");
    check(&rule("  until: 2024-12-31\n  path: app/**"), "a");
    check(&rule("  until: 2024-12-31\n  purl: pkg:maven/org.example/log@1"), "");
    check(&format!("# ours\n---\n{}", rule("  until: 2024-12-31")), "ab");
    refused(&rule(""), "has no `until`");
    refused(&rule("  until: ''"), "has no `until`");
    refused("- {id: CVE-2024-1, reason: x, until: 2024-12-31}", "has no `owner`");
    refused("- {id: CVE-2024-1, owner: x, until: 2024-12-31}", "has no `reason`");
    refused(&rule("  until: 2024-13-31"), "no date");
    refused(&rule("  until: 2024-12-31\n  packages: log"), "packages");
    refused(&rule("  until: 2024-12-31\n  package: 'l*'"), "no package's name");
    refused("- CVE-2024-1", "not readable");
    let mut found = findings();
    parse(&rule("  until: 2024-12-31")).apply(&mut found, now());
    let suppression = found.findings[0].suppressed.clone().unwrap();
    assert_eq!(suppression.by, "team@example.org (exceptions, line 1)");
    assert_eq!(suppression.until, Some("2025-01-01T00:00:00Z".parse().unwrap()));
}

#[test]
fn what_is_of_no_shape_is_refused() {
    refused("colour: red\n", "neither `ignore` nor `vulnerabilities`");
    refused("ignore: []\nvulnerabilities: []\n", "mixes");
    refused("ignore: {}\n", "not readable");
    refused("ignore: [\n", "not readable");
    refused(&format!("ignore: {}", "[".repeat(100_000)), "not readable");
    refused(&format!("x: {}", "{x: ".repeat(100_000)), "not readable");
    assert!(Ignores::parse(b"\xff", "exceptions").unwrap_err().to_string().contains("not UTF-8"));
    let large = vec![b'\n'; cleanbill_match::MAX_IGNORE_BYTES + 1];
    assert!(Ignores::parse(&large, "exceptions").unwrap_err().to_string().contains("at most"));
}

#[test]
fn the_first_reason_stays_and_the_rule_is_not_stale() {
    let mut found = findings();
    parse("CVE-2024-1 # first").apply(&mut found, now());
    let before = found.clone();
    let applied = parse("CVE-2024-1 # second").apply(&mut found, now());
    assert_eq!(found, before);
    assert_eq!((applied.used.len(), applied.unused.len()), (1, 0));
}

const SAMPLES: [&str; 4] = [
    "CVE-2024-1 exp:2025-01-01 # x\nGO-3\n",
    "vulnerabilities:\n- id: CVE-2024-1\n  paths: ['app/**']\n  purls: ['pkg:maven/a/b']\n  expired_at: 2025-01-01\n",
    "ignore:\n- vulnerability: CVE-2024-1\n  package: {name: 'l.*', location: 'a/*'}\n  fix-state: fixed\n",
    "- id: CVE-2024-1\n  reason: r\n  owner: o\n  until: 2025-01-01\n  path: '**'\n",
];

proptest! {
    /// Broken files are read or refused; whatever is read takes no finding away.
    #[test]
    fn mutated_files_never_panic(
        which in 0..SAMPLES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..8),
    ) {
        let mut bytes = SAMPLES[which].as_bytes().to_vec();
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, byte),
            }
        }
        if let Ok(ignores) = Ignores::parse(&bytes, "exceptions") {
            let before = findings();
            let mut after = before.clone();
            let applied = ignores.apply(&mut after, now());
            prop_assert_eq!(applied.used.len() + applied.expired.len() + applied.unused.len(), ignores.rules());
            for (finding, old) in after.findings.iter_mut().zip(&before.findings) {
                finding.suppressed.clone_from(&old.suppressed);
            }
            prop_assert_eq!(after, before);
        }
    }

    /// A rule for another vulnerability changes nothing.
    #[test]
    fn other_ids_change_nothing(id in "(CVE|GHSA|GO)-[0-9a-z]{1,4}(-[0-9]{1,2})?") {
        let mut found = findings();
        parse(&id).apply(&mut found, now());
        for finding in &found.findings {
            let named = finding.id.eq_ignore_ascii_case(&id) || finding.aliases[0].eq_ignore_ascii_case(&id);
            prop_assert_eq!(finding.suppressed.is_some(), named);
        }
    }
}
