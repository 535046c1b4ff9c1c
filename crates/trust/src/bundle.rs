//! Sigstore bundles v0.1 to v0.3 (sigstore/protobuf-specs `protos/sigstore_bundle.proto`), read as
//! strictly as sigstore/sigstore-go `pkg/bundle/bundle.go` reads them: unknown fields, fields that
//! stand twice, two alternatives at once, negative indexes and unusual base64 are refused (A45).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_model::KeyId;
use serde::{Deserialize, Deserializer, Serialize};

use crate::dsse::IN_TOTO;
use crate::statement::shown;

/// The media type that is written, as layer and as artifact type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const MAX_ENTRIES: usize = 32;

/// Whether a layer of this media type is a bundle, of whatever version.
pub(crate) fn is_bundle(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.dev.sigstore.bundle")
}

/// A bundle as far as keys need it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// The signed bytes.
    pub(crate) payload: Vec<u8>,
    /// The signature over the DSSE encoding of them.
    pub(crate) signature: Vec<u8>,
    /// Who is said to have signed; not signed itself.
    pub(crate) signer: Signer,
    /// How many transparency-log entries it carries.
    pub(crate) log_entries: usize,
}

/// What a bundle says about its signer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    /// A key, by the id in its hint where the hint is one.
    Key(Option<KeyId>),
    /// A certificate.
    Certificate,
}

#[derive(Clone, Copy, PartialEq)]
enum Version {
    V01,
    V02,
    V03,
}

impl Bundle {
    /// Parses a bundle.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        let wire: Wire = serde_json::from_slice(json).map_err(|e| format!("the bundle is malformed: {e}"))?;
        let version = match wire.media_type.as_str() {
            "application/vnd.dev.sigstore.bundle+json;version=0.1" => Version::V01,
            "application/vnd.dev.sigstore.bundle+json;version=0.2" => Version::V02,
            "application/vnd.dev.sigstore.bundle+json;version=0.3" | MEDIA_TYPE => Version::V03,
            other => return Err(format!("bundles of type `{}` are not supported; v0.1 to v0.3 are", shown(other))),
        };
        let material = wire.verification_material;
        let signer = match (material.public_key, material.certificate, material.x509_certificate_chain) {
            (Some(key), None, None) => Signer::Key(key_id(&key.hint)),
            (None, Some(certificate), None) => {
                decode("certificate", &certificate.raw_bytes)?;
                Signer::Certificate
            }
            (None, None, Some(_)) if version == Version::V03 => {
                return Err("a bundle v0.3 must not hold a chain of certificates".to_owned());
            }
            (None, None, Some(chain)) => {
                for certificate in &chain.certificates {
                    decode("certificate", &certificate.raw_bytes)?;
                }
                Signer::Certificate
            }
            (None, None, None) => return Err("the bundle names neither key nor certificate".to_owned()),
            _ => return Err("the bundle names more than one of key, certificate and chain".to_owned()),
        };
        let entries = material.tlog_entries.unwrap_or_default();
        if entries.len() > MAX_ENTRIES {
            return Err(format!("the bundle has more than {MAX_ENTRIES} log entries"));
        }
        for entry in &entries {
            entry.check(version)?;
        }
        for timestamp in material.timestamp_verification_data.unwrap_or_default().check()? {
            decode("timestamp", &timestamp.signed_timestamp)?;
        }
        let envelope = match (wire.dsse_envelope, wire.message_signature) {
            (Some(envelope), None) => envelope,
            (None, Some(_)) => return Err("the bundle signs a file, not a statement about an image".to_owned()),
            (None, None) => return Err("the bundle holds no signature".to_owned()),
            (Some(_), Some(_)) => return Err("the bundle holds both an envelope and a message signature".to_owned()),
        };
        if envelope.payload_type != IN_TOTO {
            return Err(format!("the payload is of type `{}`, not {IN_TOTO}", shown(&envelope.payload_type)));
        }
        let [signature] = envelope.signatures.as_slice() else {
            return Err(format!("the envelope has {} signatures instead of one", envelope.signatures.len()));
        };
        Ok(Self {
            payload: decode("payload", &envelope.payload)?,
            signature: decode("signature", &signature.sig)?,
            signer,
            log_entries: entries.len(),
        })
    }
}

fn decode(what: &str, text: &str) -> Result<Vec<u8>, String> {
    if text.is_empty() {
        return Err(format!("the {what} is empty"));
    }
    STANDARD.decode(text).map_err(|e| format!("the {what} is not base64: {e}"))
}

