//! Attacks on admission, by their numbers, and the answers that must stay apart.
#![allow(clippy::unwrap_used)]

mod place;

use std::time::Duration;

use cleanbill_admission::{AdmissionOptions, Hook, Phase};
use cleanbill_model::{Decision, ReasonCode};
use cleanbill_policy::FailurePolicy;
use cleanbill_trust::PrivateKey;
use place::*;
use serde_json::json;

#[tokio::test]
async fn a18_what_is_pinned_is_what_was_verified_however_the_tag_moves() {
    let place = Place::new("Fail").await;
    let good = place.push("app", "1", "good");
    place.sign("app:1").await;
    let image = place.image("app:1");
    pinned(&place.mutate(&pod(&image)).await, &[format!("{image}@{good}")]);
    let bad = place.push("app", "1", "bad");
    assert_ne!(good, bad);
    let answer = place.mutate(&pod(&image)).await;
    refused(&answer, 403, "policy images/signed");
    assert_eq!(answer.verdicts[0].digest, Some(bad));
    place.registry.move_tag("app", "1", &good);
    pinned(&place.mutate(&pod(&image)).await, &[format!("{image}@{good}")]);
    let validated = place.validate(&pod(&format!("{image}@{good}"))).await;
    assert!(validated.allowed && validated.patches.is_empty());
}

#[tokio::test]
async fn unsigned_other_key_no_image_and_no_answer_are_four_answers() {
    let place = Place::new("Fail").await;
    place.push("app", "unsigned", "1");
    place.push("app", "other", "2");
    place.sign_with("app:other", &PrivateKey::generate().unwrap()).await;
    let code = async |tag: &str| {
        let answer = place.mutate(&pod(&place.image(&format!("app:{tag}")))).await;
        (answer.code, answer.verdicts[0].reasons[0].code)
    };
    assert_eq!(code("unsigned").await, (403, ReasonCode::Unsigned));
    assert_eq!(code("other").await, (403, ReasonCode::OtherKey));
    assert_eq!(code("none").await, (403, ReasonCode::NotFound));
    place.registry.faults().server_error(100);
    assert_eq!(code("unsigned").await, (500, ReasonCode::Unreachable));
}

#[tokio::test]
async fn a24_annotations_have_no_effect() {
    let place = Place::new("Fail").await;
    let digest = place.push("app", "1", "x");
    let image = format!("{}@{digest}", place.image("app:1"));
    let mut review = review_of("", "Pod", json!({"spec": {"containers": [{"name": "a", "image": image}]}}));
    review["request"]["object"]["metadata"] = json!({"annotations": {"kyverno.io/verify-images": format!("{{\"{image}\":\"pass\"}}"), "cleanbill.dev/verified": "true"}});
    refused(&place.validate(&parsed(&review)).await, 403, "app:1");
    review["request"]["operation"] = json!("UPDATE");
    refused(&place.validate(&parsed(&review)).await, 403, "app:1");
}

#[tokio::test]
async fn a25_a_pod_that_is_being_deleted_is_judged() {
    let place = Place::new("Fail").await;
    let digest = place.push("app", "1", "x");
    let image = format!("{}@{digest}", place.image("app"));
    let mut review = review_of("", "Pod", json!({"spec": {"containers": [{"name": "a", "image": image}]}}));
    review["request"]["object"]["metadata"] =
        json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"]});
    refused(&place.validate(&parsed(&review)).await, 403, "app@sha256");
}

#[tokio::test]
async fn a26_a27_a28_every_list_is_judged_and_pinned_by_place() {
    let place = Place::new("Fail").await;
    let digest = place.push("app", "1", "x");
    place.sign("app:1").await;
    let (good, bad) = (place.image("app:1"), place.image("bad:1"));
    place.push("bad", "1", "y");
    let spec = |images: [&str; 4]| {
        json!({"spec": {
            "containers": [{"name": "a", "image": images[0]}],
            "initContainers": [{"name": "a", "image": images[1], "restartPolicy": "Always"}],
            "ephemeralContainers": [{"name": "a", "image": images[2]}],
            "volumes": [{"name": "a", "image": {"reference": images[3]}}]}})
    };
    let answer = place.mutate(&parsed(&review_of("", "Pod", spec([&good; 4])))).await;
    pinned(&answer, &vec![format!("{good}@{digest}"); 4]);
    let pointers: Vec<&str> = answer.patches.iter().map(|p| p.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/spec/containers/0/image",
            "/spec/initContainers/0/image",
            "/spec/ephemeralContainers/0/image",
            "/spec/volumes/0/image/reference"
        ]
    );
    for at in 0..4 {
        let mut images = [good.as_str(); 4];
        images[at] = &bad;
        refused(&place.mutate(&parsed(&review_of("", "Pod", spec(images)))).await, 403, "bad:1");
    }
    let mut debug = review_of("", "Pod", spec([&good, &good, &bad, &good]));
    debug["request"]["operation"] = json!("UPDATE");
    debug["request"]["subResource"] = json!("ephemeralcontainers");
    refused(&place.mutate(&parsed(&debug)).await, 403, "ephemeral container a");
}

