//! Where a database's bytes come from: a file read by position (never mapped: a file cut short under a
//! map kills the process) or memory; blocks are checked and kept in a bounded cache.

use crate::DatabaseError;
use crate::cache::Cache;
use crate::layout::{self, BLOCK};
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
#[cfg(not(unix))]
use std::sync::{Mutex, PoisonError};

/// Bytes of blocks that are kept.
const KEPT: usize = 64 << 20;

pub(crate) enum Bytes {
    #[cfg(unix)]
    File(File),
    #[cfg(not(unix))]
    File(Mutex<File>),
    Memory(Vec<u8>),
}

impl Bytes {
    pub(crate) fn file(file: File) -> Self {
        #[cfg(not(unix))]
        let file = Mutex::new(file);
        Self::File(file)
    }

    pub(crate) fn length(&self) -> io::Result<u64> {
        match self {
            #[cfg(unix)]
            Self::File(file) => file.metadata().map(|m| m.len()),
            #[cfg(not(unix))]
            Self::File(file) => file.lock().unwrap_or_else(PoisonError::into_inner).metadata().map(|m| m.len()),
            Self::Memory(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// Fills `buffer` from `at`; an error if there is not as much.
    pub(crate) fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::File(file) => std::os::unix::fs::FileExt::read_exact_at(file, buffer, at),
            #[cfg(not(unix))]
            Self::File(file) => {
                use std::io::{Read as _, Seek as _};
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(io::SeekFrom::Start(at))?;
                file.read_exact(buffer)
            }
            Self::Memory(bytes) => {
                let start = usize::try_from(at).map_err(|_| io::ErrorKind::UnexpectedEof)?;
                let slice = start.checked_add(buffer.len()).and_then(|end| bytes.get(start..end));
                buffer.copy_from_slice(slice.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }
}

/// The payload of a file whose header and table were checked.
pub(crate) struct Payload {
    pub(crate) path: String,
    pub(crate) bytes: Bytes,
    pub(crate) sums: Vec<u8>,
    pub(crate) start: u64,
    pub(crate) length: u64,
    kept: Kept,
}

/// Blocks that were read. All of a payload that is no larger than what may be kept: then nobody waits for
/// a lock to look one up, and none is read twice.
enum Kept {
    All(Box<[OnceLock<Vec<u8>>]>),
    Latest(Cache<u64, Arc<Vec<u8>>>),
}

/// A checked block.
pub(crate) enum Block<'a> {
    Kept(&'a [u8]),
    Shared(Arc<Vec<u8>>),
}

impl Deref for Block<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Kept(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Payload {
    pub(crate) fn new(path: String, bytes: Bytes, sums: Vec<u8>, start: u64, length: u64) -> Self {
        let kept = if length <= KEPT as u64 {
            Kept::All((0..length.div_ceil(BLOCK as u64)).map(|_| OnceLock::new()).collect())
        } else {
            Kept::Latest(Cache::new(KEPT))
        };
        Self { path, bytes, sums, start, length, kept }
    }

    pub(crate) fn damaged(&self, why: impl Into<String>) -> DatabaseError {
        DatabaseError::Damaged { path: self.path.clone(), why: why.into() }
    }

    fn block(&self, number: u64) -> Result<Block<'_>, DatabaseError> {
        let read = || {
            let mut buffer = Vec::new();
            self.read_block(number, &mut buffer).map(|()| buffer)
        };
        match &self.kept {
            Kept::All(blocks) => {
                let Some(slot) = usize::try_from(number).ok().and_then(|number| blocks.get(number)) else {
                    return Err(self.damaged(format!("it names block {number}, which is not there")));
                };
                if let Some(block) = slot.get() {
                    return Ok(Block::Kept(block));
                }
                // Two threads may read the same one at once; the first one stays.
                let block = read()?;
                Ok(Block::Kept(slot.get_or_init(|| block)))
            }
            Kept::Latest(cache) => {
                if let Some(block) = cache.get(number) {
                    return Ok(Block::Shared(block));
                }
                let block = Arc::new(read()?);
                cache.insert(number, block.clone(), block.len());
                Ok(Block::Shared(block))
            }
        }
    }

    /// Number of blocks.
    pub(crate) fn blocks(&self) -> u64 {
        self.length.div_ceil(BLOCK as u64)
    }

    /// Reads a block anew and compares its checksum.
    pub(crate) fn read_block(&self, number: u64, buffer: &mut Vec<u8>) -> Result<(), DatabaseError> {
        let at = number * BLOCK as u64;
        let size = self.length.saturating_sub(at).min(BLOCK as u64) as usize;
        buffer.resize(size, 0);
        self.bytes.read(buffer, self.start + at).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged(format!("it was cut short before block {number}")),
            _ => DatabaseError::Io { path: self.path.clone(), source },
        })?;
        let sum_at = number as usize * layout::SUM;
        if self.sums.get(sum_at..sum_at + layout::SUM) != Some(&layout::sha256(&[buffer])[..]) {
            return Err(self.damaged(format!("checksum of block {number} differs")));
        }
        Ok(())
    }

    /// Hands over checked bytes of the payload; those of one block without copying them.
    pub(crate) fn with<T>(&self, at: u64, length: u64, read: impl FnOnce(&[u8]) -> T) -> Result<T, DatabaseError> {
        let end = at.checked_add(length).filter(|end| *end <= self.length);
        let Some(end) = end else {
            return Err(self.damaged(format!("it points beyond its own end, to {at}")));
        };
        let mut out = Vec::new();
        let mut at = at;
        while at < end {
            let block = self.block(at / BLOCK as u64)?;
            let from = (at % BLOCK as u64) as usize;
            let to = block.len().min(from + (end - at) as usize);
            let Some(part) = block.get(from..to).filter(|p| !p.is_empty()) else {
                return Err(self.damaged("a block is shorter than it must be"));
            };
            at += part.len() as u64;
            if out.is_empty() && at == end {
                return Ok(read(part));
            }
            if out.is_empty() {
                out.reserve(length as usize);
            }
            out.extend_from_slice(part);
        }
        Ok(read(&out))
    }

    /// The part of a list of entries that lies in one block: its bytes, and the number of its first entry.
    pub(crate) fn entries(
        &self,
        index: Index,
        number: u64,
    ) -> Result<(Block<'_>, std::ops::Range<u64>), DatabaseError> {
        const PER_BLOCK: u64 = (BLOCK / layout::ENTRY) as u64;
        // Indexes begin at a multiple of an entry, so that none crosses blocks.
        let first = index.start / layout::ENTRY as u64;
        let block = first.saturating_add(number) / PER_BLOCK;
        let from = (block * PER_BLOCK).saturating_sub(first);
        let to = index.count.min(((block + 1) * PER_BLOCK).saturating_sub(first));
        let bytes = self.block(block)?;
        let last = (first.saturating_add(to) - block * PER_BLOCK) as usize * layout::ENTRY;
        if bytes.len() < last || number < from || number >= to {
            return Err(self.damaged("an index points beyond its own end"));
        }
        Ok((bytes, from..to))
    }

    /// One entry of an index.
    pub(crate) fn entry(&self, index: Index, number: u64) -> Result<Entry, DatabaseError> {
        let (bytes, _) = self.entries(index, number)?;
        Ok(Entry::at(&bytes, index, number))
    }
}

/// Where an index is, in the payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Index {
    pub(crate) start: u64,
    pub(crate) count: u64,
}

/// An entry of an index; what its parts are depends on the index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) key: u64,
    pub(crate) first: u32,
    pub(crate) second: u32,
}

impl Entry {
    /// The entry with that number, in the block that holds it.
    pub(crate) fn at(block: &[u8], index: Index, number: u64) -> Self {
        let at = index.start.saturating_add(number.saturating_mul(layout::ENTRY as u64)) % BLOCK as u64;
        let at = at as usize;
        let (key, first) = (layout::u64_at(block, at), layout::u32_at(block, at + 8));
        Self { key, first, second: layout::u32_at(block, at + 12) }
    }
}
