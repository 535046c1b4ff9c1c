//! Manifests, indexes and configurations: OCI image spec (`manifest.md`, `image-index.md`,
//! `config.md`, `descriptor.md`) and Docker's image manifest version 2, schema 2.
//!
//! Two readers that see two things in one document are how a signature for one image is made to
//! stand for another (GHSA-qq97-vm5h-rrhg). So what readers disagree on is refused: keys that differ
//! from a known one by case only (Go takes them), repeated keys, layers beside manifests, and a
//! `mediaType` that contradicts what the registry said or what the document holds.

use std::collections::BTreeMap;

use cleanbill_model::{Digest, Platform};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::ImageError;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Bytes a manifest, index or configuration may have; registries must take manifests of this size.
pub(crate) const DOCUMENT_LIMIT: usize = 4 << 20;
const LAYER_LIMIT: usize = 1024;
const ENTRY_LIMIT: usize = 4096;

/// Keys with a meaning; any other spelling of one is refused.
const KEYS: [&str; 11] = [
    "schemaVersion",
    "mediaType",
    "config",
    "layers",
    "manifests",
    "artifactType",
    "subject",
    "annotations",
    "fsLayers",
    "blobs",
    "history",
];

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

impl Descriptor {
    /// Whether it names an index.
    pub(crate) fn is_index(&self) -> bool {
        matches!(self.media_type.as_str(), OCI_INDEX | DOCKER_LIST)
    }

    /// Whether it names an image manifest or an index.
    pub(crate) fn is_document(&self) -> bool {
        self.is_index() || matches!(self.media_type.as_str(), OCI_MANIFEST | DOCKER_MANIFEST)
    }

    /// Whether it is the statement beside an image that `buildkit` writes into an index.
    pub(crate) fn is_attestation(&self) -> bool {
        self.platform.as_ref().is_some_and(|p| p.os == "unknown" && p.architecture == "unknown")
            || self.annotations.get("vnd.docker.reference.type").is_some_and(|t| t == "attestation-manifest")
    }
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDescriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    artifact_type: Option<String>,
    platform: Option<WirePlatform>,
    annotations: Option<BTreeMap<String, String>>,
    urls: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct WirePlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    variant: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDocument {
    schema_version: Option<u64>,
    media_type: Option<String>,
    config: Option<WireDescriptor>,
    layers: Option<Vec<WireDescriptor>>,
    manifests: Option<Vec<WireDescriptor>>,
    artifact_type: Option<String>,
    subject: Option<WireDescriptor>,
    annotations: Option<BTreeMap<String, String>>,
    fs_layers: Option<IgnoredAny>,
    blobs: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct WireConfig {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
    rootfs: Option<WireRootfs>,
}

#[derive(Deserialize)]
struct WireRootfs {
    diff_ids: Option<Vec<String>>,
}

fn platform(os: String, architecture: String, variant: Option<String>) -> Option<Platform> {
    (!os.is_empty() || !architecture.is_empty()).then(|| Platform {
        os,
        architecture,
        variant: variant.filter(|v| !v.is_empty()),
    })
}

fn descriptor(what: &str, wire: WireDescriptor) -> Result<Descriptor, ImageError> {
    Ok(Descriptor {
        media_type: wire.media_type,
        digest: Digest::parse(&wire.digest).map_err(|e| ImageError::malformed(what, e.to_string()))?,
        size: wire.size,
        artifact_type: wire.artifact_type.filter(|t| !t.is_empty()),
        platform: wire.platform.and_then(|p| platform(p.os, p.architecture, p.variant)),
        annotations: wire.annotations.unwrap_or_default(),
        urls: wire.urls.unwrap_or_default(),
    })
}

fn descriptors(what: &str, wire: Vec<WireDescriptor>, limit: usize) -> Result<Vec<Descriptor>, ImageError> {
    if wire.len() > limit {
        return Err(ImageError::malformed(what, format!("{} entries, more than {limit}", wire.len())));
    }
    wire.into_iter().map(|d| descriptor(what, d)).collect()
}

impl Document {
    /// Parses a manifest or index, OCI or Docker schema 2. Refuses one that is both (attack A20),
    /// one whose own `mediaType` contradicts `content_type`, and schema 1.
    pub fn parse(raw: Vec<u8>, content_type: Option<&str>) -> Result<Self, ImageError> {
        let digest = Digest::sha256(&raw);
        let what = format!("manifest {digest}");
        let bad = |why: &str| Err(ImageError::malformed(&what, why));
        if raw.len() > DOCUMENT_LIMIT {
            return bad(&format!("{} bytes, more than {DOCUMENT_LIMIT}", raw.len()));
        }
        let malformed = |e: serde_json::Error| ImageError::malformed(&what, e.to_string());
        let keys: BTreeMap<String, &serde_json::value::RawValue> = serde_json::from_slice(&raw).map_err(malformed)?;
        if let Some(key) = keys.keys().find(|k| KEYS.iter().any(|known| *known != **k && known.eq_ignore_ascii_case(k)))
        {
            return bad(&format!("key `{key}` differs from a known one by case only; readers disagree about it"));
        }
        let wire: WireDocument = serde_json::from_slice(&raw).map_err(malformed)?;
        let given = content_type.map(|t| t.split(';').next().unwrap_or(t).trim().to_ascii_lowercase());
        let own = wire.media_type.clone().filter(|t| !t.is_empty());
        for media_type in own.iter().chain(&given) {
            if media_type.starts_with("application/vnd.docker.distribution.manifest.v1+") {
                return bad("schema 1 manifests are not supported: rebuild or re-push the image");
            }
        }
        if wire.fs_layers.is_some() || wire.schema_version == Some(1) {
            return bad("schema 1 manifests are not supported: rebuild or re-push the image");
        }
        if wire.schema_version != Some(2) {
            return bad("`schemaVersion` is not 2");
        }
        if wire.blobs.is_some() {
            return bad("holds `blobs`: OCI artifact manifests were withdrawn and are not supported");
        }
        let media_type = match (own, given) {
            (Some(own), Some(given)) if is_document_type(&given) && given != own => {
                return bad(&format!("its mediaType is {own}, the registry says {given}"));
            }
            (Some(own), _) => Some(own),
            (None, given) => given.filter(|t| is_document_type(t)),
        };
        let is_index = wire.manifests.is_some();
        if is_index && (wire.layers.is_some() || wire.config.is_some()) {
            return bad("holds `manifests` beside `layers` or `config`: it is an index and an image at once");
        }
        let media_type = match media_type {
            Some(t) if matches!(t.as_str(), OCI_INDEX | DOCKER_LIST) == is_index && is_document_type(&t) => t,
            Some(t) if is_document_type(&t) => return bad(&format!("it is not what its media type {t} says")),
            Some(t) => return bad(&format!("media type {t} is neither an image manifest nor an index")),
            None if is_index => OCI_INDEX.to_owned(),
            None => OCI_MANIFEST.to_owned(),
        };
        let annotations = wire.annotations.unwrap_or_default();
        if let Some(manifests) = wire.manifests {
            let manifests = descriptors(&what, manifests, ENTRY_LIMIT)?;
            return Ok(Document::Index(Index { raw, digest, media_type, manifests, annotations }));
        }
        let (Some(config), Some(layers)) = (wire.config, wire.layers) else {
            return bad("it has no `config` or no `layers`");
        };
        Ok(Document::Manifest(Manifest {
            config: descriptor(&what, config)?,
            layers: descriptors(&what, layers, LAYER_LIMIT)?,
            artifact_type: wire.artifact_type.filter(|t| !t.is_empty()),
            subject: wire.subject.map(|d| descriptor(&what, d)).transpose()?,
            annotations,
            media_type,
            digest,
            raw,
        }))
    }

    /// Digest of the bytes.
    pub fn digest(&self) -> &Digest {
        match self {
            Document::Manifest(m) => &m.digest,
            Document::Index(i) => &i.digest,
        }
    }

    /// Media type.
    pub fn media_type(&self) -> &str {
        match self {
            Document::Manifest(m) => &m.media_type,
            Document::Index(i) => &i.media_type,
        }
    }

    /// The bytes.
    pub fn raw(&self) -> &[u8] {
        match self {
            Document::Manifest(m) => &m.raw,
            Document::Index(i) => &i.raw,
        }
    }
}

fn is_document_type(media_type: &str) -> bool {
    matches!(media_type, OCI_MANIFEST | OCI_INDEX | DOCKER_MANIFEST | DOCKER_LIST)
}

/// Linux on this machine's processor, in Go's names.
pub(crate) fn default_platform() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        "loongarch64" => "loong64",
        other => other,
    };
    Platform::new("linux", architecture)
}

