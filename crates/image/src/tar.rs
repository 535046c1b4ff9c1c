//! A tar archive read entry by entry, as the runtimes read it.
//!
//! containerd, Docker, Podman and CRI-O unpack layers with Go's `archive/tar`; what counts is what
//! *that* reader sees, since an archive that shows other files to a scanner than to the runtime hides
//! them (attack A57; RUSTSEC-2025-0111). So its rules are followed, not those of POSIX where the two
//! part: a PAX record changes the next file and never an extension header; a global PAX header
//! changes nothing (and [`TarReader::ambiguities`] says so where it would elsewhere); links, devices
//! and folders have no data whatever their size field says; a GNU long name outranks a PAX path.
//!
//! Understood: v7, ustar with prefix, star, GNU (long names and links, base-256 numbers, old sparse
//! files), PAX (path, linkpath, size, GNU sparse 0.0, 0.1 and 1.0). The data of sparse files is
//! skipped by its stored size and not given out.

use std::io::{self, BufReader, Read, Seek};

use crate::pax;

const BLOCK: usize = 512;
/// Bytes of one extension header; Go has the same bound.
const EXTENSION_LIMIT: u64 = 1 << 20;
/// Continuation blocks of an old GNU sparse map.
const SPARSE_BLOCKS: u32 = 1 << 16;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A regular file with holes; its data is not given out.
    Sparse,
    /// Another name for an earlier file.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A folder.
    Directory,
    /// A device or FIFO.
    Special,
    /// A PAX global header, or a type that no runtime unpacks.
    Other(u8),
}

/// One entry, with the bytes of its names as they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name.
    pub name: Vec<u8>,
    /// Where a link points to.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of data that follow; zero for all but files.
    pub size: u64,
}

/// Why an archive cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The bytes below failed, or ended too early (`UnexpectedEof`).
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A header that is none.
    #[error("{why} at byte {offset} of the archive")]
    Header {
        /// Where the header starts.
        offset: u64,
        /// What is wrong.
        why: &'static str,
    },
}

/// Reads entries one after another. Between two of them, data is read with [`TarReader::read_data`];
/// what was not read is skipped.
pub struct TarReader<R> {
    source: R,
    offset: u64,
    /// Data of the current entry not read yet, and the padding after it.
    left: u64,
    padding: u64,
    ambiguities: Vec<&'static str>,
    done: bool,
}

struct Header {
    block: [u8; BLOCK],
    name: Vec<u8>,
    link: Vec<u8>,
    size: u64,
    gnu: bool,
}

impl<R: Read> TarReader<R> {
    /// Starts reading at the first header.
    pub fn new(source: R) -> Self {
        Self { source, offset: 0, left: 0, padding: 0, ambiguities: Vec::new(), done: false }
    }

    /// The bytes below.
    pub fn source(&mut self) -> &mut R {
        &mut self.source
    }

    /// Gives the bytes below back, to be read to their end.
    pub fn into_source(self) -> R {
        self.source
    }

    /// What other readers of tar would understand otherwise, so far.
    pub fn ambiguities(&self) -> &[&'static str] {
        &self.ambiguities
    }

