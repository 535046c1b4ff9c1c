//! Rules that ask for attestations: by which keys, of which type, saying what; and what never counts.
#![allow(clippy::unwrap_used)]

mod made;

use cleanbill_model::{Decision, KeyId, ReasonCode, Unavailable, Verdict};
use cleanbill_policy::{Facts, PolicySet, Statement};
use made::{PODS, digest, evidence, image, key, kyverno, load, pem, quoted, refused, request, short};
use proptest::prelude::*;
use serde_json::{Value, json};

const TYPE: &str = "https://slsa.dev/provenance/v1";

fn kyverno_asking(fields: &str) -> String {
    let text = kyverno(PODS, "imageReferences: [\"*\"]");
    let at = text.find("      attestors: ").unwrap();
    format!("{}      attestations: [{{{fields}}}]\n", &text[..at])
}

fn by(keys: &str) -> String {
    format!("attestors: [{{entries: [{{keys: {{publicKeys: {}}}}}]}}]", quoted(keys))
}

const CONDITIONS: &str = "conditions: [{all: [{key: '{{ builder.id }}', operator: Equals, value: good}]}]";

/// Asks key A for a statement of TYPE by builder `good`, in either form.
fn policies() -> [PolicySet; 2] {
    [
        load(&kyverno_asking(&format!("type: {TYPE}, {}, {CONDITIONS}", by(&pem('A'))))).unwrap(),
        load(&short(&format!("attestations: [{{type: \"{TYPE}\", keys: {}, {CONDITIONS}}}]", quoted(&pem('A')))))
            .unwrap(),
    ]
}

fn statement(of: &str, by: &[KeyId], predicate: Value) -> Statement {
    Statement { predicate_type: of.to_owned(), verified_by: by.to_vec(), predicate }
}

fn good() -> Statement {
    statement(TYPE, &[key('A')], json!({"builder": {"id": "good"}}))
}

fn judge(set: &PolicySet, signed: &[KeyId], statements: &[Statement]) -> Verdict {
    let evidence = evidence(signed);
    let facts = Facts { statements, ..Facts::of(Ok(&evidence)) };
    set.judge_with(&request("Pod", "default"), &image("a:1"), Some(&digest()), &facts)
}

#[track_caller]
fn check(statements: &[Statement], expect: Decision) {
    for set in policies() {
        let verdict = judge(&set, &[], statements);
        assert_eq!(verdict.decision, expect, "{verdict:?}");
        let code = if expect == Decision::Admit { ReasonCode::Signed } else { ReasonCode::NotAttested };
        assert_eq!(verdict.reasons[0].code, code);
    }
}

#[test]
fn a_statement_of_the_type_by_the_key_that_says_so_is_asked_for() {
    check(&[good()], Decision::Admit);
    check(&[], Decision::Refuse);
    check(&[statement(TYPE, &[key('B')], json!({"builder": {"id": "good"}}))], Decision::Refuse);
    check(&[statement(TYPE, &[key('A')], json!({"builder": {"id": "bad"}}))], Decision::Refuse);
    for set in policies() {
        let demand = set.demand(&request("Pod", "default"), &image("a:1"));
        assert_eq!((demand.attestations, demand.keys.len()), (vec![TYPE.to_owned()], 1));
        assert_eq!(set.attestations()[0].1, TYPE);
        assert_eq!(set.keys().len(), 1);
        let down = Unavailable { what: "read".to_owned(), why: "refused".to_owned() };
        let facts = Facts { statements: &[good()], ..Facts::of(Err(&down)) };
        let verdict = set.judge_with(&request("Pod", "default"), &image("a:1"), None, &facts);
        assert_eq!(verdict.decision, Decision::Undecided);
    }
}

#[test]
fn every_statement_of_the_key_must_meet_the_conditions() {
    check(&[good(), statement(TYPE, &[key('A')], json!({"builder": {"id": "bad"}}))], Decision::Refuse);
    check(&[statement(TYPE, &[key('A')], json!({"builder": {"id": "bad"}})), good()], Decision::Refuse);
    check(&[good(), good()], Decision::Admit);
}

#[test]
fn a02_a_statement_of_another_type_does_not_count() {
    for of in ["https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1/", "slsa.dev/provenance/v1", ""] {
        check(&[statement(of, &[key('A')], json!({"builder": {"id": "good"}}))], Decision::Refuse);
    }
}

