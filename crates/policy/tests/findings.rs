//! The findings gate: what it lets pass, what it refuses and in which words; ignorance passes no gate.
#![allow(clippy::unwrap_used)]

mod made;

use std::sync::Arc;

use cleanbill_advisory::{Database, DatabaseInfo, Import};
use cleanbill_match::{MatchOptions, match_sbom};
use cleanbill_model::{
    Advisory, Affected, Decision, Distro, DistroState, Event, FixState, KeyId, Package, Problem, Purl, RangeKind,
    ReasonCode, Sbom, Severity, Subject, Timestamp, Verdict, VersionRange,
};
use cleanbill_policy::{Facts, PolicySet, Scan, Scanned, Statement};
use made::{digest, evidence, image, key, load, pem, quoted, refused, request, short, signed_by};
use serde_json::json;

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn package(name: &str, version: &str) -> Package {
    let purl = Purl::parse(&format!("pkg:npm/{name}@{version}")).unwrap();
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        purl,
        source: None,
        licenses: vec![],
        locations: vec![],
        owner: None,
        cataloger: None,
    }
}

/// A record for every version from 0 on; `fixed` empty: there is no fix.
fn record(id: &str, name: &str, severity: Severity, fixed: &str) -> Advisory {
    let mut events = vec![Event::Introduced("0".to_owned())];
    events.extend((!fixed.is_empty()).then(|| Event::Fixed(fixed.to_owned())));
    Advisory {
        id: id.to_owned(),
        aliases: vec![],
        upstream: vec![],
        feed: "osv".to_owned(),
        summary: String::new(),
        severity,
        cvss: vec![],
        published: None,
        modified: None,
        withdrawn: None,
        affected: vec![Affected {
            ecosystem: "npm".to_owned(),
            name: name.to_owned(),
            ranges: vec![VersionRange { kind: RangeKind::Semver, events }],
            versions: vec![],
            fix_state: FixState::ByRange,
            severity: None,
        }],
    }
}

fn sbom(packages: Vec<Package>) -> Sbom {
    let distro = Distro { state: DistroState::None, ..Distro::default() };
    Sbom { subject: Subject::default(), distro, packages, problems: vec![], catalogers: vec![], layers: vec![] }
}

/// What is found in `sbom` by records that were compiled `days` ago.
fn scan_of(sbom: Sbom, records: Vec<Advisory>, days: i64) -> Scan {
    let built = now() - jiff::SignedDuration::from_hours(24 * days);
    let import = Import { advisories: records, ..Import::default() };
    let database = Database::from_bytes(Database::compile(&import, Some(built))).unwrap();
    let findings = match_sbom(&sbom, &database, &MatchOptions::default()).unwrap();
    Scan {
        what: "linux/amd64".to_owned(),
        findings: Arc::new(findings),
        sbom: Arc::new(sbom),
        database: Arc::new(database.info()),
        at: now(),
    }
}

fn bad() -> Scan {
    let records =
        vec![record("CVE-1", "left", Severity::High, "2.0.0"), record("CVE-2", "left", Severity::Critical, "")];
    scan_of(sbom(vec![package("left", "1.0.0")]), records, 1)
}

fn clean() -> Scan {
    scan_of(sbom(vec![package("right", "1.0.0")]), vec![record("CVE-1", "left", Severity::High, "2.0.0")], 1)
}

fn gate(spec: &str) -> PolicySet {
    load(&short(&format!("findings: {{{spec}}}"))).unwrap()
}

fn judge(set: &PolicySet, scanned: Option<&Scanned>) -> Verdict {
    let evidence = evidence(&[]);
    let facts = Facts { scanned, now: now(), ..Facts::of(Ok(&evidence)) };
    set.judge_with(&request("Pod", "default"), &image("a:1"), Some(&digest()), &facts)
}

/// The code of the first reason, and whether the image is let in.
#[track_caller]
fn check(spec: &str, scans: &[Scan], expect: (ReasonCode, Decision)) -> Verdict {
    let verdict = judge(&gate(spec), Some(&Scanned::Known(scans.to_vec())));
    assert_eq!((verdict.reasons[0].code, verdict.decision), expect, "{verdict:#?}");
    verdict
}

const PASSED: (ReasonCode, Decision) = (ReasonCode::Allowed, Decision::Admit);
const FOUND: (ReasonCode, Decision) = (ReasonCode::HasFindings, Decision::Refuse);
const UNKNOWN: (ReasonCode, Decision) = (ReasonCode::FindingsUnknown, Decision::Refuse);
const OLD: (ReasonCode, Decision) = (ReasonCode::ScanTooOld, Decision::Refuse);

