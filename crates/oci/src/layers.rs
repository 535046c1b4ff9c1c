//! Adding a layer to the image under a tag: how cosign's older signatures and attestations are kept
//! (sigstore/cosign `specs/SIGNATURE_SPEC.md`, `pkg/oci/mutate/mutate.go`).
//!
//! The tag is read, changed and written, and the specification has no conditional write: two writers
//! can lose each other's layer. As with the fallback tag, writers in one client take turns, and what
//! was written is read again and added anew where it was lost.

use std::time::Duration;

use cleanbill_image::{Descriptor, Document, Manifest};
use cleanbill_model::Reference;
use serde_json::{Value, json};

use crate::attach::{MANIFEST, TRIES};
use crate::error::{ErrorKind, OciError};
use crate::push::Pushed;
use crate::transport::Client;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Layers that a reader will read.
const LAYERS: usize = 1000;
/// Go's zero time: the layers have no history.
const NEVER: &str = "0001-01-01T00:00:00Z";

impl Client {
    /// Adds `layer`, whose blob is there already, to the image manifest under the tag of `place`; makes
    /// the manifest where there is none. A layer that is there already, annotations and all, is not
    /// added twice.
    pub async fn add_layer(&self, place: &Reference, layer: &Descriptor) -> Result<Pushed, OciError> {
        let what = format!("add {} to {place}", layer.media_type);
        if place.digest().is_some() || place.tag().is_none() {
            return Err(OciError::invalid(&what, "layers are added to what a tag names, and this is no tag"));
        }
        let turn = self.turn(place);
        let _mine = turn.lock().await;
        for attempt in 0..=TRIES {
            let found = match self.document(place).await {
                Ok(Document::Manifest(manifest)) => Some(manifest),
                Ok(Document::Index(_)) => {
                    return Err(OciError::invalid(&what, "the tag names an index, which is not overwritten"));
                }
                Err(error) if error.kind == ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            if let Some(manifest) = found.as_ref().filter(|m| holds(m, layer)) {
                return Ok(Pushed { digest: manifest.digest.clone(), subject_kept: false });
            }
            if attempt == TRIES {
                break;
            }
            if attempt > 0 {
                // Somebody else writes too: give way for a moment that grows.
                tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
            }
            self.write_with(place, found.as_ref(), layer, &what).await?;
        }
        Err(OciError::new(ErrorKind::Unreachable, &what, "the tag is overwritten by others all the time"))
    }

    async fn write_with(
        &self,
        place: &Reference,
        found: Option<&Manifest>,
        layer: &Descriptor,
        what: &str,
    ) -> Result<(), OciError> {
        let bad = |e: serde_json::Error| OciError::invalid(what, e.to_string());
        let mut manifest: Value = match found {
            Some(manifest) if manifest.layers.len() >= LAYERS => {
                return Err(OciError::invalid(
                    what,
                    format!("it has {LAYERS} layers already, and no reader reads more"),
                ));
            }
            Some(manifest) => serde_json::from_slice(&manifest.raw).map_err(bad)?,
            None => json!({"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}),
        };
        let all: Vec<&Descriptor> = found.map_or(&[][..], |m| &m.layers).iter().chain([layer]).collect();
        let config = serde_json::to_vec(&configuration(&all)).map_err(bad)?;
        let config_type = found.map_or(CONFIG, |m| &m.config.media_type);
        let config = self.push_blob(place, config_type, config).await?;
        manifest["config"] = described(&config);
        match manifest.get_mut("layers") {
            Some(Value::Array(list)) => list.push(described(layer)),
            _ => manifest["layers"] = json!([described(layer)]),
        }
        let media_type = found.map_or(MANIFEST, |m| &m.media_type);
        self.push_manifest(place, media_type, serde_json::to_vec(&manifest).map_err(bad)?).await.map(drop)
    }
}

fn holds(manifest: &Manifest, layer: &Descriptor) -> bool {
    manifest.layers.iter().any(|l| l.digest == layer.digest && l.annotations == layer.annotations)
}

/// The configuration of an image of these layers, as cosign makes it: they are not packed, so that
/// their digests are those of their content.
fn configuration(layers: &[&Descriptor]) -> Value {
    json!({
        "architecture": "", "created": NEVER, "os": "", "config": {},
        "history": layers.iter().map(|_| json!({"created": NEVER})).collect::<Vec<_>>(),
        "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|l| l.digest.to_string()).collect::<Vec<_>>()},
    })
}

fn described(descriptor: &Descriptor) -> Value {
    let mut json = json!({
        "mediaType": descriptor.media_type, "digest": descriptor.digest.to_string(), "size": descriptor.size,
    });
    if !descriptor.annotations.is_empty() {
        json["annotations"] = json!(descriptor.annotations);
    }
    json
}
