//! ndb, the database of rpm's own (`lib/backend/ndb/rpmpkg.c`): a head of 32 bytes, then slots of 16
//! bytes in pages of 4096, which say where the header of each package lies; all numbers little endian.
//!
//! A header lies in blocks of 16 bytes, with a head that repeats the package's number and tells its
//! length, and a tail with the Adler-32 sum of all before it.

use cleanbill_image::Bytes;

use super::{HEADER_LIMIT, Reading, exactly, le32};

const DATABASE: u32 = u32::from_le_bytes(*b"RpmP");
const SLOT: u32 = u32::from_le_bytes(*b"Slot");
const START: u32 = u32::from_le_bytes(*b"BlbS");
const END: u32 = u32::from_le_bytes(*b"BlbE");
const HEAD: usize = 32;
const PAGE: u64 = 4096;
const BLOCK: u64 = 16;
/// Heads of blobs, and tails of them.
const BLOB_HEAD: usize = 16;
const BLOB_TAIL: usize = 12;

pub(super) fn read(bytes: &Bytes, reading: &mut Reading<'_>) {
    let pages = match open(bytes) {
        Ok(pages) => pages,
        Err(why) => return reading.damage(why),
    };
    // Headers do not overlap, so together they are no larger than the file.
    let mut left = bytes.len();
    for page in 0..u64::from(pages) {
        let skip = if page == 0 { HEAD } else { 0 };
        let slots = match exactly(bytes, page * PAGE + skip as u64, PAGE as usize - skip, "a page of slots") {
            Ok(slots) => slots,
            Err(why) => return reading.damage(why),
        };
        for slot in slots.chunks_exact(BLOCK as usize) {
            match blob(bytes, slot, &mut left, reading) {
                Ok(Some(header)) => reading.header(&header),
                Ok(None) => {}
                Err(why) => reading.damage(why),
            }
        }
    }
}

/// Checks the head; how many pages of slots there are.
fn open(bytes: &Bytes) -> Result<u32, String> {
    let head = exactly(bytes, 0, HEAD, "the head")?;
    let at = |offset| le32(&head, offset).unwrap_or_default();
    match (at(0), at(4), at(12)) {
        (DATABASE, 0, pages) if pages > 0 => Ok(pages),
        (DATABASE, 0, _) => Err("it has no slots".to_owned()),
        (DATABASE, version, _) => Err(format!("its format has version {version}, which is not known")),
        _ => Err("it does not start as an ndb database does".to_owned()),
    }
}

/// The header that a slot leads to; none for an empty slot.
fn blob(bytes: &Bytes, slot: &[u8], left: &mut u64, reading: &mut Reading<'_>) -> Result<Option<Vec<u8>>, String> {
    let at = |offset| le32(slot, offset).unwrap_or_default();
    let (magic, package, block, blocks) = (at(0), at(4), at(8), at(12));
    if magic != SLOT {
        return Err("a slot does not start as slots do".to_owned());
    }
    if package == 0 {
        return Ok(None);
    }
    let offset = u64::from(block) * BLOCK;
    let head = exactly(bytes, offset, BLOB_HEAD, &format!("the header of package {package}"))?;
    let at = |offset| le32(&head, offset).unwrap_or_default();
    let length = u64::from(at(12));
    if at(0) != START || at(4) != package {
        return Err(format!("where the header of package {package} should be is something else"));
    }
    let room = u64::from(blocks) * BLOCK;
    let needed = length + (BLOB_HEAD + BLOB_TAIL) as u64;
    if length > HEADER_LIMIT || needed.div_ceil(BLOCK) * BLOCK != room {
        return Err(format!("the header of package {package} claims {length} bytes in {blocks} blocks"));
    }
    *left = left.checked_sub(room).ok_or_else(|| format!("the header of package {package} overlaps others"))?;
    let whole = exactly(bytes, offset, room as usize, &format!("the header of package {package}"))?;
    let (start, tail) = whole.split_at(whole.len() - BLOB_TAIL);
    let at = |offset| le32(tail, offset).unwrap_or_default();
    // rpm reads on where only the sum is wrong.
    if u64::from(at(4)) != length || at(8) != END || at(0) != adler32(start) {
        reading.damage(format!("the header of package {package} does not agree with its checksum"));
    }
    Ok(start.get(BLOB_HEAD..BLOB_HEAD + length as usize).map(<[u8]>::to_vec))
}

/// Adler-32 (RFC 1950).
fn adler32(bytes: &[u8]) -> u32 {
    const BASE: u32 = 65521;
    let (mut a, mut b) = (1, 0);
    // As many as can be added before either overflows.
    for chunk in bytes.chunks(5552) {
        for byte in chunk {
            a += u32::from(*byte);
            b += a;
        }
        a %= BASE;
        b %= BASE;
    }
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_rfc_1950() {
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(adler32(&[]), 1);
        assert_eq!(adler32(&vec![0xff; 100_000]), 0x149a_302c);
    }
}
