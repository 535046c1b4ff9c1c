//! Break-glass: what opens, for whom and how long, and what never does (A74); a clock that goes back.
#![allow(clippy::unwrap_used)]

mod place;

use std::sync::{Arc, Mutex};

use cleanbill_admission::{Admission, AdmissionOptions, BreakGlass, BrokenGlass, Floor, Phase};
use cleanbill_model::{AdmissionAnswer, AdmissionRequest, Decision, Digest, ReasonCode, Timestamp};
use futures::future::BoxFuture;
use place::*;
use serde_json::json;

/// One object, good for one digest in one namespace.
struct Fake {
    namespace: &'static str,
    digest: Digest,
    expires: Timestamp,
    asked: Mutex<u32>,
}

impl BreakGlass for Fake {
    fn open<'a>(
        &'a self,
        namespace: &'a str,
        digest: &'a Digest,
        _now: Timestamp,
    ) -> BoxFuture<'a, Option<BrokenGlass>> {
        *self.asked.lock().unwrap() += 1;
        let glass = BrokenGlass {
            name: "outage-7".to_owned(),
            requested_by: "ann@example.com".to_owned(),
            reason: "the shop is down".to_owned(),
            expires: self.expires,
        };
        let opens = namespace == self.namespace && *digest == self.digest;
        Box::pin(async move { opens.then_some(glass) })
    }

    fn may<'a>(&'a self, user: &'a str, _: &'a [String], _: &'a str) -> BoxFuture<'a, Result<bool, String>> {
        Box::pin(async move { Ok(user == "ann@example.com") })
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOW: &str = "2026-06-01T12:00:00Z";

struct Broken {
    place: Place,
    digest: Digest,
    admission: Admission,
    fake: Arc<Fake>,
}

/// An unsigned image for which somebody broke the glass in `shop`, until `expires`.
async fn broken(expires: &str) -> Broken {
    let place = Place::new("Fail").await;
    let digest = place.push("app", "1", "x");
    let fake =
        Arc::new(Fake { namespace: "shop", digest: digest.clone(), expires: at(expires), asked: Mutex::default() });
    let policies = (*place.admission.policies()).clone();
    let admission = Admission::new(policies, client(), AdmissionOptions::default())
        .with_break_glass(fake.clone())
        .with_clock(Arc::new(|| at(NOW)));
    Broken { place, digest, admission, fake }
}

impl Broken {
    async fn mutate(&self, request: AdmissionRequest) -> AdmissionAnswer {
        self.admission.answer(Phase::Mutate, HOOK, request, true).await
    }
}

#[tokio::test]
async fn one_digest_runs_in_one_namespace_with_a_warning_and_a_line_in_the_audit_log() {
    let it = broken("2026-06-01T13:00:00Z").await;
    let image = it.place.image("app:1");
    let answer = it.mutate(pod(&image)).await;
    pinned(&answer, &[format!("{image}@{}", it.digest)]);
    assert_eq!(answer.verdicts[0].decision, Decision::Admit);
    let codes: Vec<ReasonCode> = answer.verdicts[0].reasons.iter().map(|r| r.code).collect();
    assert_eq!(codes, [ReasonCode::Unsigned, ReasonCode::BreakGlass]);
    assert!(answer.warnings[0].contains("break-glass outage-7 of ann@example.com: the shop is down"), "{answer:?}");
    assert!(answer.audit_annotations["break-glass"].contains("until 2026-06-01T13:00:00Z"), "{answer:?}");
    let by_digest = pod(&format!("{image}@{}", it.digest));
    assert!(it.admission.answer(Phase::Validate, HOOK, by_digest, true).await.allowed);
    let text = it.admission.metrics().text();
    assert!(text.contains("cleanbill_admission_break_glass_uses_total 2"), "{text}");
    // A tag is pinned by nothing here, so the validating hook lets none in.
    refused(&it.admission.answer(Phase::Validate, HOOK, pod(&image), true).await, 403, "not pinned");
}

#[tokio::test]
async fn a74_another_namespace_another_digest_and_another_hour_are_not_meant() {
    let it = broken("2026-06-01T13:00:00Z").await;
    refused(&it.mutate(from("prod", pod(&it.place.image("app:1")))).await, 403, "unsigned");
    it.place.push("app", "2", "y");
    refused(&it.mutate(pod(&it.place.image("app:2"))).await, 403, "unsigned");
    let ended = broken(NOW).await;
    refused(&ended.mutate(pod(&ended.place.image("app:1"))).await, 403, "unsigned");
    assert_eq!(*ended.fake.asked.lock().unwrap(), 1);
}

#[tokio::test]
async fn a74_who_is_not_known_to_be_the_api_server_is_let_in_by_nothing() {
    let it = broken("2026-06-01T13:00:00Z").await;
    let answer = it.admission.answer(Phase::Mutate, HOOK, pod(&it.place.image("app:1")), false).await;
    refused(&answer, 403, "unsigned");
    assert_eq!(*it.fake.asked.lock().unwrap(), 0);
}

#[tokio::test]
async fn a74_a39_no_label_and_no_annotation_is_break_glass() {
    let place = Place::new("Fail").await;
    place.push("app", "1", "x");
    let image = place.image("app:1");
    let words = json!({
        "cleanbill.dev/break-glass": "true", "break-glass": "true", "admission.cleanbill.dev/ignore": "true",
        "policy.sigstore.dev/exclude": "true", "kyverno.io/ignore": "true",
    });
    let metadata = json!({"labels": words, "annotations": words});
    let spec = json!({"containers": [{"name": "web", "image": image}]});
    let of_pod = json!({"metadata": metadata, "spec": spec});
    let template = json!({"metadata": metadata, "spec": {"template": {"metadata": metadata, "spec": spec}}});
    for (group, kind, object, phase) in
        [("", "Pod", of_pod, Phase::Mutate), ("apps", "Deployment", template, Phase::Validate)]
    {
        let mut review = review_of(group, kind, object);
        review["request"]["namespaceObject"] = json!({"metadata": metadata});
        let answer = place.admission.answer(phase, HOOK, parsed(&review), true).await;
        refused(&answer, 403, "unsigned");
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_leaves_open_what_depends_on_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let floor = || {
        let floor = Floor::open(dir.path()).unwrap();
        floor.check(at("2026-06-02T00:00:00Z")).unwrap();
        floor
    };
    let it = broken("2026-06-01T13:00:00Z").await;
    let signed = (*it.place.admission.policies()).clone();
    let behind = |policies| {
        Admission::new(policies, client(), AdmissionOptions::default())
            .with_break_glass(it.fake.clone())
            .with_clock(Arc::new(|| at(NOW)))
            .with_floor(floor())
    };
    let admission = behind(signed);
    assert!(admission.ready().unwrap_err().contains("the clock says 2026-06-01T12:00:00Z"));
    let request = pod(&it.place.image("app:1"));
    // Signatures do not depend on it; break-glass does, and is not opened.
    refused(&admission.answer(Phase::Mutate, HOOK, request.clone(), true).await, 403, "unsigned");
    let excepted = "digest: pin, exceptions: [{images: [\"*\"], reason: r, owner: o, until: 2026-06-01}]";
    for spec in ["findings: {failOn: high}", excepted] {
        let answer = behind(loaded(&short(spec))).answer(Phase::Mutate, HOOK, request.clone(), true).await;
        refused(&answer, 500, "the clock says");
        assert_eq!(answer.verdicts[0].reasons[0].code, ReasonCode::ClockBehind);
    }
    let text = admission.metrics().text();
    assert!(text.contains("cleanbill_admission_clock_believed 0"), "{text}");
}
