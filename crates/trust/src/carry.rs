//! Carrying an image elsewhere, with everything attached to it: an image without its signatures is not
//! the image that was signed.

use cleanbill_image::{Descriptor, Document};
use cleanbill_model::{Digest, DigestKind, Reference};
use cleanbill_oci::{Client, OciError};
use serde_json::Value;

use crate::attached::{Attached, attached, documents};
use crate::collect::layer_items;
use crate::{Collected, Demands, PublicKey, attestations, judge};

/// What was carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The image's digest, the same at both ends.
    pub digest: Digest,
    /// Its manifests, the index included.
    pub manifests: usize,
    /// Things attached that came along.
    pub attached: usize,
    /// Layers that are not to be distributed and were left where they are.
    pub foreign: usize,
    /// Things attached that no key asked for vouches for, which were left behind.
    pub unvouched: usize,
}

/// Copies what `from` names to `to`, with all platforms, and whatever is attached to each of them, as
/// referrers or under cosign's older tags. Nothing is changed: digests, and so signatures, stay true.
/// The tag of `to` is written last, so that a copy that ends half-way is never found under it.
pub async fn carry(client: &Client, from: &Reference, to: &Reference) -> Result<Carried, OciError> {
    carry_what(client, from, to, None).await
}

/// [`carry`], but of what is attached only that which verifies with one of `keys` about what it is
/// attached to: signatures and attestations. Under an older tag each layer is judged by itself. What
/// anybody else attached is left behind (A77).
pub async fn carry_verified(
    client: &Client,
    from: &Reference,
    to: &Reference,
    keys: &[PublicKey],
) -> Result<Carried, OciError> {
    carry_what(client, from, to, Some(keys)).await
}

async fn carry_what(
    client: &Client,
    from: &Reference,
    to: &Reference,
    keys: Option<&[PublicKey]>,
) -> Result<Carried, OciError> {
    let documents = documents(client, from).await?;
    let mut carried = Carried {
        digest: documents.last().map_or_else(|| Digest::sha256(b""), |d| d.digest().clone()),
        manifests: documents.len(),
        attached: 0,
        foreign: 0,
        unvouched: 0,
    };
    let place = |digest: &Digest| {
        Reference::parse(&format!("{}@{digest}", to.name())).map_err(|e| OciError {
            kind: cleanbill_oci::ErrorKind::Invalid,
            what: format!("name a digest in {}", to.name()),
            why: e.to_string(),
        })
    };
    for document in &documents {
        carried.foreign += blobs(client, from, to, document).await?;
        let at = place(document.digest())?;
        client.push_manifest(&at, document.media_type(), document.raw().to_vec()).await?;
    }
    for document in &documents {
        for mut found in attached(client, from, document.digest()).await? {
            if let Some(keys) = keys {
                let all = layers_of(&found.document).len();
                let kept = vouched(client, from, &found, keys).await?;
                if kept.is_empty() {
                    carried.unvouched += 1;
                    continue;
                }
                if kept.len() < all {
                    carried.unvouched += 1;
                    found.document = with_layers(&found.document, &kept)?;
                }
            }
            carried.foreign += blobs(client, from, to, &found.document).await?;
            let raw = found.document.raw().to_vec();
            if let Some(tag) = &found.tag {
                merge_tag(client, to, tag, &found.document).await?;
            } else {
                let artifact_type = artifact_type(&found.document);
                client.attach(&place(&found.subject)?, raw, &artifact_type).await?;
            }
            carried.attached += 1;
        }
    }
    if let (Some(_), Some(top)) = (to.tag(), documents.last()) {
        client.push_manifest(to, top.media_type(), top.raw().to_vec()).await?;
    }
    Ok(carried)
}

fn layers_of(document: &Document) -> &[Descriptor] {
    match document {
        Document::Manifest(manifest) => &manifest.layers,
        Document::Index(_) => &[],
    }
}

