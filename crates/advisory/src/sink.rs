//! What records and problems are handed to while reading; several are put together in order.

use crate::{Format, Import, osv};
use cleanbill_model::{Advisory, Affected, Epss, Kev, Problem, Severity, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;

/// Problems that are told; the rest is counted.
const TOLD: usize = 10_000;

/// Collects what one or several files hold.
#[derive(Default)]
pub(crate) struct Sink {
    /// The file that is read, an archive's member after `!/`.
    pub(crate) path: String,
    pub(crate) import: Import,
    /// Whether the file began as our own export does ([`crate::export`]).
    pub(crate) exported: bool,
    /// Records of feeds that state facts by package, put together by feed and vulnerability.
    gathered: BTreeMap<(&'static str, String), Advisory>,
    untold: u64,
}

impl Sink {
    pub(crate) fn problem(&mut self, code: &str, what: impl Into<String>, why: impl Into<String>) {
        let problem = Problem::new(code, self.path.clone(), what, why);
        self.add_problem(problem);
    }

    /// What could not be done with a record.
    pub(crate) fn record_problem(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.problem("advisory-record", what, why);
    }

    pub(crate) fn add_problem(&mut self, problem: Problem) {
        if self.import.problems.len() < TOLD {
            self.import.problems.push(problem);
        } else {
            self.untold += 1;
        }
    }

    /// A record in the form of OSV.
    pub(crate) fn osv(&mut self, value: Value) {
        let exported = self.exported;
        if let Some(advisory) = osv::read(value, exported, &mut |what, why| self.record_problem(what, why)) {
            self.record(advisory);
        }
    }

    /// A record of its own.
    pub(crate) fn record(&mut self, advisory: Advisory) {
        if let Some(modified) = advisory.modified {
            self.as_of(&advisory.feed, modified);
        }
        self.import.advisories.push(advisory);
    }

    /// The time a feed states.
    pub(crate) fn as_of(&mut self, feed: &str, time: Timestamp) {
        match self.import.as_of.get_mut(feed) {
            Some(newest) => *newest = time.max(*newest),
            None => drop(self.import.as_of.insert(feed.to_owned(), time)),
        }
    }

    /// What a feed says of one vulnerability, to which what it says elsewhere is added.
    pub(crate) fn gather(&mut self, format: &Format, id: &str) -> &mut Advisory {
        let fresh = || blank(format, id.to_owned());
        self.gathered.entry((format.feed, id.to_owned())).or_insert_with(fresh)
    }

    pub(crate) fn exploited(&mut self, cve: String, kev: Kev) {
        self.import.known_exploited.insert(cve, kev);
    }

    pub(crate) fn predicted(&mut self, cve: String, epss: Epss) {
        self.import.exploit_prediction.insert(cve, epss);
    }

    /// Adds what another one collected after this one.
    pub(crate) fn absorb(&mut self, other: Sink) {
        for problem in other.import.problems {
            self.add_problem(problem);
        }
        self.untold += other.untold;
        self.import.files += other.import.files;
        self.import.advisories.extend(other.import.advisories);
        self.import.known_exploited.extend(other.import.known_exploited);
        self.import.exploit_prediction.extend(other.import.exploit_prediction);
        for (feed, time) in other.import.as_of {
            self.as_of(&feed, time);
        }
        for (key, advisory) in other.gathered {
            match self.gathered.entry(key) {
                std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(advisory)),
                std::collections::btree_map::Entry::Occupied(mut place) => {
                    let own = place.get_mut();
                    if own.summary.is_empty() {
                        own.summary = advisory.summary;
                    }
                    own.aliases.extend(advisory.aliases);
                    own.affected.extend(advisory.affected);
                }
            }
        }
    }

    /// Everything that was collected.
    pub(crate) fn finish(self) -> Import {
        let mut import = self.import;
        import.advisories.extend(self.gathered.into_values().map(|mut advisory| {
            advisory.aliases.sort();
            advisory.aliases.dedup();
            advisory.aliases.retain(|a| *a != advisory.id);
            let key = |a: &Affected| (a.ecosystem.clone(), a.name.clone());
            advisory.affected.sort_by_cached_key(key);
            advisory.affected.dedup();
            advisory
        }));
        if self.untold > 0 {
            let why = format!("{} more problems are not listed", self.untold);
            import.problems.push(Problem::new("advisory-problems", "", "list every problem", why));
        }
        import
    }
}

/// A record that says nothing yet.
pub(crate) fn blank(format: &Format, id: String) -> Advisory {
    Advisory {
        id,
        aliases: Vec::new(),
        upstream: Vec::new(),
        feed: format.feed.to_owned(),
        summary: String::new(),
        severity: Severity::Unknown,
        cvss: Vec::new(),
        published: None,
        modified: None,
        withdrawn: None,
        affected: Vec::new(),
    }
}
