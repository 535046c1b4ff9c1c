//! What an image is made of.
use cleanbill_model::{Budget, Digest, ImageIdentity, Platform};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// A content descriptor (OCI image spec, `descriptor.md`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Media type of what it names.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Artifact type, where an index or referrers list states one.
    pub artifact_type: Option<String>,
    /// Platform, in an index.
    pub platform: Option<Platform>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Foreign places; never fetched.
    pub urls: Vec<String>,
}

/// An image manifest; the bytes it was read from are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The bytes that were hashed.
    pub raw: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
    /// Media type.
    pub media_type: String,
    /// Configuration.
    pub config: Descriptor,
    /// Layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// Artifact type.
    pub artifact_type: Option<String>,
    /// What it is attached to.
    pub subject: Option<Descriptor>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// An index over several manifests; the bytes it was read from are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The bytes that were hashed.
    pub raw: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
    /// Media type.
    pub media_type: String,
    /// Its entries.
    pub manifests: Vec<Descriptor>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What a registry gives for a tag or digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// One image.
    Manifest(Manifest),
    /// Several platforms.
    Index(Index),
}

impl Document {
    /// Parses a manifest or index, OCI or Docker schema 2. Refuses one that is both (attack A20),
    /// one whose own `mediaType` contradicts `content_type`, and schema 1.
    pub fn parse(_raw: Vec<u8>, _content_type: Option<&str>) -> Result<Self, ImageError> { todo!() }
    /// Digest of the bytes.
    pub fn digest(&self) -> &Digest { todo!() }
    /// Media type.
    pub fn media_type(&self) -> &str { todo!() }
    /// The bytes.
    pub fn raw(&self) -> &[u8] { todo!() }
}

impl Index {
    /// The entry for `wanted` (default: linux and this machine's architecture): the first that
    /// serves it; an entry without platform serves any; attestation entries (`unknown/unknown`)
    /// never. Two entries for one platform are refused by the caller's gate (A56), not here.
    pub fn select(&self, _wanted: Option<&Platform>) -> Result<&Descriptor, ImageError> { todo!() }
}

/// An image configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The bytes.
    pub raw: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
    /// What it states; `None` where os and architecture are empty.
    pub platform: Option<Platform>,
    /// Digests of the layers' tars, lowest first.
    pub diff_ids: Vec<Digest>,
}

impl Config {
    /// Parses a configuration.
    pub fn parse(_raw: Vec<u8>) -> Result<Self, ImageError> { todo!() }
}

/// One image for one platform, ready to be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The name it was asked for by.
    pub name: String,
    /// Its digests.
    pub identity: ImageIdentity,
    /// Manifest.
    pub manifest: Manifest,
    /// Configuration.
    pub config: Config,
}

/// Where the bytes of an image come from. Synchronous; a reader need not check digests, the layer
/// reader does.
pub trait Blobs: Send + Sync {
    /// The bytes of a blob as stored (compressed).
    fn open<'a>(&'a self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + 'a>, ImageError>;
}

/// An image in a file or folder: docker archive, OCI archive or OCI layout, told apart by content.
pub fn open_path(_path: &Path, _wanted: Option<&Platform>, _budget: &Budget) -> Result<(Image, Box<dyn Blobs>), ImageError> { todo!() }

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file could not be read.
    #[error("{path}: {source}")]
    Io { /** The file. */ path: String, /** Why. */ #[source] source: std::io::Error },
    /// Bytes that are not what they should be: what, and why.
    #[error("{what}: {why}")]
    Malformed { /** The thing. */ what: String, /** The reason. */ why: String },
    /// Content whose digest is another than its name says.
    #[error("{what} has digest {actual}, not {expected}")]
    Digest { /** The thing. */ what: String, /** Expected. */ expected: Digest, /** Actual. */ actual: Digest },
    /// No image for the platform.
    #[error("no image for {wanted}; there is {available}")]
    Platform { /** Asked for. */ wanted: String, /** There is. */ available: String },
    /// A bound was met.
    #[error("{what}: {source}")]
    Budget { /** The thing. */ what: String, /** The bound. */ #[source] source: cleanbill_model::BudgetError },
    /// The place that holds the bytes failed: registry, network.
    #[error("{what}: {why}")]
    Source { /** The thing. */ what: String, /** The reason. */ why: String },
}