#[tokio::test]
async fn a32_an_edited_policy_counts_at_once() {
    let place = Place::new("Fail").await;
    place.push("app", "1", "x");
    place.sign("app:1").await;
    let request = pod(&place.image("app:1"));
    assert!(place.mutate(&request).await.allowed);
    let other = PrivateKey::generate().unwrap();
    let edited = policy("images", "Fail", "Enforce", &format!("{}/*", place.registry.host()), &other);
    place.admission.replace(loaded(&edited));
    refused(&place.mutate(&request).await, 403, "images/signed");
}

#[tokio::test]
async fn a75_the_same_digest_in_another_repository_is_judged_afresh() {
    let place = Place::new("Fail").await;
    let digest = place.push("app", "1", "x");
    place.push("copy", "1", "x");
    place.sign("app:1").await;
    assert!(place.validate(&pod(&place.image(&format!("app@{digest}")))).await.allowed);
    refused(&place.validate(&pod(&place.image(&format!("copy@{digest}")))).await, 403, "copy@");
}

#[tokio::test]
async fn a34_a35_no_answer_in_time_is_no_success() {
    for failure in ["Fail", "Ignore"] {
        let options = AdmissionOptions { deadline: Duration::from_millis(50), ..AdmissionOptions::default() };
        let place = Place::with(failure, options).await;
        place.push("app", "1", "x");
        place.sign("app:1").await;
        place.registry.faults().hang(true);
        let request = pod(&place.image("app:1"));
        let of = if failure == "Fail" { FailurePolicy::Fail } else { FailurePolicy::Ignore };
        for phase in [Phase::Mutate, Phase::Validate] {
            let answer = place.answer(phase, of, &request).await;
            assert_eq!(answer.verdicts[0].decision, Decision::Undecided);
            assert_eq!(answer.verdicts[0].reasons[0].code, ReasonCode::Deadline);
            if failure == "Fail" {
                refused(&answer, 500, "could not verify image");
                assert!(answer.message.contains("did not answer in 0.1 s"), "{}", answer.message);
            } else {
                pinned(&answer, &[]);
                assert!(answer.warnings[0].contains("could not verify"), "{:?}", answer.warnings);
            }
        }
    }
}

#[tokio::test]
async fn a42_a_host_that_is_never_asked_is_refused_whatever_the_failure_policy() {
    let place = Place::new("Fail").await;
    place.admission.replace(loaded(&policy("all", "Ignore", "Enforce", "*", &place.key)));
    let answer = place.answer(Phase::Mutate, FailurePolicy::Ignore, &pod("169.254.169.254/latest/x:1")).await;
    refused(&answer, 403, "169.254.169.254");
}

#[tokio::test]
async fn a48_templates_are_verified_and_never_changed_and_their_pods_are_judged() {
    let place = Place::new("Fail").await;
    place.push("app", "1", "x");
    let image = place.image("app:1");
    pinned(&place.mutate(&deployment(&image)).await, &[]);
    refused(&place.validate(&deployment(&image)).await, 403, "app:1");
    refused(&place.mutate(&pod(&image)).await, 403, "app:1");
    place.sign_with("app:1", &place.key).await;
    let fresh = cleanbill_admission::Admission::new(
        (*place.admission.policies()).clone(),
        client(),
        AdmissionOptions::default(),
    );
    let hook = Hook { failure: FailurePolicy::Fail, audit: false };
    pinned(&fresh.answer(Phase::Validate, hook, deployment(&image), true).await, &[]);
}

#[tokio::test]
async fn a72_a_tag_on_a_pod_is_never_resolved_by_the_validating_hook() {
    let place = Place::new("Fail").await;
    place.push("app", "1", "x");
    place.sign("app:1").await;
    place.registry.forget_requests();
    let answer = place.validate(&pod(&place.image("app:1"))).await;
    refused(&answer, 403, "not pinned to a digest");
    assert_eq!(answer.verdicts[0].reasons[0].code, ReasonCode::NoDigest);
    assert!(place.registry.requests().iter().all(|r| r.path == "/v2/"), "{:?}", place.registry.requests());
    place.registry.faults().server_error(100);
    refused(&place.validate(&pod(&place.image("app:1"))).await, 500, "could not verify");
}

