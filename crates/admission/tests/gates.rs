//! The findings gate at admission: who is asked about what, and what no statement, index or slow registry
//! changes about it.
#![allow(clippy::unwrap_used)]

mod place;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cleanbill_admission::{Admission, AdmissionOptions, Child, Phase, Scans};
use cleanbill_advisory::{Database, Import};
use cleanbill_match::{MatchOptions, match_sbom};
use cleanbill_model::{
    AdmissionAnswer, AdmissionRequest, Advisory, Affected, Digest, Distro, DistroState, Event, FixState, Package,
    Platform, Purl, RangeKind, ReasonCode, Reference, Sbom, Severity, Subject, Timestamp, VersionRange,
};
use cleanbill_policy::Scan;
use cleanbill_testkit::{BuiltImage, BuiltIndex, ImageBuilder, Layer};
use cleanbill_trust::{Form, PrivateKey};
use futures::future::BoxFuture;
use place::*;
use serde_json::{Value, json};
use tokio::time::Instant;

/// Says of some manifests that they are bad, of all others that they are clean, and of some nothing.
#[derive(Default)]
struct Fake {
    bad: HashSet<Digest>,
    silent: HashSet<Digest>,
    asked: Mutex<Vec<(Digest, bool)>>,
}

fn scan(child: &Child, bad: bool) -> Scan {
    let version = if bad { "1.0.0" } else { "2.0.0" };
    let package = Package {
        purl: Purl::parse(&format!("pkg:npm/left@{version}")).unwrap(),
        name: "left".to_owned(),
        version: version.to_owned(),
        source: None,
        licenses: vec![],
        locations: vec![],
        owner: None,
        cataloger: None,
    };
    let events = vec![Event::Introduced("0".to_owned()), Event::Fixed("2.0.0".to_owned())];
    let advisory = Advisory {
        id: "CVE-2026-1".to_owned(),
        aliases: vec![],
        upstream: vec![],
        feed: "osv".to_owned(),
        summary: String::new(),
        severity: Severity::High,
        cvss: vec![],
        published: None,
        modified: None,
        withdrawn: None,
        affected: vec![Affected {
            ecosystem: "npm".to_owned(),
            name: "left".to_owned(),
            ranges: vec![VersionRange { kind: RangeKind::Semver, events }],
            versions: vec![],
            fix_state: FixState::ByRange,
            severity: None,
        }],
    };
    let import = Import { advisories: vec![advisory], ..Import::default() };
    let database = Database::from_bytes(Database::compile(&import, Some(Timestamp::now()))).unwrap();
    let distro = Distro { state: DistroState::None, ..Distro::default() };
    let sbom = Sbom {
        subject: Subject::default(),
        distro,
        packages: vec![package],
        problems: vec![],
        catalogers: vec![],
        layers: vec![],
    };
    let findings = match_sbom(&sbom, &database, &MatchOptions::default()).unwrap();
    Scan {
        what: child.what(),
        findings: Arc::new(findings),
        sbom: Arc::new(sbom),
        database: Arc::new(database.info()),
        at: Timestamp::now(),
    }
}

impl Scans for Fake {
    fn scanned<'a>(
        &'a self,
        image: &'a Reference,
        child: &'a Child,
        _until: Instant,
        keep: bool,
    ) -> BoxFuture<'a, Result<Scan, String>> {
        assert_eq!(image.digest(), Some(&child.digest));
        self.asked.lock().unwrap().push((child.digest.clone(), keep));
        let known = !self.silent.contains(&child.digest);
        Box::pin(async move {
            if known { Ok(scan(child, self.bad.contains(&child.digest))) } else { Err("nobody has".to_owned()) }
        })
    }
}

fn image(text: &str, platform: &str) -> BuiltImage {
    ImageBuilder::new().platform(platform).layer(Layer::new().file("text", text)).build()
}

