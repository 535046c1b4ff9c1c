//! Keys, and what is attached to an image to vouch for it.
//!
//! Beside: no bundle here is signed by the key it is held against, so that none may ever verify.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_model::{Digest, DigestKind};
use cleanbill_trust::offline::{self, Artifact, TrustedRoot, Who, verify_bundle};
use cleanbill_trust::{Collected, Demands, PrivateKey, PublicKey, judge};

use crate::mutate::JSON;
use crate::{Target, text, texts};

pub(crate) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "public-key",
            10_000,
            PEM,
            || vec![pem("PUBLIC KEY", &spki())],
            |bytes| {
                if let Ok(key) = PublicKey::from_pem(&text(bytes)) {
                    assert_eq!(PublicKey::from_pem(&key.to_pem()).expect("our own form").id(), key.id());
                }
            },
        ),
        Target::new(
            "public-key-der",
            10_000,
            &[],
            || vec![spki()],
            |bytes| {
                drop(PublicKey::from_pem(&text(&pem("PUBLIC KEY", bytes))));
            },
        ),
        Target::new("private-key", 3000, PEM, || vec![pem("PRIVATE KEY", &pkcs8())], private_key),
        Target::new("private-key-der", 3000, &[], || vec![pkcs8()], |bytes| private_key(&pem("PRIVATE KEY", bytes))),
        // A password that is tried costs 32 MiB and a good part of a second, as it must.
        Target::new("sealed-key", 40, JSON, sealed_seeds, |bytes| {
            private_key(&pem("ENCRYPTED SIGSTORE PRIVATE KEY", bytes));
        }),
        Target::new("bundle", 8000, JSON, || bundle_seeds(&statement()), bundle),
        Target::new("offline-bundle", 300, JSON, offline_seeds, offline_bundle),
        Target::new(
            "trusted-root",
            300,
            JSON,
            || vec![include_bytes!("../../trust/tests/fixtures/root.json").to_vec()],
            |bytes| drop(TrustedRoot::from_json(bytes)),
        ),
        Target::new("statement", 8000, JSON, || vec![statement()], |bytes| bundle(&bundle_seeds(bytes)[0])),
    ]
}

fn offline_seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../trust/tests/fixtures/log.json").to_vec(),
        include_bytes!("../../trust/tests/fixtures/tiles.json").to_vec(),
        include_bytes!("../../trust/tests/fixtures/statement.json").to_vec(),
    ]
}

/// Whatever becomes of a bundle of the one signer, nobody else has signed it.
fn offline_bundle(bytes: &[u8]) {
    let root = TrustedRoot::from_json(include_bytes!("../../trust/tests/fixtures/root.json")).expect("our own root");
    let artifact = Artifact::of_bytes(b"what is signed\n".to_vec());
    if let Ok(verified) = verify_bundle(bytes, &artifact, &Who::AnyIdentity, offline::Demands::default(), Some(&root)) {
        assert_eq!(verified.subject.as_deref(), Some("https://ci.example/build@refs/heads/main"));
        assert!(!verified.times.is_empty() && verified.log_entries == 1);
    }
}

const PEM: &[&str] = &["-----BEGIN PUBLIC KEY-----\n", "-----END PUBLIC KEY-----\n", "-----", "=", "==", "\n", "MFkw"];

/// The generator of P-256, which is the public half of the private key 1.
const POINT: &str = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                     4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

fn bytes(hex_text: &str) -> Vec<u8> {
    hex::decode(hex_text).expect("hexadecimal")
}

fn spki() -> Vec<u8> {
    [bytes("3059301306072a8648ce3d020106082a8648ce3d030107034200"), bytes(POINT)].concat()
}

fn pkcs8() -> Vec<u8> {
    let front = bytes("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420");
    let one = bytes(&format!("{:064x}", 1));
    [front, one, bytes("a144034200"), bytes(POINT)].concat()
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let body = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        out.push_str(&text(line));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out.into_bytes()
}

fn private_key(bytes: &[u8]) {
    if let Ok(key) = PrivateKey::from_pem(&text(bytes), b"password") {
        key.public().id();
    }
}

fn sealed_seeds() -> Vec<Vec<u8>> {
    let base64 = |bytes: &[u8]| STANDARD.encode(bytes);
    let file = format!(
        r#"{{"kdf":{{"name":"scrypt","params":{{"N":32768,"r":8,"p":1}},"salt":"{}"}},"cipher":{{"name":"nacl/secretbox","nonce":"{}"}},"ciphertext":"{}"}}"#,
        base64(&[1; 32]),
        base64(&[2; 24]),
        base64(&[3; 64])
    );
    texts(&[&file])
}

fn statement() -> Vec<u8> {
    format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"x","digest":{{"sha256":"{}"}}}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{{}}}}"#,
        Digest::sha256("image").hex()
    )
    .into_bytes()
}

fn bundle_seeds(payload: &[u8]) -> Vec<Vec<u8>> {
    // The shape of a signature over P-256: two numbers.
    let signature = STANDARD.encode(bytes("3006020101020101"));
    let payload = STANDARD.encode(payload);
    let of = |version: &str, material: &str| {
        format!(
            r#"{{"mediaType":"{version}","verificationMaterial":{{{material}}},"dsseEnvelope":{{"payload":"{payload}","payloadType":"application/vnd.in-toto+json","signatures":[{{"sig":"{signature}","keyid":""}}]}}}}"#
        )
    };
    let entry = r#""tlogEntries":[{"logIndex":"1","logId":{"keyId":"AA=="},"kindVersion":{"kind":"dsse","version":"0.0.1"},"integratedTime":"1","inclusionPromise":{"signedEntryTimestamp":"AA=="},"canonicalizedBody":"AA=="}]"#;
    texts(&[
        &of("application/vnd.dev.sigstore.bundle.v0.3+json", r#""publicKey":{"hint":"x"}"#),
        &of("application/vnd.dev.sigstore.bundle+json;version=0.2", &format!(r#""publicKey":{{"hint":"x"}},{entry}"#)),
        &of(
            "application/vnd.dev.sigstore.bundle+json;version=0.1",
            r#""x509CertificateChain":{"certificates":[{"rawBytes":"AA=="}]},"timestampVerificationData":{"rfc3161Timestamps":[{"signedTimestamp":"AA=="}]}"#,
        ),
    ])
}

fn bundle(bytes: &[u8]) {
    let key = PublicKey::from_pem(&text(&pem("PUBLIC KEY", &spki()))).expect("a key");
    let collected = Collected::of_bundles(Digest::sha256("image"), DigestKind::Manifest, vec![bytes.to_vec()]);
    for log_entry in [false, true] {
        let evidence = judge(&collected, std::slice::from_ref(&key), Demands { log_entry });
        assert_eq!(evidence.signatures.len(), 1, "every bundle has its record");
        let record = &evidence.signatures[0];
        assert!(record.verified_by.is_empty(), "nobody signed it: {record:?}");
        assert!(!record.why_not.is_empty(), "and it says why it does not count");
    }
}