#[tokio::test]
async fn a73_a_changed_image_is_judged_as_a_new_one() {
    let place = Place::new("Fail").await;
    place.push("app", "2", "x");
    let mut review =
        review_of("", "Pod", json!({"spec": {"containers": [{"name": "a", "image": place.image("app:2")}]}}));
    review["request"]["operation"] = json!("UPDATE");
    review["request"]["oldObject"] = json!({"spec": {"containers": [{"name": "a", "image": place.image("app:1")}]}});
    refused(&place.mutate(&parsed(&review)).await, 403, "app:2");
}

#[tokio::test]
async fn the_users_spelling_stays_and_images_no_policy_speaks_of_are_left_alone() {
    let place = Place::new("Fail").await;
    let digest = place.push("app", "latest", "x");
    place.sign("app:latest").await;
    let image = place.image("app");
    pinned(&place.mutate(&pod(&image)).await, &[format!("{image}@{digest}")]);
    place.registry.forget_requests();
    pinned(&place.mutate(&pod("nginx")).await, &[]);
    assert!(place.registry.requests().is_empty());
    refused(&place.mutate(&pod("ng inx")).await, 403, "blanks");
}

#[tokio::test]
async fn in_audit_everything_comes_in_and_is_told() {
    let place = Place::new("Fail").await;
    place.push("app", "1", "x");
    let hook = Hook { failure: FailurePolicy::Fail, audit: true };
    let answer = place.admission.answer(Phase::Mutate, hook, pod(&place.image("app:1")), true).await;
    pinned(&answer, &[]);
    assert!(answer.warnings.iter().any(|w| w.starts_with("would be refused: image ")), "{:?}", answer.warnings);
}

#[tokio::test]
async fn too_many_images_are_refused() {
    let place = Place::new("Fail").await;
    let containers: Vec<_> = (0..65).map(|n| json!({"name": format!("c{n}"), "image": "x"})).collect();
    let request = parsed(&review_of("", "Pod", json!({"spec": {"containers": containers}})));
    refused(&place.mutate(&request).await, 403, "65 images, more than the 64");
}

#[tokio::test]
async fn admit_pins_and_then_verifies_what_it_pinned() {
    let place = Place::new("Fail").await;
    let digest = place.push("app", "1", "x");
    let image = place.image("app:1");
    refused(&place.admission.admit(pod(&image)).await, 403, "hint:");
    place.sign("app:1").await;
    // `admit` keeps nothing: the refusal before does not linger.
    pinned(&place.admission.admit(pod(&image)).await, &[format!("{image}@{digest}")]);
}

#[tokio::test]
async fn dry_runs_and_unproven_callers_change_nothing_that_is_kept() {
    let place = Place::new("Fail").await;
    let digest = place.push("app", "1", "x");
    let request = pod(&place.image(&format!("app@{digest}")));
    let hook = Hook { failure: FailurePolicy::Fail, audit: false };
    let mut dry = request.clone();
    dry.dry_run = true;
    refused(&place.admission.answer(Phase::Validate, hook, request.clone(), false).await, 403, "app@");
    refused(&place.admission.answer(Phase::Validate, hook, dry, true).await, 403, "app@");
    place.sign("app:1").await;
    assert!(place.validate(&request).await.allowed, "an earlier look of one of them was kept");
}

#[tokio::test]
async fn verdicts_with_and_without_the_cache_are_equal() {
    let place = Place::new("Fail").await;
    for (tag, signer) in [("good", Some(&place.key)), ("bad", None)] {
        let digest = place.push("app", tag, tag);
        if let Some(key) = signer {
            place.sign_with(&format!("app:{tag}"), key).await;
        }
        for image in [place.image(&format!("app:{tag}")), place.image(&format!("app@{digest}"))] {
            for request in [pod(&image), deployment(&image)] {
                for phase in [Phase::Mutate, Phase::Validate] {
                    let warm = place.answer(phase, FailurePolicy::Fail, &request).await;
                    let again = place.answer(phase, FailurePolicy::Fail, &request).await;
                    let cold = cleanbill_admission::Admission::new(
                        (*place.admission.policies()).clone(),
                        client(),
                        AdmissionOptions::default(),
                    );
                    let hook = Hook { failure: FailurePolicy::Fail, audit: false };
                    let cold = cold.answer(phase, hook, request.clone(), false).await;
                    assert_eq!(warm, cold);
                    assert_eq!(again, cold);
                }
            }
        }
    }
}
