//! The internal model that every front end is brought to.

use cleanbill_model::{KeyId, Reference};

use crate::FailurePolicy;
use crate::pattern::{self, Pattern};
use crate::scope::Scope;

/// One policy.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) failure_policy: FailurePolicy,
    pub(crate) rules: Vec<Rule>,
}

/// One rule: for which objects, which checks of their images.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) scope: Scope,
    pub(crate) checks: Vec<Check>,
}

/// What images must be.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) images: Vec<Pattern>,
    pub(crate) skip: Vec<Pattern>,
    /// Every one must be met; never empty.
    pub(crate) attestors: Vec<AttestorSet>,
    pub(crate) enforce: bool,
    /// Other actions in some namespaces (wildcards); enforcing wins (A36).
    pub(crate) overrides: Vec<(bool, Vec<String>)>,
    pub(crate) mutate_digest: bool,
    pub(crate) verify_digest: bool,
}

/// So many of these must be met; `count` is within 1 and the number of entries.
#[derive(Debug)]
pub(crate) struct AttestorSet {
    pub(crate) count: usize,
    pub(crate) entries: Vec<Entry>,
}

/// One entry of a set.
#[derive(Debug)]
pub(crate) enum Entry {
    Key(Key),
    Set(AttestorSet),
}

/// A key that must have signed.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) pem: String,
    pub(crate) log_entry: bool,
}

impl Check {
    /// Whether the images speak of `image` and the exceptions do not.
    pub(crate) fn speaks_of(&self, image: &Reference) -> bool {
        self.images.iter().any(|p| p.covers(image)) && !self.skip.iter().any(|p| p.surely_covers(image))
    }

    /// Whether failing refuses, in this namespace.
    pub(crate) fn enforces(&self, namespace: &str) -> bool {
        let mut said = self
            .overrides
            .iter()
            .filter(|(_, namespaces)| namespaces.iter().any(|n| pattern::wild(n, namespace)))
            .map(|(enforce, _)| *enforce)
            .peekable();
        if said.peek().is_some() { said.any(|enforce| enforce) } else { self.enforce }
    }

    /// Every key named.
    pub(crate) fn keys(&self) -> Vec<&Key> {
        self.attestors.iter().flat_map(AttestorSet::keys).collect()
    }
}

impl AttestorSet {
    pub(crate) fn keys(&self) -> Vec<&Key> {
        self.entries
            .iter()
            .flat_map(|entry| match entry {
                Entry::Key(key) => vec![key],
                Entry::Set(set) => set.keys(),
            })
            .collect()
    }

    /// Whether enough entries are met by the keys that `signed` says signed.
    pub(crate) fn met(&self, signed: &dyn Fn(&KeyId) -> bool) -> bool {
        let met = |entry: &&Entry| match entry {
            Entry::Key(key) => signed(&key.id),
            Entry::Set(set) => set.met(signed),
        };
        !self.entries.is_empty() && self.entries.iter().filter(met).count() >= self.count
    }
}
