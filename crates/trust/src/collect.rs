//! Fetching everything attached to a digest that may vouch for it: referrers, and the tags of cosign's
//! older form (sigstore/cosign `pkg/oci/remote/remote.go`).
//!
//! Two rules hold throughout. What cannot be read (not there, too big, malformed) becomes a record
//! of its own, so that one bad referrer neither hides nor denies the others (A17). What cannot be
//! reached makes the whole answer [`Unavailable`], so that "could not reach" never becomes
//! "unsigned".

use std::sync::atomic::{AtomicU64, Ordering};

use cleanbill_image::{Descriptor, Document, Manifest};
use cleanbill_model::{Digest, DigestKind, Evidence, Reference, SignatureFormat, SignatureSource, Unavailable};
use cleanbill_oci::{Client, ErrorKind, OciError, Referrer};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use crate::bundle::is_bundle;
use crate::statement::shown;
use crate::{Demands, PublicKey, dsse, judge, simple};

/// A signature is small; what is larger is none.
const SIGNATURE_LIMIT: u64 = 1 << 20;
/// An attestation may hold a bill of materials.
const ATTESTATION_LIMIT: u64 = 16 << 20;
/// Bytes that are read about one digest.
const BUDGET: u64 = 64 << 20;
const MAX_REFERRERS: usize = 200;
const MAX_LAYERS: usize = 100;
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
            format: SignatureFormat::Bundle,
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
    pub(crate) format: SignatureFormat,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// The bytes of a bundle.
    Bundle(Vec<u8>),
    /// The payload of an older signature, the signature as its annotation has it, and whether there is
    /// a log entry beside it.
    Simple { payload: Vec<u8>, signature: String, log_entry: bool },
    /// The bytes of a DSSE envelope by itself.
    Envelope(Vec<u8>),
    /// It should be a signature and cannot be read: why.
    Malformed(String),
    /// Another kind of thing: its artifact type.
    Other(String),
    /// Not looked at: why.
    Unread(String),
}

/// Where to look beside the image's own repository, and for what.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Another repository that signatures are kept in (`COSIGN_REPOSITORY`); it is read too.
    pub repository: Option<Reference>,
    /// Read attestations as well: the tag of older ones, and things too large to be signatures.
    pub attestations: bool,
}

/// One reading of what is attached.
struct Reading<'a> {
    client: &'a Client,
    subject: &'a Digest,
    limit: u64,
    left: AtomicU64,
}

/// Fetches what is attached to `image`, which must name a digest: signatures as referrers and under
/// the older tag. A malformed one is kept as such; it neither hides nor denies the others. Bounded: 200
/// referrers, 100 layers under the tag, 1 MiB each.
pub async fn collect(client: &Client, image: &Reference, kind: DigestKind) -> Result<Collected, Unavailable> {
    collect_from(client, image, kind, &Look::default()).await
}

