//! What other programs send or are configured with: policies, admission reviews, messages of agents,
//! credentials of registries.
//!
//! Beside: a message that was read is written in a form that reads the same, and a review is answered.

use cleanbill_cluster::review;
use cleanbill_model::{AdmissionAnswer, Digest, Reference};
use cleanbill_oci::Credentials;
use cleanbill_policy::PolicySet;
use cleanbill_protocol::{Ack, Batch, ImageOutcome, ImageReport, WantedImage};

use crate::mutate::{JSON, YAML};
use crate::{Target, text, texts};

pub(crate) fn targets() -> Vec<Target> {
    vec![
        Target::new("policy", 1500, YAML, policy_seeds, policy),
        Target::new("review", 8000, JSON, review_seeds, review),
        Target::new("batch", 8000, JSON, batch_seeds, |bytes| {
            if let Ok(batch) = Batch::from_json(bytes) {
                let again = Batch::from_json(&batch.to_json().expect("it can be written")).expect("our own");
                assert_eq!(again, batch);
            }
        }),
        Target::new("ack", 8000, JSON, ack_seeds, |bytes| {
            if let Ok(ack) = Ack::from_json(bytes) {
                assert_eq!(Ack::from_json(&ack.to_json().expect("it can be written")).expect("our own"), ack);
            }
        }),
        Target::new("image-report", 8000, JSON, report_seeds, |bytes| {
            if let Ok(report) = ImageReport::from_json(bytes) {
                let again = ImageReport::from_json(&report.to_json().expect("it can be written")).expect("our own");
                assert_eq!(again.wanted, report.wanted);
            }
        }),
        Target::new("credentials", 15_000, JSON, credentials_seeds, |bytes| {
            drop(Credentials::parse("c", &text(bytes)))
        }),
    ]
}

const KEY: &str = "-----BEGIN PUBLIC KEY-----\n                      MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n                      6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n                      -----END PUBLIC KEY-----\n";

fn policy_seeds() -> Vec<Vec<u8>> {
    texts(&[
        &format!(
            "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata:\n  name: signed\nspec:\n  validationFailureAction: Enforce\n  rules:\n    - name: verify\n      match: {{any: [{{resources: {{kinds: [Pod], namespaces: [\"prod-*\"]}}}}]}}\n      exclude: {{any: [{{resources: {{namespaces: [kube-system]}}}}]}}\n      verifyImages:\n        - imageReferences: [\"registry.example/*\", \"*/app:?.2\"]\n          mutateDigest: true\n          attestors:\n            - count: 1\n              entries:\n                - keys:\n                    publicKeys: |-\n                      {KEY}"
        ),
        "apiVersion: kyverno.io/v1\nkind: Policy\nmetadata: {name: a, namespace: b}\nspec:\n  rules:\n  - name: r\n    match: {resources: {kinds: [Pod]}}\n    verifyImages:\n    - imageReferences: ['*']\n      verifyDigest: true\n---\nkind: ConfigMap\n",
    ])
}

fn policy(bytes: &[u8]) {
    let Ok((set, _)) = PolicySet::load(&[("p.yaml".to_owned(), text(bytes).into_owned())]) else { return };
    set.names();
    set.keys();
    let request = review::parse(REVIEW.as_bytes()).expect("a review");
    let image = Reference::parse("registry.example/app:1.2").expect("a reference");
    set.demand(&request, &image);
    set.pins(&request, &image);
}

const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"UPDATE",
"kind":{"group":"","version":"v1","kind":"Pod"},"namespace":"prod-1","subResource":"ephemeralcontainers","dryRun":true,
"object":{"kind":"Pod","metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"nginx:1"}],
"initContainers":[{"image":"x"}],"ephemeralContainers":[],"volumes":[{"name":"v","image":{"reference":"y"}}],
"more":{"image":"z"},"nodeSelector":{"kubernetes.io/arch":"amd64"}}},"oldObject":{"spec":{"containers":[]}}}}"#;

const CRON: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"CREATE",
"kind":{"group":"batch","version":"v1","kind":"CronJob"},"namespace":"n","object":{"metadata":{"name":"c"},"spec":{"jobTemplate":{"spec":
{"template":{"spec":{"containers":[{"name":"a~/b","image":"a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}}}}}}}}"#;

fn review_seeds() -> Vec<Vec<u8>> {
    texts(&[REVIEW, CRON])
}

fn review(bytes: &[u8]) {
    let Ok(request) = review::parse(bytes) else { return };
    let refused = AdmissionAnswer {
        audit_annotations: std::collections::BTreeMap::new(),
        uid: request.uid.clone(),
        allowed: false,
        code: 403,
        message: text(bytes).into_owned(),
        warnings: vec![request.name.clone(), text(bytes).into_owned()],
        patches: Vec::new(),
        verdicts: Vec::new(),
    };
    assert!(!review::respond(&refused).is_empty());
}

fn wanted() -> WantedImage {
    WantedImage { reference: "registry.example/x".to_owned(), digest: Digest::sha256("x"), platform: None }
}

fn batch_seeds() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"version":"cleanbill/ingest/v1","cluster":{"uid":"u","name":"n"},"epoch":1,"seq":1,"full":true,"pods":[{"uid":"p","namespace":"d","name":"w",
        "workload":{"kind":"Pod","name":"w"},"platform":"linux/amd64","node":"k","labels":{"a":"b"},"containers":[{"name":"c","kind":"main","image":"x",
        "state":"running","imageId":"docker.io/library/x@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}],"gone":["q"]}"#,
    ])
}

fn ack_seeds() -> Vec<Vec<u8>> {
    let ack = Ack { seq: 1, resync: false, wanted: vec![wanted()] };
    vec![ack.to_json().expect("it can be written")]
}

fn report_seeds() -> Vec<Vec<u8>> {
    let failed = ImageReport { wanted: wanted(), outcome: ImageOutcome::Failed { why: "é".to_owned() } };
    vec![failed.to_json().expect("it can be written")]
}

fn credentials_seeds() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"},"r.example:5000":{"identitytoken":"x"},"e":{"username":"a","password":"b"}},"credHelpers":{"h":"n"},"credsStore":"s"}"#,
    ])
}
