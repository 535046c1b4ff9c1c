//! `policy check` and `admit`: the policy people start with, read unchanged, without a cluster.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use base64::Engine as _;
use cleanbill_testkit::{ImageBuilder, Layer, Registry, RegistryOptions};
use serde_json::{Value, json};
use support::{cleanbill, expect, key_pair, policy, text};
use tempfile::TempDir;

struct Stage {
    home: TempDir,
    registry: Registry,
    policy: PathBuf,
    signed: String,
    unsigned: String,
    other: String,
}

impl Stage {
    async fn new(extra: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let registry = Registry::start(RegistryOptions::default()).await;
        let (_, public) = key_pair(home.path(), "cosign");
        key_pair(home.path(), "other");
        let host = registry.host();
        let file = home.path().join("policy.yaml");
        std::fs::write(&file, policy(&host, &public, extra)).unwrap();
        for name in ["signed", "unsigned", "other"] {
            let image =
                ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("name", name.as_bytes())).build();
            registry.put(name, &image, "1");
        }
        let of = |name: &str| format!("{host}/{name}:1");
        let stage =
            Self { signed: of("signed"), unsigned: of("unsigned"), other: of("other"), policy: file, home, registry };
        stage.run(0, &["sign", "--key", "cosign.key", &stage.signed]);
        stage.run(0, &["sign", "--key", "other.key", &stage.other]);
        stage
    }

    #[track_caller]
    fn run(&self, code: i32, args: &[&str]) -> (String, String) {
        let (home, args) = (self.home.path(), args.to_vec());
        tokio::task::block_in_place(|| expect(home, code, &args))
    }

    #[track_caller]
    fn check(&self, code: i32, image: &str) -> Value {
        let file = self.policy.to_str().unwrap();
        let (out, _) = self.run(code, &["policy", "check", "-p", file, "--image", image, "-o", "json"]);
        serde_json::from_str(&out).unwrap()
    }

    fn admit(&self, review: &[u8]) -> Output {
        tokio::task::block_in_place(|| admit(self.home.path(), &self.policy, review))
    }

    #[track_caller]
    fn answer(&self, code: i32, review: &Value) -> Value {
        let output = self.admit(review.to_string().as_bytes());
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        assert_eq!(answer["response"]["allowed"], code == 0);
        answer
    }
}

fn admit(home: &Path, policy: &Path, review: &[u8]) -> Output {
    let mut child = cleanbill(home)
        .args(["admit", "-p"])
        .arg(policy)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A child that refuses early may close its end first.
    let _ = child.stdin.take().unwrap().write_all(review);
    child.wait_with_output().unwrap()
}

fn review(object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "4c2ba4f0-0c5a-4f39-b1b1-6f5a9ee7c2a1", "operation": "CREATE", "namespace": "default", "name": "x",
            "kind": {"group": "", "version": "v1", "kind": object["kind"]},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "userInfo": {"username": "alice"}, "object": object, "dryRun": false,
        },
    })
}

fn pod(image: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": "default"},
           "spec": {"containers": [{"name": "main", "image": image, "fieldOfTomorrow": {"kept": true}}]}})
}

