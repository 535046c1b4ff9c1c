//! Policies: from evidence to a verdict with reasons. Never fetches.
use cleanbill_diag::Diagnostic;
use cleanbill_model::{AdmissionRequest, Digest, Evidence, KeyId, Reference, Unavailable, Verdict};

/// What happens when it cannot be found out whether an image may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailurePolicy { /** Refuse. */ Fail, /** Admit with a warning. */ Ignore }

/// All policies in force. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {}

/// What the policies need to know about an image before they can judge it.
#[derive(Debug, Clone, Default)]
pub struct Demand {
    /// The public keys (PEM and id) that signatures are to be tried with; empty: nothing is demanded.
    pub keys: Vec<(KeyId, String)>,
    /// A log entry is demanded by a rule.
    pub log_entry: bool,
    /// Some rule speaks of the image.
    pub applies: bool,
    /// Some rule that speaks of it enforces.
    pub enforced: bool,
}

impl PolicySet {
    /// Loads policy files (name and text). Any error refuses all of them; what is not supported is
    /// refused by name, never skipped. Every key is refused by name if it is not one.
    pub fn load(_files: &[(String, String)]) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> { todo!() }
    /// Every public key named (policy/rule, PEM): the caller has them checked by `trust`.
    pub fn keys(&self) -> Vec<(String, String)> { todo!() }
    /// The policies whose failure policy is `of`, for the hook that has this setting.
    pub fn with_failure_policy(&self, _of: FailurePolicy) -> Self { todo!() }
    /// Names of the policies.
    pub fn names(&self) -> Vec<String> { todo!() }
    /// What must be known about `image` in `request`.
    pub fn demand(&self, _request: &AdmissionRequest, _image: &Reference) -> Demand { todo!() }
    /// Whether Pods' images are to be pinned to the digest that was verified (`mutateDigest`).
    pub fn pins(&self, _request: &AdmissionRequest, _image: &Reference) -> bool { todo!() }
    /// The verdict on one image. `digest` is the one that was looked at, `None` if it could not be resolved.
    pub fn judge(&self, _request: &AdmissionRequest, _image: &Reference, _digest: Option<&Digest>, _evidence: Result<&Evidence, &Unavailable>) -> Verdict { todo!() }
}
