//! What layers and archives are packed with, told by their first bytes and not by their media type
//! (which is often wrong): gzip in several members, zstd in several frames (zstd:chunked has
//! skippable ones), or nothing.

use std::io::{self, BufRead, BufReader, Read};

use cleanbill_model::{Budget, BudgetError};
use flate2::{Decompress, FlushDecompress, Status};

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
    Gzip(Box<Gzip<Peeked<R>>>),
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
            Packing::Gzip => Self::Gzip(Box::new(Gzip::new(source))),
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

/// Gzip (RFC 1952), member after member to the end of the bytes; the decoder checks their sums itself
/// while it unpacks, which costs less than a second look at the bytes.
pub(crate) struct Gzip<R> {
    source: R,
    decoder: Decompress,
    /// Between two members: the end of the bytes is the end of all.
    between: bool,
}

/// Window of 32 KiB, the most there is.
const WINDOW_BITS: u8 = 15;

impl<R: BufRead> Gzip<R> {
    fn new(source: R) -> Self {
        Self { source, decoder: Decompress::new_gzip(WINDOW_BITS), between: false }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let input = self.source.fill_buf()?;
            let ended = input.is_empty();
            if ended && self.between {
                return Ok(0);
            }
            if self.between {
                // A decoder of gzip members starts anew only as a new one.
                self.decoder = Decompress::new_gzip(WINDOW_BITS);
                self.between = false;
            }
            let (read, written) = (self.decoder.total_in(), self.decoder.total_out());
            let status = self
                .decoder
                .decompress(input, buffer, FlushDecompress::None)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("corrupt gzip stream: {error}")))?;
            let read = (self.decoder.total_in() - read) as usize;
            let written = (self.decoder.total_out() - written) as usize;
            self.source.consume(read);
            if status == Status::StreamEnd {
                self.between = true;
            }
            if written > 0 {
                return Ok(written);
            }
            if ended && status != Status::StreamEnd {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected end of file"));
            }
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
