//! A small sigstore made in memory: authorities for certificates and timestamps, a log of certificates,
//! logs of signatures of both generations. Everything about it can be made wrong in one place.
#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod logs;
pub(crate) mod pki;
pub(crate) mod time;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_trust::offline::{Artifact, Demands, TrustedRoot, Verified, Who, verify_bundle};
use serde_json::{Value, json};

pub(crate) use logs::Log;
pub(crate) use pki::{Authority, Key, Signer};
pub(crate) use time::Clock;

pub(crate) const SUBJECT: &str = "https://ci.example/build@refs/heads/main";
pub(crate) const ISSUER: &str = "https://tokens.example";
/// 2 June 2025, noon: the certificates are of that day.
pub(crate) const NOON: i64 = 1_748_865_600;
pub(crate) const DAY: i64 = 86_400;
pub(crate) const FILE: &[u8] = b"what is signed\n";

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// The instance.
pub(crate) struct Instance {
    pub(crate) authority: Authority,
    pub(crate) certificates: Key,
    /// Of the first generation.
    pub(crate) log: Log,
    /// Of the second generation.
    pub(crate) tiles: Log,
    pub(crate) clock: Clock,
}

impl Instance {
    pub(crate) fn new() -> Self {
        Self {
            authority: Authority::new(),
            certificates: Key::new(),
            log: Log::new("rekor.example", 1),
            tiles: Log::new("tiles.example", 2),
            clock: Clock::new(),
        }
    }

    /// A signer with a certificate, logged.
    pub(crate) fn signer(&self) -> Signer {
        self.authority.certify(Some(&self.certificates))
    }

    /// The root that believes this instance.
    pub(crate) fn root(&self) -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.log.trusted(), self.tiles.trusted()],
            "certificateAuthorities": [{
                "subject": {"organization": "example", "commonName": "example"}, "uri": "https://ca.example",
                "certChain": {"certificates": self.authority.chain()},
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            }],
            "ctlogs": [logs::trusted("https://ct.example", &self.certificates, &self.certificates.id())],
            "timestampAuthorities": [self.clock.trusted()],
        })
    }

    /// A bundle of the first generation: the file signed, logged at noon.
    pub(crate) fn bundle(&self, signer: &Signer) -> Value {
        let signature = signer.key.sign(FILE);
        let body = logs::body(&sha256(FILE), &signature, &signer.pem());
        bundle(signer, FILE, &signature, vec![self.log.entry(&body, NOON)], vec![])
    }

    /// One of the second generation: no time in the log, a timestamp beside it.
    pub(crate) fn bundle_of_tiles(&self, signer: &Signer) -> Value {
        let signature = signer.key.sign(FILE);
        let body = logs::body_of_tiles(
            &sha256(FILE),
            &signature,
            json!({"x509Certificate": {"rawBytes": b64(&signer.certificate)}}),
        );
        bundle(
            signer,
            FILE,
            &signature,
            vec![self.tiles.entry_of_tiles(&body)],
            vec![self.clock.token(&signature, NOON)],
        )
    }

    /// A statement in place of a file, logged at noon in the log of the first generation.
    pub(crate) fn bundle_of_statement(&self, signer: &Signer, statement: &str) -> Value {
        const TYPE: &str = "application/vnd.in-toto+json";
        let pae = format!("DSSEv1 {} {TYPE} {} {statement}", TYPE.len(), statement.len());
        let signature = signer.key.sign(pae.as_bytes());
        let body = logs::body_of_statement(statement, &signature, &signer.pem());
        let mut entry = self.log.entry(&body, NOON);
        entry["kindVersion"]["kind"] = json!("dsse");
        let mut out = bundle(signer, FILE, &signature, vec![entry], vec![]);
        let map = out.as_object_mut().unwrap();
        map.remove("messageSignature");
        map.insert(
            "dsseEnvelope".to_owned(),
            json!({"payload": b64(statement), "payloadType": TYPE, "signatures": [{"sig": b64(&signature)}]}),
        );
        out
    }

    /// A key's bundle of the second generation, without any time.
    pub(crate) fn bundle_by_key(&self, key: &Key) -> Value {
        let signature = key.sign(FILE);
        let body = logs::body_of_tiles(&sha256(FILE), &signature, json!({"publicKey": {"rawBytes": b64(key.spki())}}));
        let mut out = bundle(&self.signer(), FILE, &signature, vec![self.tiles.entry_of_tiles(&body)], vec![]);
        let material = out["verificationMaterial"].as_object_mut().unwrap();
        material.remove("certificate");
        material.insert("publicKey".to_owned(), json!({"hint": b64(sha256(&key.spki()))}));
        out
    }
}

/// A statement about what has this hash.
pub(crate) fn statement(hash: &[u8]) -> String {
    format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{}"}}}}],"predicateType":"https://example.com/v1","predicate":{{}}}}"#,
        logs::hex(hash)
    )
}

/// A bundle v0.3 over a file.
pub(crate) fn bundle(
    signer: &Signer,
    file: &[u8],
    signature: &[u8],
    entries: Vec<Value>,
    times: Vec<Vec<u8>>,
) -> Value {
    let times: Vec<_> = times.iter().map(|token| json!({"signedTimestamp": b64(token)})).collect();
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": {"rawBytes": b64(&signer.certificate)},
            "tlogEntries": entries,
            "timestampVerificationData": {"rfc3161Timestamps": times},
        },
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": b64(sha256(file))},
            "signature": b64(signature),
        },
    })
}

pub(crate) fn whoever() -> Who {
    Who::Identity { subject: SUBJECT.to_owned(), issuer: ISSUER.to_owned() }
}

/// Our verdict on a bundle over the file.
pub(crate) fn verdict(bundle: &Value, root: &Value, who: &Who, demands: Demands) -> Result<Verified, String> {
    let root = TrustedRoot::from_json(root.to_string().as_bytes()).map_err(|e| e.to_string())?;
    let artifact = Artifact::of_bytes(FILE.to_vec());
    verify_bundle(bundle.to_string().as_bytes(), &artifact, who, demands, Some(&root)).map_err(|e| e.to_string())
}

#[track_caller]
pub(crate) fn accepted(bundle: &Value, root: &Value) -> Verified {
    verdict(bundle, root, &whoever(), Demands::default()).unwrap()
}

#[track_caller]
pub(crate) fn refused(bundle: &Value, root: &Value, part: &str) {
    let why = verdict(bundle, root, &whoever(), Demands::default()).unwrap_err();
    assert!(why.contains(part), "{why}");
}