    /// The next entry; `None` after two blocks of zeros or at the end of the bytes.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, TarError> {
        let mut records = pax::Records::default();
        let (mut long_name, mut long_link) = (Vec::new(), Vec::new());
        let mut pending = false;
        loop {
            self.skip_rest()?;
            let Some(header) = self.header()? else {
                if pending {
                    return Err(self.error("an extension header without an entry after it"));
                }
                return Ok(None);
            };
            let at = self.offset - BLOCK as u64;
            let typeflag = header.block[156];
            match typeflag {
                b'x' | b'g' => {
                    let data = self.extension(header.size)?;
                    let found = pax::Records::parse(&data).map_err(|why| TarError::Header { offset: at, why })?;
                    if typeflag == b'g' {
                        if found.changes_entries() {
                            self.ambiguities.push("a global PAX header names a path, link or size; runtimes ignore it");
                        }
                        // Go drops what was pending with it.
                        if pending {
                            self.ambiguities.push("a global PAX header between an entry and its extension headers");
                        }
                        return Ok(Some(Entry {
                            name: header.name,
                            link: Vec::new(),
                            kind: EntryKind::Other(b'g'),
                            size: 0,
                        }));
                    }
                    records = found;
                    pending = true;
                }
                b'L' => {
                    long_name = until_nul(&self.extension(header.size)?).to_vec();
                    pending = true;
                }
                b'K' => {
                    long_link = until_nul(&self.extension(header.size)?).to_vec();
                    pending = true;
                }
                _ => return self.entry(header, &records, long_name, long_link, at).map(Some),
            }
        }
    }

    fn entry(
        &mut self,
        mut header: Header,
        records: &pax::Records,
        long_name: Vec<u8>,
        long_link: Vec<u8>,
        at: u64,
    ) -> Result<Entry, TarError> {
        let bad = |why| TarError::Header { offset: at, why };
        let plain_size = header.size;
        if let Some(path) = records.get("path") {
            header.name = path.to_vec();
        }
        if let Some(link) = records.get("linkpath") {
            header.link = link.to_vec();
        }
        if let Some(size) = records.get("size") {
            header.size = pax::decimal(size).ok_or_else(|| bad("a PAX size that is not a number"))?;
        }
        if !long_name.is_empty() {
            if records.get("path").is_some_and(|p| p != long_name) {
                self.ambiguities.push("an entry has a PAX path and another GNU long name");
            }
            header.name = long_name;
        }
        if !long_link.is_empty() {
            header.link = long_link;
        }
        let kind = match header.block[156] {
            0 if header.name.ends_with(b"/") => EntryKind::Directory,
            0 | b'0' | b'7' => EntryKind::File,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'3' | b'4' | b'6' => EntryKind::Special,
            b'5' => EntryKind::Directory,
            b'S' => EntryKind::Sparse,
            other => EntryKind::Other(other),
        };
        let stored = match kind {
            EntryKind::HardLink | EntryKind::Symlink | EntryKind::Special | EntryKind::Directory => {
                // Readers that skip data here see other entries than the runtime does.
                if header.size != 0 {
                    self.ambiguities.push("a link, folder or device with a size; runtimes take it as without data");
                }
                0
            }
            _ => header.size,
        };
        if plain_size != header.size && plain_size != 0 && stored != 0 {
            self.ambiguities.push("an entry has a PAX size and another size in its header");
        }
        self.left = stored;
        self.padding = padding(stored);
        let mut entry = Entry { name: header.name, link: header.link, kind, size: stored };
        match kind {
            EntryKind::Sparse if !header.gnu => return Err(bad("a sparse file outside the GNU format")),
            // The map may go on in blocks before the data, which the size does not count.
            EntryKind::Sparse => self.sparse_blocks(header.block[482])?,
            EntryKind::File => {
                if let Some(name) = records.sparse_name() {
                    entry.kind = EntryKind::Sparse;
                    if !name.is_empty() {
                        entry.name = name.to_vec();
                    }
                }
            }
            _ => {}
        }
        if matches!(entry.kind, EntryKind::File | EntryKind::Sparse) && entry.name.ends_with(b"/") {
            self.ambiguities.push("a file whose name ends in a slash");
        }
        Ok(entry)
    }

    /// Reads data of the current entry; zero at its end.
    pub fn read_data(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if want == 0 {
            return Ok(0);
        }
        let n = self.source.read(&mut buffer[..want])?;
        if n == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends inside a file"));
        }
        self.left -= n as u64;
        self.offset += n as u64;
        Ok(n)
    }

    fn error(&self, why: &'static str) -> TarError {
        TarError::Header { offset: self.offset, why }
    }

    fn skip_rest(&mut self) -> Result<(), TarError> {
        let mut buffer = [0u8; 16 * 1024];
        while self.read_data(&mut buffer)? > 0 {}
        self.left = std::mem::take(&mut self.padding);
        while self.left > 0 {
            // An archive may end without the padding of its last entry.
            match self.read_data(&mut buffer) {
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => self.left = 0,
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        if size > EXTENSION_LIMIT {
            return Err(self.error("an extension header of more than 1 MiB"));
        }
        let mut data = vec![0; size as usize];
        self.left = size;
        self.padding = padding(size);
        let mut filled = 0;
        while filled < data.len() {
            filled += self.read_data(&mut data[filled..])?;
        }
        Ok(data)
    }

    fn sparse_blocks(&mut self, mut extended: u8) -> Result<(), TarError> {
        let mut count = 0;
        while extended != 0 {
            count += 1;
            let block = self.block()?;
            let Some(block) = block.filter(|_| count <= SPARSE_BLOCKS) else {
                return Err(self.error("a sparse map without end"));
            };
            extended = block[504];
        }
        Ok(())
    }

    /// One block; `None` at the end of the bytes.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0u8; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.source.read(&mut block[filled..])? {
                0 if filled == 0 => return Ok(None),
                0 => {
                    let e = io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends inside a header");
                    return Err(e.into());
                }
                n => filled += n,
            }
        }
        self.offset += BLOCK as u64;
        Ok(Some(block))
    }

    fn header(&mut self) -> Result<Option<Header>, TarError> {
        if self.done {
            return Ok(None);
        }
        let at = self.offset;
        let bad = |why| TarError::Header { offset: at, why };
        let Some(block) = self.block()? else {
            self.done = true;
            return Ok(None);
        };
        if block.iter().all(|b| *b == 0) {
            self.done = true;
            return match self.block()? {
                Some(second) if second.iter().any(|b| *b != 0) => Err(bad("one block of zeros between entries")),
                _ => Ok(None),
            };
        }
        let stated = number(&block[148..156]).ok_or_else(|| bad("a checksum that is not a number"))?;
        let (mut unsigned, mut signed) = (0i64, 0i64);
        for (i, byte) in block.iter().enumerate() {
            let byte = if (148..156).contains(&i) { b' ' } else { *byte };
            unsigned += i64::from(byte);
            signed += i64::from(byte.cast_signed());
        }
        if i64::try_from(stated) != Ok(unsigned) && i64::try_from(stated) != Ok(signed) {
            return Err(bad("a header with a wrong checksum"));
        }
        let size = number(&block[124..136]).ok_or_else(|| bad("a size that is not a number"))?;
        let ustar = &block[257..263] == b"ustar\0";
        let gnu = &block[257..265] == b"ustar  \0";
        let prefix: &[u8] = if ustar && &block[508..512] == b"tar\0" {
            until_nul(&block[345..476])
        } else if ustar {
            until_nul(&block[345..500])
        } else if gnu && gnu_prefix(&block) && block[345..500].is_ascii() {
            // Old Go programs wrote a prefix into GNU headers; its reader takes them.
            until_nul(&block[345..500])
        } else {
            &[]
        };
        let mut name = prefix.to_vec();
        if !name.is_empty() {
            name.push(b'/');
        }
        name.extend_from_slice(until_nul(&block[..100]));
        let link = until_nul(&block[157..257]).to_vec();
        Ok(Some(Header { block, name, link, size, gnu }))
    }
}

