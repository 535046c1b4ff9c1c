//! The JSON of bundles, field by field; and what can be said of it without any key.

use serde::{Deserialize, Deserializer};

use super::{Content, LogPlace, MAX_ENTRIES, Version, decode};
use crate::dsse::IN_TOTO;
use crate::object::Object;
use crate::statement::shown;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Wire {
    pub(super) media_type: String,
    pub(super) verification_material: Object<Material>,
    pub(super) dsse_envelope: Option<Object<Envelope>>,
    pub(super) message_signature: Option<Object<File>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Material {
    pub(super) public_key: Option<Object<Hint>>,
    pub(super) certificate: Option<Object<Certificate>>,
    pub(super) x509_certificate_chain: Option<Object<Chain>>,
    pub(super) tlog_entries: Option<Vec<Object<LogEntry>>>,
    pub(super) timestamp_verification_data: Option<Object<Timestamps>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hint {
    #[serde(default)]
    pub(super) hint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Certificate {
    pub(super) raw_bytes: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chain {
    pub(super) certificates: Vec<Object<Certificate>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Timestamps {
    #[serde(default)]
    rfc3161_timestamps: Vec<Object<SignedTimestamp>>,
}

impl Timestamps {
    pub(super) fn check(self) -> Result<Vec<Vec<u8>>, String> {
        if self.rfc3161_timestamps.len() > MAX_ENTRIES {
            return Err(format!("the bundle has more than {MAX_ENTRIES} timestamps"));
        }
        self.rfc3161_timestamps.iter().map(|t| decode("timestamp", &t.0.signed_timestamp)).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SignedTimestamp {
    signed_timestamp: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Object<Signature>>,
}

impl Envelope {
    pub(super) fn check(&self) -> Result<Content, String> {
        if self.payload_type != IN_TOTO {
            return Err(format!("the payload is of type `{}`, not {IN_TOTO}", shown(&self.payload_type)));
        }
        let [Object(signature)] = self.signatures.as_slice() else {
            return Err(format!("the envelope has {} signatures instead of one", self.signatures.len()));
        };
        Ok(Content::Statement {
            payload: decode("payload", &self.payload)?,
            signature: decode("signature", &signature.sig)?,
            named_key: !signature.keyid.is_empty(),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    sig: String,
    /// Not signed and not used: the keys to try are those the caller names.
    #[serde(default)]
    keyid: String,
}

/// `MessageSignature`: a signature over a file that is elsewhere.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct File {
    message_digest: Option<Object<FileDigest>>,
    signature: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDigest {
    algorithm: String,
    digest: String,
}

impl File {
    pub(super) fn check(self) -> Result<Content, String> {
        let signature = decode("signature", &self.signature)?;
        let Object(digest) =
            self.message_digest.ok_or("the bundle does not say which file it signs: no message digest")?;
        Ok(Content::File { digest: (digest.algorithm, decode("message digest", &digest.digest)?), signature })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct LogEntry {
    log_index: Option<Index>,
    log_id: Option<Object<LogId>>,
    #[serde(rename = "kindVersion")]
    _kind_version: Option<Object<KindVersion>>,
    /// Checked by what vouches for it, the inclusion promise.
    #[serde(rename = "integratedTime")]
    _integrated_time: Option<Index>,
    inclusion_promise: Option<Object<Promise>>,
    inclusion_proof: Option<Object<Proof>>,
    canonicalized_body: Option<String>,
}

impl LogEntry {
    pub(super) fn check(&self, version: Version) -> Result<LogPlace, String> {
        if version == Version::V01 && self.inclusion_promise.is_none() {
            return Err("a log entry has no inclusion promise, which a bundle v0.1 needs".to_owned());
        }
        if version != Version::V01 && self.inclusion_proof.as_ref().is_none_or(|p| p.0.checkpoint.is_none()) {
            return Err(
                "a log entry has no inclusion proof with checkpoint, which a bundle from v0.2 on needs".to_owned()
            );
        }
        if let Some(body) = &self.canonicalized_body {
            decode("log entry's body", body)?;
        }
        if let Some(Object(promise)) = &self.inclusion_promise {
            decode("log entry's promise", &promise.signed_entry_timestamp)?;
        }
        if let Some(Object(proof)) = &self.inclusion_proof {
            proof.check()?;
        }
        let log = match &self.log_id {
            Some(Object(id)) => decode("log's id", &id.key_id)?,
            None => Vec::new(),
        };
        Ok(LogPlace { log, index: self.log_index.as_ref().map_or(0, |index| index.0) })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
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
struct Promise {
    signed_entry_timestamp: String,
}

/// A path in a log's tree is as long as the logarithm of its size.
const MAX_PATH: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Proof {
    #[serde(rename = "logIndex")]
    _log_index: Option<Index>,
    root_hash: Option<String>,
    #[serde(rename = "treeSize")]
    _tree_size: Option<Index>,
    #[serde(default)]
    hashes: Vec<String>,
    checkpoint: Option<Object<Checkpoint>>,
}

impl Proof {
    fn check(&self) -> Result<(), String> {
        if self.hashes.len() > MAX_PATH {
            return Err(format!("an inclusion proof has more than {MAX_PATH} hashes"));
        }
        for hash in self.hashes.iter().chain(&self.root_hash) {
            decode("inclusion proof's hash", hash)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
struct Checkpoint {
    envelope: String,
}

/// An int64 of ProtoJSON, as text or number, that must not be negative.
struct Index(i64);

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
            Form::Text(text) => text.parse::<i64>().ok().filter(|n| n.to_string() == text),
        };
        match number {
            Some(n) if n >= 0 => Ok(Index(n)),
            _ => Err(serde::de::Error::custom("expected a number that is not negative")),
        }
    }
}