/// [`collect`], from further places and with attestations (16 MiB each, 64 MiB in all).
pub async fn collect_from(
    client: &Client,
    image: &Reference,
    kind: DigestKind,
    look: &Look,
) -> Result<Collected, Unavailable> {
    let Some(subject) = image.digest() else {
        return Err(Unavailable {
            what: format!("read the signatures of {image}"),
            why: "it names no digest, and tags are not what is signed".to_owned(),
        });
    };
    let limit = if look.attestations { ATTESTATION_LIMIT } else { SIGNATURE_LIMIT };
    let reading = Reading { client, subject, limit, left: AtomicU64::new(BUDGET) };
    let mut items = reading.place(image, look.attestations).await?;
    if let Some(other) = look.repository.as_ref().filter(|other| other.name() != image.name()) {
        items.extend(reading.place(&other.with_digest(subject.clone()), look.attestations).await?);
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

/// The layers of one manifest that is attached to `image`, which names its subject by digest; as many
/// items as there are layers. For those who carry what is attached.
pub(crate) async fn layer_items(
    client: &Client,
    image: &Reference,
    manifest: &Manifest,
    found_by: &str,
) -> Result<Vec<Item>, OciError> {
    let unusable = |what: String, why: String| OciError { kind: ErrorKind::Invalid, what, why };
    let Some(subject) = image.digest() else {
        return Err(unusable(format!("read what is attached to {image}"), "it names no digest".to_owned()));
    };
    let reading = Reading { client, subject, limit: ATTESTATION_LIMIT, left: AtomicU64::new(BUDGET) };
    let source = SignatureSource { manifest: manifest.digest.clone(), found_by: found_by.to_owned() };
    reading.layers(image, &source, &manifest.layers).await.map_err(|e| unusable(e.what, e.why))
}

/// The tag under which cosign keeps older things about a digest: `sha256-HEX.sig`, `.att`, `.sbom`.
pub(crate) fn tag(place: &Reference, digest: &Digest, suffix: &str) -> Result<Reference, OciError> {
    let tag = format!("{}-{}.{suffix}", digest.algorithm().name(), digest.hex());
    place.with_tag(&tag).map_err(|e| OciError {
        kind: ErrorKind::Invalid,
        what: format!("name the {suffix} tag of {digest}"),
        why: e.to_string(),
    })
}

impl Reading<'_> {
    /// Everything in one repository. All places are asked at the same time.
    fn place<'a>(&'a self, image: &'a Reference, attestations: bool) -> BoxFuture<'a, Result<Vec<Item>, Unavailable>> {
        self.all_of(image, attestations).boxed()
    }

    async fn all_of(&self, image: &Reference, attestations: bool) -> Result<Vec<Item>, Unavailable> {
        let attested =
            async { if attestations { self.tagged(image, "att", "attestation tag").await } else { Ok(Vec::new()) } };
        let (mut items, signed, attested) =
            futures::try_join!(self.referrers(image), self.tagged(image, "sig", "signature tag"), attested)?;
        items.extend(signed);
        items.extend(attested);
        Ok(items)
    }

    async fn referrers(&self, image: &Reference) -> Result<Vec<Item>, Unavailable> {
        let referrers = self.client.referrers(image).await.map_err(unavailable)?;
        let truncated = referrers.truncated || referrers.list.len() > MAX_REFERRERS;
        let found: Vec<Vec<Item>> = futures::stream::iter(referrers.list.into_iter().take(MAX_REFERRERS))
            .map(|referrer| self.referrer(image, referrer))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut items: Vec<Item> = found.into_iter().flatten().collect();
        if truncated {
            tracing::warn!(image = %image, "more than {MAX_REFERRERS} things are attached; the rest is not read");
            items.push(
                self.unread(
                    "referrers",
                    format!("more than {MAX_REFERRERS} things are attached; the rest was not read"),
                ),
            );
        }
        Ok(items)
    }

    async fn referrer(&self, image: &Reference, referrer: Referrer) -> Result<Vec<Item>, Unavailable> {
        let digest = referrer.descriptor.digest;
        let source = SignatureSource { manifest: digest.clone(), found_by: referrer.found_by.to_owned() };
        let one = |format, content| Ok(vec![Item { source: source.clone(), format, content }]);
        let document = match self.client.document(&image.with_digest(digest)).await {
            Ok(document) => document,
            Err(e) => return one(SignatureFormat::Bundle, unreadable(e)?),
        };
        match attached(&document, self.subject) {
            Err(content @ Content::Other(_)) => one(SignatureFormat::Other, content),
            Err(content) => one(SignatureFormat::Bundle, content),
            Ok(layers) => self.layers(image, &source, layers).await,
        }
    }

    /// What cosign's older form keeps under a tag. Whoever may write tags may write anything there, so
    /// that nothing but the signed bytes is believed.
    async fn tagged(&self, image: &Reference, suffix: &str, found_by: &str) -> Result<Vec<Item>, Unavailable> {
        let place = tag(image, self.subject, suffix).map_err(unavailable)?;
        let format = if suffix == "sig" { SignatureFormat::SimpleSigning } else { SignatureFormat::Envelope };
        let malformed = |content| {
            let source = SignatureSource { manifest: self.subject.clone(), found_by: found_by.to_owned() };
            Ok(vec![Item { source, format, content }])
        };
        let manifest = match self.client.document(&place).await {
            Ok(Document::Manifest(manifest)) => manifest,
            Ok(Document::Index(_)) => {
                return malformed(Content::Malformed("its tag names an index instead of an image".to_owned()));
            }
            Err(e) if e.kind == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return malformed(unreadable(e)?),
        };
        let source = SignatureSource { manifest: manifest.digest.clone(), found_by: found_by.to_owned() };
        self.layers(image, &source, &manifest.layers).await
    }

    async fn layers(
        &self,
        image: &Reference,
        source: &SignatureSource,
        layers: &[Descriptor],
    ) -> Result<Vec<Item>, Unavailable> {
        let read: Vec<Descriptor> = layers.iter().take(MAX_LAYERS).cloned().collect();
        let mut items: Vec<Item> = futures::stream::iter(read)
            .map(|layer| self.item(image, source, layer))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        if layers.len() > MAX_LAYERS {
            let why = format!("{} signatures are under one tag; no more than {MAX_LAYERS} were read", layers.len());
            items.push(self.unread(&source.found_by, why));
        }
        Ok(items)
    }

    async fn item(&self, image: &Reference, source: &SignatureSource, layer: Descriptor) -> Result<Item, Unavailable> {
        let (format, content) = self.layer(image, &layer).await?;
        Ok(Item { source: source.clone(), format, content })
    }

    async fn layer(&self, image: &Reference, layer: &Descriptor) -> Result<(SignatureFormat, Content), Unavailable> {
        let format = match layer.media_type.as_str() {
            simple::MEDIA_TYPE => SignatureFormat::SimpleSigning,
            dsse::MEDIA_TYPE => SignatureFormat::Envelope,
            other if is_bundle(other) => SignatureFormat::Bundle,
            other => return Ok((SignatureFormat::Other, Content::Other(shown(other)))),
        };
        let limit = if format == SignatureFormat::SimpleSigning { SIGNATURE_LIMIT } else { self.limit };
        let name = if format == SignatureFormat::Bundle { "bundle" } else { "content" };
        if layer.size > limit {
            return Ok((format, Content::Malformed(format!("its {name} has {} bytes, more than {limit}", layer.size))));
        }
        let reserve = |left: u64| left.checked_sub(layer.size);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve).is_err() {
            let why = format!("more than {BUDGET} bytes are attached; this was not read");
            return Ok((format, Content::Unread(why)));
        }
        // Its size is what the manifest states: more is not read, whatever the registry sends.
        let bytes = match self.client.blob(image, &layer.digest, layer.size).await {
            Ok(bytes) => bytes,
            Err(e) => return Ok((format, unreadable(e)?)),
        };
        let content = match format {
            SignatureFormat::Bundle => Content::Bundle(bytes),
            SignatureFormat::SimpleSigning => match layer.annotations.get(simple::SIGNATURE) {
                None => Content::Malformed("its layer carries no signature".to_owned()),
                Some(signature) => Content::Simple {
                    payload: bytes,
                    signature: signature.clone(),
                    log_entry: layer.annotations.contains_key(simple::LOG_ENTRY),
                },
            },
            SignatureFormat::Envelope | SignatureFormat::Other => Content::Envelope(bytes),
        };
        Ok((format, content))
    }

    fn unread(&self, found_by: &str, why: String) -> Item {
        Item {
            source: SignatureSource { manifest: self.subject.clone(), found_by: found_by.to_owned() },
            format: SignatureFormat::Other,
            content: Content::Unread(why),
        }
    }
}

