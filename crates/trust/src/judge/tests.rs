//! What verifies, what does not, and with which reason; the attacks by their numbers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_model::{Digest, DigestKind, SignatureFormat, SignatureSource, WhyNot};

use super::*;
use crate::sign::signature_bundle;
use crate::{PrivateKey, bundle as wire};

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().unwrap());
static OTHER: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().unwrap());

fn image() -> Digest {
    Digest::sha256(b"image")
}

fn item(content: Content) -> Item {
    let source = SignatureSource { manifest: Digest::sha256(b"carrier"), found_by: "referrers".to_owned() };
    let format = match content {
        Content::Simple { .. } => SignatureFormat::SimpleSigning,
        Content::Envelope(_) => SignatureFormat::Envelope,
        Content::Other(_) | Content::Unread(_) => SignatureFormat::Other,
        Content::Bundle(_) | Content::Malformed(_) => SignatureFormat::Bundle,
    };
    Item { source, format, content }
}

fn collected(contents: Vec<Content>) -> Collected {
    Collected { subject: image(), kind: DigestKind::Manifest, items: contents.into_iter().map(item).collect() }
}

fn signed_by(key: &PrivateKey, subject: &Digest) -> Vec<u8> {
    signature_bundle(subject, key, &BTreeMap::new()).unwrap()
}

/// A bundle over any payload, signed by `key`.
fn bundle_over(key: &PrivateKey, payload: &str) -> Vec<u8> {
    let signature = key.sign(&pae(IN_TOTO, payload.as_bytes())).unwrap();
    wire::write(payload.as_bytes(), &signature, &key.public().id()).unwrap()
}

fn statement(predicate_type: &str, predicate: &str) -> String {
    format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{}"}}}}],"predicateType":"{predicate_type}","predicate":{predicate}}}"#,
        image().hex()
    )
}

#[track_caller]
fn verified(json: Vec<u8>, keys: &[&PrivateKey]) {
    let keys: Vec<_> = keys.iter().map(|k| k.public()).collect();
    let evidence = judge(&collected(vec![Content::Bundle(json)]), &keys, Demands::default());
    assert_eq!(evidence.signatures[0].verified_by, [KEY.public().id()]);
    assert!(evidence.signatures[0].why_not.is_empty());
}

#[track_caller]
fn why(content: Content) -> WhyNot {
    let evidence = judge(&collected(vec![content]), &[KEY.public()], Demands::default());
    assert!(evidence.signatures[0].verified_by.is_empty());
    let [why] = evidence.signatures[0].why_not.as_slice() else { panic!("{evidence:?}") };
    why.clone()
}

#[track_caller]
fn refused(json: Vec<u8>, expect: WhyNot) {
    assert_eq!(why(Content::Bundle(json)), expect);
}

#[track_caller]
fn malformed(json: Vec<u8>, part: &str) {
    let why = why(Content::Bundle(json));
    assert!(matches!(&why, WhyNot::Malformed(text) if text.contains(part)), "{why:?}");
}

mod older;
mod stated;

#[test]
fn a_signature_verifies_with_its_key_among_others() {
    verified(signed_by(&KEY, &image()), &[&KEY]);
    verified(signed_by(&KEY, &image()), &[&OTHER, &KEY, &KEY]);
}

#[test]
fn a23_a_signature_by_another_key_does_not_count() {
    refused(signed_by(&OTHER, &image()), WhyNot::OtherKey);
}

#[test]
fn a_changed_payload_is_told_from_another_key() {
    let text = String::from_utf8(signed_by(&KEY, &image())).unwrap();
    let payload = STANDARD.encode(statement(SIGN, "{}"));
    let changed = STANDARD.encode(statement(SIGN, "{}").replace(&image().hex()[..1], "0"));
    assert!(text.contains(&payload));
    refused(text.replace(&payload, &changed).into_bytes(), WhyNot::BrokenSignature);
    let broken_json = STANDARD.encode(statement(SIGN, "{}").replace("\"subject\"", "\"subject"));
    refused(text.replace(&payload, &broken_json).into_bytes(), WhyNot::BrokenSignature);
}

