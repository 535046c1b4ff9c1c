//! A registry, a key, a policy and an admission over them.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use cleanbill_admission::{Admission, AdmissionOptions, Hook, Phase};
use cleanbill_cluster::review;
use cleanbill_model::{AdmissionAnswer, AdmissionRequest, Digest, Timestamp};
use cleanbill_oci::{Client, ClientOptions};
use cleanbill_policy::{FailurePolicy, PolicySet};
use cleanbill_testkit::{ImageBuilder, Layer, Registry, RegistryOptions};
use cleanbill_trust::{Form, How, Predicate, PrivateKey};
use serde_json::{Value, json};

pub(crate) struct Place {
    pub(crate) registry: Registry,
    pub(crate) key: PrivateKey,
    pub(crate) admission: Admission,
}

pub(crate) fn client() -> Client {
    Client::new(ClientOptions { retries: 0, timeout: Duration::from_secs(5), ..ClientOptions::default() }).unwrap()
}

pub(crate) fn policy(name: &str, failure: &str, action: &str, pattern: &str, key: &PrivateKey) -> String {
    let pem: String = key.public().to_pem().lines().map(|line| format!("                      {line}\n")).collect();
    format!(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata:\n  name: {name}\nspec:\n  validationFailureAction: {action}\n  failurePolicy: {failure}\n  rules:\n    - name: signed\n      match:\n        resources:\n          kinds:\n            - Pod\n      verifyImages:\n        - imageReferences:\n            - \"{pattern}\"\n          attestors:\n            - entries:\n                - keys:\n                    publicKeys: |-\n{pem}"
    )
}

pub(crate) fn loaded(text: &str) -> PolicySet {
    cleanbill_admission::load(&[("policy.yaml".to_owned(), text.to_owned())]).unwrap().0
}

impl Place {
    pub(crate) async fn new(failure: &str) -> Self {
        Self::with(failure, AdmissionOptions::default()).await
    }

    pub(crate) async fn with(failure: &str, options: AdmissionOptions) -> Self {
        let registry = Registry::start(RegistryOptions::default()).await;
        let key = PrivateKey::generate().unwrap();
        let policies = loaded(&policy("images", failure, "Enforce", &format!("{}/*", registry.host()), &key));
        Self { registry, key, admission: Admission::new(policies, client(), options) }
    }

    /// Pushes an image that differs by `text`.
    pub(crate) fn push(&self, repository: &str, tag: &str, text: &str) -> Digest {
        let image = ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("text", text)).build();
        self.registry.put(repository, &image, tag);
        image.digest.clone()
    }

    pub(crate) async fn sign_with(&self, rest: &str, key: &PrivateKey) {
        let image = self.registry.reference(rest);
        let signed = cleanbill_trust::sign(&client(), &image, key, &BTreeMap::new(), Timestamp::UNIX_EPOCH).await;
        signed.unwrap();
    }

    pub(crate) async fn sign(&self, rest: &str) {
        self.sign_with(rest, &self.key).await;
    }

    pub(crate) fn image(&self, rest: &str) -> String {
        format!("{}/{rest}", self.registry.host())
    }

    pub(crate) async fn answer(
        &self,
        phase: Phase,
        failure: FailurePolicy,
        request: &AdmissionRequest,
    ) -> AdmissionAnswer {
        self.admission.answer(phase, Hook { failure, audit: false }, request.clone(), true).await
    }

    pub(crate) async fn mutate(&self, request: &AdmissionRequest) -> AdmissionAnswer {
        self.answer(Phase::Mutate, FailurePolicy::Fail, request).await
    }

    pub(crate) async fn validate(&self, request: &AdmissionRequest) -> AdmissionAnswer {
        self.answer(Phase::Validate, FailurePolicy::Fail, request).await
    }
}

pub(crate) fn review_of(group: &str, kind: &str, object: Value) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "operation": "CREATE", "namespace": "shop", "name": "x",
        "kind": {"group": group, "version": "v1", "kind": kind}, "object": object}})
}

pub(crate) fn parsed(review: &Value) -> AdmissionRequest {
    review::parse(review.to_string().as_bytes()).unwrap()
}

/// A Pod with one container.
pub(crate) fn pod(image: &str) -> AdmissionRequest {
    parsed(&review_of("", "Pod", json!({"spec": {"containers": [{"name": "web", "image": image}]}})))
}

pub(crate) fn deployment(image: &str) -> AdmissionRequest {
    let spec = json!({"containers": [{"name": "web", "image": image}]});
    parsed(&review_of("apps", "Deployment", json!({"spec": {"template": {"spec": spec}}})))
}

#[track_caller]
pub(crate) fn refused(answer: &AdmissionAnswer, code: u16, part: &str) {
    assert!(!answer.allowed && answer.code == code && answer.message.contains(part), "{answer:?}");
    assert!(answer.patches.is_empty());
}

#[track_caller]
pub(crate) fn pinned(answer: &AdmissionAnswer, expect: &[String]) {
    assert!(answer.allowed, "{}", answer.message);
    let values: Vec<&str> = answer.patches.iter().map(|p| p.value.as_str()).collect();
    assert_eq!(values, expect);
}

/// A policy in the short form: `spec` is a flow of fields.
pub(crate) fn short(spec: &str) -> String {
    format!("apiVersion: cleanbill.dev/v1\nkind: ImagePolicy\nmetadata: {{name: short}}\nspec: {{{spec}}}\n")
}

/// A public key as a YAML scalar on one line.
pub(crate) fn pem(key: &PrivateKey) -> String {
    format!("\"{}\"", key.public().to_pem().trim_end().replace('\n', "\\n"))
}

/// A predicate type of these tests, and another.
pub(crate) const TESTED: &str = "https://example.com/tested/v1";
pub(crate) const BUILT: &str = "https://example.com/built/v1";

/// Attests `predicate` of what `rest` names.
pub(crate) async fn attest(place: &Place, rest: &str, key: &PrivateKey, of: &str, predicate: &Value, form: Form) {
    let image = place.registry.reference(rest);
    let predicate = Predicate::new(of, predicate.to_string().as_bytes(), Timestamp::UNIX_EPOCH).unwrap();
    let how = How { form, ..How::default() };
    cleanbill_trust::attest(&client(), &image, key, &predicate, Timestamp::UNIX_EPOCH, &how).await.unwrap();
}

/// A request as another namespace sends it.
pub(crate) fn from(namespace: &str, request: AdmissionRequest) -> AdmissionRequest {
    AdmissionRequest { namespace: namespace.to_owned(), ..request }
}

pub(crate) const HOOK: Hook = Hook { failure: FailurePolicy::Fail, audit: false };
