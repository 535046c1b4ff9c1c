//! Attacks on bundles that are verified offline, by their numbers, against a small sigstore that is made
//! here. Each changes one thing of a bundle that verifies.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod instance;

use cleanbill_trust::PublicKey;
use cleanbill_trust::offline::{Demands, Who};
use instance::logs::{body, body_of_tiles};
use instance::*;
use rcgen::{ExtendedKeyUsagePurpose, IsCa, date_time_ymd};
use serde_json::{Value, json};

const ENTRIES: &str = "/verificationMaterial/tlogEntries";
const TIMES: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";

/// The bundle with something else at a place.
fn with(bundle: &Value, place: &str, value: Value) -> Value {
    let mut out = bundle.clone();
    *out.pointer_mut(place).unwrap_or_else(|| panic!("{place} in {bundle}")) = value;
    out
}

fn without(bundle: &Value, parent: &str, key: &str) -> Value {
    let mut out = bundle.clone();
    out.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    out
}

fn entry(bundle: &Value, field: &str, value: Value) -> Value {
    with(bundle, &format!("{ENTRIES}/0/{field}"), value)
}

#[test]
fn a04_an_entry_of_something_else_vouches_for_nothing() {
    let instance = Instance::new();
    let (signer, other, root) = (instance.signer(), instance.signer(), instance.root());
    let good = instance.bundle(&signer);
    let signature = signer.key.sign(FILE);
    let splice = |body: &str| with(&good, ENTRIES, json!([instance.log.entry(body, NOON)]));
    // Valid entries all, each for another signature, key or file than this bundle's.
    let ours = base64_of(&good, "/messageSignature/signature");
    refused(&splice(&body(&sha256(b"other"), &ours, &signer.pem())), &root, "something else");
    refused(&splice(&body(&sha256(FILE), &signature, &signer.pem())), &root, "does not vouch");
    refused(&splice(&body(&sha256(FILE), &ours, &other.pem())), &root, "does not vouch");
    accepted(&splice(&body(&sha256(FILE), &ours, &signer.pem())), &root);

    let good = instance.bundle_of_tiles(&signer);
    let ours = base64_of(&good, "/messageSignature/signature");
    let splice = |body: &str| with(&good, ENTRIES, json!([instance.tiles.entry_of_tiles(body)]));
    let holder = |signer: &Signer| json!({"x509Certificate": {"rawBytes": b64(&signer.certificate)}});
    refused(&splice(&body_of_tiles(&sha256(b"other"), &ours, holder(&signer))), &root, "something else");
    refused(&splice(&body_of_tiles(&sha256(FILE), &signature, holder(&signer))), &root, "does not vouch");
    refused(&splice(&body_of_tiles(&sha256(FILE), &ours, holder(&other))), &root, "does not vouch");
    accepted(&splice(&body_of_tiles(&sha256(FILE), &ours, holder(&signer))), &root);
}

fn base64_of(bundle: &Value, place: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(bundle.pointer(place).unwrap().as_str().unwrap()).unwrap()
}

#[test]
fn a05_a_promise_or_proof_for_another_entry_does_not_count() {
    let instance = Instance::new();
    let (signer, root) = (instance.signer(), instance.root());
    let good = instance.bundle(&signer);
    let other = instance.bundle(&instance.signer());
    for part in ["inclusionPromise", "inclusionProof", "canonicalizedBody"] {
        let theirs = other.pointer(&format!("{ENTRIES}/0/{part}")).unwrap().clone();
        refused(&entry(&good, part, theirs), &root, "the transparency log does not vouch");
    }
    refused(&entry(&good, "integratedTime", json!((NOON + 1).to_string())), &root, "does not vouch");
    refused(&entry(&good, "logIndex", json!("1")), &root, "does not vouch");
}

#[test]
fn a05_a_checkpoint_of_another_log_with_the_same_hint_does_not_count() {
    let mut instance = Instance::new();
    let mut evil = Log::new("rekor.example", 1);
    evil.id = [vec![1; 4], vec![9; 28]].concat();
    let signer = instance.signer();
    let good = instance.bundle(&signer);
    let hash = base64_of(&good, &format!("{ENTRIES}/0/inclusionProof/rootHash"));
    let forged = evil.checkpoint("rekor.example - 42", 1, &hash);
    let bundle = entry(&good, "inclusionProof/checkpoint/envelope", json!(forged));
    // Both logs are believed, but the entry is of the other one.
    let mut root = instance.root();
    root["tlogs"].as_array_mut().unwrap().push(evil.trusted());
    accepted(&good, &root);
    refused(&bundle, &root, "not the log's");
    let tiles = instance.bundle_of_tiles(&signer);
    let hash = base64_of(&tiles, &format!("{ENTRIES}/0/inclusionProof/rootHash"));
    instance.tiles.host = "other.example".to_owned();
    let forged = instance.tiles.checkpoint("other.example", 1, &hash);
    refused(&entry(&tiles, "inclusionProof/checkpoint/envelope", json!(forged)), &root, "not of tiles.example");
    let named = instance.tiles.checkpoint("tiles.example", 1, &hash);
    refused(&entry(&tiles, "inclusionProof/checkpoint/envelope", json!(named)), &root, "not signed by tiles.example");
}

