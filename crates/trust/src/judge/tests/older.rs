//! cosign's older signatures, attestations in both forms, and annotations: the attacks by their numbers.

use super::*;
use crate::statement::attestation_statement;

const BOM: &str = "https://cyclonedx.org/bom";

fn simple_over(key: &PrivateKey, payload: &[u8]) -> Content {
    Content::Simple {
        payload: payload.to_vec(),
        signature: STANDARD.encode(key.sign(payload).unwrap()),
        log_entry: false,
    }
}

fn payload_of(subject: &Digest, annotations: &[(&str, &str)]) -> Vec<u8> {
    let annotations = annotations.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    simple::payload("r.example/app", subject, &annotations).unwrap()
}

fn signed(key: &PrivateKey, annotations: &[(&str, &str)]) -> Content {
    simple_over(key, &payload_of(&image(), annotations))
}

fn counts(contents: Vec<Content>) -> Vec<bool> {
    let evidence = judge(&collected(contents), &[KEY.public()], Demands::default());
    evidence.signatures.iter().map(|s| !s.verified_by.is_empty()).collect()
}

fn envelope_over(key: &PrivateKey, payload: &str) -> Content {
    Content::Envelope(dsse::write(payload.as_bytes(), &key.sign(&pae(IN_TOTO, payload.as_bytes())).unwrap()).unwrap())
}

/// What becomes of one thing as an attestation of a type.
fn attested(content: Content, wanted: &str) -> Result<serde_json::Value, WhyNot> {
    let mut all = attestations(&collected(vec![content]), &[KEY.public()], Some(wanted), Demands::default());
    let one = all.remove(0);
    assert_eq!(one.record.verified_by.is_empty(), one.verified.is_none());
    match one.verified {
        Some(verified) => Ok(verified.predicate),
        None => Err(one.record.why_not[0].clone()),
    }
}

#[test]
fn an_older_signature_verifies_and_so_do_both_forms_together() {
    assert_eq!(counts(vec![signed(&KEY, &[])]), [true]);
    assert_eq!(counts(vec![signed(&OTHER, &[]), Content::Bundle(signed_by(&KEY, &image()))]), [false, true]);
    assert_eq!(why(signed(&OTHER, &[])), WhyNot::OtherKey);
}

#[test]
fn a13_an_older_signature_copied_from_another_image_does_not_count() {
    let other = Digest::sha256(b"another image");
    assert_eq!(why(simple_over(&KEY, &payload_of(&other, &[]))), WhyNot::OtherSubject(other.to_string()));
}

#[test]
fn an_older_payload_of_another_type_does_not_count() {
    let text = String::from_utf8(payload_of(&image(), &[])).unwrap();
    let other = text.replace("cosign container image signature", "something else");
    let reason = why(simple_over(&KEY, other.as_bytes()));
    assert!(matches!(&reason, WhyNot::Malformed(text) if text.contains("is of type")), "{reason:?}");
}

#[test]
fn a46_an_older_payload_with_a_key_twice_does_not_count() {
    let text = String::from_utf8(payload_of(&image(), &[])).unwrap();
    let twice = text.replace("{\"critical\"", "{\"critical\":{},\"critical\"");
    let reason = why(simple_over(&KEY, twice.as_bytes()));
    assert!(matches!(&reason, WhyNot::Malformed(text) if text.contains("stands twice")), "{reason:?}");
}

