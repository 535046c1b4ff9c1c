//! Signing and attesting what a reference names, as cosign does it with a key (sigstore/cosign
//! `cmd/cosign/cli/sign/sign.go`, `cmd/cosign/cli/attest/attest.go`, `pkg/oci/remote/write.go`): as a
//! bundle, or in the older form under a tag.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_image::{Descriptor, Document};
use cleanbill_model::{Digest, Reference, SignatureFormat, Timestamp};
use cleanbill_oci::{Client, OciError};
use serde::Serialize;

use crate::collect::tag;
use crate::dsse::{self, IN_TOTO, pae};
use crate::statement::{SIGN, attestation_statement, signature_statement};
use crate::{KeyError, Predicate, PrivateKey, bundle, simple};

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

/// In which form a signature or attestation is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A sigstore bundle as referrer: cosign 3.
    #[default]
    Bundle,
    /// A layer under the tag `sha256-HEX.sig` or `.att`: cosign 2, and those who built upon it.
    Tag,
}

impl Form {
    /// The format of signatures of this form.
    pub fn signature_format(self) -> SignatureFormat {
        match self {
            Form::Bundle => SignatureFormat::Bundle,
            Form::Tag => SignatureFormat::SimpleSigning,
        }
    }
}

/// How signatures and attestations are written.
#[derive(Debug, Clone, Default)]
pub struct How {
    /// In which form.
    pub form: Form,
    /// Another repository than the image's (`COSIGN_REPOSITORY`).
    pub repository: Option<Reference>,
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
    sign_as(client, image, key, annotations, created, &How::default()).await
}

/// [`sign`], in a form and into a repository.
pub async fn sign_as(
    client: &Client,
    image: &Reference,
    key: &PrivateKey,
    annotations: &BTreeMap<String, String>,
    created: Timestamp,
    how: &How,
) -> Result<Signed, SignError> {
    let document = client.document(image).await?;
    let subject = document.digest().clone();
    match how.form {
        Form::Bundle => {
            let bundle = signature_bundle(&subject, key, annotations)?;
            attach_bundle(client, image, &document, bundle, SIGN, created, how).await
        }
        Form::Tag => {
            let payload = simple::payload(&image.name(), &subject, annotations).map_err(unwritable)?;
            let signature = STANDARD.encode(key.sign(&payload)?);
            let annotations = [(simple::SIGNATURE.to_owned(), signature)];
            add_under_tag(client, image, &document, "sig", simple::MEDIA_TYPE, payload, annotations.into(), how).await
        }
    }
}

/// Attests what a reference names (resolved once, then only the digest counts).
pub async fn attest(
    client: &Client,
    image: &Reference,
    key: &PrivateKey,
    predicate: &Predicate,
    created: Timestamp,
    how: &How,
) -> Result<Signed, SignError> {
    let document = client.document(image).await?;
    let payload = attestation_statement(&image.name(), document.digest(), predicate.kind(), &predicate.json)
        .map_err(unwritable)?;
    let signature = key.sign(&pae(IN_TOTO, &payload))?;
    match how.form {
        Form::Bundle => {
            let bundle = bundle::write(&payload, &signature, &key.public().id()).map_err(KeyError)?;
            attach_bundle(client, image, &document, bundle, predicate.kind(), created, how).await
        }
        Form::Tag => {
            let envelope = dsse::write(&payload, &signature).map_err(unwritable)?;
            let annotations = BTreeMap::from([
                (simple::SIGNATURE.to_owned(), String::new()),
                ("predicateType".to_owned(), predicate.kind().to_owned()),
            ]);
            add_under_tag(client, image, &document, "att", dsse::MEDIA_TYPE, envelope, annotations, how).await
        }
    }
}

async fn attach_bundle(
    client: &Client,
    image: &Reference,
    document: &Document,
    bundle: Vec<u8>,
    predicate_type: &str,
    created: Timestamp,
    how: &How,
) -> Result<Signed, SignError> {
    let subject = document.digest().clone();
    let place = how.repository.as_ref().unwrap_or(image).with_digest(subject.clone());
    let config = client.push_blob(&place, EMPTY, b"{}".to_vec()).await?;
    let layer = client.push_blob(&place, bundle::MEDIA_TYPE, bundle).await?;
    let manifest = manifest(document, &config, &layer, predicate_type, created).map_err(unwritable)?;
    let pushed = client.attach(&place, manifest, bundle::MEDIA_TYPE).await?;
    Ok(Signed { subject, manifest: pushed.digest })
}

#[expect(clippy::too_many_arguments, reason = "what a layer is made of")]
async fn add_under_tag(
    client: &Client,
    image: &Reference,
    document: &Document,
    suffix: &str,
    media_type: &str,
    content: Vec<u8>,
    annotations: BTreeMap<String, String>,
    how: &How,
) -> Result<Signed, SignError> {
    let subject = document.digest().clone();
    let place = tag(how.repository.as_ref().unwrap_or(image), &subject, suffix)?;
    let blob = client.push_blob(&place, media_type, content).await?;
    let pushed = client.add_layer(&place, &Descriptor { annotations, ..blob }).await?;
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
    predicate_type: &str,
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
            ("dev.sigstore.bundle.predicateType", predicate_type.to_owned()),
        ]),
    })
}