#[test]
fn a05_every_signature_that_is_said_to_be_the_logs_is() {
    let instance = Instance::new();
    let (signer, root) = (instance.signer(), instance.root());
    for (good, witness) in [(instance.bundle(&signer), false), (instance.bundle_of_tiles(&signer), true)] {
        let place = "inclusionProof/checkpoint/envelope";
        let note = good.pointer(&format!("{ENTRIES}/0/{place}")).unwrap().as_str().unwrap().to_owned();
        let host = note.lines().last().unwrap().split(' ').nth(1).unwrap().to_owned();
        let line = |name: &str, hint: u8| {
            format!("{note}\u{2014} {name} {}\n", b64([[hint; 4].as_slice(), &[7; 70]].concat()))
        };
        let hint = if witness { 2 } else { 1 };
        refused(&entry(&good, place, json!(line(&host, hint))), &root, "not the log's");
        let beside = entry(&good, place, json!(line("witness.example", 8)));
        if witness {
            drop(accepted(&beside, &root))
        } else {
            refused(&beside, &root, "not the log's")
        }
        refused(&entry(&good, place, json!(note.trim_end())), &root, "malformed");
    }
}

#[test]
fn a06_a_proof_of_another_tree_than_the_checkpoint_does_not_count() {
    let instance = Instance::new();
    let (signer, root) = (instance.signer(), instance.root());
    for good in [instance.bundle(&signer), instance.bundle_of_tiles(&signer)] {
        refused(&entry(&good, "inclusionProof/treeSize", json!("2")), &root, "another tree");
        refused(&entry(&good, "inclusionProof/rootHash", json!(b64([5; 32]))), &root, "another tree");
    }
}

#[test]
fn a07_nothing_counts_twice() {
    let instance = Instance::new();
    let (signer, root) = (instance.signer(), instance.root());
    let (old, new) = (instance.bundle(&signer), instance.bundle_of_tiles(&signer));
    for (good, place, part) in
        [(&old, ENTRIES, "stands twice"), (&new, ENTRIES, "stands twice"), (&new, TIMES, "stands twice")]
    {
        let one = good.pointer(place).unwrap()[0].clone();
        refused(&with(good, place, json!([one, one])), &root, part);
    }
}

#[test]
fn a08_a_time_that_nobody_vouches_for_does_not_count() {
    let instance = Instance::new();
    let (signer, root) = (instance.signer(), instance.root());
    let old = instance.bundle(&signer);
    refused(&without(&old, &format!("{ENTRIES}/0"), "inclusionPromise"), &root, "time of signing");
    refused(&with(&instance.bundle_of_tiles(&signer), TIMES, json!([])), &root, "time of signing");
    // The time is that of a log that is believed; and the certificate was not valid then.
    let signature = signer.key.sign(FILE);
    for time in [NOON - 2 * DAY, NOON + 2 * DAY] {
        let entry = instance.log.entry(&body(&sha256(FILE), &signature, &signer.pem()), time);
        refused(&bundle(&signer, FILE, &signature, vec![entry], vec![]), &root, "certificate does not count");
        let entry = instance.tiles.entry_of_tiles(&body_of_tiles(
            &sha256(FILE),
            &signature,
            json!({"x509Certificate": {"rawBytes": b64(&signer.certificate)}}),
        ));
        let token = instance.clock.token(&signature, time);
        refused(&bundle(&signer, FILE, &signature, vec![entry], vec![token]), &root, "certificate does not count");
    }
    // One good time does not outweigh a bad one.
    let token = instance.clock.token(&base64_of(&old, "/messageSignature/signature"), NOON + 2 * DAY);
    refused(&with(&old, TIMES, json!([{"signedTimestamp": b64(token)}])), &root, "certificate does not count");
    let noon = instance.clock.token(&base64_of(&old, "/messageSignature/signature"), NOON);
    let both = with(&old, TIMES, json!([{"signedTimestamp": b64(noon)}]));
    accepted(&both, &root);
    // A time in an entry of a statement, with no promise about it, must not contradict the certificate.
    let stated = instance.bundle_of_statement(&signer, &statement(&sha256(FILE)));
    let noon = instance.clock.token(&base64_of(&stated, "/dsseEnvelope/signatures/0/sig"), NOON);
    let stated = without(
        &with(&stated, TIMES, json!([{"signedTimestamp": b64(noon)}])),
        &format!("{ENTRIES}/0"),
        "inclusionPromise",
    );
    accepted(&stated, &root);
    let late = entry(&stated, "integratedTime", json!((NOON + 2 * DAY).to_string()));
    refused(&late, &root, "when the certificate was not valid");
}

