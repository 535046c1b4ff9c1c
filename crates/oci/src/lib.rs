//! The network side of images. The only room that knows the distribution specification.
use cleanbill_image::{Blobs, Descriptor, Document, Image, ImageError};
use cleanbill_model::{Digest, Platform, Reference};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Whose credentials go to which host.
    pub credentials: Credentials,
    /// Hosts (with port) spoken to by plain HTTP; loopback hosts are anyway.
    pub insecure: Vec<String>,
    /// Whether loopback hosts may be asked (`up` and one-shot commands yes, agents no).
    pub allow_loopback: bool,
    /// For one request, retries included.
    pub timeout: Duration,
    /// Tries after the first, for what may pass by itself (connection failures, 429, 5xx).
    pub retries: u32,
}

impl Default for ClientOptions {
    fn default() -> Self { Self { credentials: Credentials::default(), insecure: Vec::new(), allow_loopback: true, timeout: Duration::from_secs(30), retries: 3 } }
}

/// Credentials by registry host, as in docker's `config.json` (`auths`; `credHelpers` and `credsStore` run
/// `docker-credential-NAME get`).
#[derive(Clone, Default)]
pub struct Credentials {}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("Credentials(redacted)") }
}

impl Credentials {
    /// Reads a docker `config.json`.
    pub fn load(_path: &Path) -> Result<Self, OciError> { todo!() }
    /// Parses the text of a docker `config.json`; `path` only names it in errors.
    pub fn parse(_path: &str, _text: &str) -> Result<Self, OciError> { todo!() }
}

/// A registry client. Cheap to clone.
#[derive(Clone)]
pub struct Client {}

/// What an error means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The registry answers: there is no such thing.
    NotFound,
    /// The registry wants other credentials.
    Unauthorized,
    /// No answer: connection, TLS, timeout, 5xx, rate limit that did not end in time.
    Unreachable,
    /// The answer breaks the specification, lies about digests or is too big.
    Invalid,
    /// We do not ask this host.
    Forbidden,
}

/// Why a registry operation failed. Its text names host, repository and what was tried, and holds no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("could not {what}: {why}")]
pub struct OciError {
    /// What it means.
    pub kind: ErrorKind,
    /// What was tried: `read the manifest of ghcr.io/o/x:1`.
    pub what: String,
    /// Why it failed.
    pub why: String,
}

/// Something attached to a digest.
#[derive(Debug, Clone)]
pub struct Referrer {
    /// Its descriptor. The artifact type of a list is a hint: open the manifest and look.
    pub descriptor: Descriptor,
    /// `referrers` or `fallback tag`.
    pub found_by: &'static str,
}

/// What is attached to a digest.
#[derive(Debug, Clone, Default)]
pub struct Referrers {
    /// In the registry's order, without repetition.
    pub list: Vec<Referrer>,
    /// More were there than are read (200).
    pub truncated: bool,
}

/// What a push was answered.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Digest of what was pushed.
    pub digest: Digest,
    /// The registry keeps referrers (it answered `OCI-Subject`).
    pub subject_kept: bool,
}

impl Client {
    /// A client.
    pub fn new(_options: ClientOptions) -> Result<Self, OciError> { todo!() }
    /// The descriptor of what a reference names now: HEAD, or GET where HEAD gives no digest. With a
    /// digest in the reference the digest decides.
    pub async fn resolve(&self, _reference: &Reference) -> Result<Descriptor, OciError> { todo!() }
    /// The manifest or index; its digest is checked against the reference's and the header's (A19).
    pub async fn document(&self, _reference: &Reference) -> Result<Document, OciError> { todo!() }
    /// The image for a platform. A single manifest is used whatever platform its configuration states.
    pub async fn image(&self, _reference: &Reference, _wanted: Option<&Platform>) -> Result<Image, OciError> { todo!() }
    /// The blobs of a repository, for synchronous readers on a blocking thread (uses the current
    /// runtime's handle; must be called inside one).
    pub fn blobs(&self, _reference: &Reference) -> RegistryBlobs { todo!() }
    /// A small blob, at most `limit` bytes, digest checked.
    pub async fn blob(&self, _reference: &Reference, _digest: &Digest, _limit: u64) -> Result<Vec<u8>, OciError> { todo!() }
    /// Pushes a blob unless it is there.
    pub async fn push_blob(&self, _reference: &Reference, _media_type: &str, _bytes: Vec<u8>) -> Result<Descriptor, OciError> { todo!() }
    /// Pushes a manifest under the reference's tag, or by its digest where it has none.
    pub async fn push_manifest(&self, _reference: &Reference, _media_type: &str, _raw: Vec<u8>) -> Result<Pushed, OciError> { todo!() }
    /// Attaches a manifest that has a `subject`: pushes it by digest and, where the registry does not
    /// keep referrers, adds it to the fallback tag's index (read, merge, write, read again, retry).
    pub async fn attach(&self, _subject: &Reference, _manifest: Vec<u8>, _artifact_type: &str) -> Result<Pushed, OciError> { todo!() }
    /// What is attached to the reference's digest: referrers API with Link paging, and the fallback
    /// tag where the API is missing. Entries whose manifest names another subject do not count (A22):
    /// the caller that opens them checks.
    pub async fn referrers(&self, _subject: &Reference) -> Result<Referrers, OciError> { todo!() }
    /// Whether the registry of a reference answers at all (`/v2/`; 401 counts as an answer).
    pub async fn ping(&self, _reference: &Reference) -> Result<(), OciError> { todo!() }
}

/// Blobs of one repository.
pub struct RegistryBlobs {}

impl Blobs for RegistryBlobs {
    fn open<'a>(&'a self, _descriptor: &Descriptor) -> Result<Box<dyn Read + Send + 'a>, ImageError> { todo!() }
}
