//! Bytes of files that were kept while a layer went by: small ones in memory, others in one
//! temporary file that has no name and goes with its last user.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Files up to this size are kept in memory …
const IN_MEMORY: usize = 1 << 20;
/// … as long as they are no more than this together.
const MEMORY_LIMIT: u64 = 64 << 20;
/// Bytes of all files kept on disk.
const SPOOL_LIMIT: u64 = 8 << 30;

/// The bytes of one file, wherever they are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bytes(Place);

#[derive(Debug, Clone)]
enum Place {
    Memory(Arc<[u8]>),
    Spooled { file: Arc<Mutex<File>>, offset: u64, len: u64 },
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Place::Memory(bytes.into()))
    }
}

impl Bytes {
    pub(crate) fn in_file(file: Arc<Mutex<File>>, offset: u64, len: u64) -> Self {
        Self(Place::Spooled { file, offset, len })
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Place::Memory(bytes) => bytes.len() as u64,
            Place::Spooled { len, .. } => *len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads from `offset` on; zero at the end.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.len().saturating_sub(offset);
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if want == 0 {
            return Ok(0);
        }
        match &self.0 {
            Place::Memory(bytes) => {
                let start = offset as usize;
                buffer[..want].copy_from_slice(&bytes[start..start + want]);
                Ok(want)
            }
            Place::Spooled { file, offset: start, .. } => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(start + offset))?;
                file.read(&mut buffer[..want])
            }
        }
    }

    /// A reader from the start, which can seek.
    pub fn reader(&self) -> BytesReader {
        BytesReader { bytes: self.clone(), at: 0 }
    }

    /// All bytes, if they are no more than `limit`; `None` if they are.
    pub fn to_vec(&self, limit: u64) -> io::Result<Option<Vec<u8>>> {
        if self.len() > limit {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(self.len() as usize);
        self.reader().read_to_end(&mut out)?;
        Ok(Some(out))
    }
}

/// Reads [`Bytes`] in order.
#[derive(Debug)]
pub struct BytesReader {
    bytes: Bytes,
    at: u64,
}

impl Read for BytesReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.bytes.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for BytesReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(n) => self.bytes.len().checked_add_signed(n),
            SeekFrom::Current(n) => self.at.checked_add_signed(n),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// Where files are kept during one reading.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    file: Option<Arc<Mutex<File>>>,
    end: u64,
    memory: u64,
}

impl Spool {
    /// Starts keeping a file.
    pub(crate) fn keep(&mut self) -> Keeping<'_> {
        Keeping { start: self.end, memory: Vec::new(), on_disk: 0, spool: self }
    }

    fn file(&mut self) -> io::Result<Arc<Mutex<File>>> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let file = Arc::new(Mutex::new(tempfile::tempfile()?));
        Ok(self.file.insert(file).clone())
    }
}

/// A file that is being kept. Dropped before [`Keeping::finish`], its bytes are given up.
pub(crate) struct Keeping<'a> {
    spool: &'a mut Spool,
    start: u64,
    memory: Vec<u8>,
    on_disk: u64,
}

impl Keeping<'_> {
    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let together = self.memory.len() + bytes.len();
        if self.on_disk == 0 && together <= IN_MEMORY && self.spool.memory + together as u64 <= MEMORY_LIMIT {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        if self.start + self.on_disk + together as u64 > SPOOL_LIMIT {
            return Err(io::Error::other("more than 8 GiB of files to look into"));
        }
        let file = self.spool.file()?;
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.start + self.on_disk))?;
        let memory = std::mem::take(&mut self.memory);
        file.write_all(&memory)?;
        file.write_all(bytes)?;
        self.on_disk += together as u64;
        Ok(())
    }

    /// The bytes, kept.
    pub(crate) fn finish(self) -> io::Result<Bytes> {
        if self.on_disk == 0 {
            self.spool.memory += self.memory.len() as u64;
            return Ok(Bytes::from(self.memory));
        }
        self.spool.end = self.start + self.on_disk;
        Ok(Bytes(Place::Spooled { file: self.spool.file()?, offset: self.start, len: self.on_disk }))
    }
}
