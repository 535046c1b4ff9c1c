//! Policies: from evidence to a verdict with reasons. Never fetches.
//!
//! One internal model; one file a front end. Read so far: Kyverno's ClusterPolicy and Policy with
//! `verifyImages` (kyverno/kyverno `api/kyverno/v1/image_verification_types.go`), and our own short
//! form. A field that is not supported is refused by name, never skipped: a policy that is half
//! understood protects half.

mod cases;
mod conditions;
mod day;
mod explain;
mod facts;
mod findings;
mod judge;
mod kyverno;
mod lint;
mod pattern;
mod pem;
mod read;
mod rules;
mod scope;
mod short;
mod yaml;

use std::sync::Arc;

use cleanbill_diag::{Diagnostic, Level, Span};
use cleanbill_model::{AdmissionRequest, KeyId, Reference};

pub use cases::{Attested, Case, Expected, Subject, Suite, key_ids};
pub use day::Day;
pub use facts::{Facts, Scan, Scanned};
pub use lint::lint;
pub use rules::Statement;

use rules::{Policy, Rule};

/// Every field of Kyverno's policies that is known, and what becomes of it, as a Markdown table.
pub fn kyverno_fields() -> String {
    kyverno::fields::table()
}

/// What happens when it cannot be found out whether an image may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailurePolicy {
    /// Refuse.
    Fail,
    /// Admit with a warning.
    Ignore,
}

impl FailurePolicy {
    /// Kubernetes' word for it.
    pub fn name(self) -> &'static str {
        match self {
            FailurePolicy::Fail => "Fail",
            FailurePolicy::Ignore => "Ignore",
        }
    }
}

/// All policies in force. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    policies: Vec<Arc<Policy>>,
    today: Option<Day>,
}

/// What the policies need to know about an image before they can judge it.
#[derive(Debug, Clone, Default)]
pub struct Demand {
    /// The public keys (PEM and id) that signatures are to be tried with; empty: nothing is demanded.
    pub keys: Vec<(KeyId, String)>,
    /// A log entry is demanded by a rule.
    pub log_entry: bool,
    /// The predicate types of which statements are asked for.
    pub attestations: Vec<String>,
    /// A rule asks for signatures, beside what is attested.
    pub signatures: bool,
    /// A rule asks what is wrong with it.
    pub scanned: bool,
    /// Which day or moment it is decides about it: a rule has a gate, or an exception names it.
    pub time: bool,
    /// Some rule speaks of the image.
    pub applies: bool,
    /// Some rule that speaks of it enforces.
    pub enforced: bool,
}