impl Index {
    /// The entry for `wanted` (default: linux and this machine's architecture): the first that
    /// serves it; an entry without platform serves any; attestation entries (`unknown/unknown`)
    /// never. Two entries for one platform are refused by the caller's gate (A56), not here.
    pub fn select(&self, wanted: Option<&Platform>) -> Result<&Descriptor, ImageError> {
        let wanted = wanted.cloned().unwrap_or_else(default_platform);
        let eligible = || self.manifests.iter().filter(|d| d.is_document() && !d.is_attestation());
        eligible().find(|d| d.platform.as_ref().is_none_or(|p| p.serves(&wanted))).ok_or_else(|| {
            let mut available: Vec<String> =
                eligible().filter_map(|d| d.platform.as_ref().map(ToString::to_string)).collect();
            available.sort();
            available.dedup();
            let available = if available.is_empty() { "nothing".to_owned() } else { available.join(", ") };
            ImageError::Platform { wanted: wanted.to_string(), available }
        })
    }
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
    /// Parses a configuration. One of an artifact may hold any object; what it lacks stays empty.
    pub fn parse(raw: Vec<u8>) -> Result<Self, ImageError> {
        let digest = Digest::sha256(&raw);
        let what = format!("configuration {digest}");
        if raw.len() > DOCUMENT_LIMIT {
            return Err(ImageError::malformed(what, format!("{} bytes, more than {DOCUMENT_LIMIT}", raw.len())));
        }
        let wire: WireConfig = serde_json::from_slice(&raw).map_err(|e| ImageError::malformed(&what, e.to_string()))?;
        let diff_ids = wire.rootfs.and_then(|r| r.diff_ids).unwrap_or_default();
        if diff_ids.len() > LAYER_LIMIT {
            return Err(ImageError::malformed(what, format!("{} layers, more than {LAYER_LIMIT}", diff_ids.len())));
        }
        let diff_ids: Result<Vec<Digest>, _> = diff_ids.iter().map(|d| Digest::parse(d)).collect();
        Ok(Self {
            platform: platform(wire.os.unwrap_or_default(), wire.architecture.unwrap_or_default(), wire.variant),
            diff_ids: diff_ids.map_err(|e| ImageError::malformed(what, e.to_string()))?,
            digest,
            raw,
        })
    }
}
