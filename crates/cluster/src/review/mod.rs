//! Admission reviews, in and out: `admission.k8s.io/v1` to the model and back
//! (kubernetes `staging/src/k8s.io/api/admission/v1/types.go`).
//!
//! What comes in stays raw JSON: fields that are not known here survive, because an answer only ever
//! replaces the text of single image fields (RFC 6902 `replace`). Images are found by their place in
//! the object, never by the name of a container: two containers may carry one name (A28).

mod answer;
mod images;

use std::collections::BTreeMap;

use cleanbill_model::{AdmissionRequest, Operation, Platform};
use serde_json::Value;

pub use answer::respond;

/// Bytes a review may have: what the API server takes as a request.
pub const LIMIT: usize = 3 << 20;

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// Why bytes are not a review that can be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// More bytes than an API server sends.
    #[error("the AdmissionReview has {0} bytes, more than {LIMIT}")]
    TooBig(usize),
    /// Not JSON.
    #[error("the AdmissionReview is not JSON: {0}")]
    Json(String),
    /// JSON of another kind.
    #[error("not an AdmissionReview of {API_VERSION}, but `{kind}` of `{api_version}`")]
    Foreign {
        /// Its `apiVersion`.
        api_version: String,
        /// Its `kind`.
        kind: String,
    },
    /// A field that must be there.
    #[error("the AdmissionReview has no `{0}`")]
    Missing(&'static str),
    /// A field of another type than the API has.
    #[error("the AdmissionReview is damaged: `{pointer}` is not {expected}")]
    Field {
        /// Where.
        pointer: String,
        /// What should be there.
        expected: &'static str,
    },
    /// The review speaks of one thing and carries another.
    #[error("the AdmissionReview is of kind `{kind}`, but {carries}")]
    Mismatch {
        /// The kind it states.
        kind: String,
        /// What it carries.
        carries: String,
    },
}

/// Reads a review. Objects that hold no pod have no images; nor has a request that brings nothing in
/// (`DELETE`, `CONNECT`). An object that is being deleted is judged as any other (A25).
///
/// An update names the images that it changes: what stands at the same place with the same text has
/// been judged when it came in. Without this a Pod from before the webhook could lose no finalizer and
/// get no debugging container, and where a key is trusted no longer, no controller could scale down
/// what that key had vouched for. What a template brings into being later is judged as a Pod.
pub fn parse(bytes: &[u8]) -> Result<AdmissionRequest, ReviewError> {
    if bytes.len() > LIMIT {
        return Err(ReviewError::TooBig(bytes.len()));
    }
    let review: Value = serde_json::from_slice(bytes).map_err(|e| ReviewError::Json(e.to_string()))?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text(review.get("apiVersion")), text(review.get("kind")));
    if api_version != API_VERSION || kind != KIND {
        return Err(ReviewError::Foreign { api_version, kind });
    }
    let request = review.get("request").filter(|r| r.is_object()).ok_or(ReviewError::Missing("request"))?;
    let required = |name: &'static str, pointer: &str| {
        request.pointer(pointer).and_then(Value::as_str).filter(|s| !s.is_empty()).ok_or(ReviewError::Missing(name))
    };
    let uid = required("request.uid", "/uid")?.to_owned();
    let kind = required("request.kind.kind", "/kind/kind")?.to_owned();
    let operation = match required("request.operation", "/operation")? {
        "CREATE" => Operation::Create,
        "UPDATE" => Operation::Update,
        _ => Operation::Other,
    };
    let optional = |name: &str| text(request.get(name));
    let mut out = AdmissionRequest {
        uid,
        user: text(request.pointer("/userInfo/username")),
        operation,
        kind,
        namespace: optional("namespace"),
        name: optional("name"),
        labels: BTreeMap::new(),
        subresource: Some(optional("subResource")).filter(|s| !s.is_empty()),
        dry_run: request.get("dryRun").and_then(Value::as_bool).unwrap_or(false),
        images: Vec::new(),
        platform: None,
    };
    if operation == Operation::Other {
        return Ok(out);
    }
    let object = request.get("object").filter(|o| o.is_object()).ok_or(ReviewError::Missing("request.object"))?;
    let carried = text(object.get("kind"));
    if !carried.is_empty() && carried != out.kind {
        return Err(ReviewError::Mismatch { kind: out.kind, carries: format!("its object is of kind `{carried}`") });
    }
    if out.subresource.as_deref() == Some("ephemeralcontainers") && out.kind != "Pod" {
        return Err(ReviewError::Mismatch {
            kind: out.kind,
            carries: "debugging containers come as whole Pods".to_owned(),
        });
    }
    if out.name.is_empty() {
        out.name = text(object.pointer("/metadata/name"));
    }
    out.labels = labels(object)?;
    let group = text(request.pointer("/kind/group"));
    if let Some(path) = images::pod_spec(&group, &out.kind) {
        out.images = images::find(object, path)?;
        out.platform = object.pointer(path).and_then(platform);
        if operation == Operation::Update
            && let Some(old) = request.get("oldObject")
        {
            out.images.retain(|field| old.pointer(&field.pointer).and_then(Value::as_str) != Some(&field.image));
        }
    }
    Ok(out)
}

fn labels(object: &Value) -> Result<BTreeMap<String, String>, ReviewError> {
    let damaged = |pointer: String, expected| ReviewError::Field { pointer, expected };
    match object.pointer("/metadata/labels") {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) => Ok((key.clone(), text.clone())),
                _ => Err(damaged(format!("/metadata/labels/{}", images::escaped(key)), "a text")),
            })
            .collect(),
        Some(_) => Err(damaged("/metadata/labels".to_owned(), "an object")),
    }
}

/// The platform that a pod's node selector asks for.
fn platform(spec: &Value) -> Option<Platform> {
    let selected = |key: &str| spec.get("nodeSelector")?.get(key)?.as_str();
    let architecture = selected("kubernetes.io/arch")?;
    Some(Platform::new(selected("kubernetes.io/os").unwrap_or("linux"), architecture))
}

#[cfg(test)]
mod tests;
