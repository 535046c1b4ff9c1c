//! Advisory formats, one file each → one compiled database; its reader. Synchronous, without network.
//!
//! [`import`] reads what publishers give out (the modules named in [`ALL`] are the formats' manual pages),
//! [`Database::compile`] makes one file of it, [`Database::open`] reads that by position. How the file is
//! laid out stands in [`layout`]. [`export()`] gives the records back as OSV.

use std::collections::BTreeMap;

use cleanbill_model::{Advisory, Epss, Kev, Problem, Timestamp};

mod cache;
mod codec;
mod compile;
mod cve;
mod cvss;
mod database;
pub mod debian_tracker;
mod documents;
pub mod epss;
pub mod export;
pub mod friendsofphp;
mod input;
pub mod interval;
mod json;
pub mod kev;
pub mod layout;
pub mod node_core;
pub mod osv;
mod ranges;
pub mod retirejs;
pub mod ruby;
pub mod rustsec;
mod search;
pub mod secdb;
mod sink;
mod source;
mod times;
mod verify;
pub mod wolfi;
mod workers;
mod yaml;

pub use cvss::base_score;
pub use database::{Candidate, Database};
pub use export::export;
pub use input::import;
pub use search::{PackageHit, Search};

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
    /// Feeds: name, ecosystems, newest record, number of records. What stands beside the records (`cisa-kev`,
    /// `epss`) is a feed without ecosystems; its number is that of its entries.
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
    /// Whether it is a distribution's own word on its packages.
    pub distribution: bool,
}

/// All formats, one line each.
pub const ALL: &[Format] = &[
    osv::FORMAT,
    debian_tracker::FORMAT,
    secdb::FORMAT,
    secdb::MINIMOS,
    wolfi::FORMAT,
    wolfi::CHAINGUARD,
    rustsec::FORMAT,
    ruby::FORMAT,
    friendsofphp::FORMAT,
    node_core::FORMAT,
    retirejs::FORMAT,
    kev::FORMAT,
    epss::FORMAT,
];

/// Whether a feed is a distribution's own word on its packages, which goes before what others say.
pub fn is_distribution_feed(feed: &str) -> bool {
    ALL.iter().any(|format| format.distribution && format.feed == feed)
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
    /// Whole, and another one than was asked for.
    #[error(
        "{path} has the digest {found} and not {expected}\nhint: fetch it again, or ask its publisher for the digest"
    )]
    Unexpected {
        /// The file.
        path: String,
        /// The digest it should have.
        expected: String,
        /// The one it has.
        found: String,
    },
}
