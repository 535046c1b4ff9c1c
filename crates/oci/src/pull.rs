//! Reading manifests, images and small blobs (distribution spec, "Pull").

use cleanbill_image::{Config, Descriptor, Document, Image, ImageError, Manifest};
use cleanbill_model::{Digest, ImageIdentity, Platform, Reference};
use http::{Method, StatusCode, header};

use crate::error::{ErrorKind, OciError};
use crate::transport::{Answer, Call, Client, DOCUMENT};

/// What a manifest may be.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                      application/vnd.docker.distribution.manifest.list.v2+json, \
                      application/vnd.docker.distribution.manifest.v2+json";
/// Indexes inside indexes.
const NESTING: usize = 4;

impl Client {
    /// The descriptor of what a reference names now: HEAD, or GET where HEAD gives no digest. With a
    /// digest in the reference the digest decides.
    pub async fn resolve(&self, reference: &Reference) -> Result<Descriptor, OciError> {
        let what = format!("resolve {reference}");
        let answer = self.manifest_answer(reference, Method::HEAD, &what).await?;
        if answer.status() == StatusCode::NOT_FOUND || matches!(answer.status().as_u16(), 401 | 403) {
            return Err(answer.refusal(&what).await);
        }
        if answer.status().is_success() {
            let stated = answer.digest(&what)?;
            check_stated(reference, stated.as_ref(), &what)?;
            let digest = reference.digest().cloned().or(stated);
            let size = answer.header("content-length").and_then(|text| text.parse().ok());
            if let (Some(digest), Some(size), Some(media_type)) = (digest, size, answer.media_type()) {
                return Ok(descriptor(media_type, digest, size));
            }
        }
        let document = self.document(reference).await?;
        let digest = reference.digest().cloned().unwrap_or_else(|| document.digest().clone());
        Ok(descriptor(document.media_type().to_owned(), digest, document.raw().len() as u64))
    }

    /// The manifest or index; its digest is checked against the reference's and the header's (A19).
    pub async fn document(&self, reference: &Reference) -> Result<Document, OciError> {
        let what = format!("read the manifest of {reference}");
        let answer = self.manifest_answer(reference, Method::GET, &what).await?.good(&what).await?;
        let media_type = answer.media_type();
        let stated = answer.digest(&what)?;
        let raw = answer.body(DOCUMENT, &what).await?;
        check_stated(reference, stated.as_ref(), &what)?;
        for expected in [reference.digest(), stated.as_ref()].into_iter().flatten() {
            check_bytes(expected, &raw, &what)?;
        }
        Document::parse(raw, media_type.as_deref()).map_err(|e| OciError::invalid(&what, e.to_string()))
    }

    async fn manifest_answer(&self, reference: &Reference, method: Method, what: &str) -> Result<Answer, OciError> {
        let path = format!("{}/manifests/{}", reference.repository(), reference.selector());
        self.send(Call::new(self, reference, method, &path, what.to_owned())?.header(header::ACCEPT, ACCEPT)).await
    }

    /// The image for a platform. A single manifest is used whatever platform its configuration states.
    pub async fn image(&self, reference: &Reference, wanted: Option<&Platform>) -> Result<Image, OciError> {
        let what = format!("read the image {reference}");
        let (index, manifest) = self.chosen(reference, wanted, &what).await?;
        let described = &manifest.config;
        if described.size > DOCUMENT {
            let why = format!("its configuration has {} bytes, more than {DOCUMENT}", described.size);
            return Err(OciError::invalid(&what, why));
        }
        let raw = self.blob(reference, &described.digest, described.size).await?;
        let config = Config::parse(raw).map_err(|e| OciError::invalid(&what, e.to_string()))?;
        let identity = ImageIdentity {
            index,
            manifest: manifest.digest.clone(),
            config: described.digest.clone(),
            platform: config.platform.clone(),
        };
        Ok(Image { name: reference.to_string(), identity, manifest, config })
    }

    /// The manifest that a reference leads to for a platform, and the outermost index on the way.
    async fn chosen(
        &self,
        reference: &Reference,
        wanted: Option<&Platform>,
        what: &str,
    ) -> Result<(Option<Digest>, Manifest), OciError> {
        let mut index = None;
        let mut at = reference.clone();
        for _ in 0..NESTING {
            match self.document(&at).await? {
                Document::Manifest(manifest) => return Ok((index, manifest)),
                Document::Index(found) => {
                    let child = found.select(wanted).map_err(|e| match e {
                        ImageError::Platform { .. } => OciError::new(ErrorKind::NotFound, what, e.to_string()),
                        other => OciError::invalid(what, other.to_string()),
                    })?;
                    at = reference.with_digest(child.digest.clone());
                    index.get_or_insert(found.digest);
                }
            }
        }
        Err(OciError::invalid(what, format!("more than {NESTING} indexes inside each other")))
    }

    /// A small blob, at most `limit` bytes, digest checked.
    pub async fn blob(&self, reference: &Reference, digest: &Digest, limit: u64) -> Result<Vec<u8>, OciError> {
        let what = format!("read blob {digest} of {}", reference.name());
        let path = format!("{}/blobs/{digest}", reference.repository());
        let answer = self.send(Call::new(self, reference, Method::GET, &path, what.clone())?).await?;
        let bytes = answer.good(&what).await?.body(limit, &what).await?;
        check_bytes(digest, &bytes, &what)?;
        Ok(bytes)
    }

    /// Whether the registry of a reference answers at all (`/v2/`; 401 counts as an answer).
    pub async fn ping(&self, reference: &Reference) -> Result<(), OciError> {
        let what = format!("reach the registry {}", reference.registry());
        let mut call = Call::new(self, reference, Method::GET, "", what.clone())?;
        call.actions = None;
        match self.send(call).await {
            Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => Ok(()),
            Ok(answer) => answer.good(&what).await.map(drop),
            // the token service refused: the registry answered before it
            Err(error) if error.kind == ErrorKind::Unauthorized => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The header must not name another digest than was asked for (A19); one by another algorithm is
/// compared with the bytes instead.
fn check_stated(reference: &Reference, stated: Option<&Digest>, what: &str) -> Result<(), OciError> {
    match (reference.digest(), stated) {
        (Some(asked), Some(stated)) if asked.algorithm() == stated.algorithm() && asked != stated => {
            Err(OciError::invalid(what, format!("the registry says that it answers with {stated} instead")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn check_bytes(expected: &Digest, bytes: &[u8], what: &str) -> Result<(), OciError> {
    if expected.matches(bytes) {
        return Ok(());
    }
    let actual = Digest::sha256(bytes);
    Err(OciError::invalid(what, format!("the registry answers with other content: {actual}, not {expected}")))
}

pub(crate) fn descriptor(media_type: String, digest: Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type,
        digest,
        size,
        artifact_type: None,
        platform: None,
        annotations: std::collections::BTreeMap::new(),
        urls: Vec::new(),
    }
}
