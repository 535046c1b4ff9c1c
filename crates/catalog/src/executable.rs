//! Where programs keep what they were built from: the block of the Go linker (package
//! `debug/buildinfo` of Go) and the section of cargo-auditable, in ELF, PE and Mach-O files, the latter
//! for one architecture or several. Only headers and those places are read, never the whole file.

use cleanbill_image::{Bytes, BytesReader};
use object::read::{Object, ObjectSection, ObjectSegment, ReadCache, ReadCacheRange};

/// How programs start.
pub(crate) const HEADS: &[&[u8]] = &[
    b"\x7fELF",
    b"MZ",
    b"\xcf\xfa\xed\xfe",                 // Mach-O, 64 bit, little endian
    b"\xce\xfa\xed\xfe",                 // Mach-O, 32 bit, little endian
    b"\xca\xfe\xba\xbe\x00\x00\x00\x01", // Mach-O for as many architectures; with a larger number it is
    b"\xca\xfe\xba\xbe\x00\x00\x00\x02", // a Java class
    b"\xca\xfe\xba\xbe\x00\x00\x00\x03",
    b"\xca\xfe\xba\xbe\x00\x00\x00\x04",
    b"\xca\xfe\xba\xbf\x00\x00\x00", // the same with offsets of 64 bits
];
/// How the block of Go starts; it lies at a multiple of its alignment.
pub(crate) const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The section of cargo-auditable.
pub(crate) const AUDITABLE: &str = ".dep-v0";
/// The mark that UPX leaves in what it packs.
pub(crate) const PACKED: &[u8] = b"UPX!";
/// Where that mark is looked for: behind the headers.
const PACKED_WITHIN: usize = 4096;
const ALIGNMENT: u64 = 16;
const HEADER: usize = 32;
/// Sections and segments that are looked at; real programs have some dozens.
const SECTION_LIMIT: usize = 4096;
/// Architectures in one file.
const ARCHITECTURE_LIMIT: usize = 16;
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

type Parsed<'a> = object::File<'a, ReadCacheRange<'a, BytesReader>>;

/// Reads the block of each program in the file: one, or one for each architecture. Nothing if the file
/// is no program or holds none; an error for one that cannot be read.
pub(crate) fn build_infos(bytes: &Bytes) -> Vec<Result<BuildInfo, String>> {
    each(bytes, |file, base, size| build_info(bytes, file, base, size))
}

/// What the section of cargo-auditable holds, for each program in the file, as it stands there.
pub(crate) fn auditable(bytes: &Bytes) -> Vec<Result<Vec<u8>, String>> {
    each(bytes, |file, base, size| {
        let section = file.sections().take(SECTION_LIMIT).find(|s| s.name() == Ok(AUDITABLE))?;
        let (offset, len) = section.file_range()?;
        if offset.checked_add(len).is_none_or(|end| end > size) {
            return Some(Err("its section ends behind the file".to_owned()));
        }
        Some(Program { bytes, segments: Vec::new() }.exact(base + offset, len))
    })
}

/// Whether UPX packed the program, so that nothing of what it was built from can be seen.
pub(crate) fn packed(bytes: &Bytes) -> bool {
    let mut head = vec![0u8; PACKED_WITHIN];
    let n = Program { bytes, segments: Vec::new() }.fill(0, &mut head);
    head[..n].windows(PACKED.len()).any(|w| w == PACKED)
}

/// Whether the file holds build information, as far as its table of sections tells: one for it settles
/// that, but not every linker makes one.
pub(crate) fn holds_build_info(bytes: &Bytes) -> Option<bool> {
    let names = section_names(bytes)?;
    names.iter().any(|name| name == ".go.buildinfo" || name == "__go_buildinfo").then_some(true)
}

/// Whether the file has the section of cargo-auditable: its name is what is looked for.
pub(crate) fn holds_auditable(bytes: &Bytes) -> Option<bool> {
    Some(section_names(bytes)?.iter().any(|name| name == AUDITABLE))
}

/// The names of a program's sections; `None` if it has none, is damaged, or is one for several
/// architectures.
fn section_names(bytes: &Bytes) -> Option<Vec<String>> {
    if architectures(bytes) != [(0, bytes.len())] {
        return None;
    }
    let cache = ReadCache::new(bytes.reader());
    let file = object::File::parse(&cache).ok()?;
    let sections: Vec<_> = file.sections().take(SECTION_LIMIT + 1).collect();
    let names: Option<Vec<String>> = sections.iter().map(|s| s.name().ok().map(str::to_owned)).collect();
    names.filter(|names| !names.is_empty() && names.len() <= SECTION_LIMIT)
}

/// Looks into each program of the file; `look` is told where it starts and how long it is.
fn each<T>(bytes: &Bytes, look: impl Fn(&Parsed<'_>, u64, u64) -> Option<Result<T, String>>) -> Vec<Result<T, String>> {
    let cache = ReadCache::new(bytes.reader());
    let mut found = Vec::new();
    for (base, size) in architectures(bytes) {
        match object::File::parse(cache.range(base, size)) {
            Ok(file) => found.extend(look(&file, base, size)),
            // A marker alone proves nothing; a damaged header around it does.
            Err(error) => found.push(Err(format!("its headers cannot be read: {error}"))),
        }
    }
    found
}

/// Where the programs of the file are. A Mach-O file for several architectures starts with a table, in
/// big endian: kind, count, then for each the processor in two words, offset, size, alignment.
fn architectures(bytes: &Bytes) -> Vec<(u64, u64)> {
    let whole = vec![(0, bytes.len())];
    let mut table = vec![0u8; 8 + ARCHITECTURE_LIMIT * 32];
    let n = Program { bytes, segments: Vec::new() }.fill(0, &mut table);
    table.truncate(n);
    let (width, step) = match table.get(..4) {
        Some(b"\xca\xfe\xba\xbe") => (4, 20),
        Some(b"\xca\xfe\xba\xbf") => (8, 32),
        _ => return whole,
    };
    let count = table.get(4..8).map_or(0, |n| number(n, false));
    if count == 0 || count > ARCHITECTURE_LIMIT as u64 {
        return whole;
    }
    let field = |at: usize| table.get(at..at + width).map(|n| number(n, false));
    let places = (0..count as usize).filter_map(|i| Some((field(8 + i * step + 8)?, field(8 + i * step + 8 + width)?)));
    places.filter(|(at, size)| at.checked_add(*size).is_some_and(|end| end <= bytes.len())).collect()
}

fn build_info(bytes: &Bytes, file: &Parsed<'_>, base: u64, size: u64) -> Option<Result<BuildInfo, String>> {
    let inside = |range: Range| {
        let end = range.offset.checked_add(range.size)?.min(size);
        let size = end.checked_sub(range.offset)?;
        Some(Range { offset: base.checked_add(range.offset)?, size, ..range })
    };
    let segments: Vec<(Range, bool)> = file
        .segments()
        .take(SECTION_LIMIT)
        .filter_map(|segment| {
            let (offset, size) = segment.file_range();
            let range = inside(Range { address: segment.address(), offset, size })?;
            Some((range, segment.permissions().writable()))
        })
        .collect();
    let section = file
        .sections()
        .take(SECTION_LIMIT)
        .find(|s| s.name().is_ok_and(|n| matches!(n, ".go.buildinfo" | "__go_buildinfo")))
        .and_then(|s| s.file_range().and_then(|(offset, size)| inside(Range { address: s.address(), offset, size })));
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