/// The layers of something attached that a key vouches for. A referrer is carried whole or not at all,
/// because its digest is what it is found by.
async fn vouched(
    client: &Client,
    from: &Reference,
    found: &Attached,
    keys: &[PublicKey],
) -> Result<Vec<usize>, OciError> {
    let Document::Manifest(manifest) = &found.document else { return Ok(Vec::new()) };
    let items = layer_items(client, &from.with_digest(found.subject.clone()), manifest, &found.found_by).await?;
    let collected = Collected { subject: found.subject.clone(), kind: DigestKind::Manifest, items };
    let signatures = judge(&collected, keys, Demands::default()).signatures;
    let attested = attestations(&collected, keys, None, Demands::default());
    let counts = |n: usize| !signatures[n].verified_by.is_empty() || !attested[n].record.verified_by.is_empty();
    let kept: Vec<usize> = (0..collected.items.len().min(manifest.layers.len())).filter(|n| counts(*n)).collect();
    Ok(if found.tag.is_none() && kept.len() < manifest.layers.len() { Vec::new() } else { kept })
}

/// A manifest under a tag with only some of its layers; its configuration stays, which says nothing.
fn with_layers(document: &Document, kept: &[usize]) -> Result<Document, OciError> {
    let invalid = |why: String| OciError {
        kind: cleanbill_oci::ErrorKind::Invalid,
        what: "leave out what no key vouches for".to_owned(),
        why,
    };
    let mut json: Value = serde_json::from_slice(document.raw()).map_err(|e| invalid(e.to_string()))?;
    if let Some(Value::Array(layers)) = json.get_mut("layers") {
        let mut n = 0;
        layers.retain(|_| {
            n += 1;
            kept.contains(&(n - 1))
        });
    }
    let raw = serde_json::to_vec(&json).map_err(|e| invalid(e.to_string()))?;
    Document::parse(raw, Some(document.media_type())).map_err(|e| invalid(e.to_string()))
}

/// What is under one of cosign's tags. Signatures that are at the target already stay: layers are
/// added, the tag is not overwritten.
async fn merge_tag(client: &Client, to: &Reference, tag: &str, document: &Document) -> Result<(), OciError> {
    let place = to.with_tag(tag).map_err(|e| OciError {
        kind: cleanbill_oci::ErrorKind::Invalid,
        what: format!("name the tag {tag}"),
        why: e.to_string(),
    })?;
    match (document, client.document(&place).await) {
        (Document::Manifest(manifest), Ok(_)) => {
            for layer in &manifest.layers {
                client.add_layer(&place, layer).await?;
            }
            Ok(())
        }
        (_, Err(error)) if error.kind != cleanbill_oci::ErrorKind::NotFound => Err(error),
        (document, _) => client.push_manifest(&place, document.media_type(), document.raw().to_vec()).await.map(drop),
    }
}

/// Copies configuration and layers; how many were left because they are not to be distributed.
async fn blobs(client: &Client, from: &Reference, to: &Reference, document: &Document) -> Result<usize, OciError> {
    let Document::Manifest(manifest) = document else { return Ok(0) };
    let foreign = |blob: &&Descriptor| !blob.urls.is_empty();
    for blob in [&manifest.config].into_iter().chain(&manifest.layers).filter(|b| !foreign(b)) {
        client.copy_blob(from, to, blob).await?;
    }
    Ok(manifest.layers.iter().filter(foreign).count())
}

/// The artifact type that lists state: the manifest's own, else its configuration's (OCI image spec,
/// `manifest.md`).
fn artifact_type(document: &Document) -> String {
    match document {
        Document::Manifest(manifest) => {
            manifest.artifact_type.clone().unwrap_or_else(|| manifest.config.media_type.clone())
        }
        Document::Index(index) => serde_json::from_slice::<Value>(&index.raw)
            .ok()
            .and_then(|json| json.get("artifactType")?.as_str().map(str::to_owned))
            .unwrap_or_default(),
    }
}
