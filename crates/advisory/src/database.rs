//! The reader of the compiled database ([`crate::layout`]).

use crate::cache::Cache;
use crate::codec::{self, Reader};
use crate::compile::RANSOMWARE;
use crate::layout::{self, BLOCK, HEADER, MAGIC, OLDEST, READER, SEALED, SUM, u32_at, u64_at};
use crate::source::{Bytes, Entry, Index, Payload};
use crate::{DatabaseError, DatabaseInfo, FeedInfo, cve, epss};
use cleanbill_model::{Advisory, Affected, Epss, Kev, comparable_name};
use jiff::civil::Date;
use std::cmp::Ordering;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Bytes, as they are in the file, of packages and of records that are kept decoded.
const KEPT: usize = 8 << 20;

/// The compiled database; read by position through a bounded cache. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) payload: Payload,
    pub(crate) info: DatabaseInfo,
    pub(crate) at: Directory,
    packages: Cache<u32, Arc<[Candidate]>>,
    records: Cache<u32, Arc<Advisory>>,
}

/// What one record says of one package, without what is told of the vulnerability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    record: u32,
    /// Whether the record is withdrawn; then it matches nothing.
    pub withdrawn: bool,
    /// What it says of the package.
    pub affected: Affected,
}

/// Where everything is, in the payload.
pub(crate) struct Directory {
    names: (u64, u64),
    pub(crate) packages: Index,
    pub(crate) records: Index,
    by_name: Index,
    by_id: Index,
    pub(crate) exploited: Index,
    pub(crate) predicted: Index,
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
        if format < OLDEST {
            return Err(foreign(&format!(
                "its format {format} is older than this program reads\nhint: build it again with `cleanbill db build`"
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
        let read = payload.with(u64_at(&header, 40), u64_at(&header, 48), read_directory)?;
        let Some((mut info, at)) = read else {
            return Err(payload.damaged("its directory cannot be read"));
        };
        info.digest = hex(&root);
        let inner = Inner { payload, info, at, packages: Cache::new(KEPT), records: Cache::new(KEPT) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// About it.
    pub fn info(&self) -> DatabaseInfo {
        self.inner.info.clone()
    }

    /// What records say of a package, by OSV ecosystem (release included) and name in any spelling that
    /// compares equal, in order of record.
    /// Reads no more than that; [`Database::record`] gives the rest of those that matter.
    pub fn candidates(&self, ecosystem: &str, name: &str) -> Result<Arc<[Candidate]>, DatabaseError> {
        let inner = &self.inner;
        let mut found: Vec<Arc<[Candidate]>> = Vec::new();
        for entry in inner.found(inner.at.by_name, layout::package_hash(ecosystem, name), true)? {
            if inner.is_named(entry.first, ecosystem, name)? {
                found.push(inner.package(entry.first)?);
            }
        }
        Ok(match found.as_slice() {
            [] => Arc::default(),
            [one] => one.clone(),
            // Feeds spell it in several ways.
            several => {
                let mut all: Vec<Candidate> = several.iter().flat_map(|c| c.iter().cloned()).collect();
                all.sort_by_key(|candidate| candidate.record);
                all.into()
            }
        })
    }

    /// The record that a candidate is of.
    pub fn record(&self, candidate: &Candidate) -> Result<Arc<Advisory>, DatabaseError> {
        self.inner.record(candidate.record)
    }

    /// The records that speak of a package, by OSV ecosystem (release included) and name.
    pub fn lookup(&self, ecosystem: &str, name: &str) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        let candidates = self.candidates(ecosystem, name)?;
        let mut numbers: Vec<u32> = candidates.iter().map(|c| c.record).collect();
        numbers.dedup();
        numbers.into_iter().map(|number| self.inner.record(number)).collect()
    }

    /// The records that bear an id, or have it among their aliases or the vulnerabilities they are about;
    /// case does not matter.
    pub fn by_id(&self, id: &str) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        let inner = &self.inner;
        let mut out = Vec::new();
        for entry in inner.found(inner.at.by_id, layout::id_hash(id), true)? {
            let record = inner.record(entry.first)?;
            let mut names = std::iter::once(&record.id).chain(&record.aliases).chain(&record.upstream);
            if names.any(|name| name.eq_ignore_ascii_case(id)) {
                out.push(record);
            }
        }
        Ok(out)
    }

    /// Every record, in order of id.
    pub fn all(&self) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        (0..self.inner.at.records.count as u32).map(|number| self.inner.read_record(number).map(Arc::new)).collect()
    }

    /// What CISA's catalogue of known exploited vulnerabilities says of a CVE.
    pub fn known_exploited(&self, cve: &str) -> Result<Option<Kev>, DatabaseError> {
        let Some(entry) = self.inner.of_cve(self.inner.at.exploited, cve)? else { return Ok(None) };
        self.inner.kev(entry).map(Some)
    }

    /// How likely a CVE is to be exploited, by FIRST's prediction.
    pub fn exploit_prediction(&self, cve: &str) -> Result<Option<Epss>, DatabaseError> {
        Ok(self.inner.of_cve(self.inner.at.predicted, cve)?.map(prediction))
    }

    /// The feeds that speak for an ecosystem; empty: not covered.
    pub fn feeds_for(&self, ecosystem: &str) -> Vec<FeedInfo> {
        let speaks = |f: &&FeedInfo| f.ecosystems.binary_search_by(|e| e.as_str().cmp(ecosystem)).is_ok();
        self.inner.info.feeds.iter().filter(speaks).cloned().collect()
    }

    /// Whether several feeds speak for an ecosystem.
    pub fn has_several_feeds(&self, ecosystem: &str) -> bool {
        let speaks = |f: &&FeedInfo| f.ecosystems.binary_search_by(|e| e.as_str().cmp(ecosystem)).is_ok();
        self.inner.info.feeds.iter().filter(speaks).nth(1).is_some()
    }
}

/// A prediction from its entry.
pub(crate) fn prediction(entry: Entry) -> Epss {
    let share = |parts: u32| f64::from(parts) / epss::PARTS;
    Epss { score: share(entry.first), percentile: share(entry.second) }
}

impl Inner {
    /// Number of the first entry whose key is not below `key`. Hashes are spread evenly, so that the
    /// first guess is mostly right.
    fn lower_bound(&self, index: Index, key: u64, even: bool) -> Result<u64, DatabaseError> {
        let (mut low, mut high) = (0, index.count);
        let mut middle = if even { ((u128::from(key) * u128::from(index.count)) >> 64) as u64 } else { high / 2 };
        while low < high {
            let (bytes, range) = self.payload.entries(index, middle)?;
            let key_at = |number: u64| Entry::at(&bytes, index, number).key;
            let (first, end) = (range.start.max(low), range.end.min(high));
            if key_at(first) >= key {
                high = first;
            } else if key_at(end - 1) < key {
                low = end;
            } else {
                let (mut low, mut high) = (first, end);
                while low < high {
                    let middle = low + (high - low) / 2;
                    if key_at(middle) < key { low = middle + 1 } else { high = middle }
                }
                return Ok(low);
            }
            middle = low + (high - low) / 2;
        }
        Ok(low)
    }

    /// The entries with a key.
    fn found(&self, index: Index, key: u64, even: bool) -> Result<Vec<Entry>, DatabaseError> {
        let mut number = self.lower_bound(index, key, even)?;
        let mut found = Vec::new();
        while number < index.count {
            let entry = self.payload.entry(index, number)?;
            if entry.key != key {
                break;
            }
            found.push(entry);
            number += 1;
        }
        Ok(found)
    }

    fn of_cve(&self, index: Index, id: &str) -> Result<Option<Entry>, DatabaseError> {
        let Some(key) = cve::key(id) else { return Ok(None) };
        Ok(self.found(index, key, false)?.first().copied())
    }

    pub(crate) fn kev(&self, entry: Entry) -> Result<Kev, DatabaseError> {
        let day = |number: u32| {
            let part = |number: u32| i8::try_from(number % 100).ok();
            let date = Date::new(i16::try_from(number / 10_000).ok()?, part(number / 100)?, part(number)?);
            date.ok()
        };
        let due = entry.second & !RANSOMWARE;
        let read = day(entry.first).and_then(|added| {
            let due = if due == 0 { None } else { Some(day(due)?) };
            Some(Kev { added, due, ransomware: entry.second & RANSOMWARE != 0 })
        });
        read.ok_or_else(|| self.payload.damaged(format!("the entry of {} cannot be read", cve::id(entry.key))))
    }

    fn package_entry(&self, number: u32) -> Result<Entry, DatabaseError> {
        if u64::from(number) >= self.at.packages.count {
            return Err(self.payload.damaged(format!("it names package {number}, which is not there")));
        }
        self.payload.entry(self.at.packages, u64::from(number))
    }

    /// Hands over ecosystem and name of a package.
    fn with_name<T>(&self, entry: Entry, read: impl FnOnce(&str, &str) -> T) -> Result<T, DatabaseError> {
        let (start, length) = self.at.names;
        let at = u64::from(entry.second);
        // Names are short: what is beyond is not needed, and where it is, the whole rest is taken.
        let rest = length.saturating_sub(at);
        let mut read = Some(read);
        for window in [rest.min(256), rest] {
            let found = self.payload.with(start.saturating_add(at), window, |bytes| {
                let mut reader = Reader(bytes);
                let (ecosystem, name) = (reader.str()?, reader.str()?);
                read.take().map(|read| read(ecosystem, name))
            })?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Err(self.payload.damaged("the name of a package cannot be read"))
    }

    fn is_named(&self, number: u32, ecosystem: &str, name: &str) -> Result<bool, DatabaseError> {
        let name = comparable_name(ecosystem, name);
        self.with_name(self.package_entry(number)?, |e, n| e == ecosystem && comparable_name(e, n) == name)
    }

    /// Ecosystem, name and number of entries of a package.
    pub(crate) fn package_name(&self, number: u32) -> Result<(String, String), DatabaseError> {
        self.with_name(self.package_entry(number)?, |e, n| (e.to_owned(), n.to_owned()))
    }

    /// Everything that is said of a package.
    pub(crate) fn package(&self, number: u32) -> Result<Arc<[Candidate]>, DatabaseError> {
        if let Some(package) = self.packages.get(number) {
            return Ok(package);
        }
        let entry = self.package_entry(number)?;
        let (ecosystem, name) = self.package_name(number)?;
        let read = self.payload.with(entry.key, u64::from(entry.first), |bytes| {
            let mut r = Reader(bytes);
            let entries = r.list(|r| {
                let (record, withdrawn, affected) = codec::decode_entry(r, &ecosystem, &name)?;
                Some(Candidate { record, withdrawn, affected })
            })?;
            r.0.is_empty().then_some(entries)
        })?;
        let package: Arc<[Candidate]> = read
            .ok_or_else(|| self.payload.damaged(format!("what it says of {name} in {ecosystem} cannot be read")))?
            .into();
        self.packages.insert(number, package.clone(), entry.first as usize);
        Ok(package)
    }

    pub(crate) fn record(&self, number: u32) -> Result<Arc<Advisory>, DatabaseError> {
        if let Some(record) = self.records.get(number) {
            return Ok(record);
        }
        let record = Arc::new(self.read_record(number)?);
        let length: usize = record.affected.iter().map(|a| 64 + a.versions.len() * 8).sum();
        self.records.insert(number, record.clone(), 256 + length);
        Ok(record)
    }

    pub(crate) fn read_record(&self, number: u32) -> Result<Advisory, DatabaseError> {
        if u64::from(number) >= self.at.records.count {
            return Err(self.payload.damaged(format!("it names record {number}, which is not there")));
        }
        let unreadable = || self.payload.damaged(format!("record {number} cannot be read"));
        let entry = self.payload.entry(self.at.records, u64::from(number))?;
        let read = self.payload.with(entry.key, u64::from(entry.first), codec::decode)?;
        let (mut advisory, places) = read.ok_or_else(unreadable)?;
        for place in places {
            let package = self.package_entry(place.package)?;
            let (ecosystem, name) = self.package_name(place.package)?;
            let at = package.key.saturating_add(u64::from(place.at));
            let read = self.payload.with(at, u64::from(place.length), |bytes| {
                let mut r = Reader(bytes);
                let (record, _, affected) = codec::decode_entry(&mut r, &ecosystem, &name)?;
                (r.0.is_empty() && record == number).then_some(affected)
            })?;
            advisory.affected.push(read.ok_or_else(unreadable)?);
        }
        Ok(advisory)
    }
}

/// What a search looks at of a record: its names.
pub(crate) fn names_in(bytes: &[u8], mut wanted: impl FnMut(&str) -> Ordering) -> Option<Ordering> {
    let mut r = Reader(bytes);
    let mut best = wanted(r.str()?);
    for _ in 0..2 {
        for _ in 0..r.number()? {
            best = best.max(wanted(r.str()?));
        }
    }
    Some(best)
}

fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

fn read_directory(bytes: &[u8]) -> Option<(DatabaseInfo, Directory)> {
    let mut r = Reader(bytes);
    let built = r.time()?;
    let names = (r.number()?, r.number()?);
    let mut index = || Some(Index { start: r.number()?, count: r.number()? });
    let indexes = [index()?, index()?, index()?, index()?, index()?, index()?];
    let feeds = r.list(|r| {
        Some(FeedInfo { name: r.text()?, ecosystems: r.list(Reader::text)?, as_of: r.time()?, advisories: r.number()? })
    })?;
    let aligned = |i: &Index| u32::try_from(i.count).is_ok() && i.start.is_multiple_of(layout::ENTRY as u64);
    let good = r.0.is_empty() && indexes.iter().all(aligned);
    let [packages, records, by_name, by_id, exploited, predicted] = indexes;
    let info = DatabaseInfo { built, advisories: records.count, feeds, digest: String::new() };
    good.then_some((info, Directory { names, packages, records, by_name, by_id, exploited, predicted }))
}
