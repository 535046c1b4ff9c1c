//! Where a database's bytes come from: a file read by position (never mapped: a file cut short under a
//! map kills the process) or memory; blocks are checked and kept in a bounded cache.

use crate::DatabaseError;
use crate::layout::{self, BLOCK};
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Blocks that are kept: 8 MiB.
const KEPT: usize = 128;

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

#[derive(Default)]
struct Cache {
    blocks: HashMap<u64, Arc<[u8]>>,
    order: VecDeque<u64>,
}

/// The payload of a file whose header and table were checked.
pub(crate) struct Payload {
    pub(crate) path: String,
    pub(crate) bytes: Bytes,
    pub(crate) sums: Vec<u8>,
    pub(crate) start: u64,
    pub(crate) length: u64,
    cache: Mutex<Cache>,
}

impl Payload {
    pub(crate) fn new(path: String, bytes: Bytes, sums: Vec<u8>, start: u64, length: u64) -> Self {
        Self { path, bytes, sums, start, length, cache: Mutex::default() }
    }

    pub(crate) fn damaged(&self, why: impl Into<String>) -> DatabaseError {
        DatabaseError::Damaged { path: self.path.clone(), why: why.into() }
    }

    fn block(&self, number: u64) -> Result<Arc<[u8]>, DatabaseError> {
        if let Some(block) = self.cache.lock().unwrap_or_else(PoisonError::into_inner).blocks.get(&number) {
            return Ok(block.clone());
        }
        let at = number * BLOCK as u64;
        let size = self.length.saturating_sub(at).min(BLOCK as u64) as usize;
        let mut buffer = vec![0; size];
        self.bytes.read(&mut buffer, self.start + at).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged(format!("it was cut short before block {number}")),
            _ => DatabaseError::Io { path: self.path.clone(), source },
        })?;
        let sum_at = number as usize * layout::SUM;
        if self.sums.get(sum_at..sum_at + layout::SUM) != Some(&layout::sha256(&[&buffer])[..]) {
            return Err(self.damaged(format!("checksum of block {number} differs")));
        }
        let block: Arc<[u8]> = buffer.into();
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.blocks.insert(number, block.clone()).is_none() {
            cache.order.push_back(number);
        }
        if cache.order.len() > KEPT
            && let Some(oldest) = cache.order.pop_front()
        {
            cache.blocks.remove(&oldest);
        }
        Ok(block)
    }

    /// Checked bytes of the payload.
    pub(crate) fn range(&self, at: u64, length: u64) -> Result<Vec<u8>, DatabaseError> {
        let end = at.checked_add(length).filter(|end| *end <= self.length);
        let Some(end) = end else {
            return Err(self.damaged(format!("it points beyond its own end, to {at}")));
        };
        let mut out = Vec::with_capacity(length as usize);
        let mut at = at;
        while at < end {
            let block = self.block(at / BLOCK as u64)?;
            let from = (at % BLOCK as u64) as usize;
            let to = block.len().min(from + (end - at) as usize);
            let Some(part) = block.get(from..to).filter(|p| !p.is_empty()) else {
                return Err(self.damaged("a block is shorter than it must be"));
            };
            out.extend_from_slice(part);
            at += part.len() as u64;
        }
        Ok(out)
    }
}
