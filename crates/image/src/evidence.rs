//! Bytes of files that were kept while a layer went by: small ones in memory, others in one
//! temporary file that has no name and goes with its last user.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files up to this size are kept in memory …
const IN_MEMORY: u64 = 1 << 20;
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
    Spooled {
        file: Arc<File>,
        offset: u64,
        len: u64,
    },
    /// In a file of its own, opened when it is read.
    OnDisk {
        path: Arc<Path>,
        len: u64,
    },
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Place::Memory(bytes.into()))
    }
}

impl Bytes {
    pub(crate) fn in_file(file: Arc<File>, offset: u64, len: u64) -> Self {
        Self(Place::Spooled { file, offset, len })
    }

    /// A file of a folder, of which nothing is read yet.
    pub(crate) fn on_disk(path: &Path, len: u64) -> Self {
        Self(Place::OnDisk { path: path.into(), len })
    }

    /// The same bytes, opened for many reads; worth it for files of a folder alone.
    pub fn opened(&self) -> io::Result<Self> {
        Ok(match &self.0 {
            Place::OnDisk { path, len } => {
                Self(Place::Spooled { file: Arc::new(File::open(path)?), offset: 0, len: *len })
            }
            Place::Memory(_) | Place::Spooled { .. } => self.clone(),
        })
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Place::Memory(bytes) => bytes.len() as u64,
            Place::Spooled { len, .. } | Place::OnDisk { len, .. } => *len,
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
            Place::Spooled { file, offset: start, .. } => file.read_at(&mut buffer[..want], start + offset),
            Place::OnDisk { path, .. } => File::open(path)?.read_at(&mut buffer[..want], offset),
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

/// What all spools of one reading together keep in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Arc<AtomicU64>);

impl Memory {
    /// A spool for one layer.
    pub(crate) fn spool(&self) -> Spool {
        Spool { file: None, end: 0, memory: self.clone() }
    }

    /// Takes room for a file of `size` bytes; whether there is any.
    fn take(&self, size: u64) -> bool {
        let add = |used: u64| used.checked_add(size).filter(|sum| *sum <= MEMORY_LIMIT);
        size <= IN_MEMORY && self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    fn give_back(&self, size: u64) {
        self.0.fetch_sub(size, Ordering::Relaxed);
    }

    /// The bytes of a small file, if there is room; the caller keeps larger ones elsewhere.
    pub(crate) fn small(&self, size: u64, read: impl FnOnce() -> io::Result<Vec<u8>>) -> Option<io::Result<Bytes>> {
        self.take(size).then(|| read().map(Bytes::from))
    }
}

/// Where files of one layer are kept.
#[derive(Debug)]
pub(crate) struct Spool {
    file: Option<Arc<File>>,
    end: u64,
    memory: Memory,
}

impl Spool {
    /// Starts keeping a file of this size.
    pub(crate) fn keep(&mut self, size: u64) -> Keeping<'_> {
        let reserved = if self.memory.take(size) { size } else { 0 };
        let in_memory = reserved == size;
        let memory = Vec::with_capacity(if in_memory { size as usize } else { 0 });
        Keeping { spool: self, in_memory, reserved, memory, on_disk: 0 }
    }

    fn file(&mut self) -> io::Result<Arc<File>> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let file = Arc::new(tempfile::tempfile()?);
        Ok(self.file.insert(file).clone())
    }
}

/// A file that is being kept. Dropped before [`Keeping::finish`], its bytes are given up.
pub(crate) struct Keeping<'a> {
    spool: &'a mut Spool,
    in_memory: bool,
    reserved: u64,
    memory: Vec<u8>,
    on_disk: u64,
}

impl Keeping<'_> {
    /// Adds bytes, no more than were announced.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.in_memory {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        let at = self.spool.end + self.on_disk;
        if at + bytes.len() as u64 > SPOOL_LIMIT {
            return Err(io::Error::other("more than 8 GiB of files to look into"));
        }
        self.spool.file()?.write_all_at(bytes, at)?;
        self.on_disk += bytes.len() as u64;
        Ok(())
    }

    /// The bytes, kept.
    pub(crate) fn finish(mut self) -> io::Result<Bytes> {
        if self.in_memory {
            self.reserved = 0;
            return Ok(Bytes::from(std::mem::take(&mut self.memory)));
        }
        let offset = self.spool.end;
        self.spool.end += self.on_disk;
        Ok(Bytes(Place::Spooled { file: self.spool.file()?, offset, len: self.on_disk }))
    }
}

impl Drop for Keeping<'_> {
    fn drop(&mut self) {
        self.spool.memory.give_back(self.reserved);
    }
}
