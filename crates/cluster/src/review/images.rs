//! Where a pod names images: `containers`, `initContainers`, `ephemeralContainers` and image volumes
//! (kubernetes `staging/src/k8s.io/api/core/v1/types.go`), and any field of a later version that
//! looks like one: what is not known yet is verified rather than let through.

use std::collections::HashSet;

use cleanbill_model::{ImageField, ImageFieldKind};
use serde_json::Value;

use super::ReviewError;

/// Where the nine kinds that bear pods keep the pod's specification, in every version of their group.
pub(super) fn pod_spec(group: &str, kind: &str) -> Option<&'static str> {
    match (group, kind) {
        ("", "Pod") => Some("/spec"),
        ("", "PodTemplate") => Some("/template/spec"),
        ("", "ReplicationController")
        | ("apps" | "extensions", "ReplicaSet" | "Deployment" | "DaemonSet")
        | ("apps", "StatefulSet")
        | ("batch", "Job") => Some("/spec/template/spec"),
        ("batch", "CronJob") => Some("/spec/jobTemplate/spec/template/spec"),
        _ => None,
    }
}

const LISTS: [(&str, ImageFieldKind); 3] = [
    ("containers", ImageFieldKind::Container),
    ("initContainers", ImageFieldKind::Init),
    ("ephemeralContainers", ImageFieldKind::Ephemeral),
];

/// Every image of the pod at `path`, in the object's order: containers of the three lists, image
/// volumes, then what is not known. A ReplicationController may have no template: then there is none.
pub(super) fn find(object: &Value, path: &str) -> Result<Vec<ImageField>, ReviewError> {
    let mut found = Vec::new();
    let Some(spec) = object.pointer(path) else { return Ok(found) };
    if !spec.is_object() {
        return Err(damaged(path, "an object"));
    }
    let open = |image: &str| is_open(image, path);
    for (list, kind) in LISTS {
        for (at, container) in items(spec, path, list)?.iter().enumerate() {
            let pointer = format!("{path}/{list}/{at}/image");
            take(container.get("image"), open, pointer, kind, name_of(container), &mut found)?;
        }
    }
    for (at, volume) in items(spec, path, "volumes")?.iter().enumerate() {
        if let Some(image) = volume.get("image").filter(|i| i.is_object()) {
            let pointer = format!("{path}/volumes/{at}/image/reference");
            take(image.get("reference"), open, pointer, ImageFieldKind::Volume, name_of(volume), &mut found)?;
        }
    }
    let known: HashSet<String> = found.iter().map(|f| f.pointer.clone()).collect();
    walk(spec, path, "", open, &known, &mut found);
    Ok(found)
}

/// A template may leave an image open, for a higher-level controller to fill in: empty, or blank as
/// OpenShift's image streams have it. In a Pod a blank is no image, and is left to be refused.
fn is_open(image: &str, path: &str) -> bool {
    let pod = path == "/spec";
    image.is_empty() || (!pod && image.trim().is_empty())
}

fn items<'a>(spec: &'a Value, path: &str, list: &str) -> Result<&'a [Value], ReviewError> {
    match spec.get(list) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => match items.iter().position(|item| !item.is_object()) {
            None => Ok(items),
            Some(at) => Err(damaged(&format!("{path}/{list}/{at}"), "an object")),
        },
        Some(_) => Err(damaged(&format!("{path}/{list}"), "a list")),
    }
}

fn take(
    value: Option<&Value>,
    open: impl Fn(&str) -> bool,
    pointer: String,
    kind: ImageFieldKind,
    container: String,
    found: &mut Vec<ImageField>,
) -> Result<(), ReviewError> {
    match value {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(image)) if open(image) => Ok(()),
        Some(Value::String(image)) => {
            found.push(ImageField { pointer, kind, container, image: image.clone() });
            Ok(())
        }
        Some(_) => Err(damaged(&pointer, "a text")),
    }
}

/// Looks for `image: TEXT` and `image: {reference: TEXT}` in what is left. Maps whose keys are the
/// user's own words are passed over, and so is the one field of this name that is no container image
/// (a Ceph block device).
fn walk(
    value: &Value,
    pointer: &str,
    owner: &str,
    open: impl Fn(&str) -> bool + Copy,
    known: &HashSet<String>,
    found: &mut Vec<ImageField>,
) {
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &format!("{pointer}/{at}"), owner, open, known, found);
            }
        }
        Value::Object(map) => {
            let named = map.get("name").and_then(Value::as_str).unwrap_or(owner);
            for (key, item) in map {
                if matches!(key.as_str(), "nodeSelector" | "matchLabels" | "labels" | "annotations" | "rbd") {
                    continue;
                }
                let here = format!("{pointer}/{}", escaped(key));
                let (place, text) = match (key.as_str(), item) {
                    ("image", Value::String(text)) => (here.clone(), Some(text)),
                    ("image", Value::Object(inner)) => match inner.get("reference") {
                        Some(Value::String(text)) => (format!("{here}/reference"), Some(text)),
                        _ => (here.clone(), None),
                    },
                    _ => (here.clone(), None),
                };
                if let Some(text) = text.filter(|t| !open(t))
                    && !known.contains(&place)
                {
                    found.push(ImageField {
                        pointer: place,
                        kind: ImageFieldKind::Unknown,
                        container: named.to_owned(),
                        image: text.clone(),
                    });
                }
                walk(item, &here, named, open, known, found);
            }
        }
        _ => {}
    }
}

fn name_of(container: &Value) -> String {
    container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn damaged(pointer: &str, expected: &'static str) -> ReviewError {
    ReviewError::Field { pointer: pointer.to_owned(), expected }
}

/// A key as part of a JSON pointer (RFC 6901 §3).
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
