//! Policies as people write them: what is read, what is refused and by which words, what comes out.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use cleanbill_model::{
    AdmissionRequest, Decision, Digest, DigestKind, Evidence, KeyId, Operation, ReasonCode, Reference, SignatureFormat,
    SignatureRecord, SignatureSource, Unavailable, WhyNot,
};
use cleanbill_policy::{FailurePolicy, PolicySet};
use proptest::prelude::*;

const SPKI: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";

/// A text in the shape of a P-256 key; which one is told by `letter`.
fn pem(letter: char) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{SPKI}{}\n-----END PUBLIC KEY-----", letter.to_string().repeat(88))
}

fn indented(pem: &str) -> String {
    let gap = " ".repeat(22);
    pem.lines().fold(String::new(), |out, line| out + &gap + line + "\n")
}

fn policy(action: &str, keys: &str) -> String {
    format!(
        "apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: signed
spec:
  validationFailureAction: {action}
  rules:
    - name: verify
      match:
        resources:
          kinds:
            - Pod
      verifyImages:
        - imageReferences:
            - \"myregistry/*\"
          attestors:
            - entries:
                - keys:
                    publicKeys: |-
{}",
        indented(keys)
    )
}

fn load(text: &str) -> Result<PolicySet, Vec<String>> {
    PolicySet::load(&[("p.yaml".to_owned(), text.to_owned())])
        .map(|(set, _)| set)
        .map_err(|said| said.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn refused(text: &str, part: &str) {
    let said = load(text).expect_err(text);
    assert!(said.iter().any(|s| s.contains(part)), "{part:?} not in {said:#?}");
}

/// The good policy with one text in place of another is refused.
#[track_caller]
fn change(from: &str, to: &str, part: &str) {
    let good = policy("Enforce", &pem('A'));
    assert!(good.contains(from), "{from}");
    refused(&good.replacen(from, to, 1), part);
}

fn request(kind: &str, namespace: &str) -> AdmissionRequest {
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

fn image() -> Reference {
    Reference::parse("myregistry/app:1").unwrap()
}

fn digest() -> Digest {
    Digest::sha256(b"image")
}

fn record(verified_by: &[KeyId], why_not: Vec<WhyNot>) -> SignatureRecord {
    SignatureRecord {
        source: SignatureSource { manifest: Digest::sha256(b"m"), found_by: "referrers".to_owned() },
        format: SignatureFormat::Bundle,
        annotations: std::collections::BTreeMap::new(),
        predicate_type: None,
        verified_by: verified_by.to_vec(),
        why_not,
    }
}

fn evidence(signatures: Vec<SignatureRecord>) -> Evidence {
    Evidence { subject: digest(), kind: DigestKind::Manifest, keys: Vec::new(), signatures }
}

fn ids(set: &PolicySet) -> Vec<KeyId> {
    set.demand(&request("Pod", "default"), &image()).keys.into_iter().map(|(id, _)| id).collect()
}

#[track_caller]
fn judged(set: &PolicySet, signatures: Vec<SignatureRecord>, decision: Decision, code: ReasonCode) {
    let verdict = set.judge(&request("Pod", "default"), &image(), Some(&digest()), Ok(&evidence(signatures)));
    assert_eq!((verdict.decision, verdict.reasons[0].code), (decision, code), "{verdict:?}");
}

#[test]
fn the_policy_people_start_with_is_read_lower_case_included() {
    let set = load(&policy("enforce", &pem('A'))).unwrap();
    assert_eq!(set.names(), ["signed"]);
    let [(place, key)] = &set.keys()[..] else { panic!("one key") };
    assert!(place == "signed/verify" && key.contains(SPKI));
    let demand = set.demand(&request("Pod", "default"), &image());
    assert!(demand.applies && demand.enforced && !demand.log_entry && demand.keys.len() == 1);
    assert!(set.pins(&request("Pod", "default"), &image()));
    assert_eq!(set.with_failure_policy(FailurePolicy::Fail).names().len(), 1);
    assert!(set.with_failure_policy(FailurePolicy::Ignore).names().is_empty());
}

#[test]
fn three_dots_instead_of_a_key_are_refused_naming_the_key() {
    let text = policy("enforce", "-----BEGIN PUBLIC KEY-----\n...\n-----END PUBLIC KEY-----");
    refused(&text, "p.yaml:20");
    refused(
        &text,
        "policy `signed`, rule `verify`: publicKeys holds no usable PEM key: key 1 is no PEM key: `...` is not base64",
    );
    refused(&text, "spec.rules[0].verifyImages[0].attestors[0].entries[0].keys.publicKeys");
}

#[test]
fn what_is_not_supported_is_refused_by_its_path() {
    change(
        "keys:\n                    publicKeys",
        "keyless:\n                    subject",
        "entries[0].keyless is not supported yet",
    );
    change(
        "      verifyImages",
        "      preconditions: {}\n      verifyImages",
        "spec.rules[0].preconditions is not supported yet",
    );
    change(
        "          attestors",
        "          validate: {}\n          attestors",
        "verifyImages[0].validate is not supported yet",
    );
    change(
        "          attestors",
        "          typo: 1\n          attestors",
        "verifyImages[0].typo is not supported yet",
    );
    change("          attestors", "          type: Notary\n          attestors", "`Notary` is not supported yet");
    change(
        "            - Pod",
        "            - Pod\n          namespaceSelector: {}",
        "match.resources.namespaceSelector is not supported yet",
    );
    change("- Pod", "- Task", "no images are known in kind `Task`");
    change("rules:", "extra: true\n  rules:", "spec.extra is not supported yet");
    change("kyverno.io/v1", "kyverno.io/v2beta1", "is not supported yet");
    change("kind: ClusterPolicy", "kind: CleanupPolicy", "`CleanupPolicy` of `kyverno.io/v1` is not supported yet");
    change("kind: ClusterPolicy", "kind: Policy", "metadata.namespace is missing");
    change("verifyImages:", "validate:", "rules without verifyImages are not supported yet");
    refused(&policy("Enforce", "k8s://ns/name"), "keys from `k8s://` are not supported yet");
}

#[test]
fn a37_nothing_to_meet_is_an_error_and_not_a_pass() {
    let head = policy("Enforce", "x");
    let at = head.find("          attestors").unwrap();
    refused(&head[..at], "there are no attestors");
    refused(&format!("{}          attestors: []\n", &head[..at]), "there are no attestors");
    refused(&format!("{}          attestors: [{{entries: []}}]\n", &head[..at]), "there are no entries");
    refused(&format!("{}          attestors: [{{entries: [{{}}]}}]\n", &head[..at]), "it names no key");
    change("- entries", "- count: 0\n              entries", "it must be from 1 to 1");
    change("- entries", "- count: 2\n              entries", "it must be from 1 to 1");
    change("            - \"myregistry/*\"", "            []", "the list is empty");
    refused("", "no policy in this file");
    refused("a: [", "not readable YAML");
    refused("a: 1\na: 2", "p.yaml");
}

#[test]
fn unsigned_other_key_and_unreachable_are_three_answers() {
    let set = load(&policy("Enforce", &pem('A'))).unwrap();
    let ours = ids(&set);
    judged(&set, vec![], Decision::Refuse, ReasonCode::Unsigned);
    judged(&set, vec![record(&[], vec![WhyNot::OtherKey])], Decision::Refuse, ReasonCode::OtherKey);
    judged(
        &set,
        vec![record(&[], vec![WhyNot::NotASignature("x".to_owned())])],
        Decision::Refuse,
        ReasonCode::Unsigned,
    );
    judged(&set, vec![record(&[KeyId("other".to_owned())], vec![])], Decision::Refuse, ReasonCode::OtherKey);
    judged(&set, vec![record(&ours, vec![])], Decision::Admit, ReasonCode::Signed);
    let down = Unavailable { what: "read".to_owned(), why: "refused".to_owned() };
    let verdict = set.judge(&request("Pod", "default"), &image(), None, Err(&down));
    assert_eq!((verdict.decision, verdict.reasons[0].code), (Decision::Undecided, ReasonCode::Unreachable));
    let other = Reference::parse("ghcr.io/o/x").unwrap();
    let verdict = set.judge(&request("Pod", "default"), &other, None, Err(&down));
    assert_eq!((verdict.decision, verdict.reasons[0].code), (Decision::Admit, ReasonCode::NoPolicy));
}

#[test]
fn evidence_about_another_digest_is_none() {
    let set = load(&policy("Enforce", &pem('A'))).unwrap();
    let good = evidence(vec![record(&ids(&set), vec![])]);
    let other = Digest::sha256(b"other");
    for (image, digest) in
        [(image(), Some(&other)), (image(), None), (image().with_digest(other.clone()), Some(&digest()))]
    {
        let set = load(&policy("Enforce", &pem('A')).replace("myregistry/*", "*")).unwrap();
        assert_eq!(set.judge(&request("Pod", "default"), &image, digest, Ok(&good)).decision, Decision::Undecided);
    }
}

#[test]
fn every_key_counts_unless_a_count_says_less() {
    let both = format!("{}\n{}", pem('A'), pem('B'));
    let all = load(&policy("Enforce", &both)).unwrap();
    let ids = ids(&all);
    assert_eq!(ids.len(), 2);
    judged(&all, vec![record(&ids[..1], vec![])], Decision::Refuse, ReasonCode::OtherKey);
    judged(&all, vec![record(&ids[..1], vec![]), record(&ids[1..], vec![])], Decision::Admit, ReasonCode::Signed);
    let one = load(&policy("Enforce", &both).replace("- entries", "- count: 1\n              entries")).unwrap();
    judged(&one, vec![record(&ids[1..], vec![])], Decision::Admit, ReasonCode::Signed);
    refused(&policy("Enforce", &format!("{}\n{}", pem('A'), pem('A'))), "would count twice");
}

#[test]
fn a36_auditing_warns_and_one_enforcing_rule_refuses() {
    let audit = load(&policy("Audit", &pem('A'))).unwrap();
    let verdict = audit.judge(&request("Pod", "default"), &image(), Some(&digest()), Ok(&evidence(vec![])));
    assert_eq!((verdict.decision, verdict.reasons.len(), verdict.warnings.len()), (Decision::Admit, 0, 1));
    assert!(!audit.pins(&request("Pod", "default"), &image()));
    let two =
        policy("Audit", &pem('A')) + "---\n" + &policy("Enforce", &pem('A')).replace("name: signed", "name: second");
    let verdict =
        load(&two).unwrap().judge(&request("Pod", "default"), &image(), Some(&digest()), Ok(&evidence(vec![])));
    assert_eq!((verdict.decision, verdict.reasons.len(), verdict.warnings.len()), (Decision::Refuse, 1, 1));
    refused(&(policy("Audit", &pem('A')) + "---\n" + &policy("Audit", &pem('A'))), "is there twice");
}

#[test]
fn rules_for_pods_speak_of_controllers_unless_told_otherwise() {
    let applies = |text: &str, kind: &str, namespace: &str| {
        load(text).unwrap().demand(&request(kind, namespace), &image()).applies
    };
    let good = policy("Enforce", &pem('A'));
    for kind in ["Pod", "Deployment", "CronJob", "PodTemplate"] {
        assert!(applies(&good, kind, "default"), "{kind}");
    }
    assert!(!applies(&good, "ConfigMap", "default"));
    let annotated = |value: &str| {
        good.replace(
            "name: signed",
            &format!("name: signed\n  annotations: {{pod-policies.kyverno.io/autogen-controllers: \"{value}\"}}"),
        )
    };
    assert!(!applies(&annotated("none"), "Deployment", "default"));
    assert!(applies(&annotated("none"), "Pod", "default"));
    assert!(applies(&annotated("Job,Deployment"), "Deployment", "default"));
    assert!(!applies(&annotated("Job"), "Deployment", "default"));
    let excluding = good.replace(
        "      verifyImages",
        "      exclude: {any: [{resources: {namespaces: [kube-*]}}]}\n      verifyImages",
    );
    assert!(!applies(&excluding, "Deployment", "kube-system"));
    assert!(applies(&excluding, "Deployment", "default"));
}

#[test]
fn a_log_entry_is_demanded_only_where_the_policy_says_so() {
    let demands = |rekor: &str| {
        let text = policy("Enforce", &pem('A'))
            .replace("publicKeys:", &format!("rekor: {rekor}\n                    publicKeys:"));
        load(&text).unwrap().demand(&request("Pod", "default"), &image()).log_entry
    };
    assert!(!demands("{}") && !demands("{ignoreTlog: true}") && !demands("{url: \"https://r\", ignoreTlog: true}"));
    assert!(demands("{url: \"https://r\"}") && demands("{ignoreTlog: false}"));
}

#[test]
fn no_mutation_of_a_policy_makes_the_reader_panic() {
    let seed = policy("Enforce", &pem('A')).into_bytes();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..1500 {
        let mut bytes = seed.clone();
        for _ in 0..=next(5) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes[at] = next(128) as u8,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"{}[]\",:&*|-\n "[next(13)]),
            }
        }
        let _ = load(&String::from_utf8_lossy(&bytes));
    }
}