#[test]
fn a03_a_predicate_that_is_no_object_does_not_count() {
    let set = load(&short(&format!("attestations: [{{type: \"{TYPE}\", keys: {}}}]", quoted(&pem('A'))))).unwrap();
    for predicate in [json!(null), json!("{\"builder\": {\"id\": \"good\"}}"), json!([1]), json!(true)] {
        check(&[statement(TYPE, &[key('A')], predicate.clone())], Decision::Refuse);
        assert_eq!(judge(&set, &[], &[statement(TYPE, &[key('A')], predicate)]).decision, Decision::Refuse);
    }
    assert_eq!(judge(&set, &[], &[statement(TYPE, &[key('A')], json!({}))]).decision, Decision::Admit);
    check(&[statement(TYPE, &[key('A')], json!({}))], Decision::Refuse);
}

#[test]
fn a15_an_attestation_is_no_signature_and_a_signature_no_attestation() {
    let signed = load(&kyverno(PODS, "imageReferences: [\"*\"]")).unwrap();
    assert_eq!(judge(&signed, &[], &[good()]).reasons[0].code, ReasonCode::Unsigned);
    for set in policies() {
        assert_eq!(judge(&set, &[key('A')], &[]).reasons[0].code, ReasonCode::NotAttested);
    }
    let both = load(&kyverno(
        PODS,
        &format!("imageReferences: [\"*\"]\n      attestations: [{{type: {TYPE}, {}}}]", by(&pem('B'))),
    ))
    .unwrap();
    let theirs = statement(TYPE, &[key('B')], json!({}));
    for (signed, statements, expect) in [
        (vec![key('A')], vec![theirs.clone()], Decision::Admit),
        (vec![key('A')], vec![], Decision::Refuse),
        (vec![], vec![theirs.clone()], Decision::Refuse),
        (vec![key('B')], vec![theirs], Decision::Refuse),
    ] {
        assert_eq!(judge(&both, &signed, &statements).decision, expect);
    }
}

#[test]
fn a37_attestations_that_anybody_could_meet_are_refused() {
    refused(&kyverno_asking(&format!("type: {TYPE}")), "attestors is missing");
    refused(&kyverno_asking(&format!("type: {TYPE}, attestors: []")), "anybody's word would count");
    refused(&kyverno_asking(&by(&pem('A'))), "one of type and predicateType");
    refused(&kyverno_asking(&format!("type: {TYPE}, {}, conditions: []", by(&pem('A')))), "the list is empty");
    refused(&kyverno_asking("").replace("[{}]", "[]"), "there are no attestations");
    refused(&short("attestations: []"), "the list is empty");
    refused(
        &short(&format!("attestations: [{{type: t, keys: {}, typo: 1}}]", quoted(&pem('A')))),
        "typo is not supported yet",
    );
    load(&kyverno_asking(&format!("predicateType: {TYPE}, {}", by(&pem('A'))))).unwrap();
}

#[test]
fn a_refusal_tells_what_became_of_each_statement() {
    let [set, _] = policies();
    let bad = statement(TYPE, &[key('A')], json!({"builder": {"id": "bad"}}));
    let verdict = judge(&set, &[], &[bad, statement(TYPE, &[key('B')], json!({}))]);
    let told: Vec<_> = verdict.reasons[0].attempts.iter().map(|a| a.outcome.as_str()).collect();
    assert!(told[0].ends_with("conditions[0] is not met") && told[1] == "by no key of the rule", "{told:?}");
    assert_eq!(judge(&set, &[], &[]).reasons[0].attempts[0].outcome, "there is none that verified");
}

proptest! {
    /// Statements that no key of the rule vouches for change no decision, whatever they say.
    #[test]
    fn what_no_key_of_the_rule_vouches_for_changes_nothing(
        attested in any::<bool>(),
        junk in proptest::collection::vec((any::<bool>(), any::<bool>(), "(good|bad)", any::<bool>()), 0..5),
    ) {
        let base = if attested { vec![good()] } else { vec![] };
        for set in policies() {
            let before = judge(&set, &[], &base).decision;
            let mut all = base.clone();
            for (ours, someone, id, front) in &junk {
                let by = if *someone { vec![key('B')] } else { vec![] };
                let made = statement(if *ours { TYPE } else { "other" }, &by, json!({"builder": {"id": id}}));
                if *front { all.insert(0, made) } else { all.push(made) }
            }
            prop_assert_eq!(judge(&set, &[], &all).decision, before);
            prop_assert_eq!(before, if attested { Decision::Admit } else { Decision::Refuse });
        }
    }
}
