//! What is read of bundles and what is refused (A01, A45).

use super::*;

fn id() -> KeyId {
    KeyId("ab".repeat(32))
}

fn text() -> String {
    String::from_utf8(write(b"payload", b"signature", &id()).unwrap()).unwrap()
}

#[track_caller]
fn refused(text: &str, part: &str) {
    let err = Bundle::parse(text.as_bytes()).expect_err(text);
    assert!(err.contains(part), "{text}: {err}");
}

#[track_caller]
fn changed(from: &str, to: &str) -> String {
    let out = text().replace(from, to);
    assert_ne!(out, text(), "{from}");
    out
}

const PROOF: &str = r#""inclusionProof":{"logIndex":"1","rootHash":"AA==","treeSize":"2","hashes":["AA=="],"checkpoint":{"envelope":"x"}}"#;
const PROMISE: &str = r#""inclusionPromise":{"signedEntryTimestamp":"AA=="}"#;

fn with_entries(version: &str, entries: &str) -> String {
    changed("bundle.v0.3+json", &format!("bundle+json;version={version}"))
        .replace("\"publicKey\"", &format!(r#""tlogEntries":[{entries}],"publicKey""#))
}

#[test]
fn a_written_bundle_reads_back() {
    let bundle = Bundle::parse(text().as_bytes()).unwrap();
    assert_eq!(
        bundle,
        Bundle {
            payload: b"payload".to_vec(),
            signature: b"signature".to_vec(),
            signer: Signer::Key(Some(id())),
            log_entries: 0
        }
    );
}

#[test]
fn versions_from_0_1_to_0_3_are_read_and_no_other() {
    for version in ["0.1", "0.2", "0.3"] {
        let text = changed("bundle.v0.3+json", &format!("bundle+json;version={version}"));
        assert!(Bundle::parse(text.as_bytes()).is_ok(), "{text}");
    }
    for other in ["bundle.v0.4+json", "bundle+json;version=0.4", "bundle.v0.1+json", "bundle+json", "bundle.v0.30+json"]
    {
        refused(&changed("bundle.v0.3+json", other), "not supported");
    }
}

#[test]
fn log_entries_have_the_shape_their_version_demands() {
    let entry = |content: &str| {
        format!(
            r#"{{"logIndex":"7","logId":{{"keyId":"AA=="}},"kindVersion":{{"kind":"dsse","version":"0.0.1"}},"integratedTime":1700000000,{content},"canonicalizedBody":"AA=="}}"#
        )
    };
    let good = |text: &str| Bundle::parse(text.as_bytes()).map(|b| b.log_entries);
    assert_eq!(good(&with_entries("0.1", &entry(PROMISE))), Ok(1));
    assert_eq!(good(&with_entries("0.2", &entry(PROOF))), Ok(1));
    assert_eq!(good(&with_entries("0.3", &format!("{},{}", entry(PROOF), entry(PROOF)))), Ok(2));
    refused(&with_entries("0.1", &entry(PROOF)), "no inclusion promise");
    refused(&with_entries("0.2", &entry(PROMISE)), "no inclusion proof");
    refused(&with_entries("0.3", &entry(PROMISE)), "no inclusion proof");
    refused(
        &with_entries("0.3", &entry(&PROOF.replace(r#","checkpoint":{"envelope":"x"}"#, ""))),
        "no inclusion proof",
    );
    refused(&with_entries("0.3", &vec![entry(PROOF); 33].join(",")), "more than 32 log entries");
    refused(&with_entries("0.3", &entry(PROOF).replace(r#""logIndex":"7""#, r#""logIndex":"-7""#)), "not negative");
    refused(&with_entries("0.3", &entry(PROOF).replace("1700000000", "99999999999999999999")), "malformed");
    refused(&with_entries("0.3", &entry(PROOF).replace("\"kind\"", "\"kin\"")), "unknown field");
}

#[test]
fn a01_another_payload_type_is_not_a_statement() {
    refused(&changed(IN_TOTO, "application/vnd.dev.cosign.simplesigning.v1+json"), "payload is of type");
    refused(&changed(IN_TOTO, ""), "payload is of type");
}

#[test]
fn a45_what_other_readers_might_read_otherwise_is_refused() {
    refused(&changed("\"publicKey\"", "\"more\":1,\"publicKey\""), "unknown field `more`");
    refused(&changed("{\"mediaType\"", "{\"x\":1,\"mediaType\""), "unknown field `x`");
    refused(&changed("{\"sig\"", "{\"cert\":\"\",\"sig\""), "unknown field `cert`");
    refused(&changed("{\"hint\"", "{\"hint\":\"\",\"hint\""), "duplicate field `hint`");
    refused(&changed("{\"payload\"", "{\"payload\":\"AA==\",\"payload\""), "duplicate field `payload`");
    refused(&changed("{\"mediaType\"", "{\"mediaType\":\"\",\"mediaType\""), "duplicate field");
    refused(&changed("\"publicKey\"", "\"certificate\":{\"rawBytes\":\"AA==\"},\"publicKey\""), "more than one of");
    refused(
        &changed("\"publicKey\":", "\"x509CertificateChain\":{\"certificates\":[]},\"publicKey\":"),
        "more than one of",
    );
    refused(&changed("\"dsseEnvelope\"", "\"messageSignature\":{\"signature\":\"AA==\"},\"dsseEnvelope\""), "both");
    refused(&changed("{\"hint\":", "[").replacen("}},", "]},", 1), "expected an object");
    refused(&(text() + "{}"), "trailing");
    let sig = STANDARD.encode(b"signature");
    refused(&changed(&format!("{{\"sig\":\"{sig}\"}}"), ""), "0 signatures");
    refused(&changed(&format!("{{\"sig\":\"{sig}\"}}"), "{\"sig\":\"AA==\"},{\"sig\":\"AA==\"}"), "2 signatures");
    for bad in ["", "c2ln\\n", "c2ln=", "c2", "c2_-", " c2ln", "AB=="] {
        refused(&changed(&sig, bad), "the signature is");
    }
}

#[test]
fn certificates_are_understood_by_version() {
    let hint = format!("\"publicKey\":{{\"hint\":\"{}\"}}", STANDARD.encode([0xab; 32]));
    let one = changed(&hint, r#""certificate":{"rawBytes":"AA=="}"#);
    assert_eq!(Bundle::parse(one.as_bytes()).unwrap().signer, Signer::Certificate);
    let chain = changed(&hint, r#""x509CertificateChain":{"certificates":[{"rawBytes":"AA=="}]}"#);
    refused(&chain, "must not hold a chain");
    let old = chain.replace("bundle.v0.3+json", "bundle+json;version=0.2");
    assert_eq!(Bundle::parse(old.as_bytes()).unwrap().signer, Signer::Certificate);
    refused(&changed(&hint, r#""tlogEntries":[]"#), "neither key nor certificate");
}

#[test]
fn a_hint_that_is_no_key_id_is_no_error() {
    let hint = STANDARD.encode([0xab; 32]);
    for other in ["", "production", "AA=="] {
        let bundle = Bundle::parse(changed(&hint, other).as_bytes()).unwrap();
        assert_eq!(bundle.signer, Signer::Key(None));
    }
}
