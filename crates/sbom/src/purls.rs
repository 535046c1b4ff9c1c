//! # purls
//!
//! One package URL a line, sorted, each once: what to feed to tools that take nothing else.
//!
//! ```text
//! pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12
//! pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1
//! ```

use std::collections::BTreeSet;

use cleanbill_model::{Sbom, Timestamp};

use crate::Format;

/// This format's line in [`crate::ALL`].
pub const FORMAT: Format = Format { id: "purls", media_type: "text/plain", write };

/// Writes the list; a timestamp has no place in it.
pub fn write(sbom: &Sbom, _timestamp: Option<Timestamp>) -> Vec<u8> {
    let lines: BTreeSet<String> = sbom.packages.iter().map(|p| p.purl.to_string()).collect();
    lines.into_iter().flat_map(|line| (line + "\n").into_bytes()).collect()
}
