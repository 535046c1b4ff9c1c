//! # cyclonedx-json
//!
//! CycloneDX JSON (ECMA-424, `bom-1.6.schema.json`). Written is 1.6; read are 1.2 to 1.6.
//!
//! What the format has a place for stands there: the image is `metadata.component`, the
//! distribution a component of type `operating-system`, each package one of type `library` with its
//! package URL, version and licences. What it has no place for stands in properties that start
//! with `cleanbill:`, so that reading what we wrote gives the very same SBOM:
//!
//! | property of | name | value |
//! |---|---|---|
//! | the image | `cleanbill:manifest`, `:index`, `:config`, `:platform` | its digests and platform |
//! | the distribution | `cleanbill:distro:id`, `:codename`, `:pretty`, `:state`, `:reason` | os-release, and whether it is believed |
//! | a package | `cleanbill:source:name`, `:version` | its source package |
//! | a package | `cleanbill:location:N:path`, `:layer` | files that prove it |
//! | a package | `cleanbill:cataloger` | who found it: `dpkg@1` |
//! | the document | `cleanbill:format` | version of these properties |
//! | the document | `cleanbill:cataloger:N` | every cataloger that looked |
//! | the document | `cleanbill:layer:N:digest`, `:diff-id`, `:size` | the layers |
//! | the document | `cleanbill:problem:N:code`, `:path`, `:layer`, `:what`, `:why` | what could not be read |
//!
//! Documents of others are read as far as they say: nested components become a flat list, source
//! packages and paths are taken from the properties of Syft and Trivy or from the package URL.

mod document;
mod foreign;
mod read;
mod write;

use cleanbill_model::{Sbom, Timestamp};

use crate::{Format, SbomError};

/// This format's line in [`crate::ALL`].
pub const FORMAT: Format =
    Format { id: "cyclonedx-json", media_type: "application/vnd.cyclonedx+json; version=1.6", write };

/// The most that is read.
pub const MAX_BYTES: usize = 256 << 20;

/// Writes deterministically: same SBOM and timestamp, same bytes; the serial number is derived
/// from the content. `timestamp` is `SOURCE_DATE_EPOCH` where set; without one the field is left out.
pub fn write(sbom: &Sbom, timestamp: Option<Timestamp>) -> Vec<u8> {
    write::write(sbom, timestamp)
}

/// Reads CycloneDX JSON 1.2 to 1.6, ours without loss, others as far as they say. A component that
/// cannot be understood becomes a problem of the SBOM.
pub fn read(bytes: &[u8]) -> Result<Sbom, SbomError> {
    read::read(bytes)
}
