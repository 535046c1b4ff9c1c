//! Signing and verifying. Output: evidence.
use cleanbill_model::{Digest, DigestKind, Evidence, KeyId, Reference, Timestamp, Unavailable};
use cleanbill_oci::{Client, OciError};
use std::collections::BTreeMap;

/// A public key. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {}

impl PublicKey {
    /// Reads a PEM `PUBLIC KEY` (SubjectPublicKeyInfo; ECDSA P-256 and P-384, RSA, Ed25519).
    pub fn from_pem(_pem: &str) -> Result<Self, KeyError> { todo!() }
    /// As PEM.
    pub fn to_pem(&self) -> String { todo!() }
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub fn id(&self) -> KeyId { todo!() }
}

/// A private key; wiped from memory when dropped.
pub struct PrivateKey {}

impl PrivateKey {
    /// A new ECDSA P-256 key.
    pub fn generate() -> Result<Self, KeyError> { todo!() }
    /// Reads cosign's and sigstore's encrypted PEM (scrypt parameters bounded, A43), or PKCS#8 PEM.
    pub fn from_pem(_pem: &str, _password: &[u8]) -> Result<Self, KeyError> { todo!() }
    /// Writes `ENCRYPTED SIGSTORE PRIVATE KEY`.
    pub fn to_encrypted_pem(&self, _password: &[u8]) -> Result<String, KeyError> { todo!() }
    /// The public half.
    pub fn public(&self) -> PublicKey { todo!() }
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(pub String);

/// A signature that was attached.
#[derive(Debug, Clone)]
pub struct Signed {
    /// What was signed.
    pub subject: Digest,
    /// The manifest that carries the bundle.
    pub manifest: Digest,
}

/// Signs what a reference names (resolved once, then only the digest counts) and attaches a sigstore
/// bundle v0.3 as referrer. With `annotations` they stand in the statement's subject. `created` is
/// written into the manifest.
pub async fn sign(_client: &Client, _image: &Reference, _key: &PrivateKey, _annotations: &BTreeMap<String, String>, _created: Timestamp) -> Result<Signed, SignError> { todo!() }

/// Why signing failed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The registry.
    #[error(transparent)]
    Oci(#[from] OciError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Everything attached to a digest that may vouch for it, as fetched; a fact that can be cached by
/// (repository, digest). Judging it needs no network.
#[derive(Debug, Clone)]
pub struct Collected {}

/// What verification demands beside a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demands {
    /// A transparency-log entry.
    pub log_entry: bool,
}

/// Fetches what is attached to `image`, which must name a digest. A malformed referrer is kept as
/// such; it neither hides nor denies the others. Bounded: 200 referrers, 1 MiB each.
pub async fn collect(_client: &Client, _image: &Reference, _kind: DigestKind) -> Result<Collected, Unavailable> { todo!() }

/// Judges each signature against each key.
pub fn judge(_collected: &Collected, _keys: &[PublicKey], _demands: Demands) -> Evidence { todo!() }
