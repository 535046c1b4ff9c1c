//! Attestations at admission: which count, which never do, and what a cache may not do to them.
#![allow(clippy::unwrap_used)]

mod place;

use cleanbill_admission::{Admission, AdmissionOptions};
use cleanbill_model::ReasonCode;
use cleanbill_trust::{Form, PrivateKey};
use place::*;
use serde_json::json;

const CONDITIONS: &str = "conditions: [{all: [{key: '{{ passed }}', operator: Equals, value: true}]}]";

fn asking(key: &PrivateKey, more: &str) -> String {
    short(&format!("{more}attestations: [{{type: \"{TESTED}\", keys: {}, {CONDITIONS}}}]", pem(key)))
}

/// A place whose policy asks its key for a statement that tests passed.
async fn place() -> Place {
    let place = Place::new("Fail").await;
    place.admission.replace(loaded(&asking(&place.key, "")));
    place.push("app", "1", "x");
    place
}

/// The answer of an admission that knows nothing yet.
async fn fresh(place: &Place) -> (bool, ReasonCode) {
    let policies = (*place.admission.policies()).clone();
    let cold = Admission::new(policies, client(), AdmissionOptions::default());
    let answer = cold.answer(cleanbill_admission::Phase::Mutate, HOOK, pod(&place.image("app:1")), true).await;
    (answer.allowed, answer.verdicts[0].reasons[0].code)
}

#[tokio::test]
async fn a_statement_by_the_key_that_says_so_lets_in_in_either_form() {
    for form in [Form::Bundle, Form::Tag] {
        let place = place().await;
        assert_eq!(fresh(&place).await, (false, ReasonCode::NotAttested));
        attest(&place, "app:1", &place.key, TESTED, &json!({"passed": true}), form).await;
        assert_eq!(fresh(&place).await, (true, ReasonCode::Signed), "{form:?}");
    }
}

#[tokio::test]
async fn a02_a_statement_of_another_type_is_not_the_one_asked_for() {
    for form in [Form::Bundle, Form::Tag] {
        let place = place().await;
        attest(&place, "app:1", &place.key, BUILT, &json!({"passed": true}), form).await;
        assert_eq!(fresh(&place).await, (false, ReasonCode::NotAttested), "{form:?}");
    }
}

#[tokio::test]
async fn a03_a_statement_that_says_nothing_meets_no_condition() {
    for predicate in [json!({}), json!({"passed": null}), json!({"passed": []}), json!({"Passed": true})] {
        let place = place().await;
        attest(&place, "app:1", &place.key, TESTED, &predicate, Form::Bundle).await;
        assert_eq!(fresh(&place).await, (false, ReasonCode::NotAttested), "{predicate}");
    }
}

#[tokio::test]
async fn every_statement_of_the_key_counts_and_those_of_others_do_not() {
    let place = place().await;
    let other = PrivateKey::generate().unwrap();
    attest(&place, "app:1", &other, TESTED, &json!({"passed": true}), Form::Bundle).await;
    assert_eq!(fresh(&place).await.1, ReasonCode::NotAttested);
    attest(&place, "app:1", &place.key, TESTED, &json!({"passed": true}), Form::Bundle).await;
    attest(&place, "app:1", &other, TESTED, &json!({"passed": false}), Form::Bundle).await;
    assert!(fresh(&place).await.0, "what another key says changes nothing");
    attest(&place, "app:1", &place.key, TESTED, &json!({"passed": false}), Form::Bundle).await;
    assert_eq!(fresh(&place).await, (false, ReasonCode::NotAttested));
}

#[tokio::test]
async fn a15_who_attests_does_not_sign_and_who_signs_does_not_attest() {
    let place = place().await;
    place.sign("app:1").await;
    assert_eq!(fresh(&place).await, (false, ReasonCode::NotAttested));
    let signed = short(&format!("signedBy: [{{keys: {}}}]", pem(&place.key)));
    let place = Place { admission: Admission::new(loaded(&signed), client(), AdmissionOptions::default()), ..place };
    place.push("app", "1", "another");
    attest(&place, "app:1", &place.key, TESTED, &json!({"passed": true}), Form::Bundle).await;
    assert_eq!(fresh(&place).await, (false, ReasonCode::Unsigned));
}

#[tokio::test]
async fn a33_what_is_known_already_passes_over_no_condition() {
    let place = place().await;
    attest(&place, "app:1", &place.key, TESTED, &json!({"passed": true}), Form::Bundle).await;
    place.sign("app:1").await;
    let request = pod(&place.image("app:1"));
    assert!(place.mutate(&request).await.allowed);
    // The facts are known now; a policy that wants another value is judged by them.
    let stricter = asking(&place.key, "").replace("value: true", "value: signed-off");
    place.admission.replace(loaded(&stricter));
    refused(&place.mutate(&request).await, 403, "keys and conditions accept");
    // First known without attestations, then asked for them.
    let plain = short(&format!("signedBy: [{{keys: {}}}]", pem(&place.key)));
    let warm = Admission::new(loaded(&plain), client(), AdmissionOptions::default());
    let mutate = cleanbill_admission::Phase::Mutate;
    assert!(warm.answer(mutate, HOOK, request.clone(), true).await.allowed);
    warm.replace(loaded(&stricter));
    refused(&warm.answer(mutate, HOOK, request.clone(), true).await, 403, "no attestation");
    warm.replace(loaded(&asking(&place.key, "")));
    assert!(warm.answer(mutate, HOOK, request, true).await.allowed);
    // Statements under the older tag are not read where none are asked for.
    place.push("app", "2", "y");
    place.sign("app:2").await;
    attest(&place, "app:2", &place.key, TESTED, &json!({"passed": true}), Form::Tag).await;
    warm.replace(loaded(&plain));
    let request = pod(&place.image("app:2"));
    assert!(warm.answer(mutate, HOOK, request.clone(), true).await.allowed);
    warm.replace(loaded(&asking(&place.key, "")));
    let answer = warm.answer(mutate, HOOK, request, true).await;
    assert!(answer.allowed, "{}", answer.message);
}

#[tokio::test]
async fn a_policy_with_attestations_is_read_and_its_keys_are_tried() {
    let place = place().await;
    let broken =
        asking(&place.key, "").replace("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQYDQgAE");
    let said = cleanbill_admission::load(&[("p.yaml".to_owned(), broken)]).unwrap_err();
    assert_eq!(said[0].code, "policy-key-invalid");
}
