//! The bill of materials of one image, whatever format it is written in.

use crate::{CatalogerId, Digest, ImageIdentity, Package, Problem};

/// What is aboard an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sbom {
    /// What it describes.
    pub subject: Subject,
    /// The distribution, by its own files.
    pub distro: Distro,
    /// The packages, sorted, without repetition.
    pub packages: Vec<Package>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// The catalogers that looked, whether they found something or not; empty for a foreign SBOM.
    pub catalogers: Vec<CatalogerId>,
    /// The layers, lowest first.
    pub layers: Vec<LayerInfo>,
}

/// What an SBOM describes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The name it was asked for by: a reference or a path.
    pub name: String,
    /// The image's digests; `None` for folders and foreign SBOMs that name none.
    pub identity: Option<ImageIdentity>,
}

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerInfo {
    /// Digest as the manifest names it.
    pub digest: Digest,
    /// Digest of the tar inside (the configuration's `diff_ids`).
    pub diff_id: Option<Digest>,
    /// Bytes as stored.
    pub size: u64,
}

/// The distribution of an image and whether that can be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distro {
    /// `ID` of os-release, lower case: `debian`, `alpine`; empty if unknown.
    pub id: String,
    /// `VERSION_ID`: `12`.
    pub version: String,
    /// `VERSION_CODENAME`: `bookworm`.
    pub codename: String,
    /// `PRETTY_NAME`.
    pub pretty_name: String,
    /// Whether os-release and package database agree.
    pub state: DistroState,
}

/// Whether the distribution is known. A gate does not pass on `Unknown`; `None` is an image that has
/// neither os-release nor any package database, where there is nothing a distribution could own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DistroState {
    /// os-release names it and the package database it must have is there.
    Confirmed,
    /// No os-release and no package database: no distribution at all.
    None,
    /// They disagree, or one is missing or was deleted: the reason, for people.
    Unknown(String),
}

impl Default for Distro {
    fn default() -> Self {
        Self {
            id: String::new(),
            version: String::new(),
            codename: String::new(),
            pretty_name: String::new(),
            state: DistroState::None,
        }
    }
}
