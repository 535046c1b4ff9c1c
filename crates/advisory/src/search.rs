//! Looking through a database by parts of names.

use crate::DatabaseError;
use crate::database::{Database, names_in};
use cleanbill_model::Advisory;
use std::cmp::Ordering;
use std::sync::Arc;

/// What a search found: at most as many of each as was asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Search {
    /// Records whose id, alias, or vulnerability they are about has the text in it; those that are exactly
    /// it come first, else in order of id.
    pub advisories: Vec<Arc<Advisory>>,
    /// Packages whose name has the text in it; those of exactly that name come first, else in order of
    /// ecosystem and name.
    pub packages: Vec<PackageHit>,
    /// Whether there is more of either.
    pub more: bool,
}

/// A package that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageHit {
    /// The OSV ecosystem, release included.
    pub ecosystem: String,
    /// The name.
    pub name: String,
    /// How many records speak of it.
    pub advisories: u64,
}

impl Database {
    /// Finds records by id and packages by name; case does not matter, and a part is enough. An empty
    /// text finds nothing.
    pub fn search(&self, query: &str, limit: usize) -> Result<Search, DatabaseError> {
        let query = query.trim();
        let mut out = Search::default();
        if query.is_empty() {
            return Ok(out);
        }
        let inner = &self.inner;
        let unreadable = |number| inner.payload.damaged(format!("record {number} cannot be read"));
        let (mut exact, mut partial) = (Found::new(limit), Found::new(limit));
        for number in 0..inner.at.records.count {
            let entry = inner.payload.entry(inner.at.records, number)?;
            let length = u64::from(entry.first);
            let how = inner.payload.with(entry.key, length, |bytes| names_in(bytes, |name| how(name, query)))?;
            match how.ok_or_else(|| unreadable(number))? {
                Ordering::Greater => exact.add(number as u32),
                Ordering::Equal => partial.add(number as u32),
                Ordering::Less => {}
            }
        }
        out.more |= exact.more || partial.more || exact.list.len() + partial.list.len() > limit;
        for number in exact.list.into_iter().chain(partial.list).take(limit) {
            out.advisories.push(inner.record(number)?);
        }
        let (mut exact, mut partial) = (Found::new(limit), Found::new(limit));
        for number in 0..inner.at.packages.count as u32 {
            let (_, name) = inner.package_name(number)?;
            match how(&name, query) {
                Ordering::Greater => exact.add(number),
                Ordering::Equal => partial.add(number),
                Ordering::Less => {}
            }
        }
        out.more |= exact.more || partial.more || exact.list.len() + partial.list.len() > limit;
        for number in exact.list.into_iter().chain(partial.list).take(limit) {
            let (ecosystem, name) = inner.package_name(number)?;
            out.packages.push(PackageHit { ecosystem, name, advisories: inner.package(number)?.len() as u64 });
        }
        Ok(out)
    }
}

/// Numbers up to a limit.
struct Found {
    list: Vec<u32>,
    limit: usize,
    more: bool,
}

impl Found {
    fn new(limit: usize) -> Self {
        Self { list: Vec::new(), limit, more: false }
    }

    fn add(&mut self, number: u32) {
        if self.list.len() < self.limit {
            self.list.push(number);
        } else {
            self.more = true;
        }
    }
}

/// Greater: it is the text; equal: it has the text in it; less: neither.
fn how(name: &str, query: &str) -> Ordering {
    if name.eq_ignore_ascii_case(query) {
        return Ordering::Greater;
    }
    let (name, query) = (name.as_bytes(), query.as_bytes());
    let Some(first) = query.first() else { return Ordering::Less };
    let last = name.len().saturating_sub(query.len() - 1);
    let starts = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), &name[..last]);
    let mut at = starts.filter_map(|at| name.get(at..at + query.len()));
    if at.any(|part| part.eq_ignore_ascii_case(query)) { Ordering::Equal } else { Ordering::Less }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_name_is_like_a_text() {
        for (name, query, expect) in [
            ("openssl", "OpenSSL", Ordering::Greater),
            ("libopenssl-dev", "SSL", Ordering::Equal),
            ("openssl", "ssl", Ordering::Equal),
            ("ssl", "openssl", Ordering::Less),
            ("", "x", Ordering::Less),
            ("zlib", "zlibs", Ordering::Less),
            ("\u{e9}\u{e9}x", "\u{e9}x", Ordering::Equal),
        ] {
            assert_eq!(how(name, query), expect, "{name} {query}");
        }
    }
}
