//! Records → the bytes of a database file ([`crate::layout`]). The same records give the same bytes,
//! in whatever order they come.

use crate::codec::{self, Writer};
use crate::database::Database;
use crate::layout::{self, BLOCK, FORMAT, MAGIC, READER};
use crate::{DatabaseError, Import};
use cleanbill_model::{Advisory, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

impl Database {
    /// Compiles records into the bytes of a database file. `built` is the time to state. Of two records
    /// of one feed with the same id the one that changed last stays; where they do not say when, they
    /// are put together (one tracker's export in several files).
    pub fn compile(import: &Import, built: Option<Timestamp>) -> Vec<u8> {
        let records = unique(&import.advisories);
        let mut payload = Vec::new();
        let mut places = Vec::new();
        let mut packages = BTreeSet::new();
        let mut ids = BTreeSet::new();
        let mut feeds: BTreeMap<&str, (BTreeSet<&str>, Option<Timestamp>, u64)> = BTreeMap::new();
        for (number, record) in records.values().enumerate() {
            let number = number as u32;
            let bytes = codec::encode(record);
            places.push((payload.len() as u64, bytes.len() as u32));
            payload.extend_from_slice(&bytes);
            let feed = feeds.entry(&record.feed).or_default();
            feed.1 = feed.1.max(record.modified);
            feed.2 += 1;
            for affected in &record.affected {
                packages.insert((layout::package_hash(&affected.ecosystem, &affected.name), number));
                feed.0.insert(&affected.ecosystem);
            }
            for id in std::iter::once(&record.id).chain(&record.aliases) {
                ids.insert((layout::id_hash(id), number));
            }
        }
        let mut section = |entries: &mut dyn Iterator<Item = (u64, u32)>| {
            let start = payload.len() as u64;
            for (long, short) in entries {
                payload.extend_from_slice(&long.to_le_bytes());
                payload.extend_from_slice(&short.to_le_bytes());
            }
            (start, (payload.len() as u64 - start) / layout::ENTRY as u64)
        };
        let sections =
            [section(&mut places.into_iter()), section(&mut packages.into_iter()), section(&mut ids.into_iter())];
        let mut directory = Writer::default();
        directory.time(built);
        for (start, count) in sections {
            directory.number(start);
            directory.number(count);
        }
        let feeds: Vec<_> = feeds.into_iter().collect();
        directory.list(&feeds, |w, (name, (ecosystems, newest, count))| {
            w.text(name);
            let ecosystems: Vec<_> = ecosystems.iter().collect();
            w.list(&ecosystems, |w, e| w.text(e));
            w.time(*newest.max(&import.as_of.get(*name).copied()));
            w.number(*count);
        });
        let directory_at = payload.len() as u64;
        payload.extend_from_slice(&directory.0);
        seal(&payload, directory_at, directory.0.len() as u64)
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

fn unique(advisories: &[Advisory]) -> BTreeMap<(&str, &str), Advisory> {
    let mut records: BTreeMap<(&str, &str), Advisory> = BTreeMap::new();
    for advisory in advisories {
        match records.entry((&advisory.id, &advisory.feed)) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(advisory.clone());
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                let other = place.get_mut();
                if advisory.modified > other.modified {
                    *other = advisory.clone();
                } else if advisory.modified == other.modified {
                    join(other, advisory);
                }
            }
        }
    }
    for record in records.values_mut() {
        record.aliases.sort();
        record.aliases.dedup();
    }
    records
}

/// Puts two states of one record together, whichever comes first.
fn join(into: &mut Advisory, other: &Advisory) {
    if *into == *other {
        return;
    }
    into.aliases.extend(other.aliases.iter().cloned());
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
