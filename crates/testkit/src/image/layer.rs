//! Layers of test images: what a build step adds, replaces and deletes (OCI image spec, `layer.md`).

use std::io::Write as _;

use cleanbill_model::Digest;

use super::tar::{self, Entry, EntryKind};

/// How a layer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// A plain tar.
    None,
    /// Gzip.
    #[default]
    Gzip,
    /// Zstandard.
    Zstd,
}

/// A layer in the making. Equal calls give equal bytes.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    entries: Vec<Entry>,
    raw: Option<Vec<u8>>,
    compression: Compression,
    created_by: Option<String>,
}

/// A finished layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltLayer {
    /// OCI media type.
    pub media_type: String,
    /// Bytes as stored.
    pub bytes: Vec<u8>,
    /// Digest of the stored bytes.
    pub digest: Digest,
    /// The tar inside.
    pub tar: Vec<u8>,
    /// Digest of the tar.
    pub diff_id: Digest,
    /// The build step, for the configuration's history.
    pub created_by: String,
}

impl Layer {
    /// An empty layer, packed with gzip.
    pub fn new() -> Self {
        Self::default()
    }

    /// A layer of exactly these tar bytes, for tars that no writer would make.
    pub fn from_tar(bytes: impl Into<Vec<u8>>) -> Self {
        Self { raw: Some(bytes.into()), ..Self::default() }
    }

    /// Adds a file (mode 0644).
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.entry(path, 0o644, EntryKind::File(bytes.as_ref().to_vec()))
    }

    /// Adds a file that may be run (mode 0755).
    pub fn executable(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.entry(path, 0o755, EntryKind::File(bytes.as_ref().to_vec()))
    }

    /// Adds a folder.
    pub fn directory(self, path: &str) -> Self {
        self.entry(path, 0o755, EntryKind::Directory)
    }

    /// Adds a symbolic link.
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(path, 0o777, EntryKind::Symlink(target.to_owned()))
    }

    /// Adds a hard link to an earlier file.
    pub fn hardlink(self, path: &str, target: &str) -> Self {
        self.entry(path, 0o644, EntryKind::Hardlink(target.trim_start_matches('/').to_owned()))
    }

    /// Deletes what lower layers have at `path` (`.wh.NAME`).
    pub fn whiteout(self, path: &str) -> Self {
        let marker = match path.trim_end_matches('/').rsplit_once('/') {
            Some((parent, name)) => format!("{parent}/.wh.{name}"),
            None => format!(".wh.{path}"),
        };
        self.entry(&marker, 0o644, EntryKind::File(Vec::new()))
    }

    /// Hides everything that lower layers have inside `directory` (`.wh..wh..opq`).
    pub fn opaque(self, directory: &str) -> Self {
        let marker = format!("{}/.wh..wh..opq", directory.trim_end_matches('/'));
        self.entry(&marker, 0o644, EntryKind::File(Vec::new()))
    }

    /// How it is packed.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The build step that made it.
    pub fn created_by(mut self, step: &str) -> Self {
        self.created_by = Some(step.to_owned());
        self
    }

    fn entry(mut self, path: &str, mode: u32, kind: EntryKind) -> Self {
        self.entries.push(Entry { path: path.trim_start_matches('/').to_owned(), mode, kind });
        self
    }

    /// The finished layer.
    pub fn build(&self) -> BuiltLayer {
        let tar = self.raw.clone().unwrap_or_else(|| tar::write(&self.entries));
        let (suffix, bytes) = match self.compression {
            Compression::None => ("", tar.clone()),
            Compression::Gzip => {
                let mut encoder = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::default());
                encoder.write_all(&tar).unwrap();
                ("+gzip", encoder.finish().unwrap())
            }
            Compression::Zstd => ("+zstd", zstd::encode_all(tar.as_slice(), 3).unwrap()),
        };
        BuiltLayer {
            media_type: format!("application/vnd.oci.image.layer.v1.tar{suffix}"),
            digest: Digest::sha256(&bytes),
            bytes,
            diff_id: Digest::sha256(&tar),
            tar,
            created_by: self.created_by.clone().unwrap_or_else(|| "COPY . / # testkit".to_owned()),
        }
    }
}
