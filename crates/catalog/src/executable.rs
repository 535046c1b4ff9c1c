//! Where the Go linker leaves build information in ELF, PE and Mach-O files: package
//! `debug/buildinfo` of Go. Only headers and that one place are read, never the whole file.

use cleanbill_image::Bytes;
use object::read::{Object, ObjectSection, ObjectSegment, ReadCache};

/// How the block starts; it lies at a multiple of its alignment.
pub(crate) const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGNMENT: u64 = 16;
const HEADER: usize = 32;
/// Sections and segments that are looked at; real programs have some dozens.
const SECTION_LIMIT: usize = 4096;
/// Longest text taken: a program of ten thousand modules has a tenth of it.
const TEXT_LIMIT: u64 = 16 << 20;

/// The two texts of the block: the version of Go, and the modules.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BuildInfo {
    pub(crate) go: String,
    pub(crate) modules: String,
}

/// A piece of the file and the address it is loaded at.
#[derive(Clone, Copy)]
struct Range {
    address: u64,
    offset: u64,
    size: u64,
}

/// Reads the block; `None` if the file is no program or holds none, an error if it holds one that
/// cannot be read.
pub(crate) fn build_info(bytes: &Bytes) -> Option<Result<BuildInfo, String>> {
    let cache = ReadCache::new(bytes.reader());
    let file = match object::File::parse(&cache) {
        Ok(file) => file,
        // A marker alone proves nothing; a damaged header around it does.
        Err(error) => return Some(Err(format!("its headers cannot be read: {error}"))),
    };
    let segments: Vec<(Range, bool)> = file
        .segments()
        .take(SECTION_LIMIT)
        .map(|segment| {
            let (offset, size) = segment.file_range();
            (Range { address: segment.address(), offset, size }, segment.permissions().writable())
        })
        .collect();
    let section = file
        .sections()
        .take(SECTION_LIMIT)
        .find(|s| s.name().is_ok_and(|n| matches!(n, ".go.buildinfo" | "__go_buildinfo")))
        .and_then(|s| s.file_range().map(|(offset, size)| Range { address: s.address(), offset, size }));
    let mapped: Vec<Range> = segments.iter().map(|(range, _)| *range).collect();
    let program = Program { bytes, segments: mapped };
    if let Some(section) = section {
        return match program.find(section) {
            Some(at) => Some(program.block(at, file.is_little_endian())),
            None => Some(Err("its section for build information holds none".to_owned())),
        };
    }
    // Without sections it is in data that can be written to.
    let at = segments.iter().filter(|(_, writable)| *writable).find_map(|(range, _)| program.find(*range))?;
    Some(program.block(at, file.is_little_endian()))
}

struct Program<'a> {
    bytes: &'a Bytes,
    segments: Vec<Range>,
}

impl Program<'_> {
    /// The offset of the first block in a range.
    fn find(&self, range: Range) -> Option<u64> {
        let skew = (ALIGNMENT - range.address % ALIGNMENT) % ALIGNMENT;
        let end = range.offset.checked_add(range.size)?.min(self.bytes.len());
        let mut at = range.offset.checked_add(skew)?;
        let mut buffer = vec![0u8; 64 * 1024];
        while at < end {
            let n = self.fill(at, &mut buffer);
            let mut chunks = buffer[..n].chunks(ALIGNMENT as usize);
            if let Some(index) = chunks.position(|c| c.starts_with(MAGIC)) {
                let found = at + index as u64 * ALIGNMENT;
                return (found < end).then_some(found);
            }
            if n < buffer.len() {
                return None;
            }
            at += n as u64;
        }
        None
    }

    /// Reads as much as there is.
    fn fill(&self, at: u64, buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.bytes.read_at(&mut buffer[filled..], at.saturating_add(filled as u64)) {
                Ok(n) if n > 0 => filled += n,
                _ => break,
            }
        }
        filled
    }

    fn exact(&self, at: u64, len: u64) -> Result<Vec<u8>, String> {
        if len > TEXT_LIMIT {
            return Err(format!("a text of {len} bytes"));
        }
        let mut out = vec![0u8; len as usize];
        if self.fill(at, &mut out) < out.len() {
            return Err("the file ends inside its build information".to_owned());
        }
        Ok(out)
    }

    fn block(&self, at: u64, little_endian: bool) -> Result<BuildInfo, String> {
        let header = self.exact(at, HEADER as u64)?;
        let (pointer, flags) = (u64::from(header[14]), header[15]);
        let (go, modules) = if flags & 2 != 0 {
            let (go, next) = self.inline(at + HEADER as u64)?;
            (go, self.inline(next)?.0)
        } else {
            // Up to Go 1.17: two pointers to strings, in the byte order of the flags.
            if pointer != 4 && pointer != 8 {
                return Err(format!("pointers of {pointer} bytes"));
            }
            let little = if flags & 1 != 0 { false } else { little_endian };
            let first = number(&header[16..16 + pointer as usize], little);
            let second = number(&header[16 + pointer as usize..16 + 2 * pointer as usize], little);
            (self.string(first, pointer, little)?, self.string(second, pointer, little)?)
        };
        // The modules are framed by two marks of sixteen bytes.
        let modules = match modules.len() {
            n if n >= 33 && modules[n - 17] == b'\n' => modules[16..n - 16].to_vec(),
            _ => Vec::new(),
        };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(BuildInfo { go: text(go), modules: text(modules) })
    }

    /// A text after its length as a varint, and where the next one starts.
    fn inline(&self, at: u64) -> Result<(Vec<u8>, u64), String> {
        let mut head = [0u8; 10];
        let n = self.fill(at, &mut head);
        let mut len = 0u64;
        for (index, byte) in head[..n].iter().enumerate() {
            if index == 9 {
                break;
            }
            len |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                let start = at + index as u64 + 1;
                return Ok((self.exact(start, len)?, start + len));
            }
        }
        Err("a length without end".to_owned())
    }

    /// The string whose header is at an address.
    fn string(&self, address: u64, pointer: u64, little: bool) -> Result<Vec<u8>, String> {
        let header = self.at_address(address, 2 * pointer)?;
        let (data, len) = header.split_at(pointer as usize);
        let len = number(len, little);
        if len == 0 {
            return Ok(Vec::new());
        }
        self.at_address(number(data, little), len)
    }

    fn at_address(&self, address: u64, len: u64) -> Result<Vec<u8>, String> {
        for segment in &self.segments {
            let Some(inside) = address.checked_sub(segment.address) else { continue };
            if inside < segment.size && len <= segment.size - inside {
                let at = segment.offset.checked_add(inside).ok_or("an address outside the file")?;
                return self.exact(at, len);
            }
        }
        Err("an address outside the file".to_owned())
    }
}

fn number(bytes: &[u8], little: bool) -> u64 {
    let fold = |n: u64, byte: &u8| n << 8 | u64::from(*byte);
    if little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) }
}