#[test]
fn a_hint_alone_proves_nothing() {
    let ours = STANDARD.encode(hex::decode(KEY.public().id().0).unwrap());
    let theirs = STANDARD.encode(hex::decode(OTHER.public().id().0).unwrap());
    let claims = String::from_utf8(signed_by(&OTHER, &image())).unwrap().replace(&theirs, &ours);
    refused(claims.into_bytes(), WhyNot::BrokenSignature);
    let denies = String::from_utf8(signed_by(&KEY, &image())).unwrap().replace(&ours, &theirs);
    verified(denies.into_bytes(), &[&KEY]);
}

#[test]
fn a13_a_signature_copied_from_another_image_does_not_count() {
    let other = Digest::sha256(b"another image");
    refused(signed_by(&KEY, &other), WhyNot::OtherSubject(other.to_string()));
}

#[test]
fn a15_an_attestation_is_not_a_signature_though_the_key_is_right() {
    for kind in ["https://cyclonedx.org/bom", "https://slsa.dev/provenance/v1", "https://sigstore.dev/cosign/sign/v10"]
    {
        refused(bundle_over(&KEY, &statement(kind, "{}")), WhyNot::NotASignature(kind.to_owned()));
        refused(bundle_over(&OTHER, &statement(kind, "{}")), WhyNot::NotASignature(kind.to_owned()));
    }
    let evidence = judge(
        &collected(vec![Content::Bundle(bundle_over(&KEY, &statement("https://cyclonedx.org/bom", "{}")))]),
        &[KEY.public()],
        Demands::default(),
    );
    assert_eq!(evidence.signatures[0].predicate_type.as_deref(), Some("https://cyclonedx.org/bom"));
}

#[test]
fn a03_a_predicate_that_is_no_object_does_not_count() {
    malformed(bundle_over(&KEY, &statement(SIGN, "\"{}\"")), "not an object");
    malformed(bundle_over(&KEY, &statement(SIGN, "[]")), "not an object");
    verified(bundle_over(&KEY, &statement(SIGN, "{}").replace(",\"predicate\":{}", "")), &[&KEY]);
}

