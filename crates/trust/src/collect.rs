//! Fetching everything attached to a digest that may vouch for it.
//!
//! Two rules hold throughout. What cannot be read (not there, too big, malformed) becomes a record
//! of its own, so that one bad referrer neither hides nor denies the others (A17). What cannot be
//! reached makes the whole answer [`Unavailable`], so that "could not reach" never becomes
//! "unsigned".

use cleanbill_image::{Descriptor, Document, Manifest};
use cleanbill_model::{Digest, DigestKind, Evidence, Reference, SignatureSource, Unavailable};
use cleanbill_oci::{Client, ErrorKind, OciError, Referrer};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::bundle::is_bundle;
use crate::statement::shown;
use crate::{Demands, PublicKey, judge};

const BUNDLE_LIMIT: u64 = 1 << 20;
const MAX_REFERRERS: usize = 200;
const AT_ONCE: usize = 8;

/// Everything attached to a digest that may vouch for it, as fetched; a fact that can be cached by
/// (repository, digest). Judging it needs no network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    pub(crate) subject: Digest,
    pub(crate) kind: DigestKind,
    pub(crate) items: Vec<Item>,
}

impl Collected {
    /// Bundles that were had in another way than from a registry: files beside an image.
    pub fn of_bundles(subject: Digest, kind: DigestKind, bundles: Vec<Vec<u8>>) -> Self {
        let item = |bundle: Vec<u8>| Item {
            source: SignatureSource { manifest: Digest::sha256(&bundle), found_by: "a file".to_owned() },
            content: Content::Bundle(bundle),
        };
        Self { subject, kind, items: bundles.into_iter().map(item).collect() }
    }

    /// The digest that was looked at.
    pub fn subject(&self) -> &Digest {
        &self.subject
    }

    /// How many things are attached.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing is attached.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// One thing attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) source: SignatureSource,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// The bytes of a bundle.
    Bundle(Vec<u8>),
    /// It should be a bundle and cannot be read: why.
    Malformed(String),
    /// Another kind of thing: its artifact type.
    Other(String),
    /// Not looked at: why.
    Unread(String),
}

/// Fetches what is attached to `image`, which must name a digest. A malformed referrer is kept as
/// such; it neither hides nor denies the others. Bounded: 200 referrers, 1 MiB each.
pub async fn collect(client: &Client, image: &Reference, kind: DigestKind) -> Result<Collected, Unavailable> {
    let Some(subject) = image.digest() else {
        return Err(Unavailable {
            what: format!("read the signatures of {image}"),
            why: "it names no digest, and tags are not what is signed".to_owned(),
        });
    };
    let referrers = client.referrers(image).await.map_err(|e| Unavailable { what: e.what, why: e.why })?;
    let truncated = referrers.truncated || referrers.list.len() > MAX_REFERRERS;
    let mut items: Vec<Item> = futures::stream::iter(referrers.list.into_iter().take(MAX_REFERRERS))
        .map(|referrer| fetch(client, image, subject, referrer))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    if truncated {
        tracing::warn!(image = %image, "more than {MAX_REFERRERS} things are attached; the rest is not read");
        items.push(Item {
            source: SignatureSource { manifest: subject.clone(), found_by: "referrers".to_owned() },
            content: Content::Unread(format!("more than {MAX_REFERRERS} things are attached; the rest was not read")),
        });
    }
    Ok(Collected { subject: subject.clone(), kind, items })
}

/// Collects and judges in one go.
pub async fn evidence(
    client: &Client,
    image: &Reference,
    kind: DigestKind,
    keys: &[PublicKey],
    demands: Demands,
) -> Result<Evidence, Unavailable> {
    Ok(judge(&collect(client, image, kind).await?, keys, demands))
}

async fn fetch(client: &Client, image: &Reference, subject: &Digest, referrer: Referrer) -> Result<Item, Unavailable> {
    let digest = referrer.descriptor.digest;
    let content = match client.document(&image.with_digest(digest.clone())).await {
        Ok(document) => match layer_of(&document, subject) {
            Err(content) => content,
            Ok(layer) => match client.blob(image, &layer.digest, BUNDLE_LIMIT).await {
                Ok(bytes) => Content::Bundle(bytes),
                Err(e) => unreadable(e)?,
            },
        },
        Err(e) => unreadable(e)?,
    };
    Ok(Item { source: SignatureSource { manifest: digest, found_by: referrer.found_by.to_owned() }, content })
}

/// The registry answered, but with nothing usable: that is a fact about the referrer. Anything else
/// leaves open what is there.
fn unreadable(error: OciError) -> Result<Content, Unavailable> {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::Invalid => Ok(Content::Malformed(shown(&error.to_string()))),
        ErrorKind::Unauthorized | ErrorKind::Unreachable | ErrorKind::Forbidden => {
            Err(Unavailable { what: error.what, why: error.why })
        }
    }
}

/// The layer that holds the bundle, or what the referrer is instead. The layer's media type decides
/// whether it is a bundle: registries' lists carry artifact types that older libraries got wrong.
fn layer_of<'a>(document: &'a Document, subject: &Digest) -> Result<&'a Descriptor, Content> {
    let manifest = match document {
        Document::Manifest(manifest) => manifest,
        Document::Index(_) => return Err(Content::Other("an index".to_owned())),
    };
    match &manifest.subject {
        Some(named) if named.digest == *subject => {}
        Some(named) => {
            return Err(Content::Malformed(format!("its manifest is attached to another image: {}", named.digest)));
        }
        None => return Err(Content::Malformed("its manifest names no subject".to_owned())),
    }
    let [layer] = manifest.layers.as_slice() else {
        return Err(if manifest.layers.iter().any(|l| is_bundle(&l.media_type)) {
            Content::Malformed(format!("it has {} layers instead of one bundle", manifest.layers.len()))
        } else {
            Content::Other(kind_of(manifest))
        });
    };
    if !is_bundle(&layer.media_type) {
        return Err(Content::Other(kind_of(manifest)));
    }
    if layer.size > BUNDLE_LIMIT {
        return Err(Content::Malformed(format!("its bundle has {} bytes, more than {BUNDLE_LIMIT}", layer.size)));
    }
    Ok(layer)
}

fn kind_of(manifest: &Manifest) -> String {
    shown(manifest.artifact_type.as_deref().unwrap_or(&manifest.config.media_type))
}