fn code_of(document: &Value) -> &str {
    document["results"][0]["verdicts"][0]["reasons"][0]["code"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_unsigned_and_wrong_key_are_three_answers() {
    let stage = Stage::new("").await;
    assert_eq!(code_of(&stage.check(0, &stage.signed)), "signed");
    assert_eq!(code_of(&stage.check(1, &stage.unsigned)), "unsigned");
    assert_eq!(code_of(&stage.check(1, &stage.other)), "signed-by-another-key");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admitted_pod_is_pinned_to_what_was_verified() {
    let stage = Stage::new("").await;
    let answer = stage.answer(0, &review(&pod(&stage.signed)));
    let patch = answer["response"]["patch"].as_str().expect("a patch");
    let patch = base64::engine::general_purpose::STANDARD.decode(patch).unwrap();
    let patch: Value = serde_json::from_slice(&patch).unwrap();
    assert_eq!(answer["response"]["patchType"], "JSONPatch");
    assert_eq!(patch.as_array().unwrap().len(), 1);
    assert_eq!(patch[0]["path"], "/spec/containers/0/image");
    let pinned = patch[0]["value"].as_str().unwrap();
    assert!(pinned.starts_with(&format!("{}@sha256:", stage.signed)), "{pinned}");
    let again = stage.answer(0, &review(&pod(pinned)));
    assert!(again["response"]["patch"].is_null(), "a pinned one stays as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_what_to_do_next() {
    let stage = Stage::new("").await;
    let answer = stage.answer(1, &review(&pod(&stage.unsigned)));
    let message = answer["response"]["status"]["message"].as_str().unwrap();
    for part in ["verify-image-signature", "is unsigned", "cleanbill sign"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    assert_eq!(answer["response"]["status"]["code"], 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_registry_down_the_failure_policy_decides() {
    for (extra, code) in [("", 1), ("  failurePolicy: Fail\n", 1), ("  failurePolicy: Ignore\n", 0)] {
        let stage = Stage::new(extra).await;
        let Stage { home, registry, policy, signed, .. } = stage;
        registry.stop().await;
        let output =
            tokio::task::block_in_place(|| admit(home.path(), &policy, review(&pod(&signed)).to_string().as_bytes()));
        assert_eq!(output.status.code(), Some(code), "{extra:?}: {}", text(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let said = answer["response"].to_string();
        assert!(said.contains("could not") && !said.contains("is unsigned"), "{said}");
        let file = policy.to_str().unwrap().to_owned();
        tokio::task::block_in_place(|| expect(home.path(), 2, &["policy", "check", "-p", &file, "--image", &signed]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_as_it_stands_is_refused_naming_the_key() {
    let stage = Stage::new("").await;
    let text = std::fs::read_to_string(&stage.policy).unwrap();
    let start = text.find("-----BEGIN").unwrap() + "-----BEGIN PUBLIC KEY-----".len();
    let end = text.find("-----END").unwrap();
    let file = stage.home.path().join("template.yaml");
    std::fs::write(
        &file,
        format!("{}\n                      ...\n                      {}", &text[..start], &text[end..]),
    )
    .unwrap();
    let (_, err) = stage.run(2, &["policy", "check", "-p", file.to_str().unwrap()]);
    for part in ["template.yaml", "verify-image-signature", "verify-signature", "publicKeys", "..."] {
        assert!(err.contains(part), "{part:?} is not in {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_not_supported_is_refused_by_name() {
    let stage = Stage::new("").await;
    let text = std::fs::read_to_string(&stage.policy).unwrap();
    for (from, to, name) in [
        (
            "                - keys:",
            "                - keyless: {issuer: x, subject: y}\n                - keys:",
            "keyless",
        ),
        ("  rules:", "  schemaValidationOfTomorrow: true\n  rules:", "schemaValidationOfTomorrow"),
        (
            "          attestors:",
            "          imageRegistryCredentials: {secrets: [x]}\n          attestors:",
            "imageRegistryCredentials",
        ),
    ] {
        let file = stage.home.path().join("changed.yaml");
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
        let (_, err) = stage.run(2, &["policy", "check", "-p", file.to_str().unwrap()]);
        assert!(err.contains(name), "{name:?} is not in {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_and_foreign_reviews_are_refused_with_the_reason() {
    let stage = Stage::new("").await;
    let whole = review(&pod(&stage.signed)).to_string();
    let deep = "[".repeat(100_000);
    for bytes in [
        &b""[..],
        b"not json",
        b"{}",
        br#"{"apiVersion": "v1", "kind": "Pod"}"#,
        br#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}"#,
        &whole.as_bytes()[..whole.len() / 2],
        deep.as_bytes(),
        &vec![b' '; (3 << 20) + 10],
    ] {
        let output = stage.admit(bytes);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("AdmissionReview"), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}
