//! Trusted roots (sigstore/protobuf-specs `protos/sigstore_trustroot.proto`): the authorities and logs
//! that are believed, each with the time in which it is.

use sigstore_trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT as PRODUCTION;
use sigstore_trust_root::SIGSTORE_STAGING_TRUSTED_ROOT as STAGING;
use sigstore_verify::Verifier;

use crate::statement::{Unique, shown};

const LIMIT: usize = 4 << 20;
const MEDIA_TYPES: [&str; 2] =
    ["application/vnd.dev.sigstore.trustedroot+json;version=0.1", "application/vnd.dev.sigstore.trustedroot.v0.2+json"];

/// Whom to believe. Cheap to keep, costly to make: make it once.
#[derive(Debug, Clone)]
pub struct TrustedRoot {
    pub(super) known: sigstore_trust_root::TrustedRoot,
}

/// Why a file is no trusted root.
#[derive(Debug, thiserror::Error)]
#[error("not a usable trusted root: {0}")]
pub struct RootError(String);

impl TrustedRoot {
    /// Reads `trusted_root.json`. A root of which a part is unusable is refused: a key that is ignored in
    /// silence is a check that is.
    pub fn from_json(json: &[u8]) -> Result<Self, RootError> {
        if json.len() > LIMIT {
            return Err(RootError(format!("it has {} bytes; no more than {LIMIT} are read", json.len())));
        }
        let bad = |e: serde_json::Error| RootError(e.to_string());
        let _: Unique = serde_json::from_slice(json).map_err(bad)?;
        let known: sigstore_trust_root::TrustedRoot = serde_json::from_slice(json).map_err(bad)?;
        if !MEDIA_TYPES.contains(&known.media_type.as_str()) {
            return Err(RootError(format!("it is of type `{}`", shown(&known.media_type))));
        }
        Verifier::new(&known).map_err(|e| RootError(shown(&e.to_string())))?;
        Ok(Self { known })
    }

    /// The root of sigstore's public instance, as it was when this program was built. It grows old: logs
    /// and authorities that came later are not in it.
    pub fn public_good() -> Result<Self, RootError> {
        Self::from_json(PRODUCTION.as_bytes())
    }

    /// The root of sigstore's staging instance, as it was when this program was built.
    pub fn staging() -> Result<Self, RootError> {
        Self::from_json(STAGING.as_bytes())
    }
}
