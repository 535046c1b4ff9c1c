//! `mutateDigest` and `verifyDigest` of Kyverno's policies: what becomes of a tag.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::Write as _;
use std::process::Stdio;

use cleanbill_testkit::{ImageBuilder, Layer, Registry, RegistryOptions};
use serde_json::{Value, json};
use support::{cleanbill, expect, key_pair, policy};

/// What a Pod with a tag gets: allowed, pinned, warned.
fn check(setting: &str, signed: bool, expected: (bool, bool, bool)) {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let registry = Registry::start_blocking(RegistryOptions::default());
    let image = ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("a", b"a")).build();
    registry.put("app", &image, "1");
    let name = format!("{}/app:1", registry.host());
    let (_, public) = key_pair(home, "cosign");
    if signed {
        expect(home, 0, &["sign", "--key", "cosign.key", &name]);
    }
    let yaml = policy(&registry.host(), &public, "");
    let yaml = yaml.replace("          attestors:", &format!("{setting}          attestors:"));
    std::fs::write(home.join("policy.yaml"), yaml).unwrap();
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "1", "operation": "CREATE", "namespace": "default", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "object": {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": name}]}}}});
    let mut child = cleanbill(home)
        .args(["admit", "-p", "policy.yaml"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(review.to_string().as_bytes()).unwrap();
    let answer: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    let response = &answer["response"];
    let seen = (response["allowed"] == true, response["patch"].is_string(), response["warnings"].as_array().is_some());
    assert_eq!(seen, expected, "{setting:?}: {response}");
}

const NEITHER: &str = "          mutateDigest: false\n          verifyDigest: false\n";

#[test]
fn a_tag_is_pinned_where_nothing_is_said() {
    check("", true, (true, true, false));
    check("", false, (false, false, false));
}

#[test]
fn a_tag_is_refused_where_only_digests_are_verified() {
    check("          mutateDigest: false\n", true, (false, false, false));
}

#[test]
fn a_tag_is_left_alone_and_judged_where_the_policy_says_so() {
    check(NEITHER, true, (true, false, false));
    check(NEITHER, false, (false, false, false));
}

#[test]
fn an_audit_tells_of_a_tag_only_where_the_policy_minds() {
    let audit = "          failureAction: Audit\n";
    check(&format!("{audit}{NEITHER}"), true, (true, false, false));
    check(&format!("{audit}{NEITHER}"), false, (true, false, true));
    check(&format!("{audit}          mutateDigest: false\n"), true, (true, false, true));
}
