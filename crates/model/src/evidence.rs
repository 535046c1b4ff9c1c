//! Evidence: who vouches for an image, and exactly why a signature counts or does not.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Digest, DigestKind};

/// A public key by the SHA-256 of its SubjectPublicKeyInfo, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything found about one digest, each signature judged against each key that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The digest that was looked at.
    pub subject: Digest,
    /// Which kind of digest it is.
    pub kind: DigestKind,
    /// The keys that signatures were tried with.
    pub keys: Vec<KeyId>,
    /// Everything that claims to vouch for the digest, in the registry's order.
    pub signatures: Vec<SignatureRecord>,
}

/// One thing attached to an image that claims to vouch for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureRecord {
    /// Where it was found.
    pub source: SignatureSource,
    /// Its format.
    pub format: SignatureFormat,
    /// The predicate type of its payload; `None` where the payload could not be read.
    pub predicate_type: Option<String>,
    /// The annotations that its payload carries about the subject; empty unless it verified, so that
    /// nobody decides by what nobody vouches for.
    pub annotations: BTreeMap<String, String>,
    /// The keys it verified with as a signature of the subject. Only a statement of type
    /// `https://sigstore.dev/cosign/sign/v1` or cosign's older payload is a signature.
    pub verified_by: Vec<KeyId>,
    /// Why it does not count; empty exactly where `verified_by` is not.
    pub why_not: Vec<WhyNot>,
}

/// Where a signature was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SignatureSource {
    /// Digest of the manifest that carries it.
    pub manifest: Digest,
    /// `referrers`, `fallback tag`, `signature tag` or `attestation tag`.
    pub found_by: String,
}

/// Formats of signatures that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureFormat {
    /// A sigstore bundle, v0.1 to v0.3.
    Bundle,
    /// cosign's older form: a "simple signing" payload as a layer, its signature in an annotation.
    SimpleSigning,
    /// A DSSE envelope by itself, as cosign's older attestations are.
    Envelope,
    /// Something attached that is no signature format we know.
    Other,
}

impl SignatureFormat {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            SignatureFormat::Bundle => "bundle",
            SignatureFormat::SimpleSigning => "simple-signing",
            SignatureFormat::Envelope => "dsse",
            SignatureFormat::Other => "other",
        }
    }
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// The signature is of none of the keys: made by another key, or the payload was changed.
    OtherKey,
    /// The key it names is one of those asked for, but the signature does not fit the payload.
    BrokenSignature,
    /// The signed statement speaks of another digest, named here.
    OtherSubject(String),
    /// The signed statement is an attestation of this type, not a signature.
    NotASignature(String),
    /// It could not be read: the reason.
    Malformed(String),
    /// A log entry was demanded and there is none, or it cannot be checked: the reason.
    NoLogEntry(String),
    /// An attestation was asked for, and the signed payload is this other kind of statement.
    OtherType(String),
    /// The signed payload lacks an annotation that was demanded, or has another value: which.
    OtherAnnotations(String),
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WhyNot::OtherKey => write!(f, "signed by another key"),
            WhyNot::BrokenSignature => {
                write!(f, "the signature does not fit the signed payload (one of them was changed)")
            }
            WhyNot::OtherSubject(digest) => write!(f, "it signs another image: {digest}"),
            WhyNot::NotASignature(kind) => write!(f, "it is an attestation ({kind}), not a signature"),
            WhyNot::Malformed(why) => write!(f, "it cannot be read: {why}"),
            WhyNot::OtherType(kind) => write!(f, "what is signed is of another type: {kind}"),
            WhyNot::OtherAnnotations(what) => write!(f, "the signed annotations are not those demanded: {what}"),
            WhyNot::NoLogEntry(why) => write!(f, "no transparency-log entry that counts: {why}"),
        }
    }
}

/// Evidence could not be had: neither signed nor unsigned is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not {what}: {why}")]
pub struct Unavailable {
    /// What was tried: `read the referrers of ghcr.io/o/x@sha256:…`.
    pub what: String,
    /// Why it failed: `connection refused`.
    pub why: String,
}
