//! The table `Packages` of an SQLite database (`sqlite.org/fileformat2.html`).
//!
//! Only what rpm's table needs: pages of table trees, records, chains of overflow pages, and pages that
//! are newer in the write-ahead log. Every page has one place in one tree or chain, so a page that is
//! met twice is damage, and all that is read is no more than the file holds.

use std::collections::HashSet;

use cleanbill_image::Bytes;

use super::wal::Wal;
use super::{HEADER_LIMIT, Reading, be16, be32, exactly};

const MAGIC: &[u8] = b"SQLite format 3\0";
/// The head of the file, on its first page.
const HEAD: usize = 100;

// Types of pages.
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// Rows of the schema are texts; the whole is small.
const SCHEMA_LIMIT: u64 = 1 << 20;

pub(super) fn read(bytes: &Bytes, wal: Option<&Bytes>, reading: &mut Reading<'_>) {
    let wal = wal.filter(|wal| !wal.is_empty()).and_then(|wal| match Wal::open(wal) {
        Ok((wal, damage)) => {
            if let Some(why) = damage {
                reading.damage(why);
            }
            Some(wal)
        }
        Err(why) => {
            reading.damage(why);
            None
        }
    });
    let mut database = match Database::open(bytes, wal) {
        Ok(database) => database,
        Err(why) => return reading.damage(why),
    };
    let mut root = None;
    let mut damage = Vec::new();
    database.walk(1, SCHEMA_LIMIT, &mut |row| match row {
        Ok(record) => {
            if let (Some(b"table"), Some(b"Packages"), Some(page)) =
                (column(&record, 0), column(&record, 1), column(&record, 3))
            {
                root = root.or(u32::try_from(integer(page)).ok());
            }
        }
        Err(why) => damage.push(why),
    });
    for why in damage {
        reading.damage(why);
    }
    let Some(root) = root else { return reading.damage("it has no table `Packages`") };
    database.walk(root, HEADER_LIMIT, &mut |row| match row.map(|record| column(&record, 1).map(<[u8]>::to_vec)) {
        Ok(Some(header)) => reading.header(&header),
        Ok(None) => reading.damage("a row of its table `Packages` holds no header"),
        Err(why) => reading.damage(why),
    });
}

struct Database<'a> {
    bytes: &'a Bytes,
    wal: Option<Wal<'a>>,
    page_size: usize,
    /// Bytes of a page that are used: the end may be reserved.
    usable: usize,
    /// Pages whose place is known.
    used: HashSet<u32>,
}

impl<'a> Database<'a> {
    fn open(bytes: &'a Bytes, wal: Option<Wal<'a>>) -> Result<Self, String> {
        let head = match wal.as_ref().and_then(|wal| wal.page(1)) {
            Some(page) => page?,
            None => exactly(bytes, 0, HEAD, "the head")?,
        };
        if !head.starts_with(MAGIC) {
            return Err("it does not start as an SQLite database does".to_owned());
        }
        let page_size = match be16(&head, 16) {
            Some(1) => 65536,
            Some(size) => usize::from(size),
            None => 0,
        };
        if !page_size.is_power_of_two() || !(512..=65536).contains(&page_size) {
            return Err(format!("it claims pages of {page_size} bytes"));
        }
        if wal.as_ref().is_some_and(|wal| wal.page_size != page_size) {
            return Err("its write-ahead log has pages of another size".to_owned());
        }
        let reserved = head.get(20).map_or(0, |b| usize::from(*b));
        let usable = page_size - reserved;
        if usable < 480 {
            return Err(format!("it reserves {reserved} bytes of each page"));
        }
        if let Some(encoding @ 2..) = be32(&head, 56) {
            return Err(format!("its texts have the encoding {encoding}, which rpm does not use"));
        }
        Ok(Self { bytes, wal, page_size, usable, used: HashSet::new() })
    }

    /// A page as it is newest, once.
    fn page(&mut self, number: u32) -> Result<Vec<u8>, String> {
        if !self.used.insert(number) {
            return Err(format!("page {number} is in two places"));
        }
        if let Some(page) = self.wal.as_ref().and_then(|wal| wal.page(number)) {
            return page;
        }
        let index = number.checked_sub(1).ok_or("there is no page 0")?;
        exactly(self.bytes, u64::from(index) * self.page_size as u64, self.page_size, &format!("page {number}"))
    }

