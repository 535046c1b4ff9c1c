//! How a database file is laid out. All integers are little-endian.
//!
//! ```text
//! header, 88 bytes     0  magic, 8 bytes           8  format of the file, u32
//!                     12  oldest reader, u32      16  length of the file, u64
//!                     24  number of blocks, u32   28  bytes a block, u32
//!                     32  bytes of payload, u64   40  offset of the directory in the payload, u64
//!                     48  its length, u64         56  SHA-256 over bytes 0..56 and the table of blocks
//! table of blocks          SHA-256 of every block of the payload, 32 bytes each
//! payload                  records · index of records · index of packages · index of ids · directory
//! ```
//!
//! The header vouches for the table and the table for every block, and a block is only used after its
//! SHA-256 was compared: a flipped bit anywhere is either noticed when the file is opened or when the
//! block it is in is read. Opening reads header, table and directory, whatever the size of the rest.
//!
//! * records, in order of id and feed, without repetition: see `codec.rs`;
//! * index of records: for each record offset (u64) and length (u32);
//! * index of packages: hash (u64) of ecosystem, zero byte, name; number (u32) of a record; sorted;
//! * index of ids: the same for ids and aliases in upper case;
//! * directory: when built, feeds, and where the indexes are.
//!
//! The hash is the first eight bytes of the SHA-256. Whoever finds a record by it compares the real name.

use sha2::{Digest as _, Sha256};

/// First bytes of a database file.
pub const MAGIC: [u8; 8] = *b"\x89CBADV\r\n";
/// Format that is written.
pub const FORMAT: u32 = 1;
/// The newest format's oldest reader that this program is.
pub const READER: u32 = 1;

pub(crate) const HEADER: usize = 88;
pub(crate) const SEALED: usize = 56;
pub(crate) const SUM: usize = 32;
pub(crate) const BLOCK: usize = 64 << 10;
/// Bytes of an entry of any index.
pub(crate) const ENTRY: usize = 12;

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; SUM] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn short_hash(parts: &[&[u8]]) -> u64 {
    let sum = sha256(parts);
    u64_at(&sum, 0)
}

/// Of a package's name in the spelling that is compared.
pub(crate) fn package_hash(ecosystem: &str, name: &str) -> u64 {
    short_hash(&[ecosystem.as_bytes(), &[0], cleanbill_model::comparable_name(ecosystem, name).as_bytes()])
}

pub(crate) fn id_hash(id: &str) -> u64 {
    short_hash(&[id.to_ascii_uppercase().as_bytes()])
}

/// The integer at `at`; zero beyond the end, which no caller relies on.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}
