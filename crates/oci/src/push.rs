//! Writing blobs and manifests (distribution spec, "Push").

use bytes::Bytes;
use cleanbill_image::Descriptor;
use cleanbill_model::{Digest, Reference};
use http::{HeaderValue, Method, StatusCode, header};
use url::Url;

use crate::error::{ErrorKind, OciError, plain};
use crate::pull::{check_bytes, descriptor};
use crate::retry;
use crate::transport::{Call, Client};

/// What a push was answered.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Digest of what was pushed.
    pub digest: Digest,
    /// The registry keeps referrers (it answered `OCI-Subject`).
    pub subject_kept: bool,
}

impl Client {
    /// Pushes a blob unless it is there.
    pub async fn push_blob(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Descriptor, OciError> {
        let digest = Digest::sha256(&bytes);
        let pushed = descriptor(media_type.to_owned(), digest.clone(), bytes.len() as u64);
        let what = format!("push blob {digest} to {}", reference.name());
        let path = format!("{}/blobs/{digest}", reference.repository());
        let mut call = Call::new(self, reference, Method::HEAD, &path, what.clone())?;
        call.actions = Some("pull,push");
        let there = self.send(call).await?;
        if there.status().is_success() {
            return Ok(pushed);
        }
        let bytes = Bytes::from(bytes);
        let mut attempt = 0;
        loop {
            // An upload that failed half-way has no known state: each try starts a new one.
            match self.upload(reference, &digest, bytes.clone(), &what).await {
                Ok(()) => return Ok(pushed),
                Err(error) if error.kind == ErrorKind::Unreachable && attempt < self.inner.options.retries => {
                    tokio::time::sleep(retry::pause(attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// POST for a place, PUT of everything to it.
    async fn upload(&self, reference: &Reference, digest: &Digest, bytes: Bytes, what: &str) -> Result<(), OciError> {
        let path = format!("{}/blobs/uploads/", reference.repository());
        let mut call = Call::new(self, reference, Method::POST, &path, what.to_owned())?;
        call.actions = Some("pull,push");
        call.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        let start = call.url.clone();
        let answer = self.send(call).await?.good(what).await?;
        if answer.status() == StatusCode::CREATED {
            return Ok(());
        }
        let mut place = location(&start, answer.header("location"), what)?;
        // Added, not replaced: the place's own query is the registry's state.
        place.query_pairs_mut().append_pair("digest", &digest.to_string());
        let mut call = Call::new(self, reference, Method::PUT, &path, what.to_owned())?
            .header(header::CONTENT_TYPE, "application/octet-stream");
        call.url = place;
        call.body = Some(bytes);
        call.actions = Some("pull,push");
        call.retries = 0;
        let answer = self.send(call).await?.good(what).await?;
        match answer.digest(what)? {
            Some(stored) if stored.algorithm() == digest.algorithm() && stored != *digest => {
                Err(OciError::invalid(what, format!("the registry says that it stored {stored}")))
            }
            _ => Ok(()),
        }
    }

    /// Pushes a manifest under the reference's tag, or by its digest where it has none.
    pub async fn push_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        raw: Vec<u8>,
    ) -> Result<Pushed, OciError> {
        let own = Digest::sha256(&raw);
        let what = format!("push manifest {own} to {}", reference.name());
        if let Some(expected) = reference.digest() {
            check_bytes(expected, &raw, &what)?;
        }
        let digest = reference.digest().cloned().unwrap_or(own);
        let selector = reference.tag().map_or_else(|| digest.to_string(), str::to_owned);
        let path = format!("{}/manifests/{selector}", reference.repository());
        let mut call = Call::new(self, reference, Method::PUT, &path, what.clone())?;
        let value = HeaderValue::from_str(media_type)
            .map_err(|_| OciError::invalid(&what, format!("`{}` is not a media type", plain(media_type))))?;
        call.headers.insert(header::CONTENT_TYPE, value);
        call.body = Some(Bytes::from(raw));
        call.actions = Some("pull,push");
        let answer = self.send(call).await?.good(&what).await?;
        match answer.digest(&what)? {
            Some(stored) if stored.algorithm() == digest.algorithm() && stored != digest => {
                Err(OciError::invalid(&what, format!("the registry says that it stored {stored}")))
            }
            _ => Ok(Pushed { digest, subject_kept: answer.header("oci-subject").is_some() }),
        }
    }
}

/// A `Location` that may be relative.
pub(crate) fn location(base: &Url, header: Option<&str>, what: &str) -> Result<Url, OciError> {
    header.and_then(|text| base.join(text).ok()).ok_or_else(|| {
        OciError::invalid(what, "the registry does not say where to send the bytes (no usable Location)")
    })
}