impl PolicySet {
    /// Loads policy files (name and text). Any error refuses all of them; what is not supported is
    /// refused by name, never skipped. Every key is refused by name if it is not one.
    pub fn load(files: &[(String, String)]) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let (set, mut said) = Self::read(files);
        said.retain(|d| d.level == Level::Error || lint::always(d));
        if said.iter().any(|d| d.level == Level::Error) { Err(said) } else { Ok((set, said)) }
    }

    /// What can be read, and everything that is to be said about it.
    fn read(files: &[(String, String)]) -> (Self, Vec<Diagnostic>) {
        let mut policies: Vec<Arc<Policy>> = Vec::new();
        let mut said = Vec::new();
        for (file, text) in files {
            for policy in read::file(file, text, &mut said) {
                if policies.iter().any(|p| p.name == policy.name) {
                    let span = Span { file: file.clone(), ..Span::default() };
                    said.push(Diagnostic::error(
                        "policy-name-twice",
                        format!("policy `{}` is there twice", policy.name),
                        span,
                    ));
                }
                policies.push(Arc::new(policy));
            }
        }
        (Self { policies, today: None }, said)
    }

    /// The same policies on this day. Exceptions that end hold only where the day is known.
    #[must_use]
    pub fn on(&self, today: Day) -> Self {
        Self { policies: self.policies.clone(), today: Some(today) }
    }

    /// Every public key named (policy/rule, PEM): the caller has them checked by `trust`.
    pub fn keys(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for policy in &self.policies {
            for rule in &policy.rules {
                for key in rule.checks.iter().flat_map(|c| c.all_keys()) {
                    out.push((format!("{}/{}", policy.name, rule.name), key.pem.clone()));
                }
            }
        }
        out
    }

    /// Which policy and rule ask for which statements: what a caller that has no statements to give must
    /// refuse.
    pub fn attestations(&self) -> Vec<(String, String)> {
        let rules = self.policies.iter().flat_map(|policy| policy.rules.iter().map(move |rule| (policy, rule)));
        rules
            .flat_map(|(policy, rule)| {
                let types = rule.checks.iter().flat_map(|c| &c.attestations).map(|a| a.predicate_type.clone());
                types.map(move |of| (format!("{}/{}", policy.name, rule.name), of))
            })
            .collect()
    }

    /// The policies whose failure policy is `of`, for the hook that has this setting.
    pub fn with_failure_policy(&self, of: FailurePolicy) -> Self {
        Self { policies: self.policies.iter().filter(|p| p.failure_policy == of).cloned().collect(), today: self.today }
    }

    /// Names of the policies.
    pub fn names(&self) -> Vec<String> {
        self.policies.iter().map(|p| p.name.clone()).collect()
    }

    /// What must be known about `image` in `request`.
    pub fn demand(&self, request: &AdmissionRequest, image: &Reference) -> Demand {
        let mut demand = Demand::default();
        for (_, _, check) in self.checks(request, image) {
            demand.applies = true;
            demand.enforced |= check.enforces(&request.namespace);
            demand.signatures |= !check.attestors.is_empty();
            demand.scanned |= check.findings.is_some();
            for attestation in &check.attestations {
                if !demand.attestations.contains(&attestation.predicate_type) {
                    demand.attestations.push(attestation.predicate_type.clone());
                }
            }
            for key in check.all_keys() {
                demand.log_entry |= key.log_entry;
                if !demand.keys.iter().any(|(id, _)| *id == key.id) {
                    demand.keys.push((key.id.clone(), key.pem.clone()));
                }
            }
        }
        let dated = |policy: &Arc<Policy>| {
            policy.has_exception_for(image)
                && policy.rules.iter().any(|r| r.scope.covers(request) && r.checks.iter().any(|c| c.speaks_of(image)))
        };
        demand.time = demand.scanned || self.policies.iter().any(dated);
        demand
    }

    /// Whether Pods' images are to be pinned to the digest that was verified (`mutateDigest`). A rule
    /// that only audits pins nothing: what it lets in need not have been verified.
    pub fn pins(&self, request: &AdmissionRequest, image: &Reference) -> bool {
        self.checks(request, image).any(|(_, _, check)| check.mutate_digest && check.enforces(&request.namespace))
    }

    /// Whether `image` must carry a digest after the mutating call: a rule pins it, or refuses tags
    /// (`verifyDigest`). Where all rules leave tags alone, the digest that the tag names now is judged.
    pub fn wants_digest(&self, request: &AdmissionRequest, image: &Reference) -> bool {
        let wants =
            |check: &rules::Check| check.verify_digest || (check.mutate_digest && check.enforces(&request.namespace));
        self.checks(request, image).any(|(_, _, check)| wants(check))
    }

    /// The checks that speak of an image, with their policy and rule.
    fn checks<'a>(
        &'a self,
        request: &'a AdmissionRequest,
        image: &'a Reference,
    ) -> impl Iterator<Item = (&'a Policy, &'a Rule, &'a rules::Check)> {
        self.policies
            .iter()
            .filter(|policy| policy.excepts(image, self.today).is_none())
            .flat_map(|policy| policy.rules.iter().map(move |rule| (&**policy, rule)))
            .filter(|(_, rule)| rule.scope.covers(request))
            .flat_map(|(policy, rule)| rule.checks.iter().map(move |check| (policy, rule, check)))
            .filter(|(_, _, check)| check.speaks_of(image))
    }
}