/// The key id in a hint as cosign writes it: base64 of the SHA-256 of the SubjectPublicKeyInfo.
fn key_id(hint: &str) -> Option<KeyId> {
    let hash = STANDARD.decode(hint).ok()?;
    (hash.len() == 32).then(|| KeyId(hex::encode(hash)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Option<Envelope>,
    message_signature: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Material {
    public_key: Option<Hint>,
    certificate: Option<Certificate>,
    x509_certificate_chain: Option<Chain>,
    tlog_entries: Option<Vec<LogEntry>>,
    timestamp_verification_data: Option<Timestamps>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hint {
    #[serde(default)]
    hint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Certificate {
    raw_bytes: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chain {
    certificates: Vec<Certificate>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Timestamps {
    #[serde(default)]
    rfc3161_timestamps: Vec<SignedTimestamp>,
}

impl Timestamps {
    fn check(self) -> Result<Vec<SignedTimestamp>, String> {
        if self.rfc3161_timestamps.len() > MAX_ENTRIES {
            return Err(format!("the bundle has more than {MAX_ENTRIES} timestamps"));
        }
        Ok(self.rfc3161_timestamps)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SignedTimestamp {
    signed_timestamp: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    sig: String,
    /// Not signed and not used: the keys to try are those the caller names.
    #[serde(default, rename = "keyid")]
    _keyid: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "read for their shape; the entries' content is not relied on")]
struct LogEntry {
    log_index: Option<Index>,
    log_id: Option<LogId>,
    kind_version: Option<KindVersion>,
    integrated_time: Option<Index>,
    inclusion_promise: Option<Promise>,
    inclusion_proof: Option<Proof>,
    canonicalized_body: Option<String>,
}

impl LogEntry {
    fn check(&self, version: Version) -> Result<(), String> {
        if version == Version::V01 && self.inclusion_promise.is_none() {
            return Err("a log entry has no inclusion promise, which a bundle v0.1 needs".to_owned());
        }
        if version != Version::V01 && self.inclusion_proof.as_ref().is_none_or(|p| p.checkpoint.is_none()) {
            return Err(
                "a log entry has no inclusion proof with checkpoint, which a bundle from v0.2 on needs".to_owned()
            );
        }
        if let Some(body) = &self.canonicalized_body {
            decode("log entry's body", body)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "read for its shape")]
struct LogId {
    key_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
struct KindVersion {
    kind: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "read for its shape")]
struct Promise {
    signed_entry_timestamp: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "read for its shape")]
struct Proof {
    log_index: Option<Index>,
    root_hash: Option<String>,
    tree_size: Option<Index>,
    #[serde(default)]
    hashes: Vec<String>,
    checkpoint: Option<Checkpoint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
struct Checkpoint {
    envelope: String,
}

/// An int64 of ProtoJSON, as text or number, that must not be negative.
struct Index;

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Number(i64),
        }
        let number = match Form::deserialize(deserializer)? {
            Form::Number(n) => Some(n),
            Form::Text(text) => text.parse().ok(),
        };
        match number {
            Some(n) if n >= 0 => Ok(Index),
            _ => Err(serde::de::Error::custom("expected a number that is not negative")),
        }
    }
}

/// Writes a bundle v0.3 of one DSSE signature by a key.
pub(crate) fn write(payload: &[u8], signature: &[u8], key: &KeyId) -> Result<Vec<u8>, String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Out<'a> {
        media_type: &'a str,
        verification_material: OutMaterial,
        dsse_envelope: OutEnvelope<'a>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct OutMaterial {
        public_key: OutHint,
    }
    #[derive(Serialize)]
    struct OutHint {
        hint: String,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct OutEnvelope<'a> {
        payload: String,
        payload_type: &'a str,
        signatures: [OutSignature; 1],
    }
    #[derive(Serialize)]
    struct OutSignature {
        sig: String,
    }
    let hash = hex::decode(&key.0).map_err(|e| format!("key id {key}: {e}"))?;
    serde_json::to_vec(&Out {
        media_type: MEDIA_TYPE,
        verification_material: OutMaterial { public_key: OutHint { hint: STANDARD.encode(hash) } },
        dsse_envelope: OutEnvelope {
            payload: STANDARD.encode(payload),
            payload_type: IN_TOTO,
            signatures: [OutSignature { sig: STANDARD.encode(signature) }],
        },
    })
    .map_err(|e| format!("the bundle could not be written: {e}"))
}

#[cfg(test)]
mod tests {
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
        for other in
            ["bundle.v0.4+json", "bundle+json;version=0.4", "bundle.v0.1+json", "bundle+json", "bundle.v0.30+json"]
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
        refused(&changed("\"dsseEnvelope\"", "\"messageSignature\":{},\"dsseEnvelope\""), "both");
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
}