/// Asks about a Pod with the image, where these manifests are bad.
async fn ask(spec: &str, bad: &[Digest], request: AdmissionRequest) -> (AdmissionAnswer, Vec<Digest>) {
    let fake = Arc::new(Fake { bad: bad.iter().cloned().collect(), ..Fake::default() });
    let admission =
        Admission::new(loaded(&short(spec)), client(), AdmissionOptions::default()).with_scans(fake.clone());
    let answer = admission.answer(Phase::Mutate, HOOK, request, true).await;
    let asked = fake.asked.lock().unwrap().iter().map(|(digest, _)| digest.clone()).collect();
    (answer, asked)
}

const GATE: &str = "findings: {failOn: high}";

#[tokio::test]
async fn what_is_bad_is_refused_by_name_and_what_is_clean_comes_in() {
    let place = Place::new("Fail").await;
    let digest = place.push("app", "1", "x");
    let request = pod(&place.image("app:1"));
    let (answer, asked) = ask(GATE, &[], request.clone()).await;
    pinned(&answer, &[format!("{}@{digest}", place.image("app:1"))]);
    assert_eq!(asked, std::slice::from_ref(&digest));
    let (answer, _) = ask(GATE, &[digest], request).await;
    refused(&answer, 403, "CVE-2026-1 in left 1.0.0 (high, fixed in 2.0.0)");
    assert!(answer.message.contains("hint: update left to 2.0.0"), "{}", answer.message);
}

#[tokio::test]
async fn nobody_is_asked_where_no_policy_wants_to_know() {
    let place = Place::new("Fail").await;
    place.push("app", "1", "x");
    let (answer, asked) = ask("digest: pin", &[], pod(&place.image("app:1"))).await;
    assert!(answer.allowed && asked.is_empty());
}

#[tokio::test]
async fn what_is_not_scanned_yet_says_so_and_the_policy_decides() {
    let place = Place::new("Fail").await;
    let digest = place.push("app", "1", "x");
    for (spec, allowed) in [(GATE, false), ("findings: {failOn: high, unscanned: admit}", true)] {
        let fake = Arc::new(Fake { silent: HashSet::from([digest.clone()]), ..Fake::default() });
        let admission = Admission::new(loaded(&short(spec)), client(), AdmissionOptions::default()).with_scans(fake);
        let answer = admission.answer(Phase::Mutate, HOOK, pod(&place.image("app:1")), true).await;
        assert_eq!(answer.allowed, allowed);
        let said = if allowed { answer.warnings.join("\n") } else { answer.message };
        assert!(said.contains("is not scanned yet: ") && said.contains("nobody has"), "{said}");
    }
}

/// An index by its entries: descriptors as they stand.
fn index(entries: &[Value]) -> Vec<u8> {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).to_string().into_bytes()
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn entry(media_type: &str, bytes: &[u8], platform: Option<&str>) -> Value {
    let mut entry = json!({"mediaType": media_type, "digest": Digest::sha256(bytes).to_string(), "size": bytes.len()});
    if let Some((os, architecture)) = platform.and_then(|p| p.split_once('/')) {
        entry["platform"] = json!({"os": os, "architecture": architecture});
    }
    entry
}

#[tokio::test]
async fn a56_every_manifest_that_could_run_is_judged() {
    let place = Place::new("Fail").await;
    // Two for one platform, one for another, one inside an index inside the index.
    let images: Vec<BuiltImage> =
        [("1", "linux/amd64"), ("2", "linux/amd64"), ("3", "linux/arm64"), ("4", "linux/amd64")]
            .map(|(text, platform)| image(text, platform))
            .into();
    for built in &images {
        place.registry.put_untagged("app", built);
    }
    let of = |built: &BuiltImage, platform: &str| entry(&built.media_type, &built.manifest, Some(platform));
    let nested = index(&[of(&images[3], "linux/amd64")]);
    place.registry.put_manifest("app", INDEX, &nested, None);
    let whole = index(&[
        of(&images[0], "linux/amd64"),
        of(&images[1], "linux/amd64"),
        of(&images[2], "linux/arm64"),
        entry(INDEX, &nested, None),
    ]);
    place.registry.put_manifest("app", INDEX, &whole, Some("1"));
    let request = pod(&place.image("app:1"));
    let (answer, asked) = ask(GATE, &[], request.clone()).await;
    assert!(answer.allowed, "{}", answer.message);
    assert_eq!(asked.len(), 4, "{asked:?}");
    for built in &images {
        let (answer, _) = ask(GATE, std::slice::from_ref(&built.digest), request.clone()).await;
        refused(&answer, 403, "CVE-2026-1");
    }
    // A Pod that is bound to one platform is judged by what could run there.
    let mut bound = request;
    bound.platform = Some(Platform::new("linux", "amd64"));
    let (answer, asked) = ask(GATE, &[images[2].digest.clone()], bound.clone()).await;
    assert!(answer.allowed && !asked.contains(&images[2].digest), "{}", answer.message);
    let (answer, _) = ask(GATE, &[images[1].digest.clone()], bound).await;
    refused(&answer, 403, "CVE-2026-1");
}

