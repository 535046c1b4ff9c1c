//! What an image is made of, and how to look into it.
//!
//! Manifests, indexes and configurations ([`Document`], [`Config`]) with the bytes they were read
//! from; images in files and folders ([`open_path`]); and the one squashed tree of an image's layers
//! ([`read_tree`]), read once, with every digest checked on the way. Synchronous, without network:
//! where bytes come from is behind [`Blobs`].
//!
//! Bounds: documents 4 MiB, 1024 layers in a manifest, 4096 entries in an index, four levels of
//! nested indexes; everything else by the [`cleanbill_model::Budget`] of the caller.

mod apply;
mod archive;
mod compression;
mod document;
mod evidence;
mod folder;
mod layer;
mod layout;
mod listing;
mod open;
mod pax;
mod pipeline;
mod tar;
mod tree;
mod wants;

use std::io::Read;

use cleanbill_model::ImageIdentity;

pub use document::{Config, Descriptor, Document, Index, Manifest};
pub use evidence::{Bytes, BytesReader};
pub use folder::read_folder;
pub use layer::read_tree;
pub use open::open_path;
pub use tar::{Entry, EntryKind, TarError, TarReader};
pub use tree::{File, Node, Tree};
pub use wants::{Content, Pattern, Wants};

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

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Bytes that are not what they should be: what, and why.
    #[error("{what}: {why}")]
    Malformed {
        /// The thing.
        what: String,
        /// The reason.
        why: String,
    },
    /// Content whose digest is another than its name says.
    #[error("{what} has digest {actual}, not {expected}")]
    Digest {
        /// The thing.
        what: String,
        /// Expected.
        expected: cleanbill_model::Digest,
        /// Actual.
        actual: cleanbill_model::Digest,
    },
    /// No image for the platform.
    #[error("no image for {wanted}; there is {available}")]
    Platform {
        /// Asked for.
        wanted: String,
        /// There is.
        available: String,
    },
    /// A bound was met.
    #[error("{what}: {source}")]
    Budget {
        /// The thing.
        what: String,
        /// The bound.
        #[source]
        source: cleanbill_model::BudgetError,
    },
    /// The place that holds the bytes failed: registry, network.
    #[error("{what}: {why}")]
    Source {
        /// The thing.
        what: String,
        /// The reason.
        why: String,
    },
}

impl ImageError {
    pub(crate) fn malformed(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Malformed { what: what.into(), why: why.into() }
    }

    pub(crate) fn io(path: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}
