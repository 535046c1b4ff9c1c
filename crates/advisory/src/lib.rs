//! Advisory formats, one file each → one compiled database; its reader. Pure, synchronous.
use cleanbill_model::{Advisory, Problem, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What an import brought.
#[derive(Debug, Default)]
pub struct Import {
    /// Records.
    pub advisories: Vec<Advisory>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Files that were read.
    pub files: u64,
    /// Newest time a feed's records state, by feed.
    pub as_of: std::collections::BTreeMap<String, Timestamp>,
}

/// Reads files and folders (recursively) whose formats are told by content: OSV (one record, a list, JSON
/// lines, `{"vulns":[…]}`), the Debian tracker's JSON export; each also under gzip or zstd, and in a
/// tar of either. A file in no known form is a problem.
pub fn import(_paths: &[PathBuf]) -> Result<Import, DatabaseError> { todo!() }

/// About a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseInfo {
    /// When it was built.
    pub built: Option<Timestamp>,
    /// Number of records.
    pub advisories: u64,
    /// Feeds: name, ecosystems, newest record, number of records.
    pub feeds: Vec<FeedInfo>,
    /// SHA-256 of the file's content, in hexadecimal.
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

/// The compiled database; read by position through a bounded cache. Cheap to clone.
#[derive(Clone)]
pub struct Database {}

impl Database {
    /// Compiles records into the bytes of a database file. `built` is the time to state.
    pub fn compile(_import: &Import, _built: Option<Timestamp>) -> Vec<u8> { todo!() }
    /// Writes a file whole: beside, synced, then renamed.
    pub fn write(_bytes: &[u8], _to: &Path) -> Result<(), DatabaseError> { todo!() }
    /// Opens a file; foreign, newer, cut and damaged files are refused by name.
    pub fn open(_path: &Path) -> Result<Self, DatabaseError> { todo!() }
    /// A database in memory.
    pub fn from_bytes(_bytes: Vec<u8>) -> Result<Self, DatabaseError> { todo!() }
    /// About it.
    pub fn info(&self) -> DatabaseInfo { todo!() }
    /// The records that speak of a package, by OSV ecosystem (release included) and name.
    pub fn lookup(&self, _ecosystem: &str, _name: &str) -> Result<Vec<Arc<Advisory>>, DatabaseError> { todo!() }
    /// The records that bear an id, or have it among their aliases.
    pub fn by_id(&self, _id: &str) -> Result<Vec<Arc<Advisory>>, DatabaseError> { todo!() }
    /// Every record, in order of id.
    pub fn all(&self) -> Result<Vec<Arc<Advisory>>, DatabaseError> { todo!() }
    /// The feeds that speak for an ecosystem; empty: not covered.
    pub fn feeds_for(&self, _ecosystem: &str) -> Vec<FeedInfo> { todo!() }
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io { /** The file. */ path: String, /** Why. */ #[source] source: std::io::Error },
    /// Not a database of ours, or of a newer format.
    #[error("{path} is not a cleanbill advisory database: {why}")]
    Foreign { /** The file. */ path: String, /** Why. */ why: String },
    /// Cut or damaged.
    #[error("{path} is damaged: {why}")]
    Damaged { /** The file. */ path: String, /** Why. */ why: String },
}
