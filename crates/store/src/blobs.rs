//! Documents by content address: `blobs/sha256/ab/abcdef…`.
//!
//! A blob is written beside its place, flushed, renamed into it, and the folder is flushed: at any
//! moment a name is either absent or holds all of its bytes. Its digest is checked when it is read.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use cleanbill_model::Digest;

use crate::StoreError;

/// The folder of blobs.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    root: PathBuf,
}

pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.display().to_string();
    move |source| StoreError::Io { path, source }
}

/// Makes what happened to a folder's entries durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|f| f.sync_all()).map_err(io(path))
}

impl Blobs {
    /// Opens the folder below `data`, and clears what a killed process left half-written.
    pub(crate) fn open(data: &Path) -> Result<Self, StoreError> {
        let root = data.join("blobs");
        let incoming = root.join("incoming");
        fs::create_dir_all(&incoming).map_err(io(&incoming))?;
        for entry in fs::read_dir(&incoming).map_err(io(&incoming))? {
            let path = entry.map_err(io(&incoming))?.path();
            fs::remove_file(&path).map_err(io(&path))?;
        }
        sync_dir(data)?;
        Ok(Self { root })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.root.join(digest.algorithm().name()).join(&digest.hex()[..2]).join(digest.hex())
    }

    /// Whether a blob is there (its bytes are looked at when it is read).
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Keeps `bytes`, which must have the digest `digest`. Written again even where the name is
    /// there: that mends a damaged blob.
    pub(crate) fn put(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        if !digest.matches(bytes) {
            return Err(StoreError::Refused(format!("the document does not have the digest {digest}")));
        }
        if self.get(digest).is_ok() {
            return Ok(());
        }
        let path = self.path(digest);
        let algorithm = self.root.join(digest.algorithm().name());
        let folder = algorithm.join(&digest.hex()[..2]);
        fs::create_dir_all(&folder).map_err(io(&folder))?;
        let incoming = self.root.join("incoming").join(digest.hex());
        let mut file = File::create(&incoming).map_err(io(&incoming))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io(&incoming))?;
        drop(file);
        fs::rename(&incoming, &path).map_err(io(&path))?;
        for dir in [&folder, &algorithm, &self.root] {
            sync_dir(dir)?;
        }
        Ok(())
    }

    /// A blob's bytes.
    pub(crate) fn get(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let path = self.path(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Err(StoreError::Missing(format!("blob {digest}"))),
            Err(e) => return Err(io(&path)(e)),
        };
        if !digest.matches(&bytes) {
            let why = format!("its {} bytes do not have the digest of its name", bytes.len());
            return Err(StoreError::Damaged { path: path.display().to_string(), why });
        }
        Ok(bytes)
    }
}
