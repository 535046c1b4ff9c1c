//! The review of a break-glass object that somebody makes.

use cleanbill_model::Timestamp;
use serde_json::Value;

use super::{GROUP, KIND, Spec};
use crate::review::{LIMIT, ReviewError};

/// Somebody makes or changes an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Id of the request; goes back in the answer.
    pub uid: String,
    /// Who asks, as the API server knows them.
    pub user: String,
    /// Their groups.
    pub groups: Vec<String>,
    /// What they ask for; the error says what is wrong with it.
    pub spec: Result<Spec, String>,
    /// It is an update that leaves `spec` as it was: of labels, or of what controllers write.
    pub unchanged: bool,
}

impl Asked {
    /// Whether the object may be made, apart from the right to make it. Gives what is asked for; `None`: it
    /// is there already and stays as it is.
    pub fn check(&self, now: Timestamp) -> Result<Option<&Spec>, String> {
        if self.unchanged {
            return Ok(None);
        }
        let spec = self.spec.as_ref().map_err(Clone::clone)?;
        if spec.requested_by != self.user {
            return Err(format!(
                "spec.requestedBy is `{}`, and you are `{}`",
                spec.requested_by.escape_debug(),
                self.user.escape_debug()
            ));
        }
        if let Some(group) = spec.groups.iter().find(|group| !self.groups.contains(group)) {
            return Err(format!("spec.groups: you are not in `{}`", group.escape_debug()));
        }
        spec.sound(now)?;
        if spec.expires <= now {
            return Err("spec.expires: it is past".to_owned());
        }
        Ok(Some(spec))
    }
}

/// Reads a review of a break-glass object.
pub fn parse(bytes: &[u8]) -> Result<Asked, ReviewError> {
    if bytes.len() > LIMIT {
        return Err(ReviewError::TooBig(bytes.len()));
    }
    let review: Value = serde_json::from_slice(bytes).map_err(|e| ReviewError::Json(e.to_string()))?;
    let text = |pointer: &str| review.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    if text("/apiVersion") != "admission.k8s.io/v1" || text("/kind") != "AdmissionReview" {
        return Err(ReviewError::Foreign { api_version: text("/apiVersion"), kind: text("/kind") });
    }
    let uid = text("/request/uid");
    if uid.is_empty() {
        return Err(ReviewError::Missing("request.uid"));
    }
    let kind = text("/request/kind/kind");
    if (text("/request/kind/group").as_str(), kind.as_str()) != (GROUP, KIND) {
        return Err(ReviewError::Mismatch { kind, carries: format!("only {KIND} of {GROUP} is reviewed here") });
    }
    let spec = review.pointer("/request/object/spec");
    let before = review.pointer("/request/oldObject/spec");
    let update = text("/request/operation") == "UPDATE";
    let groups = review.pointer("/request/userInfo/groups").and_then(Value::as_array);
    Ok(Asked {
        uid,
        user: text("/request/userInfo/username"),
        groups: groups.into_iter().flatten().filter_map(|g| g.as_str().map(str::to_owned)).collect(),
        spec: spec.map_or_else(|| Err("there is no spec".to_owned()), Spec::read),
        unchanged: update && spec.is_some() && spec == before,
    })
}
