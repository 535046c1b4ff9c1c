//! Blobs from one repository to another: mounted where both are in one registry, else carried through
//! without ever being held whole (distribution spec, "Mounting a blob", "Pushing a blob in chunks").

use bytes::{Bytes, BytesMut};
use cleanbill_image::Descriptor;
use cleanbill_model::{Digest, Hasher, Reference};
use http::{HeaderValue, Method, StatusCode, header};
use url::Url;

use crate::error::{ErrorKind, OciError};
use crate::push::location;
use crate::retry;
use crate::transport::{Call, Client};

/// Up to this size a blob is held whole and sent at once; larger ones go in chunks of it.
const CHUNK: usize = 8 << 20;

impl Client {
    /// Copies a blob unless it is there. Its bytes are checked against its digest and size on the way.
    pub async fn copy_blob(&self, from: &Reference, to: &Reference, blob: &Descriptor) -> Result<(), OciError> {
        let what = format!("copy blob {} from {} to {}", blob.digest, from.name(), to.name());
        let path = format!("{}/blobs/{}", to.repository(), blob.digest);
        let mut call = Call::new(self, to, Method::HEAD, &path, what.clone())?;
        call.actions = Some("pull,push");
        if self.send(call).await?.status().is_success() {
            return Ok(());
        }
        if from.api_host() == to.api_host() && self.mount(from, to, &blob.digest, &what).await? {
            return Ok(());
        }
        if blob.size <= CHUNK as u64 {
            let bytes = self.blob(from, &blob.digest, blob.size).await?;
            return self.push_blob(to, &blob.media_type, bytes).await.map(drop);
        }
        let mut attempt = 0;
        loop {
            match self.carry(from, to, blob, &what).await {
                Err(error) if error.kind == ErrorKind::Unreachable && attempt < self.inner.options.retries => {
                    tokio::time::sleep(retry::pause(attempt)).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    /// Whether the registry took the blob from the other repository by itself.
    async fn mount(&self, from: &Reference, to: &Reference, digest: &Digest, what: &str) -> Result<bool, OciError> {
        let path = format!("{}/blobs/uploads/", to.repository());
        let mut call = Call::new(self, to, Method::POST, &path, what.to_owned())?;
        call.url.query_pairs_mut().append_pair("mount", &digest.to_string()).append_pair("from", from.repository());
        call.actions = Some("pull,push");
        call.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        // Any other answer means that it is to be sent, which says better what is wrong.
        Ok(self.send(call).await?.status() == StatusCode::CREATED)
    }

    async fn carry(&self, from: &Reference, to: &Reference, blob: &Descriptor, what: &str) -> Result<(), OciError> {
        let path = format!("{}/blobs/{}", from.repository(), blob.digest);
        let mut source =
            self.send(Call::new(self, from, Method::GET, &path, what.to_owned())?).await?.good(what).await?.response;
        let uploads = format!("{}/blobs/uploads/", to.repository());
        let mut call = Call::new(self, to, Method::POST, &uploads, what.to_owned())?;
        call.actions = Some("pull,push");
        call.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        let start = call.url.clone();
        let answer = self.send(call).await?.good(what).await?;
        let mut place = location(&start, answer.header("location"), what)?;
        let mut hasher = Hasher::new(blob.digest.algorithm());
        let (mut sent, mut waiting) = (0_u64, BytesMut::new());
        let patience = self.inner.options.timeout;
        let broken = |why: &str| OciError::new(ErrorKind::Unreachable, what, why);
        loop {
            let chunk = tokio::time::timeout(patience, source.chunk())
                .await
                .map_err(|_| broken("no bytes in time"))?
                .map_err(|_| broken("the connection broke"))?;
            let ended = chunk.is_none();
            if let Some(chunk) = chunk {
                hasher.update(&chunk);
                waiting.extend_from_slice(&chunk);
            }
            let so_far = sent.saturating_add(waiting.len() as u64);
            if so_far > blob.size || (ended && so_far < blob.size) {
                return Err(OciError::invalid(what, format!("it has not the {} bytes that are stated", blob.size)));
            }
            if !waiting.is_empty() && (ended || waiting.len() >= CHUNK) {
                let part = waiting.split().freeze();
                let size = part.len() as u64;
                place = self.send_part(to, &uploads, place, sent, part, what).await?;
                sent = sent.saturating_add(size);
            }
            if ended {
                break;
            }
        }
        let actual = hasher.finish();
        if actual != blob.digest {
            return Err(OciError::invalid(what, format!("the registry sends other content: {actual}")));
        }
        place.query_pairs_mut().append_pair("digest", &blob.digest.to_string());
        let mut call = Call::new(self, to, Method::PUT, &uploads, what.to_owned())?;
        call.url = place;
        call.actions = Some("pull,push");
        call.retries = 0;
        call.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        self.send(call).await?.good(what).await.map(drop)
    }

    /// Sends one chunk and says where the next one goes.
    async fn send_part(
        &self,
        to: &Reference,
        path: &str,
        place: Url,
        start: u64,
        part: Bytes,
        what: &str,
    ) -> Result<Url, OciError> {
        let end = start.saturating_add(part.len() as u64).saturating_sub(1);
        let range = HeaderValue::from_str(&format!("{start}-{end}"))
            .map_err(|_| OciError::invalid(what, "the range cannot be written"))?;
        let mut call = Call::new(self, to, Method::PATCH, path, what.to_owned())?
            .header(header::CONTENT_TYPE, "application/octet-stream");
        call.headers.insert(header::CONTENT_RANGE, range);
        call.url = place.clone();
        call.body = Some(part);
        call.actions = Some("pull,push");
        call.retries = 0;
        let answer = self.send(call).await?.good(what).await?;
        location(&place, answer.header("location"), what)
    }
}
