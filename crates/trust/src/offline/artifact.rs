//! What a bundle is to be about.

use aws_lc_rs::digest::{self, Algorithm, SHA256, SHA384, SHA512};
use cleanbill_model::Digest;

/// A file, or the digest of one.
#[derive(Debug, Clone)]
pub struct Artifact {
    bytes: Option<Vec<u8>>,
    digests: Vec<Digest>,
}

/// Why something is no digest of an artifact.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no digest that can be verified: sha256 or sha512 is needed")]
pub struct ArtifactError(String);

impl Artifact {
    /// An artifact by its bytes.
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        let sha256 = Digest::sha256(&bytes);
        let sha512 = Digest::parse(&format!("sha512:{}", hex::encode(digest::digest(&SHA512, &bytes)))).ok();
        Self { bytes: Some(bytes), digests: std::iter::once(sha256).chain(sha512).collect() }
    }

    /// An artifact by its digest; that it is the digest of what is meant is for the caller to know.
    pub fn of_digest(digest: Digest) -> Self {
        Self { bytes: None, digests: vec![digest] }
    }

    /// An artifact by its digest as text, `sha256:HEX`.
    pub fn parse(text: &str) -> Result<Self, ArtifactError> {
        Digest::parse(text).map(Self::of_digest).map_err(|_| ArtifactError(crate::statement::shown(text)))
    }

    /// Its bytes, where they are known.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }

    /// Its digests, as far as they are known.
    pub(super) fn digests(&self) -> &[Digest] {
        &self.digests
    }

    /// Its hash by one algorithm, where it is known or can be computed.
    pub(super) fn hash(&self, algorithm: &'static Algorithm) -> Option<Vec<u8>> {
        if let Some(bytes) = &self.bytes {
            return Some(digest::digest(algorithm, bytes).as_ref().to_vec());
        }
        let name = [(&SHA256, "sha256"), (&SHA384, "sha384"), (&SHA512, "sha512")]
            .into_iter()
            .find_map(|(known, name)| (known == algorithm).then_some(name))?;
        let digest = self.digests.iter().find(|d| d.algorithm().name() == name)?;
        hex::decode(digest.hex()).ok()
    }
}