#[test]
fn a01_one_form_offered_as_the_other_does_not_count() {
    // A statement signed as it stands, under the older media type.
    let as_simple = why(simple_over(&KEY, statement(SIGN, "{}").as_bytes()));
    assert!(matches!(as_simple, WhyNot::Malformed(_)), "{as_simple:?}");
    // The bytes of a DSSE encoding as an older payload: the bundle's own signature fits them.
    let encoded = pae(IN_TOTO, statement(SIGN, "{}").as_bytes());
    let as_simple = why(simple_over(&KEY, &encoded));
    assert!(matches!(as_simple, WhyNot::Malformed(_)), "{as_simple:?}");
    // An older payload within an envelope.
    let payload = String::from_utf8(payload_of(&image(), &[])).unwrap();
    let as_statement = why(envelope_over(&KEY, &payload));
    assert!(matches!(as_statement, WhyNot::Malformed(_)), "{as_statement:?}");
    let Content::Envelope(json) = envelope_over(&KEY, &statement(SIGN, "{}")) else { panic!() };
    let told = String::from_utf8(json).unwrap().replace(IN_TOTO, simple::MEDIA_TYPE);
    let reason = why(Content::Envelope(told.into_bytes()));
    assert!(matches!(&reason, WhyNot::Malformed(text) if text.contains("payload is of type")), "{reason:?}");
}

#[test]
fn a16_a17_a_bad_signature_of_one_form_neither_hides_nor_denies_one_of_the_other() {
    let broken = Content::Simple { payload: b"{".to_vec(), signature: "?".to_owned(), log_entry: false };
    assert_eq!(counts(vec![broken.clone(), Content::Bundle(signed_by(&KEY, &image()))]), [false, true]);
    assert_eq!(counts(vec![Content::Bundle(b"{".to_vec()), broken, signed(&KEY, &[])]), [false, false, true]);
}

#[test]
fn no_single_byte_of_an_older_signature_can_be_changed_unnoticed() {
    let payload = payload_of(&image(), &[("who", "ci")]);
    let signature = KEY.sign(&payload).unwrap();
    let with = |payload: &[u8], signature: &[u8]| Content::Simple {
        payload: payload.to_vec(),
        signature: STANDARD.encode(signature),
        log_entry: false,
    };
    assert_eq!(counts(vec![with(&payload, &signature)]), [true]);
    for at in 0..payload.len() {
        let mut changed = payload.clone();
        changed[at] ^= 1;
        assert_eq!(counts(vec![with(&changed, &signature)]), [false], "byte {at}");
    }
    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        assert_eq!(counts(vec![with(&payload, &changed)]), [false], "byte {at}");
    }
}

#[test]
fn a_log_entry_that_is_demanded_of_an_older_signature_is_never_waived() {
    for entry in [false, true] {
        let Content::Simple { payload, signature, .. } = signed(&KEY, &[]) else { panic!() };
        let content = Content::Simple { payload, signature, log_entry: entry };
        let evidence = judge(&collected(vec![content]), &[KEY.public()], Demands { log_entry: true });
        assert!(matches!(&evidence.signatures[0].why_not[..], [WhyNot::NoLogEntry(_)]));
    }
}

#[test]
fn annotations_are_those_of_the_signed_payload_each_signature_by_its_own() {
    let bundle = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Content::Bundle(signature_bundle(&image(), &KEY, &pairs).unwrap())
    };
    let contents = vec![
        signed(&KEY, &[("who", "ci"), ("env", "prod")]),
        signed(&KEY, &[("who", "me")]),
        signed(&OTHER, &[("who", "ci")]),
        bundle(&[("who", "ci")]),
        bundle(&[]),
    ];
    let mut evidence = judge(&collected(contents), &[KEY.public()], Demands::default());
    assert!(evidence.signatures[2].annotations.is_empty(), "nobody vouches for them");
    demand_annotations(&mut evidence, &BTreeMap::from([("who".to_owned(), "ci".to_owned())]));
    let counts: Vec<_> = evidence.signatures.iter().map(|s| !s.verified_by.is_empty()).collect();
    assert_eq!(counts, [true, false, false, true, false]);
    let told = |at: usize| evidence.signatures[at].why_not[0].to_string();
    assert!(told(1).contains("`who` is to be `ci`: me"), "{}", told(1));
    assert!(told(4).contains("it is not there"), "{}", told(4));
    assert_eq!(evidence.signatures[2].why_not, [WhyNot::OtherKey]);
}

