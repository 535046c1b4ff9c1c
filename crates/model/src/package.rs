//! Packages, and where in an image they were found.

use crate::{Digest, Purl};

/// What kind of evidence a cataloger reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The package is there: an installed database, an archive, a binary. Read in images.
    Installed,
    /// The package is asked for: lock files and manifests. Read in source folders only.
    Declared,
}

/// Which cataloger, in which version of its own, said so. SBOMs of older ones are made again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CatalogerId {
    /// Its id: `dpkg`, `java`, `go-binary`.
    pub id: String,
    /// Its version; raised whenever the same bytes give another result.
    pub version: u32,
}

/// A file that proves a package, and the layer that brought it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// Path from the root, without leading slash; a file inside an archive follows after `!/`, as
    /// in `app/shop.war!/WEB-INF/lib/log4j-core-2.14.1.jar`.
    pub path: String,
    /// Digest of the compressed layer as the manifest names it; `None` outside images.
    pub layer: Option<Digest>,
}

/// The source package a distribution built a binary package from: what its advisories speak of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourcePackage {
    /// Source name.
    pub name: String,
    /// Source version; may differ from the binary's (binNMU suffixes).
    pub version: String,
}

/// One package in one image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Package {
    /// Its package URL, version included. The type decides ecosystem and version order.
    pub purl: Purl,
    /// The name as its ecosystem writes it: `libc6`, `org.apache.logging.log4j:log4j-core`,
    /// `github.com/gorilla/mux`.
    pub name: String,
    /// The version as its ecosystem writes it.
    pub version: String,
    /// Source package, for distributions.
    pub source: Option<SourcePackage>,
    /// Licence expressions or names as found.
    pub licenses: Vec<String>,
    /// The files that prove it, sorted.
    pub locations: Vec<Location>,
    /// For a language package: the distribution package whose file list names one of those files.
    pub owner: Option<Purl>,
    /// Who found it; `None` for packages read from a foreign SBOM.
    pub cataloger: Option<CatalogerId>,
}

impl Package {
    /// A package that one file proves, without anything else known of it.
    pub fn found(purl: Purl, name: &str, version: &str, path: &str) -> Self {
        Self {
            purl,
            name: name.to_owned(),
            version: version.to_owned(),
            source: None,
            licenses: Vec::new(),
            locations: vec![Location { path: path.to_owned(), layer: None }],
            owner: None,
            cataloger: None,
        }
    }

    /// Whether a distribution's package database names it.
    pub fn is_distribution(&self) -> bool {
        matches!(self.purl.kind.as_str(), "deb" | "apk" | "rpm" | "alpm" | "opkg")
    }
}