#[test]
fn the_words_of_fail_on_decide() {
    check("failOn: high", &[clean()], PASSED);
    check("failOn: high", &[bad()], FOUND);
    check("failOn: 'high,fixable'", &[bad()], FOUND);
    check("failOn: 'critical,fixable'", &[bad()], PASSED);
    check("failOn: kev, allow: [uncovered]", &[bad()], PASSED);
    let demand = gate("failOn: high").demand(&request("Pod", "default"), &image("a:1"));
    assert!(demand.scanned && demand.time && demand.keys.is_empty() && !demand.signatures);
}

#[test]
fn the_worst_five_are_named_with_what_to_do() {
    let verdict = check("failOn: high", &[bad(), bad()], FOUND);
    let said = &verdict.reasons[0];
    assert!(
        said.message.ends_with(
            "has 2 findings that `high` lets not pass: CVE-2 in left 1.0.0 (critical, affected), CVE-1 in left 1.0.0 \
             (high, fixed in 2.0.0)"
        ),
        "{}",
        said.message
    );
    assert_eq!(said.hint, "update left to 2.0.0, and build the image again");
    let many = (0..9).map(|n| record(&format!("CVE-{n}"), "left", Severity::High, "")).collect();
    let verdict = check("failOn: high", &[scan_of(sbom(vec![package("left", "1.0.0")]), many, 1)], FOUND);
    assert_eq!(verdict.reasons[0].message.matches("CVE-").count(), 5);
    assert!(verdict.reasons[0].message.ends_with(", and 4 more"), "{}", verdict.reasons[0].message);
    assert!(verdict.reasons[0].hint.contains("exception"), "{}", verdict.reasons[0].hint);
}

#[test]
fn a56_one_bad_platform_among_good_ones_is_enough() {
    check("failOn: high", &[clean(), clean()], PASSED);
    for scans in [[bad(), clean()], [clean(), bad()]] {
        check("failOn: high", &scans, FOUND);
    }
    for spec in ["failOn: high", "failOn: high, unscanned: admit, allow: [uncovered, stale, unreadable]"] {
        check(spec, &[], UNKNOWN);
        let verdict = judge(&gate(spec), Some(&Scanned::Unreadable("indexes within indexes".to_owned())));
        assert_eq!((verdict.reasons[0].code, verdict.decision), UNKNOWN);
    }
}

#[test]
fn ignorance_passes_no_gate_unless_it_is_allowed_by_name() {
    let problem =
        Problem { code: "read".into(), path: "/x".into(), layer: None, what: "read".into(), why: "damaged".into() };
    let unreadable = |scan: Scan| {
        let sbom = Sbom { problems: vec![problem.clone()], ..(*scan.sbom).clone() };
        Scan { sbom: Arc::new(sbom), ..scan }
    };
    check("failOn: high", &[unreadable(clean())], UNKNOWN);
    check("failOn: high, allow: [uncovered, stale]", &[unreadable(clean())], UNKNOWN);
    check("failOn: high, allow: [unreadable]", &[unreadable(clean())], PASSED);
    check("failOn: high, allow: [unreadable]", &[unreadable(bad())], FOUND);
    let nothing = scan_of(sbom(vec![]), vec![], 1);
    check("failOn: high", std::slice::from_ref(&nothing), UNKNOWN);
    check("failOn: high, allow: [uncovered]", &[nothing], PASSED);
    let distro = Distro { state: DistroState::Unknown("no os-release".to_owned()), ..Distro::default() };
    let unknown = Scan { sbom: Arc::new(Sbom { distro, ..(*clean().sbom).clone() }), ..clean() };
    check("failOn: high", &[unknown], UNKNOWN);
}

#[test]
fn knowledge_that_is_too_old_passes_no_gate() {
    let aged = |days| scan_of((*clean().sbom).clone(), vec![record("CVE-1", "left", Severity::High, "2")], days);
    check("failOn: high", &[aged(7)], PASSED);
    check("failOn: high", &[aged(8)], OLD);
    check("failOn: high, maxScanAge: 30d", &[aged(8)], PASSED);
    check("failOn: high, maxScanAge: 12h", &[aged(1)], OLD);
    check("failOn: high, allow: [stale]", &[aged(8)], PASSED);
    let looked = |days: i64| Scan { at: now() - jiff::SignedDuration::from_hours(24 * days), ..aged(1) };
    check("failOn: high", &[looked(8)], OLD);
    let undated = Scan { database: Arc::new(DatabaseInfo { built: None, ..(*clean().database).clone() }), ..clean() };
    check("failOn: high", &[undated], OLD);
}

