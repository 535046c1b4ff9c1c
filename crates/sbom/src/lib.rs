//! Formats of bills of materials, one file each, in and out.
use cleanbill_model::{Sbom, Timestamp};

/// CycloneDX JSON 1.6.
pub mod cyclonedx {
    use super::*;
    /// Writes deterministically: same SBOM and timestamp, same bytes; the serial number is derived
    /// from the content. `timestamp` is `SOURCE_DATE_EPOCH` where set; without one the field is left out.
    pub fn write(_sbom: &Sbom, _timestamp: Option<Timestamp>) -> Vec<u8> { todo!() }
    /// Reads CycloneDX JSON 1.2 to 1.6, ours without loss, others as far as they say.
    pub fn read(_bytes: &[u8]) -> Result<Sbom, SbomError> { todo!() }
}

/// Why bytes are not an SBOM.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// Not this format: what it is instead, as far as can be told.
    #[error("not CycloneDX JSON: {0}")]
    Foreign(String),
    /// Malformed.
    #[error("malformed CycloneDX JSON: {0}")]
    Malformed(String),
}