impl<R: Read + Seek> TarReader<BufReader<R>> {
    /// Where the data of the current entry starts.
    pub(crate) fn position(&self) -> u64 {
        self.offset
    }

    /// Goes to the end of the data of the current entry without reading it.
    pub(crate) fn seek_past_data(&mut self) -> io::Result<()> {
        let by = i64::try_from(self.left).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        self.source.seek_relative(by)?;
        self.offset += self.left;
        self.left = 0;
        Ok(())
    }
}

/// Whether the access or change time of a GNU header is no number, so that the field is a prefix.
fn gnu_prefix(block: &[u8; BLOCK]) -> bool {
    [&block[345..357], &block[357..369]].iter().any(|field| field[0] != 0 && number(field).is_none())
}

fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

fn until_nul(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    &field[..end]
}

/// An octal number, or a base-256 one; negative ones and those over 63 bits are none.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        if field[0] & 0x40 != 0 {
            return None;
        }
        let mut value: u64 = 0;
        for (i, byte) in field.iter().enumerate() {
            let byte = if i == 0 { byte & 0x7f } else { *byte };
            if value >> 55 != 0 {
                return None;
            }
            value = value << 8 | u64::from(byte);
        }
        return Some(value);
    }
    let blank = |b: &u8| *b == b' ' || *b == 0;
    let start = field.iter().position(|b| !blank(b)).unwrap_or(field.len());
    let end = field.iter().rposition(|b| !blank(b)).map_or(start, |i| i + 1);
    let mut value: u64 = 0;
    for byte in until_nul(&field[start..end]) {
        if !(b'0'..=b'7').contains(byte) {
            return None;
        }
        value = value.checked_mul(8)? | u64::from(byte - b'0');
    }
    (value >> 63 == 0).then_some(value)
}