    /// Gives every record of the table whose tree starts at `root`, in order. Damage to one page costs
    /// what is below it.
    fn walk(&mut self, root: u32, limit: u64, row: &mut dyn FnMut(Result<Vec<u8>, String>)) {
        let mut open = vec![root];
        while let Some(number) = open.pop() {
            let page = match self.page(number) {
                Ok(page) => page,
                Err(why) => {
                    row(Err(why));
                    continue;
                }
            };
            // The first page has the head of the file before its own.
            let start = if number == 1 { HEAD } else { 0 };
            let kind = page.get(start).copied().unwrap_or_default();
            let cells = usize::from(be16(&page, start + 3).unwrap_or_default());
            let places = start + if kind == INTERIOR { 12 } else { 8 };
            let cell = |index: usize| be16(&page, places + 2 * index).map(usize::from);
            if places + 2 * cells > self.usable {
                row(Err(format!("page {number} claims {cells} cells")));
                continue;
            }
            match kind {
                INTERIOR => {
                    let below = (0..cells).map(|index| cell(index).and_then(|at| be32(&page, at)));
                    let below = below.chain([be32(&page, start + 8)]);
                    let below: Vec<u32> = below.flatten().filter(|page| !self.used.contains(page)).collect();
                    if below.len() != cells + 1 {
                        row(Err(format!("page {number} leads to pages that are elsewhere too")));
                    }
                    // What is open can never be more than there are pages.
                    let room = self.pages().saturating_sub(open.len() as u64);
                    open.extend(below.into_iter().rev().take(usize::try_from(room).unwrap_or(usize::MAX)));
                }
                LEAF => {
                    // Cells do not overlap.
                    let mut left = self.usable;
                    for index in 0..cells {
                        let record = match cell(index) {
                            Some(at) => self.record(number, &page, at, limit, &mut left),
                            None => Err(format!("page {number} has no cell {index}")),
                        };
                        row(record);
                    }
                }
                _ => row(Err(format!("page {number} is of type {kind}, which is no page of a table"))),
            }
        }
    }

    /// How many pages there can be.
    fn pages(&self) -> u64 {
        self.bytes.len() / self.page_size as u64 + self.wal.as_ref().map_or(0, Wal::pages)
    }

    /// The record of a cell, put together from its chain of overflow pages.
    fn record(&mut self, number: u32, page: &[u8], at: usize, limit: u64, left: &mut usize) -> Result<Vec<u8>, String> {
        let odd = || format!("a cell of page {number} lies where it cannot");
        let page = page.get(..self.usable).ok_or_else(odd)?;
        let (length, used) = varint(page, at).ok_or_else(odd)?;
        let start = at + used;
        let (_, used) = varint(page, start).ok_or_else(odd)?;
        let start = start + used;
        if length > limit {
            return Err(format!("a record on page {number} claims {length} bytes"));
        }
        let length = length as usize;
        let local = local(length, self.usable);
        *left = left.checked_sub(local).ok_or_else(|| format!("cells of page {number} overlap"))?;
        let mut out = page.get(start..start + local).ok_or_else(odd)?.to_vec();
        if local == length {
            return Ok(out);
        }
        let mut next = be32(page, start + local).ok_or_else(odd)?;
        while out.len() < length {
            if next == 0 {
                return Err(format!("a record of {length} bytes on page {number} ends after {}", out.len()));
            }
            let overflow = self.page(next)?;
            next = be32(&overflow, 0).unwrap_or_default();
            let part = (length - out.len()).min(self.usable - 4);
            out.extend_from_slice(overflow.get(4..4 + part).ok_or_else(odd)?);
        }
        Ok(out)
    }
}

/// How much of a record of `length` bytes is on its leaf.
fn local(length: usize, usable: usize) -> usize {
    let most = usable - 35;
    if length <= most {
        return length;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let fit = least + (length - least) % (usable - 4);
    if fit <= most { fit } else { least }
}

/// A number of up to nine bytes, and how many they are.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0;
    for used in 0..9 {
        let byte = *bytes.get(at.checked_add(used)?)?;
        if used == 8 {
            return Some((value << 8 | u64::from(byte), 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, used + 1));
        }
    }
    None
}

/// The bytes of one column of a record: of its text, blob or number.
fn column(record: &[u8], wanted: usize) -> Option<&[u8]> {
    let (head, mut at) = varint(record, 0)?;
    let mut start = usize::try_from(head).ok()?;
    for _ in 0..wanted {
        let (kind, used) = varint(record, at)?;
        at += used;
        start = start.checked_add(size(kind)?)?;
    }
    let (kind, _) = varint(record, at).filter(|_| (at as u64) < head)?;
    record.get(start..start.checked_add(size(kind)?)?)
}

/// Bytes of a value by its type.
fn size(kind: u64) -> Option<usize> {
    usize::try_from(match kind {
        0 | 8 | 9 => 0,
        1..=4 => kind,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        _ => (kind - 12) / 2,
    })
    .ok()
}

/// A whole number of up to eight bytes, if it is not negative.
fn integer(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_up_to_nine_bytes() {
        assert_eq!(varint(&[0x7f], 0), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0x00], 0), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9], 0), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0x81], 0), None);
        assert_eq!(varint(&[0xff; 8], 0), None);
        assert_eq!(varint(&[1], usize::MAX), None);
    }

    #[test]
    fn long_records_leave_a_part_on_their_leaf() {
        assert_eq!(local(4061, 4096), 4061);
        assert_eq!(local(4062, 4096), 489);
        assert_eq!(local(489 + 4092 + 100, 4096), 589);
    }

    #[test]
    fn columns_are_found_by_their_types() {
        // Null, a text of two bytes, a byte, a blob of one.
        let record = [5, 0, 17, 1, 14, b'a', b'b', 7, 9];
        assert_eq!(column(&record, 0), Some(&[][..]));
        assert_eq!(column(&record, 1), Some(&b"ab"[..]));
        assert_eq!(column(&record, 2).map(integer), Some(7));
        assert_eq!(column(&record, 3), Some(&[9][..]));
        assert_eq!(column(&record, 4), None);
        assert_eq!(column(&record[..8], 3), None);
    }
}