#[test]
fn an_attestation_verifies_in_both_forms_and_says_what_is_signed() {
    let text = statement(BOM, r#"{"bomFormat":"CycloneDX"}"#);
    for content in [envelope_over(&KEY, &text), Content::Bundle(bundle_over(&KEY, &text))] {
        assert_eq!(attested(content, BOM).unwrap()["bomFormat"], "CycloneDX");
    }
    let raw = serde_json::value::to_raw_value(&serde_json::json!({"a": 1})).unwrap();
    let ours = attestation_statement("r.example/app", &image(), BOM, &raw).unwrap();
    assert_eq!(attested(envelope_over(&KEY, &String::from_utf8(ours).unwrap()), BOM).unwrap()["a"], 1);
}

#[test]
fn a02_an_attestation_of_another_type_does_not_count() {
    for content in
        [envelope_over(&KEY, &statement(BOM, "{}")), Content::Bundle(bundle_over(&KEY, &statement(BOM, "{}")))]
    {
        let wanted = "https://slsa.dev/provenance/v1";
        assert_eq!(attested(content, wanted), Err(WhyNot::OtherType(BOM.to_owned())));
    }
    assert_eq!(attested(signed(&KEY, &[]), BOM), Err(WhyNot::OtherType("a signature".to_owned())));
    let signature = Content::Bundle(signed_by(&KEY, &image()));
    assert_eq!(attested(signature.clone(), BOM), Err(WhyNot::OtherType(SIGN.to_owned())));
    let any = attestations(&collected(vec![signature]), &[KEY.public()], None, Demands::default());
    assert!(any[0].verified.is_none(), "a signature is no attestation of whatever type");
}

#[test]
fn a03_an_attestation_without_an_object_for_a_predicate_does_not_count() {
    let without = statement(BOM, "{}").replace(",\"predicate\":{}", "");
    for text in [without, statement(BOM, "\"{}\""), statement(BOM, "[]"), statement(BOM, "null")] {
        let reason = attested(envelope_over(&KEY, &text), BOM);
        assert!(matches!(reason, Err(WhyNot::Malformed(_))), "{text}: {reason:?}");
    }
    let spdx = |predicate: &str| attested(envelope_over(&KEY, &statement(predicate::SPDX, predicate)), predicate::SPDX);
    assert!(spdx("\"SPDXVersion: SPDX-2.3\"").is_ok(), "tag-value is no JSON");
    assert!(spdx("\"{}\"").is_err());
}

#[test]
fn a13_an_attestation_of_another_image_does_not_count() {
    let other = Digest::sha256(b"another image");
    let text = statement(BOM, "{}").replace(image().hex(), other.hex());
    assert_eq!(attested(envelope_over(&KEY, &text), BOM), Err(WhyNot::OtherSubject(other.to_string())));
}

#[test]
fn a15_an_older_attestation_is_no_signature() {
    assert_eq!(why(envelope_over(&KEY, &statement(BOM, "{}"))), WhyNot::NotASignature(BOM.to_owned()));
}

#[test]
fn a23_an_envelope_without_a_signature_of_ours_does_not_count() {
    assert_eq!(attested(envelope_over(&OTHER, &statement(BOM, "{}")), BOM), Err(WhyNot::OtherKey));
    let Content::Envelope(json) = envelope_over(&KEY, &statement(BOM, "{}")) else { panic!() };
    let mut json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    json["signatures"] = serde_json::json!([]);
    let reason = attested(Content::Envelope(json.to_string().into_bytes()), BOM);
    assert!(matches!(reason, Err(WhyNot::Malformed(_))), "{reason:?}");
    // Beside a signature of a stranger, ours is found.
    let text = statement(BOM, "{}");
    let message = pae(IN_TOTO, text.as_bytes());
    let sig = |key: &PrivateKey| serde_json::json!({"sig": STANDARD.encode(key.sign(&message).unwrap())});
    json["signatures"] = serde_json::json!([sig(&OTHER), sig(&KEY)]);
    assert!(attested(Content::Envelope(json.to_string().into_bytes()), BOM).is_ok());
}
