//! What layers and archives are packed with, told by their first bytes and not by their media type
//! (which is often wrong): gzip in several members, zstd in several frames (zstd:chunked has
//! skippable ones), or nothing.

use std::io::{self, BufReader, Read};

use cleanbill_model::{Budget, BudgetError};
use flate2::bufread::MultiGzDecoder;

/// The packing of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
    /// One that is not unpacked, by name.
    Foreign(&'static str),
}

impl Packing {
    /// By first bytes.
    pub(crate) fn of(head: &[u8]) -> Self {
        let skippable = head.len() >= 4 && head[0] & 0xf0 == 0x50 && head[1..4] == [0x2a, 0x4d, 0x18];
        if head.starts_with(&[0x1f, 0x8b]) {
            Packing::Gzip
        } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || skippable {
            Packing::Zstd
        } else if head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
            Packing::Foreign("xz")
        } else if head.starts_with(b"BZh") && head.get(4..10) == Some(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) {
            Packing::Foreign("bzip2")
        } else {
            Packing::Plain
        }
    }
}

/// Bytes whose first few were looked at and are read again.
type Peeked<R> = BufReader<io::Chain<io::Cursor<Vec<u8>>, R>>;

/// Unpacked bytes.
pub(crate) enum Unpacked<R: Read> {
    Plain(Peeked<R>),
    Gzip(Box<MultiGzDecoder<Peeked<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Peeked<R>>>),
}

impl<R: Read> Unpacked<R> {
    /// Looks at the first bytes and unpacks what they say.
    pub(crate) fn new(mut source: R) -> io::Result<Self> {
        let mut head = Vec::with_capacity(10);
        source.by_ref().take(10).read_to_end(&mut head)?;
        let packing = Packing::of(&head);
        let source = BufReader::with_capacity(128 * 1024, io::Cursor::new(head).chain(source));
        Ok(match packing {
            Packing::Plain => Self::Plain(source),
            Packing::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(source))),
            Packing::Zstd => Self::Zstd(Box::new(zstd::stream::read::Decoder::with_buffer(source)?)),
            Packing::Foreign(name) => {
                let why = format!("packed with {name}; only gzip and zstd are read");
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        })
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(r) => r.read(buffer),
            Self::Gzip(r) => r.read(buffer),
            Self::Zstd(r) => r.read(buffer),
        }
    }
}

/// Unpacked bytes, taken off a budget.
pub(crate) struct Metered<'b, R> {
    source: R,
    budget: &'b mut Budget,
}

impl<'b, R: Read> Metered<'b, R> {
    pub(crate) fn new(source: R, budget: &'b mut Budget) -> Self {
        Self { source, budget }
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.budget.take_bytes(n as u64).map_err(io::Error::other)?;
        Ok(n)
    }
}

/// The bound that made a reader fail, if one did.
pub(crate) fn budget_error(error: &io::Error) -> Option<BudgetError> {
    error.get_ref().and_then(|e| e.downcast_ref::<BudgetError>()).cloned()
}
