//! Formats of bills of materials, one file each, in and out.

pub mod cyclonedx;
pub mod purls;

use cleanbill_model::{Sbom, Timestamp};

/// A format that an SBOM is written in.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its word on the command line: `cyclonedx-json`.
    pub id: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Writes it; the same SBOM and timestamp give the same bytes.
    pub write: fn(&Sbom, Option<Timestamp>) -> Vec<u8>,
}

/// Every format, in the order that help texts list them.
pub static ALL: [Format; 2] = [cyclonedx::FORMAT, purls::FORMAT];

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
