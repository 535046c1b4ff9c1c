//! Records → the bytes of a database file ([`crate::layout`]). The same records give the same bytes,
//! in whatever order they come.

use crate::codec::{self, Place, Writer};
use crate::database::Database;
use crate::interval::without_what_ranges_say;
use crate::layout::{self, BLOCK, ENTRY, FORMAT, MAGIC, READER};
use crate::{DatabaseError, Import, cve, epss, kev};
use cleanbill_model::{Advisory, Affected, Kev, Timestamp};
use jiff::civil::Date;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

/// Marks an exploited CVE that ransomware uses.
pub(crate) const RANSOMWARE: u32 = 1 << 31;

/// Entries of an index before they are bytes.
type Entries = Vec<(u64, u32, u32)>;

impl Database {
    /// Compiles records into the bytes of a database file. `built` is the time to state. Of two records
    /// of one feed with the same id the one that changed last stays; where they do not say when, they
    /// are put together (one tracker's export in several files). What an older state says of releases of a
    /// distribution that the newer is silent about is kept.
    pub fn compile(import: &Import, built: Option<Timestamp>) -> Vec<u8> {
        let records = unique(&import.advisories);
        let mut packages: BTreeMap<(&str, &str), Vec<(usize, usize, &Affected)>> = BTreeMap::new();
        for (number, record) in records.iter().enumerate() {
            for (position, affected) in record.affected.iter().enumerate() {
                let entries = packages.entry((&affected.ecosystem, &affected.name)).or_default();
                entries.push((number, position, affected));
            }
        }
        let mut payload = Writer::default();
        let mut places: Vec<Vec<Place>> = records.iter().map(|r| vec![Place::default(); r.affected.len()]).collect();
        let mut indexes: [Entries; 6] = Default::default();
        let [package_table, record_table, by_name, by_id, exploited, predicted] = &mut indexes;
        let mut names = Writer::default();
        for (number, ((ecosystem, name), entries)) in packages.into_iter().enumerate() {
            let (number, start) = (number as u32, payload.0.len());
            payload.number(entries.len() as u64);
            for (record, position, affected) in entries {
                let at = payload.0.len();
                let affected = without_what_ranges_say(affected);
                codec::encode_entry(&mut payload, record as u32, records[record].withdrawn.is_some(), &affected);
                let length = (payload.0.len() - at) as u32;
                places[record][position] = Place { package: number, at: (at - start) as u32, length };
            }
            package_table.push((start as u64, (payload.0.len() - start) as u32, names.0.len() as u32));
            names.text(ecosystem);
            names.text(name);
            by_name.push((layout::package_hash(ecosystem, name), number, 0));
        }
        let names_at = payload.0.len() as u64;
        let names_length = names.0.len() as u64;
        payload.0.append(&mut names.0);
        let feeds = Feeds::of(&records, import, built);
        for (number, (record, places)) in records.iter().zip(places).enumerate() {
            let bytes = codec::encode(record, &places);
            record_table.push((payload.0.len() as u64, bytes.len() as u32, 0));
            payload.0.extend_from_slice(&bytes);
            let ids: BTreeSet<u64> = names_of(record).map(layout::id_hash).collect();
            by_id.extend(ids.into_iter().map(|hash| (hash, number as u32, 0)));
        }
        exploited.extend(import.known_exploited.iter().filter_map(|(id, kev)| {
            let (added, due) = days(kev);
            Some((cve::key(id)?, added, due))
        }));
        predicted.extend(import.exploit_prediction.iter().filter_map(|(id, epss)| {
            let parts = |value: f64| (value.clamp(0.0, 1.0) * epss::PARTS).round() as u32;
            Some((cve::key(id)?, parts(epss.score), parts(epss.percentile)))
        }));
        for sorted in [by_name, by_id, exploited, predicted] {
            sorted.sort_unstable();
        }
        finish(payload, built, [names_at, names_length], indexes, &feeds)
    }

