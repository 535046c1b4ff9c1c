//! # spdx-json
//!
//! SPDX 2.3 as JSON (ISO/IEC 5962's successor, `spdx-schema.json` of the SPDX specification). Written is
//! 2.3; read are 2.2 and 2.3.
//!
//! The image is the package `SPDXRef-Image`, which the document describes; the distribution is
//! `SPDXRef-Distro`; every package of the image is contained in it, with its package URL as external
//! reference, and with its licences as one expression (licences outside the SPDX list are extracted
//! licences of the document). What the format has no place for stands as JSON in the comment of one
//! annotation each, which starts with `{"cleanbill":1`, so that reading what we wrote gives the very same
//! SBOM:
//!
//! | annotation of | members |
//! |---|---|
//! | the document | `distro`, `catalogers`, `layers`, `problems` |
//! | the image | `manifest`, `index`, `config`, `platform` |
//! | a package | `source`, `licenses` as found, `locations`, `owner`, `cataloger` |
//!
//! SPDX demands a time of creation: without a timestamp it is the start of 1970, so that the same SBOM
//! gives the same bytes. The namespace is derived from the content.

mod document;
mod foreign;
mod note;
mod read;
mod write;

use cleanbill_model::{Sbom, Timestamp};

use crate::{Format, MAX_BYTES, SbomError, detect};

/// What errors call it.
const NAME: &str = "SPDX JSON";

/// This format's line in [`crate::ALL`]: the newest version that is written.
pub const FORMAT: Format = Format { id: "spdx-json", media_type: "application/spdx+json; version=2.3", write };
/// Version 2.3.
pub const FORMAT_2_3: Format = Format { id: "spdx-json@2.3", ..FORMAT };

/// Writes SPDX 2.3, deterministically: same SBOM and timestamp, same bytes.
pub fn write(sbom: &Sbom, timestamp: Option<Timestamp>) -> Vec<u8> {
    write::write(sbom, timestamp)
}

/// Reads SPDX JSON 2.2 and 2.3 and nothing else, ours without loss, others as far as they say. A package
/// that cannot be understood becomes a problem of the SBOM.
pub fn read(bytes: &[u8]) -> Result<Sbom, SbomError> {
    if bytes.len() > MAX_BYTES {
        return Err(SbomError::TooLarge(bytes.len()));
    }
    let bytes = detect::utf8(bytes);
    let bytes = bytes.as_ref();
    match detect::kind(bytes)? {
        detect::Kind::Spdx => read::read(bytes),
        _ => Err(SbomError::Foreign("it is another format where SPDX is expected".to_owned())),
    }
}

pub(crate) fn read_detected(bytes: &[u8]) -> Result<Sbom, SbomError> {
    read::read(bytes)
}

/// Whether documents of this `spdxVersion` are read.
pub(crate) fn reads(version: &str) -> bool {
    matches!(version, "SPDX-2.2" | "SPDX-2.2.1" | "SPDX-2.2.2" | "SPDX-2.3" | "SPDX-2.3.1")
}
