//! Advisory formats, one file each → one compiled database; its reader. Pure, synchronous.
//!
//! [`import`] reads what publishers give out ([`osv`] and [`debian_tracker`] are the formats' manual
//! pages), [`Database::compile`] makes one file of it, [`Database::open`] reads that by position. How the
//! file is laid out stands in [`layout`].

use std::collections::BTreeMap;

use cleanbill_model::{Advisory, Epss, Kev, Problem, Timestamp};

mod codec;
mod compile;
mod cvss;
mod database;
pub mod debian_tracker;
mod documents;
mod input;
pub mod layout;
pub mod osv;
mod source;

pub use cvss::base_score;
pub use database::Database;
pub use input::import;

/// What an import brought.
#[derive(Debug, Default)]
pub struct Import {
    /// Records.
    pub advisories: Vec<Advisory>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Files that were read.
    pub files: u64,
    /// Known exploited vulnerabilities, by CVE.
    pub known_exploited: BTreeMap<String, Kev>,
    /// Exploit predictions, by CVE.
    pub exploit_prediction: BTreeMap<String, Epss>,
    /// Newest time a feed's records state, by feed.
    pub as_of: BTreeMap<String, Timestamp>,
}

/// About a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseInfo {
    /// When it was built.
    pub built: Option<Timestamp>,
    /// Number of records.
    pub advisories: u64,
    /// Feeds: name, ecosystems, newest record, number of records.
    pub feeds: Vec<FeedInfo>,
    /// SHA-256 in hexadecimal over the header and the SHA-256 of every block, so over the file's whole
    /// content: two files have the same one exactly if they have the same bytes.
    pub digest: String,
}

/// About one feed in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedInfo {
    /// Its name: `osv`, `debian-tracker`.
    pub name: String,
    /// The ecosystems it speaks for, sorted, release included where it has one.
    pub ecosystems: Vec<String>,
    /// Newest record.
    pub as_of: Option<Timestamp>,
    /// Number of records.
    pub advisories: u64,
}

/// A format that advisories come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Name of the feed its records are given.
    pub feed: &'static str,
    /// What it is, one line.
    pub title: &'static str,
}

/// All formats, one line each.
pub const ALL: &[Format] = &[osv::FORMAT, debian_tracker::FORMAT];

/// Whether a feed is a distribution's own: what it says of its packages stands, whatever others say.
pub fn is_distribution_feed(feed: &str) -> bool {
    matches!(feed, "debian-tracker" | "alpine-secdb" | "wolfi")
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not a database of ours, or of a newer format.
    #[error("{path} is not a cleanbill advisory database: {why}")]
    Foreign {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// Cut or damaged.
    #[error("{path} is damaged: {why}\nhint: build it again with `cleanbill db build`")]
    Damaged {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
}
