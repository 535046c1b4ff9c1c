//! Hash tables of Berkeley DB (`dbinc/db_page.h`, `db_swap.h`), which rpm used up to 4.16.
//!
//! All pages of the file are looked at in order, since every page of type hash holds pairs of key and
//! value wherever its bucket may be; pages that were given up have another type. Headers are larger than
//! a page, so their values are chains of overflow pages. The machine that wrote the file decided on the
//! order of bytes.

use std::collections::HashSet;

use cleanbill_image::Bytes;

use super::{HEADER_LIMIT, Reading, array, exactly};

const HASH_MAGIC: u32 = 0x0006_1561;
const META: usize = 512;
/// Head of a page, before the places of its items.
const PAGE_HEAD: usize = 26;

// Types of pages.
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;

// Types of items.
const KEY_DATA: u8 = 1;
const OFF_PAGE: u8 = 3;

/// A number of another record: key 0 counts the packages.
const COUNTER: usize = 4;

pub(super) fn read(bytes: &Bytes, reading: &mut Reading<'_>) {
    let mut database = match Database::open(bytes) {
        Ok(database) => database,
        Err(why) => return reading.damage(why),
    };
    for number in 1..=database.last {
        match database.page(number) {
            Ok(page) if matches!(page.kind(), HASH | HASH_UNSORTED) => database.items(&page, reading),
            Ok(_) => {}
            // Pages after this one lie beyond the end too.
            Err(why) => return reading.damage(why),
        }
    }
}

struct Database<'a> {
    bytes: &'a Bytes,
    big: bool,
    page_size: usize,
    last: u32,
    /// Overflow pages that belong to a value already: none belongs to two.
    used: HashSet<u32>,
}

struct Page {
    number: u32,
    big: bool,
    bytes: Vec<u8>,
}

impl Page {
    fn kind(&self) -> u8 {
        self.bytes[25]
    }

    fn u16(&self, at: usize) -> usize {
        usize::from(
            array(&self.bytes, at).map_or(0, |b| if self.big { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) }),
        )
    }

    fn u32(&self, at: usize) -> u32 {
        array(&self.bytes, at).map_or(0, |b| if self.big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) })
    }

    fn next(&self) -> u32 {
        self.u32(16)
    }
}

impl<'a> Database<'a> {
    fn open(bytes: &'a Bytes) -> Result<Self, String> {
        let meta = exactly(bytes, 0, META, "the head")?;
        let magic = array(&meta, 12).unwrap_or_default();
        let big = match (u32::from_be_bytes(magic), u32::from_le_bytes(magic)) {
            (HASH_MAGIC, _) => true,
            (_, HASH_MAGIC) => false,
            _ => return Err("it does not start as a hash table of Berkeley DB does".to_owned()),
        };
        let page = Page { number: 0, big, bytes: meta };
        let (size, last) = (page.u32(20), page.u32(32));
        if !size.is_power_of_two() || !(512..=65536).contains(&size) {
            return Err(format!("it claims pages of {size} bytes"));
        }
        if page.bytes[24] != 0 {
            return Err("it is encrypted".to_owned());
        }
        Ok(Self { bytes, big, page_size: size as usize, last, used: HashSet::new() })
    }

    fn page(&self, number: u32) -> Result<Page, String> {
        let offset = u64::from(number) * self.page_size as u64;
        let bytes = exactly(self.bytes, offset, self.page_size, &format!("page {number}"))?;
        Ok(Page { number, big: self.big, bytes })
    }

    /// The values of a page of pairs.
    fn items(&mut self, page: &Page, reading: &mut Reading<'_>) {
        // Items are laid out from the end of the page, each before the one before it.
        let mut end = self.page_size;
        for item in 0..page.u16(20) {
            let start = page.u16(PAGE_HEAD + 2 * item);
            if start < PAGE_HEAD || start >= end {
                return reading.damage(format!("item {item} of page {} lies where it cannot", page.number));
            }
            let bytes = &page.bytes[start..end];
            end = start;
            if item % 2 == 0 {
                continue;
            }
            match (bytes[0], bytes.len()) {
                (KEY_DATA, length) if length > COUNTER + 1 => reading.header(&bytes[1..]),
                (KEY_DATA, _) => {}
                (OFF_PAGE, 12..) => match self.chain(page.u32(start + 4), page.u32(start + 8)) {
                    Ok(header) => reading.header(&header),
                    Err(why) => reading.damage(why),
                },
                (kind, _) => {
                    reading
                        .damage(format!("item {item} of page {} is of type {kind}, which is not known", page.number));
                }
            }
        }
    }

    /// A value of `length` bytes on the chain of pages that starts at `first`.
    fn chain(&mut self, first: u32, length: u32) -> Result<Vec<u8>, String> {
        let length = length as usize;
        if length as u64 > HEADER_LIMIT.min(self.bytes.len()) {
            return Err(format!("a header claims {length} bytes"));
        }
        let (mut out, mut number) = (Vec::new(), first);
        while out.len() < length {
            if number == 0 {
                return Err(format!("a header of {length} bytes ends after {}", out.len()));
            }
            if !self.used.insert(number) {
                return Err(format!("page {number} belongs to two headers"));
            }
            let page = self.page(number)?;
            let data = page.bytes.get(PAGE_HEAD..PAGE_HEAD + page.u16(22)).filter(|data| !data.is_empty());
            match data {
                Some(data) if page.kind() == OVERFLOW => out.extend_from_slice(data),
                _ => return Err(format!("page {number} holds no part of a header")),
            }
            number = page.next();
        }
        out.truncate(length);
        Ok(out)
    }
}
