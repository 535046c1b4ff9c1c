//! A tar archive in a file, with its entries found by name: what `docker save`, `crane pull` and
//! `skopeo copy` write. May itself be packed with gzip or zstd; then it is unpacked once into a
//! temporary file without name.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use cleanbill_model::Budget;

use crate::ImageError;
use crate::apply::clean;
use crate::compression::{Metered, Packing, Unpacked, budget_error};
use crate::evidence::Bytes;
use crate::tar::{EntryKind, TarError, TarReader};
use crate::wants::split;

/// Links that lead from one entry to another.
const LINK_LIMIT: u32 = 16;

#[derive(Debug)]
enum Member {
    Data { offset: u64, size: u64 },
    Link(Vec<u8>),
}

/// An archive that was looked through once.
#[derive(Debug)]
pub(crate) struct Archive {
    file: Arc<File>,
    members: HashMap<Vec<u8>, Member>,
}

impl Archive {
    /// Looks through the archive at `path`.
    pub(crate) fn open(path: &Path, budget: &mut Budget) -> Result<Self, ImageError> {
        let name = path.display().to_string();
        let io_error = |e: io::Error| match budget_error(&e) {
            Some(source) => ImageError::Budget { what: name.clone(), source },
            None => ImageError::io(&name, e),
        };
        let mut file = File::open(path).map_err(io_error)?;
        let mut head = [0u8; 10];
        let n = file.read(&mut head).map_err(io_error)?;
        file.rewind().map_err(io_error)?;
        if Packing::of(&head[..n]) != Packing::Plain {
            let mut unpacked = tempfile::tempfile().map_err(io_error)?;
            let mut source = Metered::new(Unpacked::new(file).map_err(io_error)?, budget);
            io::copy(&mut source, &mut unpacked).map_err(io_error)?;
            unpacked.flush().map_err(io_error)?;
            unpacked.rewind().map_err(io_error)?;
            file = unpacked;
        }
        let length = file.metadata().map_err(io_error)?.len();
        let mut members = HashMap::new();
        let mut tar = TarReader::new(BufReader::new(file));
        loop {
            let entry = match tar.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(TarError::Io(e)) => return Err(io_error(e)),
                Err(e) => return Err(ImageError::malformed(&name, format!("not a tar archive: {e}"))),
            };
            budget.take_entry().map_err(|source| ImageError::Budget { what: name.clone(), source })?;
            if tar.position().saturating_add(entry.size) > length {
                let entry = String::from_utf8_lossy(&entry.name);
                return Err(ImageError::malformed(&name, format!("it is cut short: it ends inside `{entry}`")));
            }
            let key = clean(&entry.name);
            let member = match entry.kind {
                EntryKind::File => Member::Data { offset: tar.position(), size: entry.size },
                EntryKind::HardLink => Member::Link(clean(&entry.link)),
                EntryKind::Symlink if entry.link.starts_with(b"/") => Member::Link(clean(&entry.link)),
                EntryKind::Symlink => Member::Link(clean(&[split(&key).0, b"/", &entry.link].concat())),
                _ => continue,
            };
            if members.insert(key, member).is_some() {
                let why = format!(
                    "it holds `{}` twice; readers disagree which one counts",
                    String::from_utf8_lossy(&entry.name)
                );
                return Err(ImageError::malformed(&name, why));
            }
            tar.seek_past_data().map_err(io_error)?;
        }
        let file = tar.into_source().into_inner();
        Ok(Self { file: Arc::new(file), members })
    }

    /// The bytes of an entry; links are followed.
    pub(crate) fn member(&self, name: &str) -> Option<Bytes> {
        let mut name = clean(name.as_bytes());
        for _ in 0..LINK_LIMIT {
            match self.members.get(&name)? {
                Member::Data { offset, size } => return Some(Bytes::in_file(self.file.clone(), *offset, *size)),
                Member::Link(to) => name.clone_from(to),
            }
        }
        None
    }
}
