//! How a database file is laid out. All integers are little-endian.
//!
//! ```text
//! header, 88 bytes     0  magic, 8 bytes           8  format of the file, u32
//!                     12  oldest reader, u32      16  length of the file, u64
//!                     24  number of blocks, u32   28  bytes a block, u32
//!                     32  bytes of payload, u64   40  offset of the directory in the payload, u64
//!                     48  its length, u64         56  SHA-256 over bytes 0..56 and the table of blocks
//! table of blocks          SHA-256 of every block of the payload, 32 bytes each
//! payload                  packages · names · records · indexes · directory
//! ```
//!
//! The header vouches for the table and the table for every block, and a block is only used after its
//! SHA-256 was compared: a flipped bit anywhere is either noticed when the file is opened or when the
//! block it is in is read. Opening reads header, table and directory, whatever the size of the rest.
//!
//! What is needed to decide about a package is apart from what is told of a vulnerability, and packages of
//! one ecosystem lie side by side, so that an image's packages are decided with few blocks:
//!
//! * packages, in order of ecosystem and name: how many entries, and each entry: number of the record,
//!   whether that is withdrawn, what it says of the package (`codec.rs`);
//! * names: ecosystem and name of each package, in the same order;
//! * records, in order of id and feed, without repetition: all but what is affected, and for each of those
//!   the number of the package, and where in that package the entry is and how long.
//!
//! Indexes have entries of 16 bytes: a key (u64) and two numbers (u32).
//!
//! | index | key | first number | second number |
//! |---|---|---|---|
//! | packages | offset | length | offset of the name in names |
//! | records | offset | length | 0 |
//! | packages by name | hash of ecosystem, zero byte, name | number of the package | 0 |
//! | records by id | hash of id or alias in upper case | number of the record | 0 |
//! | known exploited | CVE: year << 48, number | day added, YYYYMMDD | day due or 0, highest bit: ransomware |
//! | exploit prediction | CVE | score, in parts of 10⁹ | percentile, the same |
//!
//! The last four are sorted. The directory says when it was built, where names and indexes are, and which
//! feeds there are. The hash is the first eight bytes of the SHA-256; whoever finds something by it
//! compares the real name.
//!
//! Format 1 had no packages apart and nothing about exploitation; it is no longer read.

use sha2::{Digest as _, Sha256};

/// First bytes of a database file.
pub const MAGIC: [u8; 8] = *b"\x89CBADV\r\n";
/// Format that is written.
pub const FORMAT: u32 = 2;
/// The newest format's oldest reader that this program is.
pub const READER: u32 = 2;
/// The oldest format that is read.
pub const OLDEST: u32 = 2;

pub(crate) const HEADER: usize = 88;
pub(crate) const SEALED: usize = 56;
pub(crate) const SUM: usize = 32;
pub(crate) const BLOCK: usize = 16 << 10;
/// Bytes of an entry of any index.
pub(crate) const ENTRY: usize = 16;

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
