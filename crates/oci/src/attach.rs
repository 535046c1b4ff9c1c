//! Attaching to a digest, and keeping the fallback tag where the registry does not keep referrers
//! (distribution spec, "Pushing Manifests with Subject", "Referrers Tag Schema").
//!
//! The specification has no conditional write, so two writers can lose each other's entry. Writers in
//! one client take turns; writers elsewhere are found by reading again after the write, and the entry
//! that was lost is added anew.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use cleanbill_model::{Digest, Reference};
use serde_json::{Value, json};

use crate::error::{ErrorKind, OciError};
use crate::push::Pushed;
use crate::referrers::{INDEX, fallback_tag};
use crate::transport::Client;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Times that an entry is added before giving up.
pub(crate) const TRIES: u32 = 8;

impl Client {
    /// Attaches a manifest that has a `subject`: pushes it by digest and, where the registry does not
    /// keep referrers, adds it to the fallback tag's index (read, merge, write, read again, retry).
    pub async fn attach(
        &self,
        subject: &Reference,
        manifest: Vec<u8>,
        artifact_type: &str,
    ) -> Result<Pushed, OciError> {
        let what = format!("attach {artifact_type} to {subject}");
        let json: Value =
            serde_json::from_slice(&manifest).map_err(|_| OciError::invalid(&what, "the manifest is not JSON"))?;
        let digest = json
            .get("subject")
            .and_then(|s| s.get("digest"))
            .and_then(Value::as_str)
            .and_then(|text| Digest::parse(text).ok())
            .ok_or_else(|| OciError::invalid(&what, "the manifest has no subject"))?;
        if subject.digest().is_some_and(|expected| *expected != digest) {
            return Err(OciError::invalid(&what, format!("the manifest is about {digest}")));
        }
        let media_type = json.get("mediaType").and_then(Value::as_str).unwrap_or(MANIFEST).to_owned();
        let own = Digest::sha256(&manifest);
        let mut entry = json!({
            "mediaType": media_type,
            "digest": own.to_string(),
            "size": manifest.len(),
            "artifactType": artifact_type,
        });
        if let Some(annotations) = json.get("annotations").filter(|a| a.is_object()) {
            entry["annotations"] = annotations.clone();
        }
        let place = untagged(subject, &own, &what)?;
        let pushed = self.push_manifest(&place, &media_type, manifest).await?;
        if !pushed.subject_kept {
            self.add_to_fallback(subject, &digest, &own, &entry, &what).await?;
        }
        Ok(pushed)
    }

    /// The turn of writers of one tag in this client.
    pub(crate) fn turn(&self, tag: &Reference) -> Arc<tokio::sync::Mutex<()>> {
        let mut tags = self.inner.tags.lock().unwrap_or_else(PoisonError::into_inner);
        tags.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(tags.entry(tag.to_string()).or_default())
    }

    async fn add_to_fallback(
        &self,
        subject: &Reference,
        digest: &Digest,
        own: &Digest,
        entry: &Value,
        what: &str,
    ) -> Result<(), OciError> {
        let tag = fallback_tag(digest);
        let reference = subject.with_tag(&tag).map_err(|e| OciError::invalid(what, e.to_string()))?;
        let turn = self.turn(&reference);
        let _mine = turn.lock().await;
        for attempt in 0..TRIES {
            let found = self.fallback_index(subject, digest, what).await?;
            if found.as_ref().is_some_and(|index| lists(index, own)) {
                return Ok(());
            }
            if attempt > 0 {
                // Somebody else writes too: give way for a moment that grows.
                tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
            }
            let raw = serde_json::to_vec(&merged(found, entry)).map_err(|e| OciError::invalid(what, e.to_string()))?;
            self.push_manifest(&reference, INDEX, raw).await?;
        }
        match self.fallback_index(subject, digest, what).await? {
            Some(index) if lists(&index, own) => Ok(()),
            _ => Err(OciError::new(
                ErrorKind::Unreachable,
                what,
                format!("the tag {tag} is overwritten by others all the time"),
            )),
        }
    }
}

/// The subject's repository, by `digest` alone.
fn untagged(subject: &Reference, digest: &Digest, what: &str) -> Result<Reference, OciError> {
    Reference::parse(&format!("{}@{digest}", subject.name())).map_err(|e| OciError::invalid(what, e.to_string()))
}

fn lists(index: &Value, digest: &Digest) -> bool {
    let digest = digest.to_string();
    index
        .get("manifests")
        .and_then(Value::as_array)
        .is_some_and(|list| list.iter().any(|e| e.get("digest").and_then(Value::as_str) == Some(digest.as_str())))
}

/// The index with one more entry; all else stays as it was.
fn merged(found: Option<Value>, entry: &Value) -> Value {
    let mut index = found.unwrap_or_else(|| json!({"schemaVersion": 2, "mediaType": INDEX}));
    match index.get_mut("manifests") {
        Some(Value::Array(list)) => list.push(entry.clone()),
        _ => index["manifests"] = json!([entry]),
    }
    index["mediaType"] = json!(INDEX);
    index
}
