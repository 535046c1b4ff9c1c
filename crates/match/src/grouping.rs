//! Which records are about the same vulnerability.
//!
//! A record is about one vulnerability, which has an id and aliases, or, an erratum of a distribution,
//! about several: then it is taken once for each of them.

use cleanbill_model::Advisory;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The name an alias group goes by: the CVE where it has one, else the record's own id. An erratum about
/// several goes by its own.
pub fn group_id(advisory: &Advisory) -> String {
    cves(advisory).first().map_or_else(|| advisory.id.clone(), |c| (*c).to_owned())
}

fn is_cve(id: &str) -> bool {
    id.starts_with("CVE-")
}

/// The CVEs that a record goes by: its own id, else its aliases, sorted.
fn cves(advisory: &Advisory) -> Vec<&str> {
    if is_cve(&advisory.id) {
        return vec![&advisory.id];
    }
    let mut found: Vec<&str> = advisory.aliases.iter().map(String::as_str).filter(|a| is_cve(a)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// A record as it speaks of one vulnerability.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speaking<'a> {
    pub(crate) advisory: &'a Advisory,
    /// The one of several that it is taken for.
    of: Option<&'a str>,
}

impl<'a> Speaking<'a> {
    /// A record once for each vulnerability that it is about.
    pub(crate) fn of(advisory: &'a Advisory) -> Vec<Self> {
        if advisory.upstream.is_empty() {
            return vec![Self { advisory, of: None }];
        }
        advisory.upstream.iter().map(|name| Self { advisory, of: Some(name) }).collect()
    }

    /// The name it gives its group.
    fn id(&self) -> String {
        self.of.map_or_else(|| group_id(self.advisory), str::to_owned)
    }

    /// All names it knows, those for people included.
    fn names(&self) -> Vec<&'a str> {
        let own = std::iter::once(self.advisory.id.as_str());
        match self.of {
            Some(name) => own.chain([name]).collect(),
            None => own.chain(self.advisory.aliases.iter().map(String::as_str)).collect(),
        }
    }

    /// The names by which it joins others: its id, its aliases, but of several CVEs only the first. A
    /// record that stands for two CVEs must not make one vulnerability of them.
    fn joins(&self) -> BTreeSet<&'a str> {
        if let Some(name) = self.of {
            return BTreeSet::from([name]);
        }
        let cves = cves(self.advisory);
        self.names().into_iter().filter(|n| !is_cve(n) || cves.first() == Some(n)).collect()
    }
}

/// Splits records into groups that share a name, directly or through each other; gives positions, in order.
pub(crate) fn groups(records: &[Speaking<'_>]) -> Vec<Vec<usize>> {
    // Each record points to an earlier one it belongs with, or to itself.
    let mut parent: Vec<usize> = (0..records.len()).collect();
    fn root(parent: &mut [usize], mut at: usize) -> usize {
        while parent[at] != at {
            parent[at] = parent[parent[at]];
            at = parent[at];
        }
        at
    }
    let mut owner: HashMap<&str, usize> = HashMap::new();
    for (position, record) in records.iter().enumerate() {
        for name in record.joins() {
            let first = *owner.entry(name).or_insert(position);
            let (a, b) = (root(&mut parent, first), root(&mut parent, position));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for position in 0..records.len() {
        groups.entry(root(&mut parent, position)).or_default().push(position);
    }
    groups.into_values().collect()
}

/// Id and aliases of a group.
pub(crate) fn names(records: &[Speaking<'_>]) -> (String, Vec<String>) {
    let all: BTreeSet<&str> = records.iter().flat_map(Speaking::names).collect();
    let ids: BTreeSet<String> = records.iter().map(Speaking::id).collect();
    let id = ids.iter().find(|id| is_cve(id)).or(ids.first()).cloned().unwrap_or_default();
    let aliases = all.into_iter().filter(|n| *n != id).map(str::to_owned).collect();
    (id, aliases)
}