#[test]
fn a02_a13_a14_a_statement_about_something_else_does_not_count() {
    let instance = Instance::new();
    let (signer, root) = (instance.signer(), instance.root());
    let stated = |text: &str| instance.bundle_of_statement(&signer, text);
    let verified = accepted(&stated(&statement(&sha256(FILE))), &root);
    assert_eq!(verified.predicate_type.as_deref(), Some("https://example.com/v1"));
    assert_eq!(verified.statement.as_deref(), Some(statement(&sha256(FILE)).as_bytes()));
    refused(&stated(&statement(&sha256(b"other"))), &root, "something else");
    refused(&stated(&statement(&sha256(FILE)).replace("sha256", "sha384")), &root, "something else");
    let twice = statement(&sha256(FILE)).replace("{\"_type\"", "{\"predicateType\":\"x\",\"_type\"");
    refused(&stated(&twice), &root, "stands twice");
    let mut named = stated(&statement(&sha256(FILE)));
    named["dsseEnvelope"]["signatures"][0]["keyid"] = json!("SHA256:another");
    refused(&named, &root, "names its signer");
}

#[test]
fn a09_a_timestamp_of_another_authority_or_about_something_else_does_not_count() {
    let mut instance = Instance::new();
    let signer = instance.signer();
    let (good, root) = (instance.bundle_of_tiles(&signer), instance.root());
    let signature = base64_of(&good, "/messageSignature/signature");
    let stamped = |token: &[u8]| with(&good, TIMES, json!([{"signedTimestamp": b64(token)}]));
    accepted(&stamped(&instance.clock.token(&signature, NOON)), &root);
    refused(&stamped(&instance.clock.token(b"another signature", NOON)), &root, "time of signing");
    let stranger = Clock::new();
    refused(&stamped(&stranger.token(&signature, NOON)), &root, "time of signing");
    let brought = stranger.token_with(&signature, NOON, &[stranger.certificate()]);
    refused(&stamped(&brought), &root, "not in the trusted root");
    let dressed = instance.clock.token_with(&signature, NOON, &[stranger.certificate()]);
    refused(&stamped(&dressed), &root, "not in the trusted root");
    instance.clock.embed = true;
    accepted(&stamped(&instance.clock.token(&signature, NOON)), &root);
    // The authority is believed in May only, or its certificate is one for code.
    instance.clock.period = ("2025-05-01T00:00:00Z", Some("2025-05-31T00:00:00Z"));
    refused(&good, &instance.root(), "not believed at that time");
    instance.clock.period = ("2025-05-01T00:00:00Z", None);
    instance.clock.for_time = false;
    refused(&instance.bundle_of_tiles(&signer), &instance.root(), "time of signing");
}

#[test]
fn a10_a_chain_that_does_not_hold_does_not_count() {
    let mut instance = Instance::new();
    let signer = instance.signer();
    // An intermediate certificate that had expired, though root and leaf were valid.
    instance.authority.params.not_after = date_time_ymd(2025, 6, 1);
    refused(&instance.bundle(&signer), &instance.root(), "certificate does not count");
    instance.authority.params.not_after = date_time_ymd(2040, 1, 1);
    accepted(&instance.bundle(&signer), &instance.root());
    // The root's own certificate as the signer's; a signer's certificate that is no signer's.
    let root = instance.root();
    let own = with(
        &instance.bundle(&signer),
        "/verificationMaterial/certificate/rawBytes",
        json!(b64(instance.authority.root_certificate())),
    );
    refused(&own, &root, "");
    for change in [
        (|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]) as fn(&mut rcgen::CertificateParams),
        |p| p.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained),
    ] {
        let odd = instance.authority.certify_with(Some(&instance.certificates), change);
        refused(&instance.bundle(&odd), &root, "certificate does not count");
    }
    // Somebody whose certificate a signer signed: signers are no authorities, whatever a bundle brings.
    let stranger = Authority::new().certify(Some(&instance.certificates));
    let mut chain = instance.bundle(&stranger);
    chain["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.2");
    let material = chain["verificationMaterial"].as_object_mut().unwrap();
    material.remove("certificate");
    let certificates = |n: usize| {
        let one = json!({"rawBytes": b64(&stranger.certificate)});
        json!({"certificates": vec![one; n]})
    };
    material.insert("x509CertificateChain".to_owned(), certificates(3));
    refused(&chain, &root, "certificate does not count");
    refused(&with(&chain, "/verificationMaterial/x509CertificateChain", certificates(50)), &root, "more than 10");
}