fn unavailable(error: OciError) -> Unavailable {
    Unavailable { what: error.what, why: error.why }
}

/// The registry answered, but with nothing usable: that is a fact about the referrer. Anything else
/// leaves open what is there.
fn unreadable(error: OciError) -> Result<Content, Unavailable> {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::Invalid => Ok(Content::Malformed(shown(&error.to_string()))),
        ErrorKind::Unauthorized | ErrorKind::Unreachable | ErrorKind::Forbidden => Err(unavailable(error)),
    }
}

/// The layers of a referrer that may vouch, or what the referrer is instead. The layers' media types
/// decide: registries' lists carry artifact types that older libraries got wrong. Older signatures may
/// be several in one referrer (cosign 2's experimental form); a bundle is alone.
fn attached<'a>(document: &'a Document, subject: &Digest) -> Result<&'a [Descriptor], Content> {
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
    let old = |layer: &Descriptor| layer.media_type == simple::MEDIA_TYPE || layer.media_type == dsse::MEDIA_TYPE;
    if manifest.layers.iter().any(old) {
        return Ok(&manifest.layers);
    }
    match manifest.layers.as_slice() {
        [layer] if is_bundle(&layer.media_type) => Ok(&manifest.layers),
        layers if layers.iter().any(|l| is_bundle(&l.media_type)) => {
            Err(Content::Malformed(format!("it has {} layers instead of one bundle", layers.len())))
        }
        _ => Err(Content::Other(kind_of(manifest))),
    }
}

fn kind_of(manifest: &Manifest) -> String {
    shown(manifest.artifact_type.as_deref().unwrap_or(&manifest.config.media_type))
}
