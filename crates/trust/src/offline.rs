//! Sigstore bundles, verified without any network: against a key, or against an identity whose
//! certificate, log entries and timestamps are held against a trusted root (sigstore/protobuf-specs
//! `protos/sigstore_bundle.proto`, `protos/sigstore_trustroot.proto`; rules as in sigstore/sigstore-go
//! `pkg/verify`).
//!
//! The crates of the `sigstore-verify` family do the cryptography of certificates, logs and timestamps;
//! none of their types shows here. What stands in front of them is ours, and stricter: one reader that
//! refuses what two readers might read otherwise ([`crate::bundle`]), keys of every kind we sign with,
//! each log entry held against the one log that it names, and the checks in [`mod@rules`].

mod artifact;
mod note;
mod rules;
mod token;
mod trusted_root;
mod witness;

use aws_lc_rs::digest::Algorithm;
use cleanbill_model::{KeyId, Timestamp};

pub use artifact::{Artifact, ArtifactError};
pub use trusted_root::{RootError, TrustedRoot};

use crate::PublicKey;
use crate::bundle::{Content, Read, Signer};
use crate::dsse::{IN_TOTO, pae};
use crate::statement::{Statement, shown};

/// A bundle that signs a file, or a statement about one, is read up to this size; it is the larger one of
/// the two bounds that hold in a registry, because a statement may hold a bill of materials.
pub const LIMIT: usize = 16 << 20;
/// A bundle that signs a file holds nothing large.
pub const FILE_LIMIT: usize = 1 << 20;

/// Who must have signed.
#[derive(Debug, Clone)]
pub enum Who {
    /// Somebody with a certificate for this subject (SAN), who showed a token of this issuer; both
    /// exactly.
    Identity {
        /// The subject alternative name: an e-mail address or a URI.
        subject: String,
        /// The OIDC issuer.
        issuer: String,
    },
    /// Anybody with a certificate of the trusted root: the caller decides by [`Verified::subject`] and
    /// [`Verified::issuer`], for instance by a pattern.
    AnyIdentity,
    /// The holder of this key.
    Key(PublicKey),
}

/// What must vouch for the signature beside its signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demands {
    /// An entry in a transparency log of the trusted root. Entries that are there are checked in any case.
    pub log_entry: bool,
    /// A time that a log or a timestamp authority vouches for. A certificate needs one in any case.
    pub time: bool,
    /// That the certificate was logged (SCT). Certificates of GitHub's own authority are not.
    pub certificate_logged: bool,
}

impl Default for Demands {
    fn default() -> Self {
        Self { log_entry: true, time: true, certificate_logged: true }
    }
}

/// What is known of a bundle that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The subject of the certificate, where one signed.
    pub subject: Option<String>,
    /// The OIDC issuer in the certificate, where one signed.
    pub issuer: Option<String>,
    /// The key, where a key of ours signed.
    pub key: Option<KeyId>,
    /// Times that a log or a timestamp authority vouches for, earliest first.
    pub times: Vec<Timestamp>,
    /// How many log entries were checked.
    pub log_entries: usize,
    /// The signed statement, where the bundle holds one.
    pub statement: Option<Vec<u8>>,
    /// The statement's predicate type.
    pub predicate_type: Option<String>,
}

/// Why a bundle does not verify. Says nothing about the artifact when it is the bundle that is no good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// It is larger than is read.
    #[error("the bundle has {0} bytes; no more than {1} are read")]
    TooLarge(usize, usize),
    /// It is no bundle, or one that two readers might read otherwise: why.
    #[error("{0}")]
    Malformed(String),
    /// Signed by a certificate where a key was asked for, or the other way round.
    #[error("{0}")]
    OtherMaterial(&'static str),
    /// The signature is not that of the key, or of the certificate, over what it is said to sign.
    #[error("the signature does not fit: {0}")]
    Signature(String),
    /// It signs something else.
    #[error("it signs something else: {0}")]
    OtherArtifact(String),
    /// Somebody else signed.
    #[error("signed by {found}, not by {wanted}")]
    OtherIdentity {
        /// Who was asked for.
        wanted: String,
        /// Whose the certificate is.
        found: String,
    },
    /// The certificate does not count: why.
    #[error("the certificate does not count: {0}")]
    Certificate(String),
    /// A log entry does not count, or a demanded one is missing: why.
    #[error("the transparency log does not vouch for it: {0}")]
    Log(String),
    /// A timestamp does not count, or there is no time anybody vouches for: why.
    #[error("the time of signing is not vouched for: {0}")]
    Time(String),
    /// It needs something that is not supported: what.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// The trusted root is needed or is no good: why.
    #[error("the trusted root does not serve: {0}")]
    Root(String),
}