#[test]
fn a46_a_signed_payload_with_a_key_twice_does_not_count() {
    malformed(bundle_over(&KEY, &statement(SIGN, r#"{},"predicateType":"https://spdx.dev/Document""#)), "stands twice");
}

#[test]
fn a01_the_same_bytes_under_another_payload_type_do_not_count() {
    let payload = statement(SIGN, "{}");
    let signature = KEY.sign(&pae("application/json", payload.as_bytes())).unwrap();
    let json = wire::write(payload.as_bytes(), &signature, &KEY.public().id()).unwrap();
    refused(json.clone(), WhyNot::BrokenSignature);
    let told = String::from_utf8(json).unwrap().replace(IN_TOTO, "application/json");
    malformed(told.into_bytes(), "payload is of type");
}

#[test]
fn a_key_does_not_verify_what_claims_a_certificate() {
    let hint = format!(r#""publicKey":{{"hint":"{}"}}"#, STANDARD.encode(hex::decode(KEY.public().id().0).unwrap()));
    let json = String::from_utf8(signed_by(&KEY, &image())).unwrap();
    assert!(json.contains(&hint));
    refused(json.replace(&hint, r#""certificate":{"rawBytes":"AA=="}"#).into_bytes(), WhyNot::OtherKey);
}

#[test]
fn a_demanded_log_entry_is_never_waived() {
    let evidence = judge(
        &collected(vec![Content::Bundle(signed_by(&KEY, &image()))]),
        &[KEY.public()],
        Demands { log_entry: true },
    );
    assert!(evidence.signatures[0].verified_by.is_empty());
    assert_eq!(evidence.signatures[0].why_not, [WhyNot::NoLogEntry("there is none beside it".to_owned())]);
    let entry = r#""tlogEntries":[{"logIndex":"1","inclusionProof":{"checkpoint":{"envelope":"x"}}}],"publicKey""#;
    let with = String::from_utf8(signed_by(&KEY, &image())).unwrap().replace("\"publicKey\"", entry);
    let evidence = judge(
        &collected(vec![Content::Bundle(with.clone().into_bytes())]),
        &[KEY.public()],
        Demands { log_entry: true },
    );
    assert!(matches!(&evidence.signatures[0].why_not[..], [WhyNot::NoLogEntry(why)] if why.contains("no trusted log")));
    verified(with.into_bytes(), &[&KEY]);
}

#[test]
fn a17_what_is_malformed_neither_hides_nor_denies_the_others() {
    let contents = vec![
        Content::Bundle(b"{".to_vec()),
        Content::Malformed("gone".to_owned()),
        Content::Other("application/spdx+json".to_owned()),
        Content::Bundle(signed_by(&KEY, &image())),
        Content::Unread("too many".to_owned()),
    ];
    let evidence = judge(&collected(contents), &[KEY.public()], Demands::default());
    let counts: Vec<_> = evidence.signatures.iter().map(|s| s.verified_by.len()).collect();
    assert_eq!(counts, [0, 0, 0, 1, 0]);
    assert!(evidence.signatures.iter().all(|s| s.verified_by.is_empty() != s.why_not.is_empty()));
    assert_eq!(evidence.signatures[2].format, SignatureFormat::Other);
}

#[test]
fn no_keys_no_verdict() {
    let evidence =
        judge(&collected(vec![Content::Bundle(signed_by(&KEY, &image()))]), &[], Demands { log_entry: false });
    assert_eq!(evidence.signatures[0].why_not, [WhyNot::OtherKey]);
    assert!(evidence.keys.is_empty());
}

#[test]
fn no_single_byte_of_a_bundle_can_be_changed_unnoticed() {
    let json = signed_by(&KEY, &image());
    let text = String::from_utf8(json.clone()).unwrap();
    // The hint is not signed and not relied on; every other byte is.
    let hint = text.find("\"hint\":\"").unwrap() + 8;
    let hint = hint..hint + 44;
    for at in (0..json.len()).filter(|at| !hint.contains(at)) {
        for flip in [1_u8, 2, 4, 0x20, 0x40, 0x80] {
            let mut changed = json.clone();
            changed[at] ^= flip;
            let evidence = judge(&collected(vec![Content::Bundle(changed)]), &[KEY.public()], Demands::default());
            assert!(evidence.signatures[0].verified_by.is_empty(), "byte {at} ({:?}) ^ {flip}", char::from(json[at]));
        }
    }
}

#[test]
fn no_mutation_makes_the_reader_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let seeds = [signed_by(&KEY, &image()), statement(SIGN, "{}").into_bytes(), KEY.public().to_pem().into_bytes()];
    for round in 0..6000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=next(6) {
            let at = next(bytes.len().max(1));
            if bytes.is_empty() {
                break;
            }
            match next(4) {
                0 => bytes[at] = next(256) as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"{}[]\",:=\\-"[next(10)]),
                _ => bytes.truncate(at.max(1)),
            }
        }
        match round % seeds.len() {
            0 => {
                let evidence = judge(&collected(vec![Content::Bundle(bytes)]), &[KEY.public()], Demands::default());
                let record = &evidence.signatures[0];
                assert!(record.verified_by.is_empty() != record.why_not.is_empty());
            }
            1 => drop(Statement::parse(&bytes)),
            _ => drop(PublicKey::from_pem(&String::from_utf8_lossy(&bytes))),
        }
    }
}
