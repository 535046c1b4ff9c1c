//! The internal model that every front end is brought to.

use cleanbill_diag::Span;
use cleanbill_model::{KeyId, Reference};

use crate::conditions::Conditions;
use crate::findings::Gate;
use crate::pattern::{self, Pattern};
use crate::scope::Scope;
use crate::{Day, FailurePolicy};

/// One policy.
#[derive(Debug)]
pub(crate) struct Policy {
    /// `name`, or `namespace/name` where it speaks of one namespace alone.
    pub(crate) name: String,
    pub(crate) failure_policy: FailurePolicy,
    pub(crate) rules: Vec<Rule>,
    /// Images that its rules do not speak of for a while.
    pub(crate) exceptions: Vec<Exception>,
}

/// Images that are excepted, why, by whom and until when.
#[derive(Debug)]
pub(crate) struct Exception {
    pub(crate) images: Vec<Pattern>,
    pub(crate) reason: String,
    pub(crate) owner: String,
    /// The last day on which it holds.
    pub(crate) until: Day,
    pub(crate) span: Span,
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
    /// Where images may come from; empty: from everywhere.
    pub(crate) registries: Vec<Registry>,
    /// Every one must be met; empty only where the policy says that no signature is asked for.
    pub(crate) attestors: Vec<AttestorSet>,
    /// What must have been stated of the image, every one.
    pub(crate) attestations: Vec<Attestation>,
    /// How bad it may be.
    pub(crate) findings: Option<Gate>,
    pub(crate) enforce: bool,
    /// Other actions in some namespaces (wildcards); enforcing wins (A36).
    pub(crate) overrides: Vec<(bool, Vec<String>)>,
    pub(crate) mutate_digest: bool,
    pub(crate) verify_digest: bool,
}

/// A statement that must be there, by whom, and what it must say.
#[derive(Debug)]
pub(crate) struct Attestation {
    /// The predicate type, compared whole.
    pub(crate) predicate_type: String,
    /// Every one must be met; never empty.
    pub(crate) attestors: Vec<AttestorSet>,
    /// Every block must be met by every statement of the type that a key of these vouches for.
    pub(crate) conditions: Conditions,
}

/// A statement about an image that verified: what the payload says, never what is written beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The predicate type in the signed payload.
    pub predicate_type: String,
    /// The keys it verified with, as a statement about the digest that is judged.
    pub verified_by: Vec<KeyId>,
    /// The predicate.
    pub predicate: serde_json::Value,
}

impl Attestation {
    /// Whether the statements are there and say what is asked for. Statements that no key of ours
    /// vouches for change nothing.
    pub(crate) fn met(&self, statements: &[Statement]) -> bool {
        let good = |key: &KeyId| {
            let mut ours = statements
                .iter()
                .filter(|s| s.predicate_type == self.predicate_type && s.verified_by.contains(key))
                .peekable();
            ours.peek().is_some()
                && ours.all(|s| s.predicate.is_object() && self.conditions.iter().all(|block| block.met(&s.predicate)))
        };
        self.attestors.iter().all(|set| set.met(&good))
    }

    pub(crate) fn keys(&self) -> Vec<&Key> {
        self.attestors.iter().flat_map(AttestorSet::keys).collect()
    }
}

/// `registry[/path]`: everything below it, by whole segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registry(pub(crate) String);

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

impl Policy {
    /// Whether some exception, whatever its last day, names the image.
    pub(crate) fn has_exception_for(&self, image: &Reference) -> bool {
        self.exceptions.iter().any(|e| e.images.iter().any(|p| p.surely_covers(image)))
    }

    /// The exception that holds for the image on that day. Who does not know the day has none.
    pub(crate) fn excepts(&self, image: &Reference, today: Option<Day>) -> Option<&Exception> {
        let today = today?;
        self.exceptions.iter().find(|e| today <= e.until && e.images.iter().any(|p| p.surely_covers(image)))
    }
}

impl Registry {
    /// Whether the image lies in it.
    pub(crate) fn holds(&self, image: &Reference) -> bool {
        let name = image.name();
        name.strip_prefix(&self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl Check {
    /// Whether the images speak of `image` and the exceptions do not.
    pub(crate) fn speaks_of(&self, image: &Reference) -> bool {
        self.images.iter().any(|p| p.covers(image)) && !self.skip.iter().any(|p| p.surely_covers(image))
    }

    /// Whether the image comes from where it may.
    pub(crate) fn allows_registry(&self, image: &Reference) -> bool {
        self.registries.is_empty() || self.registries.iter().any(|r| r.holds(image))
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

    /// Every key that must have signed.
    pub(crate) fn keys(&self) -> Vec<&Key> {
        self.attestors.iter().flat_map(AttestorSet::keys).collect()
    }

    /// Every key named, those of attestations among them.
    pub(crate) fn all_keys(&self) -> Vec<&Key> {
        self.keys().into_iter().chain(self.attestations.iter().flat_map(Attestation::keys)).collect()
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
