//! Tests of policies: what a file of cases says, and that a case fails when the policy says otherwise.
//! What `explain` says of the same policies.
#![allow(clippy::unwrap_used)]

mod made;

use cleanbill_model::{AdmissionRequest, ImageField, ImageFieldKind};
use cleanbill_policy::{Day, Subject, Suite, key_ids};
use made::{PODS, image, kyverno, load, pem, request, short, signed_by};

fn suite(case: &str) -> Result<Suite, Vec<String>> {
    let text = format!("apiVersion: cleanbill.dev/v1\nkind: PolicyTest\npolicies: [p.yaml]\ncases: [{{{case}}}]\n");
    Suite::read("t.yaml", &text).map_err(|said| said.iter().map(ToString::to_string).collect())
}

fn pod(image: &str) -> AdmissionRequest {
    let field = ImageField {
        pointer: "/spec/containers/0/image".to_owned(),
        kind: ImageFieldKind::Container,
        container: "main".to_owned(),
        image: image.to_owned(),
    };
    AdmissionRequest { images: vec![field], ..request("Pod", "default") }
}

/// Runs a case about `a:1` under the policy; `keys` signed it.
fn run(policy: &str, case: &str, keys: &[char]) -> Result<(), String> {
    let suite = suite(&format!("name: c, image: \"a:1\", {case}")).unwrap();
    let keys: Vec<_> = keys.iter().flat_map(|k| key_ids(&pem(*k)).unwrap()).collect();
    let Subject::Image(name) = &suite.cases[0].subject else { panic!("an image") };
    suite.cases[0].run(&load(policy).unwrap(), &[pod(name)], &keys, &[])
}

#[test]
fn a_case_passes_where_the_outcome_and_the_reason_fit() {
    let policy = short(&signed_by('A'));
    run(&policy, "expect: refused, reason: unsigned", &[]).unwrap();
    run(&policy, "expect: refused, reason: signed-by-another-key", &['B']).unwrap();
    run(&policy, "expect: admitted, reason: signed", &['A']).unwrap();
    run(&policy, "expect: undecided, unreachable: true", &['A']).unwrap();
    run(&short(&format!("{}, mode: audit", signed_by('A'))), "expect: warned", &[]).unwrap();
}

#[test]
fn a_case_fails_where_they_do_not() {
    let policy = short(&signed_by('A'));
    let wrong = run(&policy, "expect: admitted", &[]).unwrap_err();
    assert!(wrong.starts_with("expected admitted, came out refused: unsigned: "), "{wrong}");
    assert!(run(&policy, "expect: refused", &['A']).is_err());
    assert!(run(&policy, "expect: refused", &[]).is_ok());
    let wrong = run(&policy, "expect: refused, reason: no-digest", &[]).unwrap_err();
    assert!(wrong.starts_with("refused as expected, but not for the reason no-digest: unsigned"), "{wrong}");
    let warned = short(&format!("{}, mode: audit", signed_by('A')));
    assert!(run(&warned, "expect: admitted", &[]).is_err());
}

#[test]
fn one_bad_image_among_good_ones_refuses_the_object() {
    let policy = load(&short("registries: [ghcr.io]")).unwrap();
    let case = &suite("name: c, resource: r.yaml, expect: refused").unwrap().cases[0];
    let mut request = pod("ghcr.io/o/a:1");
    assert!(case.run(&policy, &[request.clone()], &[], &[]).is_err());
    request.images.extend(pod("quay.io/o/a:1").images);
    case.run(&policy, &[request.clone()], &[], &[]).unwrap();
    request.images = pod("Not An Image").images;
    case.run(&policy, &[request], &[], &[]).unwrap();
}

#[test]
fn files_of_cases_that_test_nothing_are_refused() {
    let refused = |case: &str, part: &str| {
        let said = suite(case).unwrap_err();
        assert!(said.iter().any(|s| s.contains(part)), "{part:?} not in {said:?}");
    };
    refused("name: c, expect: refused", "one of image and resource");
    refused("name: c, image: a, resource: b, expect: refused", "one of image and resource");
    refused("name: c, image: a, expect: denied", "`denied` is none of");
    refused("name: c, image: a", "cases[0].expect is missing");
    refused("name: c, image: a, expect: refused, reason: bad", "`bad` is no code of a reason");
    refused("name: c, image: a, expect: refused, typo: 1", "cases[0].typo is not supported yet");
    for text in [
        "",
        "a: 1",
        "apiVersion: v1\nkind: PolicyTest",
        "apiVersion: cleanbill.dev/v1\nkind: PolicyTest\npolicies: [p]\ncases: []",
    ] {
        assert!(Suite::read("t", text).is_err(), "{text}");
    }
}

#[test]
fn explain_says_what_is_asked_and_why_nothing_is() {
    let explain = |policy: &str, kind: &str, name: &str| {
        load(policy).unwrap().on(Day::parse("2026-01-01").unwrap()).explain(&request(kind, "default"), &image(name))
    };
    let policy = short(&format!(
        "images: [\"ghcr.io/o/*\"], registries: [ghcr.io], {}, exceptions: [{{images: [\"ghcr.io/o/x:*\"], reason: moves, owner: pay, until: 2026-12-31}}]",
        signed_by('A')
    ));
    let key = &key_ids(&pem('A')).unwrap()[0];
    assert_eq!(
        explain(&policy, "Pod", "ghcr.io/o/a:1"),
        format!(
            "policy short, rule images enforces; what cannot be found out is refused:\n  it must come from ghcr.io\n  \
             this must be met:\n    signed by key {key}\n  the tag of a Pod's image is pinned to the digest that was verified\n"
        )
    );
    let nothing = |text: &str, name: &str| {
        format!("policy short, rule images asks nothing: {text}\nnothing is asked of {name}: it may run\n")
    };
    assert_eq!(
        explain(&policy, "Pod", "ghcr.io/o/x:1"),
        nothing("it is excepted until 2026-12-31 by pay: moves", "ghcr.io/o/x:1")
    );
    assert_eq!(explain(&policy, "Pod", "quay.io/a:1"), nothing("its images do not cover it", "quay.io/a:1"));
    assert!(explain(&policy, "Task", "ghcr.io/o/a:1").contains("do not speak of a Task in namespace default"));
    let skip = kyverno(PODS, "imageReferences: [\"*\"]\n      skipImageReferences: [\"ghcr.io/o/*\"]");
    assert!(explain(&skip, "Pod", "ghcr.io/o/a:1").contains("asks nothing: it is taken out by `ghcr.io/o/*`"));
}
