//! SBOMs of image files that this user has looked into before.
//!
//! A file is the same one as long as device, inode, size and both times (of content and of inode) are;
//! whoever can change a file without changing those can do as much to this folder. What a file says of
//! itself (names, digests) proves nothing and is no part of the key. Catalogers and platform are: an
//! SBOM of older ones is made again.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use cleanbill_model::{Digest, Sbom};

use crate::paths;

/// SBOMs that are kept; the ones not used longest go first.
const LIMIT: usize = 512;

/// What an SBOM is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

/// The key of an image file; `None` for folders and what cannot be read.
pub(crate) fn key(path: &Path, platform: Option<&str>) -> Option<Key> {
    let meta = std::fs::metadata(path).ok().filter(|m| m.is_file())?;
    let file = [meta.dev(), meta.ino(), meta.size()];
    let times = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
    let catalogers = cleanbill_catalog::catalogers();
    let version = env!("CARGO_PKG_VERSION");
    // What it is called is part of the SBOM.
    let name = path.as_os_str().as_encoded_bytes().to_vec();
    Some(Key(format!("{version} {file:?} {times:?} {platform:?} {catalogers:?} {name:?}")))
}

fn folder() -> Option<PathBuf> {
    paths::cache_dir().ok().map(|dir| dir.join("sboms"))
}

fn place(key: &Key) -> Option<PathBuf> {
    Some(folder()?.join(format!("{}.cdx.json", Digest::sha256(&key.0).hex())))
}

/// The SBOM, if it is known.
pub(crate) fn load(key: &Key) -> Option<Sbom> {
    let place = place(key)?;
    let sbom = cleanbill_sbom::cyclonedx::read(&std::fs::read(&place).ok()?).ok()?;
    (sbom.catalogers == cleanbill_catalog::catalogers()).then_some(sbom)
}

/// Keeps an SBOM. Not being able to is no failure: it is made again next time.
pub(crate) fn store(key: &Key, sbom: &Sbom) {
    let (Some(folder), Some(place)) = (folder(), place(key)) else { return };
    let write = || -> std::io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        file.write_all(&cleanbill_sbom::cyclonedx::write(sbom, None))?;
        file.persist(&place)?;
        prune(&folder)
    };
    if let Err(error) = write() {
        tracing::debug!("could not keep the SBOM in {}: {error}", folder.display());
    }
}

fn prune(folder: &Path) -> std::io::Result<()> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
        })
        .collect();
    if files.len() > LIMIT {
        files.sort();
        let surplus = files.len() - LIMIT;
        files.iter().take(surplus).try_for_each(|(_, path)| std::fs::remove_file(path))?;
    }
    Ok(())
}