/// Verifies a bundle about an artifact, signed by `who`. `root` may be absent only where a key must have
/// signed, no log entry or time is demanded, and the bundle carries none. Nothing is fetched.
pub fn verify_bundle(
    bundle: &[u8],
    artifact: &Artifact,
    who: &Who,
    demands: Demands,
    root: Option<&TrustedRoot>,
) -> Result<Verified, NotVerified> {
    if bundle.len() > LIMIT {
        return Err(NotVerified::TooLarge(bundle.len(), LIMIT));
    }
    let read = Read::parse(bundle).map_err(NotVerified::Malformed)?;
    if matches!(read.content, Content::File { .. }) && bundle.len() > FILE_LIMIT {
        return Err(NotVerified::TooLarge(bundle.len(), FILE_LIMIT));
    }
    rules::no_duplicates(&read)?;
    match (who, &read.signer) {
        (Who::Key(_), Signer::Key(_)) | (Who::Identity { .. } | Who::AnyIdentity, Signer::Certificate) => {}
        (Who::Key(_), Signer::Certificate) => {
            return Err(NotVerified::OtherMaterial("signed by a certificate, and a key was asked for"));
        }
        (_, Signer::Key(_)) => {
            return Err(NotVerified::OtherMaterial("signed by a key, and an identity was asked for"));
        }
    }
    let statement = about(&read.content, artifact)?;
    if demands.log_entry && read.entries.is_empty() {
        return Err(NotVerified::Log("there is no log entry".to_owned()));
    }
    let mut verified = Verified {
        subject: None,
        issuer: None,
        key: None,
        times: Vec::new(),
        log_entries: read.entries.len(),
        predicate_type: statement.map(|s| s.predicate_type),
        statement: match &read.content {
            Content::Statement { payload, .. } => Some(payload.clone()),
            Content::File { .. } => None,
        },
    };
    if let Who::Key(key) = who {
        by_key(&read.content, artifact, key)?;
        verified.key = Some(key.id());
    }
    let witnesses = !read.entries.is_empty() || !read.timestamps.is_empty();
    if witnesses || demands.time || !matches!(who, Who::Key(_)) {
        let Some(root) = root else {
            return Err(NotVerified::Root("none is given to check certificates, logs or timestamps with".to_owned()));
        };
        if witnesses {
            witness::check(bundle, &read, artifact, who, demands, root, &mut verified)?;
        }
        if verified.times.is_empty() && (demands.time || !matches!(who, Who::Key(_))) {
            return Err(NotVerified::Time("there is no timestamp, and no log that says when".to_owned()));
        }
    }
    Ok(verified)
}

/// Whether what is signed speaks of the artifact; the statement where there is one.
fn about(content: &Content, artifact: &Artifact) -> Result<Option<Statement>, NotVerified> {
    match content {
        // Readers differ in whether another signer's id makes it another's signature.
        Content::Statement { named_key: true, .. } => {
            Err(NotVerified::Unsupported("an envelope that names its signer by an id".to_owned()))
        }
        Content::Statement { payload, .. } => {
            let statement = Statement::parse(payload).map_err(NotVerified::Malformed)?;
            if !artifact.digests().iter().any(|digest| statement.speaks_of(digest)) {
                return Err(NotVerified::OtherArtifact(format!("a statement about {}", statement.first_subject())));
            }
            Ok(Some(statement))
        }
        Content::File { digest: (name, value), .. } => {
            let hash = hash(name)?;
            match artifact.hash(hash) {
                Some(found) if found == *value => Ok(None),
                Some(_) => Err(NotVerified::OtherArtifact(format!("a file with the hash {}", hex::encode(value)))),
                None => Err(NotVerified::Unsupported(format!(
                    "it signs a {} hash, and the artifact is given by another",
                    shown(name)
                ))),
            }
        }
    }
}

/// The hash that protobuf's `HashAlgorithm` names.
fn hash(name: &str) -> Result<&'static Algorithm, NotVerified> {
    match name {
        "SHA2_256" => Ok(&aws_lc_rs::digest::SHA256),
        "SHA2_384" => Ok(&aws_lc_rs::digest::SHA384),
        "SHA2_512" => Ok(&aws_lc_rs::digest::SHA512),
        other => Err(NotVerified::Unsupported(format!("the hash algorithm `{}`", shown(other)))),
    }
}

/// Whether the key signed it.
fn by_key(content: &Content, artifact: &Artifact, key: &PublicKey) -> Result<(), NotVerified> {
    let fits = match content {
        Content::Statement { payload, signature, .. } => key.verifies(&pae(IN_TOTO, payload), signature),
        Content::File { digest: (name, value), signature } => match artifact.bytes() {
            Some(bytes) => key.verifies(bytes, signature),
            None => key.verifies_hash(hash(name)?, value, signature),
        },
    };
    if fits {
        Ok(())
    } else {
        Err(NotVerified::Signature("another key made it, or what it signs was changed".to_owned()))
    }
}
