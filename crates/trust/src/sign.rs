//! Signing what a reference names and attaching the signature, as cosign 3 does it with a key
//! (sigstore/cosign `cmd/cosign/cli/sign/sign.go`, `pkg/oci/remote/write.go`).

use std::collections::BTreeMap;

use cleanbill_image::{Descriptor, Document};
use cleanbill_model::{Digest, Reference, Timestamp};
use cleanbill_oci::{Client, OciError};
use serde::Serialize;

use crate::dsse::{IN_TOTO, pae};
use crate::statement::{SIGN, signature_statement};
use crate::{KeyError, PrivateKey, bundle};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A signature that was attached.
#[derive(Debug, Clone)]
pub struct Signed {
    /// What was signed.
    pub subject: Digest,
    /// The manifest that carries the bundle.
    pub manifest: Digest,
}

/// Why signing failed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The registry.
    #[error(transparent)]
    Oci(#[from] OciError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Signs what a reference names (resolved once, then only the digest counts) and attaches a sigstore
/// bundle v0.3 as referrer. With `annotations` they stand in the statement's subject. `created` is
/// written into the manifest.
pub async fn sign(
    client: &Client,
    image: &Reference,
    key: &PrivateKey,
    annotations: &BTreeMap<String, String>,
    created: Timestamp,
) -> Result<Signed, SignError> {
    let document = client.document(image).await?;
    let subject = document.digest().clone();
    let pinned = image.with_digest(subject.clone());
    let bundle = signature_bundle(&subject, key, annotations)?;
    let config = client.push_blob(&pinned, EMPTY, b"{}".to_vec()).await?;
    let layer = client.push_blob(&pinned, bundle::MEDIA_TYPE, bundle).await?;
    let manifest = manifest(&document, &config, &layer, created).map_err(unwritable)?;
    let pushed = client.attach(&pinned, manifest, bundle::MEDIA_TYPE).await?;
    Ok(Signed { subject, manifest: pushed.digest })
}

fn unwritable(error: serde_json::Error) -> KeyError {
    KeyError(format!("the signature could not be written: {error}"))
}

/// The bundle over a digest.
pub(crate) fn signature_bundle(
    subject: &Digest,
    key: &PrivateKey,
    annotations: &BTreeMap<String, String>,
) -> Result<Vec<u8>, KeyError> {
    let payload = signature_statement(subject, annotations).map_err(unwritable)?;
    let signature = key.sign(&pae(IN_TOTO, &payload))?;
    bundle::write(&payload, &signature, &key.public().id()).map_err(KeyError)
}

/// The manifest that attaches a bundle, field for field as cosign writes it. Artifact type and
/// annotations are right because Kyverno finds bundles by them and stumbles over wrong ones
/// (kyverno/kyverno `pkg/image/verifiers/cpol/cosign/sigstore.go`).
fn manifest(
    subject: &Document,
    config: &Descriptor,
    layer: &Descriptor,
    created: Timestamp,
) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Out<'a> {
        schema_version: u8,
        media_type: &'a str,
        artifact_type: &'a str,
        config: OutDescriptor<'a>,
        layers: [OutDescriptor<'a>; 1],
        subject: OutDescriptor<'a>,
        annotations: BTreeMap<&'a str, String>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct OutDescriptor<'a> {
        media_type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        artifact_type: Option<&'a str>,
        digest: String,
        size: u64,
    }
    let seconds = Timestamp::from_second(created.as_second()).unwrap_or(created);
    serde_json::to_vec(&Out {
        schema_version: 2,
        media_type: MANIFEST,
        artifact_type: bundle::MEDIA_TYPE,
        config: OutDescriptor {
            media_type: EMPTY,
            artifact_type: Some(bundle::MEDIA_TYPE),
            digest: config.digest.to_string(),
            size: config.size,
        },
        layers: [OutDescriptor {
            media_type: bundle::MEDIA_TYPE,
            artifact_type: None,
            digest: layer.digest.to_string(),
            size: layer.size,
        }],
        subject: OutDescriptor {
            media_type: subject.media_type(),
            artifact_type: None,
            digest: subject.digest().to_string(),
            size: subject.raw().len() as u64,
        },
        annotations: BTreeMap::from([
            ("org.opencontainers.image.created", seconds.to_string()),
            ("dev.sigstore.bundle.content", "dsse-envelope".to_owned()),
            ("dev.sigstore.bundle.predicateType", SIGN.to_owned()),
        ]),
    })
}
