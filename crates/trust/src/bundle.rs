//! Sigstore bundles v0.1 to v0.3 (sigstore/protobuf-specs `protos/sigstore_bundle.proto`), read as
//! strictly as sigstore/sigstore-go `pkg/bundle/bundle.go` reads them: unknown fields, fields that
//! stand twice, two alternatives at once, negative indexes and unusual base64 are refused (A45).

mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_model::KeyId;
use serde::Serialize;

use crate::dsse::IN_TOTO;
use crate::object::Object;
use crate::statement::shown;
use wire::{Timestamps, Wire};

/// The media type that is written, as layer and as artifact type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const MAX_ENTRIES: usize = 32;
/// Certificates beside the signer's; those of sigstore are three at most.
const MAX_CHAIN: usize = 10;

/// Whether a layer of this media type is a bundle, of whatever version.
pub(crate) fn is_bundle(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.dev.sigstore.bundle")
}

/// A bundle about an image, as far as keys need it.
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

/// Any bundle, read strictly.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Read {
    /// Who is said to have signed.
    pub(crate) signer: Signer,
    /// The signer's certificate, in DER.
    pub(crate) certificate: Option<Vec<u8>>,
    /// Log entries: the log's id, and the index in it.
    pub(crate) entries: Vec<LogPlace>,
    /// Signed timestamps.
    pub(crate) timestamps: Vec<Vec<u8>>,
    /// What is signed.
    pub(crate) content: Content,
}

/// Where an entry stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LogPlace {
    /// The log's id, as bytes.
    pub(crate) log: Vec<u8>,
    /// The index in the log.
    pub(crate) index: i64,
}

/// What a bundle holds a signature over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// An in-toto statement in a DSSE envelope.
    Statement {
        /// The signed bytes.
        payload: Vec<u8>,
        /// The signature over the DSSE encoding of them.
        signature: Vec<u8>,
        /// Whether the envelope says by an id of its own whose signature it is.
        named_key: bool,
    },
    /// A file.
    File {
        /// The hash that is said to be the file's: the algorithm by its protobuf name, and the value.
        digest: (String, Vec<u8>),
        /// The signature over the file.
        signature: Vec<u8>,
    },
}

#[derive(Clone, Copy, PartialEq)]
enum Version {
    V01,
    V02,
    V03,
}

impl Read {
    /// Parses a bundle of whatever content.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        let Object(wire): Object<Wire> =
            serde_json::from_slice(json).map_err(|e| format!("the bundle is malformed: {e}"))?;
        let version = match wire.media_type.as_str() {
            "application/vnd.dev.sigstore.bundle+json;version=0.1" => Version::V01,
            "application/vnd.dev.sigstore.bundle+json;version=0.2" => Version::V02,
            "application/vnd.dev.sigstore.bundle+json;version=0.3" | MEDIA_TYPE => Version::V03,
            other => return Err(format!("bundles of type `{}` are not supported; v0.1 to v0.3 are", shown(other))),
        };
        let Object(material) = wire.verification_material;
        let (signer, certificate) = match (material.public_key, material.certificate, material.x509_certificate_chain) {
            (Some(Object(key)), None, None) => (Signer::Key(key_id(&key.hint)), None),
            (None, Some(Object(certificate)), None) => {
                (Signer::Certificate, Some(decode("certificate", &certificate.raw_bytes)?))
            }
            (None, None, Some(_)) if version == Version::V03 => {
                return Err("a bundle v0.3 must not hold a chain of certificates".to_owned());
            }
            (None, None, Some(Object(chain))) => {
                if chain.certificates.len() > MAX_CHAIN {
                    return Err(format!("the bundle has a chain of more than {MAX_CHAIN} certificates"));
                }
                let certificates = chain
                    .certificates
                    .iter()
                    .map(|c| decode("certificate", &c.0.raw_bytes))
                    .collect::<Result<Vec<_>, _>>()?;
                let leaf = certificates.into_iter().next().ok_or("the bundle's chain of certificates is empty")?;
                (Signer::Certificate, Some(leaf))
            }
            (None, None, None) => return Err("the bundle names neither key nor certificate".to_owned()),
            _ => return Err("the bundle names more than one of key, certificate and chain".to_owned()),
        };
        let entries = material.tlog_entries.unwrap_or_default();
        if entries.len() > MAX_ENTRIES {
            return Err(format!("the bundle has more than {MAX_ENTRIES} log entries"));
        }
        let entries = entries.iter().map(|entry| entry.0.check(version)).collect::<Result<Vec<_>, _>>()?;
        let timestamps =
            material.timestamp_verification_data.map_or_else(Timestamps::default, |data| data.0).check()?;
        let content = match (wire.dsse_envelope, wire.message_signature) {
            (Some(Object(envelope)), None) => envelope.check()?,
            (None, Some(Object(file))) => file.check()?,
            (None, None) => return Err("the bundle holds no signature".to_owned()),
            (Some(_), Some(_)) => return Err("the bundle holds both an envelope and a message signature".to_owned()),
        };
        Ok(Self { signer, certificate, entries, timestamps, content })
    }
}

impl Bundle {
    /// Parses a bundle that signs a statement.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        let read = Read::parse(json)?;
        match read.content {
            Content::Statement { payload, signature, .. } => {
                Ok(Self { payload, signature, signer: read.signer, log_entries: read.entries.len() })
            }
            Content::File { .. } => Err("the bundle signs a file, not a statement about an image".to_owned()),
        }
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
mod tests;
