//! Images and what became of them as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_model::{Digest, ImageIdentity, Platform};
use serde::{Deserialize, Serialize};

use super::WireError;
use super::fleet::{digest, platform};
use crate::{ImageOutcome, WantedImage};

/// An image that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedImageWire {
    /// Where to ask.
    pub reference: String,
    /// The digest the runtime reported.
    pub digest: String,
    /// The node's platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

/// An image's digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityWire {
    /// The index it was chosen from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The manifest.
    pub manifest: String,
    /// The configuration.
    pub config: String,
    /// What the configuration states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

/// What became of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ImageOutcomeWire {
    /// Looked into.
    Ready {
        /// Its digests.
        identity: IdentityWire,
        /// The SBOM's bytes in base64, so that its digest survives.
        sbom: String,
    },
    /// Could not be had.
    Failed {
        /// Why.
        why: String,
    },
}

impl From<&WantedImage> for WantedImageWire {
    fn from(wanted: &WantedImage) -> Self {
        Self {
            reference: wanted.reference.clone(),
            digest: wanted.digest.to_string(),
            platform: wanted.platform.as_ref().map(Platform::to_string),
        }
    }
}

impl TryFrom<WantedImageWire> for WantedImage {
    type Error = WireError;
    fn try_from(wire: WantedImageWire) -> Result<Self, WireError> {
        Ok(Self {
            reference: wire.reference,
            digest: digest("wanted.digest", &wire.digest)?,
            platform: platform(wire.platform.as_deref())?,
        })
    }
}

impl From<&ImageIdentity> for IdentityWire {
    fn from(identity: &ImageIdentity) -> Self {
        Self {
            index: identity.index.as_ref().map(Digest::to_string),
            manifest: identity.manifest.to_string(),
            config: identity.config.to_string(),
            platform: identity.platform.as_ref().map(Platform::to_string),
        }
    }
}

impl TryFrom<IdentityWire> for ImageIdentity {
    type Error = WireError;
    fn try_from(wire: IdentityWire) -> Result<Self, WireError> {
        Ok(Self {
            index: wire.index.as_deref().map(|t| digest("identity.index", t)).transpose()?,
            manifest: digest("identity.manifest", &wire.manifest)?,
            config: digest("identity.config", &wire.config)?,
            platform: platform(wire.platform.as_deref())?,
        })
    }
}

impl From<&ImageOutcome> for ImageOutcomeWire {
    fn from(outcome: &ImageOutcome) -> Self {
        match outcome {
            ImageOutcome::Ready { identity, sbom } => {
                Self::Ready { identity: identity.into(), sbom: STANDARD.encode(sbom) }
            }
            ImageOutcome::Failed { why } => Self::Failed { why: why.clone() },
        }
    }
}

impl TryFrom<ImageOutcomeWire> for ImageOutcome {
    type Error = WireError;
    fn try_from(wire: ImageOutcomeWire) -> Result<Self, WireError> {
        Ok(match wire {
            ImageOutcomeWire::Ready { identity, sbom } => Self::Ready {
                identity: identity.try_into()?,
                sbom: STANDARD.decode(sbom).map_err(|e| WireError::value("outcome.sbom", e))?,
            },
            ImageOutcomeWire::Failed { why } => Self::Failed { why },
        })
    }
}