#[test]
fn a11_a_certificate_that_was_not_logged_does_not_count() {
    let instance = Instance::new();
    let root = instance.root();
    let unlogged = instance.authority.certify(None);
    refused(&instance.bundle(&unlogged), &root, "no log of certificates");
    let elsewhere = instance.authority.certify(Some(&Key::new()));
    refused(&instance.bundle(&elsewhere), &root, "no log of certificates");
    let relaxed = Demands { certificate_logged: false, ..Demands::default() };
    assert!(
        verdict(&instance.bundle(&unlogged), &root, &whoever(), relaxed).is_ok(),
        "a private instance may waive it"
    );
}

#[test]
fn a12_a_log_counts_only_while_it_is_believed() {
    let mut instance = Instance::new();
    let signer = instance.signer();
    let (old, new) = (instance.bundle(&signer), instance.bundle_of_tiles(&signer));
    accepted(&old, &instance.root());
    accepted(&new, &instance.root());
    for (start, end) in [("2020-01-01T00:00:00Z", Some("2025-06-01T00:00:00Z")), ("2025-06-03T00:00:00Z", None)] {
        for log in [&mut instance.log, &mut instance.tiles] {
            (log.start, log.end) = (start, end);
        }
        refused(&old, &instance.root(), "the transparency log does not vouch");
        refused(&new, &instance.root(), "the log is not believed");
    }
    // A key that a log has been given anew: the old one's entries are not the new one's.
    let mut rotated = Instance::new();
    rotated.log.id = instance.log.id.clone();
    let mut root = instance.root();
    root["tlogs"] = rotated.root()["tlogs"].clone();
    refused(&old, &root, "the transparency log does not vouch");
}

#[test]
fn a_keys_bundle_is_held_against_the_log_too() {
    let instance = Instance::new();
    let (root, key, other) = (instance.root(), Key::new(), Key::new());
    let who = |key: &Key| Who::Key(PublicKey::from_pem(&instance::pki::pem("PUBLIC KEY", &key.spki())).unwrap());
    let timeless = Demands { time: false, ..Demands::default() };
    let good = instance.bundle_by_key(&key);
    let check = |bundle: &Value, who: &Who, demands, part: &str| {
        let why = verdict(bundle, &root, who, demands).unwrap_err();
        assert!(why.contains(part), "{why}");
    };
    let verified = verdict(&good, &root, &who(&key), timeless).unwrap();
    assert_eq!((verified.subject, verified.log_entries), (None, 1));
    check(&good, &who(&key), Demands::default(), "time of signing");
    check(&good, &who(&other), timeless, "does not fit");
    check(&good, &whoever(), timeless, "signed by a key");
    check(&instance.bundle(&instance.signer()), &who(&key), timeless, "signed by a certificate");
    check(&with(&good, ENTRIES, json!([])), &who(&key), timeless, "no log entry");
    let theirs = instance.bundle_by_key(&other).pointer(ENTRIES).unwrap().clone();
    check(&with(&good, ENTRIES, theirs), &who(&key), timeless, "does not vouch");
    let nothing = Demands { log_entry: false, time: false, ..Demands::default() };
    // With nobody beside it the key alone decides.
    let alone = with(&good, ENTRIES, json!([]));
    check(&alone, &who(&other), nothing, "does not fit");
    let changed = with(&alone, "/messageSignature/signature", json!(b64(other.sign(FILE))));
    check(&changed, &who(&key), nothing, "does not fit");
    assert!(verdict(&with(&good, ENTRIES, json!([])), &root, &who(&key), nothing).is_ok());
    check(&entry(&good, "inclusionProof/treeSize", json!("2")), &who(&key), nothing, "another tree");
}
