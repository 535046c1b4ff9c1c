//! DSSE (secure-systems-lab/dsse `protocol.md`, `envelope.md`): what exactly is signed, and the
//! envelope by itself, as cosign's older attestations are (sigstore/cosign
//! `specs/ATTESTATION_SPEC.md`). Read as strictly as in bundles.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::object::Object;
use crate::statement::shown;

/// The payload type of in-toto statements; no other is read (A01).
pub(crate) const IN_TOTO: &str = "application/vnd.in-toto+json";

/// The pre-authentication encoding: `DSSEv1 LEN(type) type LEN(payload) payload`.
pub(crate) fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// Media type of the layer that holds an envelope.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.dsse.envelope.v1+json";
const MAX_SIGNATURES: usize = 16;

/// An envelope around an in-toto statement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// The signed bytes.
    pub(crate) payload: Vec<u8>,
    /// The signatures, at least one.
    pub(crate) signatures: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    payload_type: String,
    payload: String,
    signatures: Vec<Object<WireSignature>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Out {
    payload_type: String,
    payload: String,
    signatures: [WireSignature; 1],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    /// Not signed and not used: the keys to try are those the caller names.
    #[serde(default)]
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Parses an envelope.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        let Object(wire): Object<Wire> =
            serde_json::from_slice(json).map_err(|e| format!("the envelope is malformed: {e}"))?;
        if wire.payload_type != IN_TOTO {
            return Err(format!("the payload is of type `{}`, not {IN_TOTO}", shown(&wire.payload_type)));
        }
        if wire.signatures.is_empty() || wire.signatures.len() > MAX_SIGNATURES {
            return Err(format!(
                "the envelope has {} signatures; 1 to {MAX_SIGNATURES} are read",
                wire.signatures.len()
            ));
        }
        let decode = |what: &str, text: &str| {
            STANDARD
                .decode(text)
                .map_err(|e| format!("the {what} is not base64: {e}"))
                .and_then(|bytes| if bytes.is_empty() { Err(format!("the {what} is empty")) } else { Ok(bytes) })
        };
        let signatures = wire.signatures.iter().map(|s| decode("signature", &s.0.sig)).collect::<Result<_, _>>()?;
        Ok(Self { payload: decode("payload", &wire.payload)?, signatures })
    }
}

/// Writes an envelope of one signature.
pub(crate) fn write(payload: &[u8], signature: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Out {
        payload_type: IN_TOTO.to_owned(),
        payload: STANDARD.encode(payload),
        signatures: [WireSignature { keyid: String::new(), sig: STANDARD.encode(signature) }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_that_of_the_specification() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn type_and_payload_cannot_flow_into_each_other() {
        assert_ne!(pae("a", b"b 1 c"), pae("a 5 b", b"c"));
    }

    #[track_caller]
    fn refused(from: &str, to: &str, part: &str) {
        let text = String::from_utf8(write(b"payload", b"signature").unwrap()).unwrap();
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        let err = Envelope::parse(changed.as_bytes()).expect_err(&changed);
        assert!(err.contains(part), "{changed}: {err}");
    }

    #[test]
    fn a_written_envelope_reads_back() {
        let envelope = Envelope::parse(&write(b"payload", b"signature").unwrap()).unwrap();
        assert_eq!(envelope, Envelope { payload: b"payload".to_vec(), signatures: vec![b"signature".to_vec()] });
    }

    #[test]
    fn a01_another_payload_type_is_not_a_statement() {
        refused(IN_TOTO, "application/vnd.dev.cosign.simplesigning.v1+json", "payload is of type");
        refused(IN_TOTO, "", "payload is of type");
    }

    #[test]
    fn a45_what_other_readers_might_read_otherwise_is_refused() {
        refused("{\"payloadType\"", "{\"x\":1,\"payloadType\"", "unknown field");
        assert!(Envelope::parse(br#"["application/vnd.in-toto+json","cA==",[["","cA=="]]]"#).is_err(), "an array");
        refused("{\"keyid\"", "{\"keyid\":\"\",\"keyid\"", "duplicate field");
        let sig = STANDARD.encode(b"signature");
        for bad in ["", "c2ln\\n", "c2ln="] {
            refused(&sig, bad, "the signature is");
        }
        refused(&format!("{{\"keyid\":\"\",\"sig\":\"{sig}\"}}"), "", "0 signatures");
    }
}
