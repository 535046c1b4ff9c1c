//! # purls
//!
//! One package URL a line, sorted, each once: what to feed to tools that take nothing else. Read in the
//! same form; empty lines and lines that start with `#` are passed over.
//!
//! Only what is installed is listed. Source packages of a distribution that were built into programs
//! (`arch=source`) stand in the other formats.
//!
//! ```text
//! pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12
//! pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1
//! ```

use std::collections::BTreeSet;

use cleanbill_model::{Problem, Purl, Sbom, Subject, Timestamp};

use crate::{Format, foreign};

/// This format's line in [`crate::ALL`].
pub const FORMAT: Format = Format { id: "purls", media_type: "text/plain", write };

/// Writes the list; a timestamp has no place in it.
pub fn write(sbom: &Sbom, _timestamp: Option<Timestamp>) -> Vec<u8> {
    let built_in = |purl: &Purl| purl.kind == "deb" && purl.qualifiers.get("arch").is_some_and(|arch| arch == "source");
    let installed = sbom.packages.iter().filter(|p| !built_in(&p.purl));
    let lines: BTreeSet<String> = installed.map(|p| p.purl.to_string()).collect();
    lines.into_iter().flat_map(|line| (line + "\n").into_bytes()).collect()
}

/// Reads the list; a line that is no package URL is a problem.
pub(crate) fn read_lines(bytes: &[u8]) -> Sbom {
    let mut packages = Vec::new();
    let mut problems = Vec::new();
    for (n, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match Purl::parse(line) {
            Ok(purl) => packages.push(foreign::by_purl(purl, None)),
            Err(e) => problems.push(Problem::new(
                "sbom-component",
                format!("line {}", n + 1),
                "read a package URL",
                foreign::bounded(&e.to_string()),
            )),
        }
    }
    packages.sort();
    packages.dedup();
    let distro = foreign::distro(None, &packages);
    Sbom { subject: Subject::default(), distro, packages, problems, catalogers: vec![], layers: vec![] }
}