    /// Writes a file whole: beside, synced, then renamed.
    pub fn write(bytes: &[u8], to: &Path) -> Result<(), DatabaseError> {
        let folder = match to.parent() {
            Some(p) if !p.as_os_str().is_empty() => p,
            _ => Path::new("."),
        };
        let name = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let beside = folder.join(format!(".{name}.{}.part", std::process::id()));
        let failed = |path: &Path, source| DatabaseError::Io { path: path.display().to_string(), source };
        let written = (|| {
            let mut file = std::fs::File::create(&beside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&beside, to)
        })();
        if let Err(source) = written {
            let _ = std::fs::remove_file(&beside);
            return Err(failed(to, source));
        }
        // The name is durable once the folder is; where folders cannot be synced the file is still whole.
        if let Ok(folder) = std::fs::File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

/// All names a record is found by.
fn names_of(record: &Advisory) -> impl Iterator<Item = &str> {
    std::iter::once(&record.id).chain(&record.aliases).chain(&record.upstream).map(String::as_str)
}

/// A day as a number: 20240131.
fn day(date: Date) -> u32 {
    let year = u32::from(date.year().unsigned_abs());
    year * 10_000 + u32::from(date.month().unsigned_abs()) * 100 + u32::from(date.day().unsigned_abs())
}

fn days(kev: &Kev) -> (u32, u32) {
    let due = kev.due.map_or(0, day);
    (day(kev.added), if kev.ransomware { due | RANSOMWARE } else { due })
}

/// What is said of a feed.
#[derive(Default)]
struct Feed<'a> {
    ecosystems: BTreeSet<&'a str>,
    newest: Option<Timestamp>,
    count: u64,
}

struct Feeds<'a>(BTreeMap<&'a str, Feed<'a>>);

impl<'a> Feeds<'a> {
    fn of(records: &'a [Cow<'_, Advisory>], import: &'a Import, built: Option<Timestamp>) -> Self {
        let mut feeds: BTreeMap<&str, Feed<'_>> = BTreeMap::new();
        for record in records {
            let feed = feeds.entry(&record.feed).or_default();
            // Times in the future, which some records state, must not make a feed look fresh.
            let past = |time: &Timestamp| built.is_none_or(|built| *time <= built);
            feed.newest = feed.newest.max(record.modified.filter(past));
            feed.count += 1;
            feed.ecosystems.extend(record.affected.iter().map(|a| a.ecosystem.as_str()));
        }
        let cves = |keys: &mut dyn Iterator<Item = &String>| keys.filter(|id| cve::key(id).is_some()).count() as u64;
        for (name, count) in [
            (kev::FORMAT.feed, cves(&mut import.known_exploited.keys())),
            (epss::FORMAT.feed, cves(&mut import.exploit_prediction.keys())),
        ] {
            if count > 0 {
                feeds.entry(name).or_default().count += count;
            }
        }
        for (name, feed) in &mut feeds {
            let stated = import.as_of.get(*name).copied();
            feed.newest = feed.newest.max(stated.filter(|time| built.is_none_or(|built| *time <= built)));
        }
        Self(feeds)
    }
}

fn finish(
    mut payload: Writer,
    built: Option<Timestamp>,
    names: [u64; 2],
    indexes: [Entries; 6],
    feeds: &Feeds<'_>,
) -> Vec<u8> {
    let mut directory = Writer::default();
    directory.time(built);
    directory.number(names[0]);
    directory.number(names[1]);
    // No entry crosses a block.
    payload.0.resize(payload.0.len().next_multiple_of(ENTRY), 0);
    for entries in indexes {
        directory.number(payload.0.len() as u64);
        directory.number(entries.len() as u64);
        for (key, first, second) in entries {
            payload.0.extend_from_slice(&key.to_le_bytes());
            payload.0.extend_from_slice(&first.to_le_bytes());
            payload.0.extend_from_slice(&second.to_le_bytes());
        }
    }
    let feeds: Vec<_> = feeds.0.iter().collect();
    directory.list(&feeds, |w, (name, feed)| {
        w.text(name);
        let ecosystems: Vec<_> = feed.ecosystems.iter().collect();
        w.list(&ecosystems, |w, e| w.text(e));
        w.time(feed.newest);
        w.number(feed.count);
    });
    let directory_at = payload.0.len() as u64;
    payload.0.extend_from_slice(&directory.0);
    seal(&payload.0, directory_at, directory.0.len() as u64)
}

