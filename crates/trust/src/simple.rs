//! cosign's older signatures: a "simple signing" payload, signed as its bytes stand (sigstore/cosign
//! `specs/SIGNATURE_SPEC.md`, sigstore/sigstore `pkg/signature/payload/payload.go`).
//!
//! Read as strictly as statements are: a key twice, or one that differs from a known one only in case,
//! would let two readers see two claims in one payload (A46).

use std::collections::BTreeMap;

use cleanbill_model::Digest;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::statement::{Unique, shown};

/// Media type of the layer that holds the payload.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The layer's annotation that holds the signature, in base64.
pub(crate) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The layer's annotation that holds a transparency-log entry.
pub(crate) const LOG_ENTRY: &str = "dev.sigstore.cosign/bundle";
const TYPE: &str = "cosign container image signature";

/// What a payload claims.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    digest: String,
    /// What the signer added.
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Claim {
    /// Parses a payload.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, String> {
        let bad = |e: serde_json::Error| format!("the signed payload is malformed: {e}");
        let _: Unique = serde_json::from_slice(payload).map_err(bad)?;
        let wire: Wire = serde_json::from_slice(payload).map_err(bad)?;
        let critical = &wire.critical;
        known(&wire.more, &["critical", "optional"])?;
        known(&critical.more, &["identity", "image", "type"])?;
        known(&critical.image.more, &["docker-manifest-digest"])?;
        if critical.kind != TYPE {
            return Err(format!("the signed payload is of type `{}`, not `{TYPE}`", shown(&critical.kind)));
        }
        let annotations = wire.optional.unwrap_or_default().into_iter().map(|(key, value)| match value {
            Value::String(text) => (key, text),
            other => (key, other.to_string()),
        });
        Ok(Self { digest: wire.critical.image.digest, annotations: annotations.collect() })
    }

    /// Whether it is about `digest` (A13).
    pub(crate) fn speaks_of(&self, digest: &Digest) -> bool {
        self.digest == digest.to_string()
    }

    /// The digest it is about, for people.
    pub(crate) fn subject(&self) -> String {
        shown(&self.digest)
    }
}

/// Refuses a field that a reader who does not mind case would take for another.
fn known(more: &BTreeMap<String, Value>, fields: &[&str]) -> Result<(), String> {
    match more.keys().find(|f| fields.iter().any(|known| known.eq_ignore_ascii_case(f))) {
        Some(found) => {
            Err(format!("the signed payload has a field `{}` that others may read as another", shown(found)))
        }
        None => Ok(()),
    }
}

#[derive(Deserialize)]
struct Wire {
    critical: Critical,
    optional: Option<BTreeMap<String, Value>>,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Critical {
    /// Who is said to hold the image; a repository may be copied, its digest is what is signed.
    #[serde(default, rename = "identity")]
    _identity: IgnoredAny,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// The payload that a signature over `digest` signs, byte for byte in cosign's field order.
pub(crate) fn payload(
    repository: &str,
    digest: &Digest,
    annotations: &BTreeMap<String, String>,
) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Out<'a> {
        critical: OutCritical<'a>,
        optional: Option<&'a BTreeMap<String, String>>,
    }
    #[derive(Serialize)]
    struct OutCritical<'a> {
        identity: Identity<'a>,
        image: OutImage,
        #[serde(rename = "type")]
        kind: &'a str,
    }
    #[derive(Serialize)]
    struct Identity<'a> {
        #[serde(rename = "docker-reference")]
        reference: &'a str,
    }
    #[derive(Serialize)]
    struct OutImage {
        #[serde(rename = "docker-manifest-digest")]
        digest: String,
    }
    serde_json::to_vec(&Out {
        critical: OutCritical {
            identity: Identity { reference: repository },
            image: OutImage { digest: digest.to_string() },
            kind: TYPE,
        },
        optional: (!annotations.is_empty()).then_some(annotations),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Digest {
        Digest::sha256(b"image")
    }

    fn text() -> String {
        String::from_utf8(payload("r.example/app", &ours(), &BTreeMap::new()).unwrap()).unwrap()
    }

    #[track_caller]
    fn refused(from: &str, to: &str, part: &str) {
        let changed = text().replace(from, to);
        assert_ne!(changed, text(), "{from}");
        let err = Claim::parse(changed.as_bytes()).expect_err(&changed);
        assert!(err.contains(part), "{changed}: {err}");
    }

    #[test]
    fn what_is_written_is_what_cosign_writes_and_reads_back() {
        let expect = format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"r.example/app"}},"image":{{"docker-manifest-digest":"{}"}},"type":"cosign container image signature"}},"optional":null}}"#,
            ours()
        );
        assert_eq!(text(), expect);
        let who = BTreeMap::from([("who".to_owned(), "ci".to_owned())]);
        let with = payload("r.example/app", &ours(), &who).unwrap();
        assert!(String::from_utf8(with.clone()).unwrap().ends_with(r#""optional":{"who":"ci"}}"#));
        let claim = Claim::parse(&with).unwrap();
        assert!(claim.speaks_of(&ours()) && !claim.speaks_of(&Digest::sha256(b"other")));
        assert_eq!(claim.annotations, who);
    }

    #[test]
    fn another_type_is_refused() {
        refused(TYPE, "atomic container signature", "is of type");
        refused(",\"type\":\"cosign container image signature\"", "", "missing field `type`");
    }

    #[test]
    fn a46_what_two_readers_might_read_otherwise_is_refused() {
        refused("{\"critical\"", "{\"critical\":{},\"critical\"", "stands twice");
        refused("{\"critical\"", "{\"Critical\":{},\"critical\"", "read as another");
        refused("\"image\"", "\"Image\":{},\"image\"", "read as another");
        let digest = "{\"docker-manifest-digest\"";
        refused(digest, "{\"docker-manifest-digest\":\"x\",\"docker-manifest-digest\"", "stands twice");
        refused(digest, "{\"Docker-manifest-digest\":\"x\",\"docker-manifest-digest\"", "read as another");
        refused("null", "null}{", "trailing");
    }

    #[test]
    fn optional_may_hold_anything() {
        let claim = Claim::parse(text().replace("null", r#"{"n":1,"t":"x","o":{"a":null}}"#).as_bytes()).unwrap();
        assert_eq!(claim.annotations["n"], "1");
        assert_eq!(claim.annotations["o"], r#"{"a":null}"#);
        assert!(Claim::parse(b"{}").is_err() && Claim::parse(&vec![b'['; 100_000]).is_err());
    }
}
