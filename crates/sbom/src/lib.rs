//! Formats of bills of materials, one file or folder each, in and out.
//!
//! | format | out | in |
//! |---|---|---|
//! | CycloneDX JSON | 1.4, 1.5, 1.6 | 1.2 to 1.7 |
//! | SPDX JSON | 2.3 | 2.2, 2.3 |
//! | Syft JSON | – | 1 to 16 |
//! | package URLs, one a line | yes | yes |
//!
//! [`read`] tells the format by the bytes. Reading what was written in CycloneDX or SPDX gives the very
//! same SBOM. A reader is bounded ([`MAX_BYTES`], nesting), never panics, and what it does not understand
//! becomes a problem of the SBOM or an error that names the format.

pub mod cyclonedx;
pub mod purls;
pub mod spdx;
pub mod syft;

mod detect;
mod foreign;
mod licence;

use cleanbill_model::{Digest, Sbom, Timestamp};

/// The most bytes of one document that are read.
pub const MAX_BYTES: usize = 256 << 20;

/// A format that an SBOM is written in.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its word on the command line: `cyclonedx-json`, `cyclonedx-json@1.5`.
    pub id: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Writes it; the same SBOM and timestamp give the same bytes.
    pub write: fn(&Sbom, Option<Timestamp>) -> Vec<u8>,
}

/// Every format, in the order that help texts list them; without a version it is the newest that is written.
pub static ALL: [Format; 7] = [
    cyclonedx::FORMAT,
    cyclonedx::FORMAT_1_4,
    cyclonedx::FORMAT_1_5,
    cyclonedx::FORMAT_1_6,
    spdx::FORMAT,
    spdx::FORMAT_2_3,
    purls::FORMAT,
];

/// Why bytes are not an SBOM.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// No format that is read: what it is instead, as far as can be told.
    #[error(
        "not an SBOM that can be read: {0}\nhint: CycloneDX JSON 1.2 to 1.7, SPDX JSON 2.2 and 2.3, Syft JSON and lists of package URLs are read"
    )]
    Foreign(String),
    /// The right format, malformed.
    #[error("malformed {format}: {why}")]
    Malformed {
        /// The format it is.
        format: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// More than is read.
    #[error("{0} bytes are too many for an SBOM; at most {MAX_BYTES} are read")]
    TooLarge(usize),
}

/// Reads an SBOM of any format that is read; which one it is, is told by the bytes.
pub fn read(bytes: &[u8]) -> Result<Sbom, SbomError> {
    if bytes.len() > MAX_BYTES {
        return Err(SbomError::TooLarge(bytes.len()));
    }
    let bytes = detect::utf8(bytes);
    let bytes = bytes.as_ref();
    match detect::kind(bytes)? {
        detect::Kind::CycloneDx => cyclonedx::read_detected(bytes),
        detect::Kind::Spdx => spdx::read_detected(bytes),
        detect::Kind::Syft => syft::read_detected(bytes),
        detect::Kind::Purls => Ok(purls::read_lines(bytes)),
        detect::Kind::Statement => {
            let predicate = detect::predicate(bytes)?;
            match detect::kind(predicate)? {
                detect::Kind::CycloneDx => cyclonedx::read_detected(predicate),
                detect::Kind::Spdx => spdx::read_detected(predicate),
                detect::Kind::Syft => syft::read_detected(predicate),
                detect::Kind::Purls | detect::Kind::Statement => {
                    Err(SbomError::Foreign("it is an in-toto statement, and its predicate is no SBOM".to_owned()))
                }
            }
        }
    }
}

/// The documents that are written name themselves by their content: a UUID of version 8 (RFC 9562: the
/// bits are ours) out of the SHA-256.
fn content_uuid(content: &[u8]) -> String {
    let digest = Digest::sha256(content);
    let hex = digest.hex();
    // The variant is `10` in binary: one of 8, 9, a, b.
    let variant = match hex.as_bytes().get(16).copied().unwrap_or(b'0') {
        b'0' | b'4' | b'8' | b'c' => '8',
        b'1' | b'5' | b'9' | b'd' => '9',
        b'2' | b'6' | b'a' | b'e' => 'a',
        _ => 'b',
    };
    format!("{}-{}-8{}-{variant}{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// `dpkg@1`: how a cataloger is named in documents.
fn cataloger_name(id: &cleanbill_model::CatalogerId) -> String {
    format!("{}@{}", id.id, id.version)
}

/// The other way.
fn cataloger(text: &str) -> Result<cleanbill_model::CatalogerId, String> {
    let (id, version) = text.rsplit_once('@').ok_or_else(|| format!("cataloger `{text}` has no version"))?;
    let version = version.parse().map_err(|_| format!("cataloger `{text}` has no number as version"))?;
    Ok(cleanbill_model::CatalogerId { id: id.to_owned(), version })
}

/// The name of our tool and its version, as documents state them.
const TOOL: (&str, &str) = ("cleanbill", env!("CARGO_PKG_VERSION"));
