//! The write-ahead log of an SQLite database (`sqlite.org/fileformat2.html#walformat`): pages that are
//! newer than those of the file, as they were when rpm last finished a transaction and nobody had
//! copied them back.
//!
//! A head of 32 bytes, then frames: a head of 24 bytes and a page. Checksums run on from frame to frame;
//! frames with other salts are left over from before the log was started again. A frame that tells the
//! size of the database ends a transaction; pages after the last such frame were never committed.

use std::collections::HashMap;

use cleanbill_image::Bytes;

use super::{array, be32, exactly};

const HEAD: usize = 32;
const FRAME_HEAD: usize = 24;
const VERSION: u32 = 3_007_000;

#[derive(Debug)]
pub(super) struct Wal<'a> {
    bytes: &'a Bytes,
    pub(super) page_size: usize,
    /// Where the newest version of a page is.
    pages: HashMap<u32, u64>,
}

impl<'a> Wal<'a> {
    /// Reads all frames once; what is wrong with the last ones comes beside it.
    pub(super) fn open(bytes: &'a Bytes) -> Result<(Self, Option<String>), String> {
        let head = exactly(bytes, 0, HEAD, "the head of its write-ahead log")?;
        let at = |offset| be32(&head, offset).unwrap_or_default();
        let big = match at(0) {
            0x377f_0682 => false,
            0x377f_0683 => true,
            _ => return Err("its write-ahead log does not start as one does".to_owned()),
        };
        let page_size = at(8) as usize;
        if at(4) != VERSION || !page_size.is_power_of_two() || !(512..=65536).contains(&page_size) {
            return Err(format!("its write-ahead log has version {} and pages of {page_size} bytes", at(4)));
        }
        let mut sum = checksum((0, 0), &head[..24], big);
        if sum != (at(24), at(28)) {
            return Err("the head of its write-ahead log does not agree with its checksum".to_owned());
        }
        let salts = &head[16..24];
        let mut wal = Self { bytes, page_size, pages: HashMap::new() };
        let mut pending = HashMap::new();
        let mut offset = HEAD as u64;
        while offset < bytes.len() {
            let frame = match exactly(bytes, offset, FRAME_HEAD + page_size, "a frame of its write-ahead log") {
                Ok(frame) => frame,
                Err(why) => return Ok((wal, Some(why))),
            };
            if frame[8..16] != *salts {
                break;
            }
            sum = checksum(checksum(sum, &frame[..8], big), &frame[FRAME_HEAD..], big);
            let at = |offset| be32(&frame, offset).unwrap_or_default();
            if sum != (at(16), at(20)) {
                let why = format!("a frame of its write-ahead log at byte {offset} does not agree with its checksum");
                return Ok((wal, Some(why)));
            }
            pending.insert(at(0), offset + FRAME_HEAD as u64);
            if at(4) != 0 {
                wal.pages.extend(pending.drain());
            }
            offset += (FRAME_HEAD + page_size) as u64;
        }
        let unfinished = "its write-ahead log ends within a transaction".to_owned();
        Ok((wal, (!pending.is_empty()).then_some(unfinished)))
    }

    /// The newest version of a page, if the log has one.
    pub(super) fn page(&self, number: u32) -> Option<Result<Vec<u8>, String>> {
        let offset = self.pages.get(&number)?;
        Some(exactly(self.bytes, *offset, self.page_size, "a frame of its write-ahead log"))
    }

    /// How many pages it has.
    pub(super) fn pages(&self) -> u64 {
        self.pages.len() as u64
    }
}

/// The sum of a log over pairs of numbers, which are big or little endian as its head says.
fn checksum(sum: (u32, u32), bytes: &[u8], big: bool) -> (u32, u32) {
    let number = |at| array(bytes, at).map_or(0, |b| if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) });
    (0..bytes.len() / 8).fold(sum, |(a, b), pair| {
        let a = a.wrapping_add(number(8 * pair)).wrapping_add(b);
        (a, b.wrapping_add(number(8 * pair + 4)).wrapping_add(a))
    })
}
