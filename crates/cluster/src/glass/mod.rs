//! Break-glass objects: `BreakGlass` of `cleanbill.dev/v1`, scoped to the cluster. One lets one digest run
//! in one namespace for at most four hours. What makes one good is held twice: when it is made, by a
//! webhook that knows who makes it, and whenever it is used, since rights are taken away and webhooks can
//! be down.

mod manifest;
mod review;
mod watch;

use cleanbill_model::{Digest, Timestamp};
use jiff::SignedDuration;
use serde_json::Value;

pub use manifest::{configuration, definition};
pub use review::{Asked, parse};
pub use watch::{Glass, Glasses};

/// The longest that a glass stays broken.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(4);
/// Clocks may be off by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Characters of a reason.
const REASON: usize = 1024;

pub(crate) const GROUP: &str = "cleanbill.dev";
pub(crate) const VERSION: &str = "v1";
pub(crate) const PLURAL: &str = "breakglasses";
pub(crate) const KIND: &str = "BreakGlass";
/// The verb of the right.
pub const VERB: &str = "break-glass";

/// `spec` of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Where the digest may run.
    pub namespace: String,
    /// What may run: of an index, a manifest, as Pods name it.
    pub digest: Digest,
    /// Why.
    pub reason: String,
    /// Who: the person who made the object.
    pub requested_by: String,
    /// Groups of that person from which the right comes, if it does not come from the name.
    pub groups: Vec<String>,
    /// Until when.
    pub expires: Timestamp,
}

impl Spec {
    /// Reads `spec`; the error says which field is wrong.
    pub fn read(spec: &Value) -> Result<Self, String> {
        let text = |name: &str| match spec.get(name).and_then(Value::as_str).map(str::trim) {
            Some("") | None => Err(format!("spec.{name} is missing or empty")),
            Some(text) => Ok(text.to_owned()),
        };
        let known = ["namespace", "digest", "reason", "requestedBy", "groups", "expires"];
        if let Some(other) = spec.as_object().and_then(|map| map.keys().find(|key| !known.contains(&key.as_str()))) {
            return Err(format!("spec.{} is not known", other.escape_debug()));
        }
        let (digest, expires) = (text("digest")?, text("expires")?);
        let groups = match spec.get("groups") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or("spec.groups holds something other than texts"))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err("spec.groups is not a list".to_owned()),
        };
        let reason = text("reason")?;
        if reason.chars().count() > REASON {
            return Err(format!("spec.reason has more than {REASON} characters"));
        }
        Ok(Self {
            namespace: text("namespace")?,
            digest: Digest::parse(&digest).map_err(|e| format!("spec.digest: {e}"))?,
            reason,
            requested_by: text("requestedBy")?,
            groups,
            expires: expires.parse().map_err(|e| format!("spec.expires: {e}"))?,
        })
    }

    /// Whether it can hold at all: a person asks, and not for longer than four hours after `made`.
    fn sound(&self, made: Timestamp) -> Result<(), String> {
        if self.requested_by.starts_with("system:") {
            return Err(format!("spec.requestedBy: `{}` is no person", self.requested_by.escape_debug()));
        }
        if self.expires > made.saturating_add(LONGEST).unwrap_or(Timestamp::MAX) {
            return Err(format!("spec.expires: it is more than {} hours away", LONGEST.as_hours()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
