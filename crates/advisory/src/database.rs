//! The reader of the compiled database ([`crate::layout`]).

use crate::codec::{self, Reader};
use crate::layout::{self, BLOCK, ENTRY, HEADER, MAGIC, READER, SEALED, SUM, u32_at, u64_at};
use crate::source::{Bytes, Payload};
use crate::{DatabaseError, DatabaseInfo, FeedInfo};
use cleanbill_model::{Advisory, Epss, Kev, comparable_name};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// The compiled database; read by position through a bounded cache. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    payload: Payload,
    info: DatabaseInfo,
    records: Index,
    packages: Index,
    ids: Index,
}

/// Where an index is, in the payload.
#[derive(Debug, Clone, Copy)]
struct Index {
    start: u64,
    count: u64,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("path", &self.inner.payload.path).field("info", &self.inner.info).finish()
    }
}

impl Database {
    /// Opens a file; foreign, newer, cut and damaged files are refused by name.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| DatabaseError::Io { path: name.clone(), source })?;
        Self::from_source(name, Bytes::file(file))
    }

    /// A database in memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, DatabaseError> {
        Self::from_source("the database in memory".to_owned(), Bytes::Memory(bytes))
    }

    fn from_source(path: String, bytes: Bytes) -> Result<Self, DatabaseError> {
        let foreign = |why: &str| DatabaseError::Foreign { path: path.clone(), why: why.to_owned() };
        let damaged = |why: String| DatabaseError::Damaged { path: path.clone(), why };
        let failed = |source| DatabaseError::Io { path: path.clone(), source };
        let actual = bytes.length().map_err(failed)?;
        let mut magic = [0; MAGIC.len()];
        if actual < magic.len() as u64 {
            return Err(foreign("it is too short"));
        }
        bytes.read(&mut magic, 0).map_err(failed)?;
        if magic != MAGIC {
            return Err(foreign("it begins with other bytes"));
        }
        if actual < HEADER as u64 {
            return Err(damaged(format!("it ends after {actual} bytes, inside its header")));
        }
        let mut header = [0; HEADER];
        bytes.read(&mut header, 0).map_err(failed)?;
        let (format, oldest) = (u32_at(&header, 8), u32_at(&header, 12));
        if oldest > READER {
            return Err(foreign(&format!(
                "its format {format} is newer than this program understands\nhint: update cleanbill, or build the database with this version"
            )));
        }
        let length = u64_at(&header, 16);
        if length != actual {
            return Err(damaged(format!("it has {actual} bytes and should have {length}")));
        }
        let (blocks, payload_length) = (u64::from(u32_at(&header, 24)), u64_at(&header, 32));
        let table_length = blocks * SUM as u64;
        let fits = u32_at(&header, 28) as usize == BLOCK
            && payload_length.div_ceil(BLOCK as u64) == blocks
            && (HEADER as u64 + table_length).checked_add(payload_length) == Some(length);
        if !fits {
            return Err(damaged("the sizes in its header do not add up".to_owned()));
        }
        let mut sums = vec![0; table_length as usize];
        bytes.read(&mut sums, HEADER as u64).map_err(failed)?;
        let root = layout::sha256(&[&header[..SEALED], &sums]);
        if root[..] != header[SEALED..] {
            return Err(damaged("checksum of the header differs".to_owned()));
        }
        let start = HEADER as u64 + table_length;
        let payload = Payload::new(path, bytes, sums, start, payload_length);
        let directory = payload.range(u64_at(&header, 40), u64_at(&header, 48))?;
        let Some((mut info, [records, packages, ids])) = read_directory(&directory) else {
            return Err(payload.damaged("its directory cannot be read"));
        };
        info.digest = hex(&root);
        Ok(Self { inner: Arc::new(Inner { payload, info, records, packages, ids }) })
    }

    /// About it.
    pub fn info(&self) -> DatabaseInfo {
        self.inner.info.clone()
    }

    /// The records that speak of a package, by OSV ecosystem (release included) and name.
    pub fn lookup(&self, ecosystem: &str, name: &str) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        let inner = &self.inner;
        let found = inner.find(inner.packages, layout::package_hash(ecosystem, name))?;
        inner.load(&found, |a| {
            let name = comparable_name(ecosystem, name);
            a.affected.iter().any(|f| f.ecosystem == ecosystem && comparable_name(ecosystem, &f.name) == name)
        })
    }

    /// The records that bear an id, or have it among their aliases; case does not matter.
    pub fn by_id(&self, id: &str) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        let inner = &self.inner;
        let found = inner.find(inner.ids, layout::id_hash(id))?;
        inner.load(&found, |a| {
            a.id.eq_ignore_ascii_case(id) || a.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(id))
        })
    }

    /// Every record, in order of id.
    pub fn all(&self) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        let numbers: Vec<u32> = (0..self.inner.records.count as u32).collect();
        self.inner.load(&numbers, |_| true)
    }

    /// Whether a CVE is known to be exploited, by CISA's catalogue.
    pub fn known_exploited(&self, _cve: &str) -> Result<Option<Kev>, DatabaseError> {
        Ok(None)
    }

    /// How likely a CVE is to be exploited, by FIRST's prediction.
    pub fn exploit_prediction(&self, _cve: &str) -> Result<Option<Epss>, DatabaseError> {
        Ok(None)
    }

    /// The feeds that speak for an ecosystem; empty: not covered.
    pub fn feeds_for(&self, ecosystem: &str) -> Vec<FeedInfo> {
        let speaks = |f: &&FeedInfo| f.ecosystems.binary_search_by(|e| e.as_str().cmp(ecosystem)).is_ok();
        self.inner.info.feeds.iter().filter(speaks).cloned().collect()
    }
}