/// The records in order of id and feed, each once, its names sorted.
fn unique(advisories: &[Advisory]) -> Vec<Cow<'_, Advisory>> {
    let mut sorted: Vec<&Advisory> = advisories.iter().collect();
    // The newest state of a record first; the order of states of one time does not matter.
    sorted.sort_by(|a, b| (&a.id, &a.feed).cmp(&(&b.id, &b.feed)).then(b.modified.cmp(&a.modified)));
    let mut records: Vec<Cow<'_, Advisory>> = Vec::with_capacity(sorted.len());
    for states in sorted.chunk_by(|a, b| a.id == b.id && a.feed == b.feed) {
        let mut moments = states.chunk_by(|a, b| a.modified == b.modified).map(|same| {
            let mut same = same.iter();
            let mut state = same.next().map(|first| Cow::Borrowed(*first));
            for other in same {
                if let Some(state) = state.as_mut().filter(|state| ***state != **other) {
                    join(state.to_mut(), other);
                }
            }
            state
        });
        let Some(mut record) = moments.next().flatten() else { continue };
        for older in moments.flatten() {
            keep_releases(&mut record, &older);
        }
        if !record.aliases.is_sorted_by(|a, b| a < b) {
            let record = record.to_mut();
            record.aliases.sort();
            record.aliases.dedup();
        }
        records.push(record);
    }
    records
}

/// Some distributions give out an erratum once for each release, under one id and with different times
/// (AlmaLinux): what an older state says of releases that the newer does not speak of still stands.
fn keep_releases(record: &mut Cow<'_, Advisory>, older: &Advisory) {
    let spoken: BTreeSet<&str> = record.affected.iter().map(|a| a.ecosystem.as_str()).collect();
    let kept = |a: &&Affected| a.ecosystem.contains(':') && !spoken.contains(a.ecosystem.as_str());
    let kept: Vec<Affected> = older.affected.iter().filter(kept).cloned().collect();
    if kept.is_empty() || older.withdrawn.is_some() {
        return;
    }
    let record = record.to_mut();
    record.affected.extend(kept);
    record.aliases.extend(older.aliases.iter().cloned());
    record.upstream.extend(older.upstream.iter().cloned());
    record.upstream.sort();
    record.upstream.dedup();
}

/// Puts two states of one record together, whichever comes first.
fn join(into: &mut Advisory, other: &Advisory) {
    into.aliases.extend(other.aliases.iter().cloned());
    into.upstream.extend(other.upstream.iter().cloned());
    into.upstream.sort();
    into.upstream.dedup();
    into.summary = std::cmp::max(&into.summary, &other.summary).clone();
    into.severity = into.severity.max(other.severity);
    for cvss in &other.cvss {
        if !into.cvss.contains(cvss) {
            into.cvss.push(cvss.clone());
        }
    }
    into.cvss.sort_by(|a, b| a.vector.cmp(&b.vector));
    into.published = [into.published, other.published].into_iter().flatten().min();
    // Withdrawn only if both are: a record that still stands is not hidden by one that does not.
    into.withdrawn = into.withdrawn.zip(other.withdrawn).map(|(a, b)| a.max(b));
    for affected in &other.affected {
        if !into.affected.contains(affected) {
            into.affected.push(affected.clone());
        }
    }
    into.affected.sort_by_cached_key(|a| (a.ecosystem.clone(), a.name.clone(), format!("{a:?}")));
}

fn seal(payload: &[u8], directory_at: u64, directory_length: u64) -> Vec<u8> {
    let sums: Vec<u8> = payload.chunks(BLOCK).flat_map(|block| layout::sha256(&[block])).collect();
    let blocks = (sums.len() / layout::SUM) as u32;
    let length = (layout::HEADER + sums.len() + payload.len()) as u64;
    let mut out = Vec::with_capacity(length as usize);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    out.extend_from_slice(&READER.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&blocks.to_le_bytes());
    out.extend_from_slice(&(BLOCK as u32).to_le_bytes());
    out.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    out.extend_from_slice(&directory_at.to_le_bytes());
    out.extend_from_slice(&directory_length.to_le_bytes());
    let root = layout::sha256(&[&out, &sums]);
    out.extend_from_slice(&root);
    out.extend_from_slice(&sums);
    out.extend_from_slice(payload);
    out
}