#[test]
fn what_nobody_has_looked_into_is_an_answer_of_its_own() {
    for scanned in [None, Some(Scanned::NotYet("it is large".to_owned()))] {
        let verdict = judge(&gate("failOn: high"), scanned.as_ref());
        assert_eq!((verdict.reasons[0].code, verdict.decision), (ReasonCode::NotScanned, Decision::Refuse));
        assert!(verdict.reasons[0].message.contains("is not scanned yet: "), "{verdict:?}");
        assert!(!verdict.reasons[0].hint.is_empty());
        let verdict = judge(&gate("failOn: high, unscanned: admit"), scanned.as_ref());
        assert_eq!((verdict.reasons[0].code, verdict.decision), PASSED);
        assert_eq!((verdict.warnings[0].code, verdict.warnings[0].policy.as_str()), (ReasonCode::NotScanned, "short"));
    }
}

#[test]
fn a_gate_only_audits_where_its_policy_does() {
    let set = load(&short("mode: audit, findings: {failOn: high}")).unwrap();
    let verdict = judge(&set, Some(&Scanned::Known(vec![bad()])));
    assert_eq!((verdict.decision, verdict.warnings[0].code), (Decision::Admit, ReasonCode::HasFindings));
}

#[test]
fn a60_a62_nothing_that_is_attested_changes_what_our_own_look_found() {
    let set = load(&short(&format!("{}, findings: {{failOn: high}}", signed_by('A')))).unwrap();
    let evidence = evidence(&[key('A')]);
    let statement =
        |of: &str, by: KeyId, predicate| Statement { predicate_type: of.to_owned(), verified_by: vec![by], predicate };
    let empty = json!({"bomFormat": "CycloneDX", "components": []});
    let vex = json!({"statements": [{"vulnerability": {"name": "CVE-2"}, "status": "not_affected"}]});
    for by in [key('A'), key('B')] {
        let statements = [
            statement("https://cyclonedx.org/bom", by.clone(), empty.clone()),
            statement("https://openvex.dev/ns/v0.2.0", by, vex.clone()),
        ];
        for (scan, expect) in [(bad(), Decision::Refuse), (clean(), Decision::Admit)] {
            let scanned = Scanned::Known(vec![scan]);
            let facts = Facts { evidence: Ok(&evidence), statements: &statements, scanned: Some(&scanned), now: now() };
            let verdict = set.judge_with(&request("Pod", "default"), &image("a:1"), Some(&digest()), &facts);
            assert_eq!(verdict.decision, expect, "{verdict:?}");
        }
    }
}

#[test]
fn a63_what_one_feed_withdraws_another_still_says() {
    let mine = record("CVE-1", "left", Severity::High, "2.0.0");
    let theirs = Advisory { feed: "other".to_owned(), withdrawn: Some(now()), ..mine.clone() };
    check("failOn: high", &[scan_of(sbom(vec![package("left", "1.0.0")]), vec![mine, theirs], 1)], FOUND);
}

#[test]
fn what_is_wrongly_written_is_refused_by_its_path() {
    for (spec, part) in [
        ("", "spec.findings.failOn is missing"),
        ("failOn: none", "lets every finding pass"),
        ("failOn: highest", "`highest` is no gate"),
        ("failOn: high, maxScanAge: 1w", "`1w` is no age"),
        ("failOn: high, unscanned: maybe", "none of admit, refuse"),
        ("failOn: high, allow: [everything]", "`everything` cannot be allowed"),
        ("failOn: high, allow: uncovered", "expected a list"),
        ("failOn: high, typo: 1", "spec.findings.typo is not supported yet"),
    ] {
        refused(&short(&format!("findings: {{{spec}}}")), part);
    }
    refused(&short(""), "write signedBy, attestations, findings, registries or digest");
}

#[test]
fn signatures_come_first_and_a_gate_replaces_none() {
    let set = load(&short(&format!("{}, findings: {{failOn: high}}", signed_by('A')))).unwrap();
    let verdict = judge(&set, Some(&Scanned::Known(vec![clean()])));
    assert_eq!((verdict.reasons[0].code, verdict.decision), (ReasonCode::Unsigned, Decision::Refuse));
    let attested =
        load(&short(&format!("attestations: [{{type: t, keys: {}}}], findings: {{failOn: high}}", quoted(&pem('A')))))
            .unwrap();
    assert_eq!(judge(&attested, Some(&Scanned::Known(vec![clean()]))).reasons[0].code, ReasonCode::NotAttested);
}
