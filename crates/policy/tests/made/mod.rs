//! Policies, requests and evidence that several test files make.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

use cleanbill_model::{
    AdmissionRequest, Decision, Digest, DigestKind, Evidence, KeyId, Operation, Reference, SignatureFormat,
    SignatureRecord, SignatureSource, Verdict,
};
use cleanbill_policy::PolicySet;

/// A text in the shape of a P-256 key; which one is told by `letter`.
pub(crate) fn pem(letter: char) -> String {
    let body = letter.to_string().repeat(88);
    format!("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE{body}\n-----END PUBLIC KEY-----")
}

/// The text as a YAML scalar on one line.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\n', "\\n"))
}

/// A policy with one rule that enforces: `scope` is the text of match and exclude, `verify` what stands
/// in the entry beside its attestors.
pub(crate) fn kyverno(scope: &str, verify: &str) -> String {
    format!(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: signed}}\nspec:\n  validationFailureAction: \
         Enforce\n  rules:\n  - name: verify\n    {scope}\n    verifyImages:\n    - {verify}\n      attestors: [{{entries: \
         [{{keys: {{publicKeys: {}}}}}]}}]\n",
        quoted(&pem('A'))
    )
}

/// Matches Pods.
pub(crate) const PODS: &str = "match: {any: [{resources: {kinds: [Pod]}}]}";

/// A policy in the short form: `spec` is a flow of fields.
pub(crate) fn short(spec: &str) -> String {
    format!("apiVersion: cleanbill.dev/v1\nkind: ImagePolicy\nmetadata: {{name: short}}\nspec: {{{spec}}}\n")
}

/// `signedBy` with one key.
pub(crate) fn signed_by(letter: char) -> String {
    format!("signedBy: [{{keys: {}}}]", quoted(&pem(letter)))
}

pub(crate) fn key(letter: char) -> KeyId {
    cleanbill_policy::key_ids(&pem(letter)).unwrap().remove(0)
}

pub(crate) fn load(text: &str) -> Result<PolicySet, Vec<String>> {
    PolicySet::load(&[("p.yaml".to_owned(), text.to_owned())])
        .map(|(set, _)| set)
        .map_err(|said| said.iter().map(ToString::to_string).collect())
}

#[track_caller]
pub(crate) fn refused(text: &str, part: &str) {
    let said = load(text).expect_err(text);
    assert!(said.iter().any(|s| s.contains(part)), "{part:?} not in {said:#?}");
}

pub(crate) fn request(kind: &str, namespace: &str) -> AdmissionRequest {
    AdmissionRequest {
        uid: "u".to_owned(),
        user: String::new(),
        operation: Operation::Create,
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: String::new(),
        labels: BTreeMap::new(),
        subresource: None,
        dry_run: false,
        images: Vec::new(),
        platform: None,
    }
}

pub(crate) fn image(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

pub(crate) fn digest() -> Digest {
    Digest::sha256(b"image")
}

/// What is known of an image that these keys signed.
pub(crate) fn evidence(keys: &[KeyId]) -> Evidence {
    let record = SignatureRecord {
        source: SignatureSource { manifest: Digest::sha256(b"m"), found_by: "referrers".to_owned() },
        format: SignatureFormat::Bundle,
        predicate_type: None,
        verified_by: keys.to_vec(),
        why_not: Vec::new(),
        annotations: std::collections::BTreeMap::new(),
    };
    let signatures = if keys.is_empty() { Vec::new() } else { vec![record] };
    Evidence { subject: digest(), kind: DigestKind::Manifest, keys: Vec::new(), signatures }
}

/// The verdict on an image that nobody signed, in a Pod of `default`.
pub(crate) fn unsigned(set: &PolicySet, name: &str) -> Verdict {
    set.judge(&request("Pod", "default"), &image(name), Some(&digest()), Ok(&evidence(&[])))
}

#[track_caller]
pub(crate) fn decides(set: &PolicySet, name: &str, expect: Decision) {
    let verdict = unsigned(set, name);
    assert_eq!(verdict.decision, expect, "{name}: {verdict:?}");
}