#[tokio::test]
async fn a56_what_is_built_so_that_nobody_can_say_what_runs_is_refused() {
    let place = Place::new("Fail").await;
    let good = image("1", "linux/amd64");
    place.registry.put_untagged("app", &good);
    let child = entry(&good.media_type, &good.manifest, Some("linux/amd64"));
    // Four deep; one of a type that is no image; one whose entry is not there; nothing at all.
    let mut deep = index(std::slice::from_ref(&child));
    for _ in 0..3 {
        place.registry.put_manifest("app", INDEX, &deep, None);
        deep = index(&[child.clone(), entry(INDEX, &deep, None)]);
    }
    let odd = index(&[child.clone(), entry("application/x-other", b"{}", Some("linux/amd64"))]);
    let missing = index(&[child.clone(), entry(INDEX, b"gone", None)]);
    let empty = index(&[]);
    let lax = "findings: {failOn: high, unscanned: admit, allow: [uncovered, unreadable, stale]}";
    for (name, bytes) in [("deep", deep), ("odd", odd), ("missing", missing), ("empty", empty)] {
        place.registry.put_manifest("app", INDEX, &bytes, Some(name));
        for spec in [GATE, lax] {
            let (answer, _) = ask(spec, &[], pod(&place.image(&format!("app:{name}")))).await;
            refused(&answer, 403, "nobody can say what would run");
            assert_eq!(answer.verdicts[0].reasons[0].code, ReasonCode::FindingsUnknown, "{name}");
        }
    }
    // Statements beside images are for no node.
    let statement = entry(&good.media_type, b"statement", Some("unknown/unknown"));
    place.registry.put_manifest("app", INDEX, &index(&[child, statement]), Some("stated"));
    let (answer, asked) = ask(GATE, &[], pod(&place.image("app:stated"))).await;
    assert!(answer.allowed && asked == [good.digest.clone()], "{}", answer.message);
}

#[tokio::test]
async fn a56_a_signature_on_an_index_counts_for_the_index_and_no_child_is_skipped() {
    let place = Place::new("Fail").await;
    let images = [image("1", "linux/amd64"), image("2", "linux/arm64")];
    place.registry.put_index("app", &BuiltIndex::new(images.clone()), "1");
    place.sign("app:1").await;
    let spec = format!("signedBy: [{{keys: {}}}], {GATE}", pem(&place.key));
    let request = pod(&place.image("app:1"));
    assert!(ask(&spec, &[], request.clone()).await.0.allowed);
    refused(&ask(&spec, &[images[1].digest.clone()], request).await.0, 403, "CVE-2026-1");
    // A child alone is another digest, which nobody signed.
    let alone = pod(&place.image(&format!("app@{}", images[0].digest)));
    refused(&ask(&spec, &[], alone).await.0, 403, "unsigned");
}