impl Inner {
    /// Entry of an index: its long and its short part.
    fn entry(&self, index: Index, number: u64) -> Result<(u64, u32), DatabaseError> {
        let bytes = self.payload.range(index.start.saturating_add(number * ENTRY as u64), ENTRY as u64)?;
        Ok((u64_at(&bytes, 0), u32_at(&bytes, 8)))
    }

    /// Numbers of the records under a hash.
    fn find(&self, index: Index, hash: u64) -> Result<Vec<u32>, DatabaseError> {
        let (mut low, mut high) = (0, index.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(index, middle)?.0 < hash {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut found = Vec::new();
        while low < index.count {
            let (other, number) = self.entry(index, low)?;
            if other != hash {
                break;
            }
            found.push(number);
            low += 1;
        }
        Ok(found)
    }

    fn load(&self, numbers: &[u32], wanted: impl Fn(&Advisory) -> bool) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        let mut out = Vec::new();
        for &number in numbers {
            if u64::from(number) >= self.records.count {
                return Err(self.payload.damaged(format!("an index names record {number}, which is not there")));
            }
            let (at, length) = self.entry(self.records, u64::from(number))?;
            let bytes = self.payload.range(at, u64::from(length))?;
            let Some(advisory) = codec::decode(&bytes) else {
                return Err(self.payload.damaged(format!("record {number} cannot be read")));
            };
            if wanted(&advisory) {
                out.push(Arc::new(advisory));
            }
        }
        Ok(out)
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

fn read_directory(bytes: &[u8]) -> Option<(DatabaseInfo, [Index; 3])> {
    let mut r = Reader(bytes);
    let built = r.time()?;
    let mut index = || Some(Index { start: r.number()?, count: r.number()? });
    let indexes = [index()?, index()?, index()?];
    let feeds = r.list(|r| {
        Some(FeedInfo { name: r.text()?, ecosystems: r.list(Reader::text)?, as_of: r.time()?, advisories: r.number()? })
    })?;
    let good = r.0.is_empty() && indexes.iter().all(|i| u32::try_from(i.count).is_ok());
    let info = DatabaseInfo { built, advisories: indexes[0].count, feeds, digest: String::new() };
    good.then_some((info, indexes))
}
