//! # cyclonedx-json
//!
//! CycloneDX JSON (ECMA-424, `bom-1.6.schema.json`). Written are 1.4, 1.5 and 1.6; read are 1.2 to 1.7.
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
//! | a package | `cleanbill:owner` | the distribution package that owns those files |
//! | a package | `cleanbill:cataloger` | who found it: `dpkg@1` |
//! | the document | `cleanbill:format` | version of these properties |
//! | the document | `cleanbill:cataloger:N` | every cataloger that looked |
//! | the document | `cleanbill:layer:N:digest`, `:diff-id`, `:size` | the layers |
//! | the document | `cleanbill:problem:N:code`, `:path`, `:layer`, `:what`, `:why` | what could not be read |
//!
//! Documents of others are read as far as they say: nested components become a flat list, source
//! packages, paths and layers are taken from the properties of Syft and Trivy or from the package URL.

mod document;
mod foreign;
mod own;
mod read;
mod write;

use cleanbill_model::{Sbom, Timestamp};
use serde_json::Value;

use crate::{Format, MAX_BYTES, SbomError, detect};

/// What errors call it.
const NAME: &str = "CycloneDX JSON";

/// A version of the format that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.4, of January 2022.
    V1_4,
    /// 1.5, of June 2023.
    V1_5,
    /// 1.6, of April 2024.
    V1_6,
}

impl Version {
    /// Its number, as documents state it.
    pub fn name(self) -> &'static str {
        match self {
            Version::V1_4 => "1.4",
            Version::V1_5 => "1.5",
            Version::V1_6 => "1.6",
        }
    }
}

/// This format's line in [`crate::ALL`]: the newest version that is written.
pub const FORMAT: Format =
    Format { id: "cyclonedx-json", media_type: "application/vnd.cyclonedx+json; version=1.6", write };
/// Version 1.4.
pub const FORMAT_1_4: Format = Format {
    id: "cyclonedx-json@1.4",
    media_type: "application/vnd.cyclonedx+json; version=1.4",
    write: |sbom, timestamp| write::write(sbom, timestamp, Version::V1_4, None),
};
/// Version 1.5.
pub const FORMAT_1_5: Format = Format {
    id: "cyclonedx-json@1.5",
    media_type: "application/vnd.cyclonedx+json; version=1.5",
    write: |sbom, timestamp| write::write(sbom, timestamp, Version::V1_5, None),
};
/// Version 1.6.
pub const FORMAT_1_6: Format = Format { id: "cyclonedx-json@1.6", ..FORMAT };

/// Writes 1.6, deterministically: same SBOM and timestamp, same bytes; the serial number is derived
/// from the content. `timestamp` is `SOURCE_DATE_EPOCH` where set; without one the field is left out.
pub fn write(sbom: &Sbom, timestamp: Option<Timestamp>) -> Vec<u8> {
    write::write(sbom, timestamp, Version::V1_6, None)
}

/// The same with the document's `vulnerabilities`, which are made of the references (`bom-ref`) that the
/// packages of the SBOM have in it, in their order.
pub fn write_with_vulnerabilities(
    sbom: &Sbom,
    timestamp: Option<Timestamp>,
    vulnerabilities: &dyn Fn(&[String]) -> Vec<Value>,
) -> Vec<u8> {
    write::write(sbom, timestamp, Version::V1_6, Some(vulnerabilities))
}

/// Reads CycloneDX JSON 1.2 to 1.7 and nothing else, ours without loss, others as far as they say. A
/// component that cannot be understood becomes a problem of the SBOM.
pub fn read(bytes: &[u8]) -> Result<Sbom, SbomError> {
    if bytes.len() > MAX_BYTES {
        return Err(SbomError::TooLarge(bytes.len()));
    }
    let bytes = detect::utf8(bytes);
    let bytes = bytes.as_ref();
    match detect::kind(bytes)? {
        detect::Kind::CycloneDx => read::read(bytes),
        detect::Kind::Spdx => Err(SbomError::Foreign("it is SPDX JSON where CycloneDX is expected".to_owned())),
        detect::Kind::Syft => Err(SbomError::Foreign("it is Syft JSON where CycloneDX is expected".to_owned())),
        detect::Kind::Purls => {
            Err(SbomError::Foreign("it is a list of package URLs where CycloneDX is expected".to_owned()))
        }
        detect::Kind::Statement => {
            Err(SbomError::Foreign("it is an in-toto statement where CycloneDX is expected".to_owned()))
        }
    }
}

pub(crate) fn read_detected(bytes: &[u8]) -> Result<Sbom, SbomError> {
    read::read(bytes)
}