proptest! {
    /// Invariant: nothing that somebody attaches without one of the keys changes a decision.
    #[test]
    fn what_is_not_verified_by_a_key_of_the_rule_changes_no_decision(
        signed in any::<bool>(),
        junk in proptest::collection::vec((0..7usize, any::<bool>(), "[a-f0-9]{0,8}"), 0..6),
    ) {
        let set = load(&policy("Enforce", &pem('A'))).unwrap();
        let base = if signed { vec![record(&ids(&set), vec![])] } else { vec![] };
        let decide = |signatures| set.judge(&request("Pod", "d"), &image(), Some(&digest()), Ok(&evidence(signatures))).decision;
        let before = decide(base.clone());
        let mut all = base;
        for (which, front, text) in junk {
            let why = match which {
                0 => vec![WhyNot::OtherKey],
                1 => vec![WhyNot::BrokenSignature],
                2 => vec![WhyNot::OtherSubject(text)],
                3 => vec![WhyNot::NotASignature(text)],
                4 => vec![WhyNot::Malformed(text)],
                5 => vec![WhyNot::NoLogEntry(text)],
                _ => vec![],
            };
            let record = if why.is_empty() { record(&[KeyId("another".to_owned())], vec![]) } else { record(&[], why) };
            if front { all.insert(0, record) } else { all.push(record) }
        }
        prop_assert_eq!(decide(all), before);
        prop_assert_eq!(before, if signed { Decision::Admit } else { Decision::Refuse });
    }
}