#[tokio::test]
async fn a60_a62_statements_of_packages_and_flaws_change_nothing() {
    let place = Place::new("Fail").await;
    let digest = place.push("app", "1", "x");
    let spec = format!("signedBy: [{{keys: {}}}], {GATE}", pem(&place.key));
    place.sign("app:1").await;
    let empty = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []});
    let vex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "statements": [
        {"vulnerability": {"name": "CVE-2026-1"}, "status": "not_affected", "justification": "component_not_present",
         "products": [{"@id": "pkg:npm/left@1.0.0"}]}]});
    for key in [&place.key, &PrivateKey::generate().unwrap()] {
        attest(&place, "app:1", key, "cyclonedx", &empty, Form::Bundle).await;
        attest(&place, "app:1", key, "openvex", &vex, Form::Bundle).await;
        let (answer, asked) = ask(&spec, std::slice::from_ref(&digest), pod(&place.image("app:1"))).await;
        refused(&answer, 403, "CVE-2026-1");
        assert_eq!(asked, std::slice::from_ref(&digest), "our own look decides");
    }
}

#[tokio::test]
async fn dry_runs_and_unproven_callers_keep_nothing_of_a_look() {
    let place = Place::new("Fail").await;
    place.push("app", "1", "x");
    let fake = Arc::new(Fake::default());
    let admission =
        Admission::new(loaded(&short(GATE)), client(), AdmissionOptions::default()).with_scans(fake.clone());
    let request = pod(&place.image("app:1"));
    let dry = AdmissionRequest { dry_run: true, ..request.clone() };
    for (request, proven) in [(dry, true), (request.clone(), false), (request, true)] {
        admission.answer(Phase::Mutate, HOOK, request, proven).await;
    }
    let kept: Vec<bool> = fake.asked.lock().unwrap().iter().map(|(_, keep)| *keep).collect();
    assert_eq!(kept, [false, false, true]);
}

#[tokio::test]
async fn a_look_that_takes_too_long_is_not_scanned_yet_before_the_deadline() {
    struct Slow;
    impl Scans for Slow {
        fn scanned<'a>(
            &'a self,
            _: &'a Reference,
            _: &'a Child,
            _: Instant,
            _: bool,
        ) -> BoxFuture<'a, Result<Scan, String>> {
            Box::pin(std::future::pending())
        }
    }
    let place = Place::new("Fail").await;
    place.push("app", "1", "x");
    let options = AdmissionOptions { deadline: Duration::from_millis(800), ..AdmissionOptions::default() };
    let admission = Admission::new(loaded(&short(GATE)), client(), options).with_scans(Arc::new(Slow));
    let answer = admission.answer(Phase::Mutate, HOOK, pod(&place.image("app:1")), true).await;
    refused(&answer, 403, "is not scanned yet: looking into it took longer than");
    assert_eq!(answer.verdicts[0].reasons[0].code, ReasonCode::NotScanned);
}

#[tokio::test]
async fn a76_a_slow_registry_delays_only_who_uses_it() {
    let slow = Place::new("Fail").await;
    let quick = Place::new("Fail").await;
    let options = AdmissionOptions { deadline: Duration::from_millis(1500), ..AdmissionOptions::default() };
    let admission = Arc::new(Admission::new(loaded(&short("digest: pin")), client(), options));
    slow.registry.faults().hang(true);
    quick.push("app", "1", "x");
    // More than the places of its namespace and of its host.
    let mut waiting = Vec::new();
    for n in 0..40 {
        let (admission, request) = (admission.clone(), from("tenant-a", pod(&slow.image(&format!("app:{n}")))));
        waiting.push(tokio::spawn(async move { admission.answer(Phase::Mutate, HOOK, request, true).await }));
    }
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    let other = admission.answer(Phase::Mutate, HOOK, from("tenant-b", pod(&quick.image("app:1"))), true).await;
    assert!(other.allowed, "{}", other.message);
    let mut said = Vec::new();
    for answer in waiting {
        let answer = answer.await.unwrap();
        assert_eq!((answer.allowed, answer.code), (false, 500));
        said.push(answer.message);
    }
    assert!(said.iter().any(|m| m.contains("16 images of namespace `tenant-a`")), "{said:?}");
}
