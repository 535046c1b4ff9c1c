//! # dpkg
//!
//! Reads what is installed from the database of dpkg: `var/lib/dpkg/status`, and the files in
//! `var/lib/dpkg/status.d` that distroless images have instead, one a package.
//!
//! Both hold paragraphs of `Field: value` lines (`deb-control(5)`); lines that start with a blank
//! continue the field before them. In `status` the third word of `Status` says what is on disk:
//! `installed`, `unpacked`, `half-configured`, `half-installed`, `triggers-awaited` and
//! `triggers-pending` are aboard, whatever is wanted to become of them; `config-files` and
//! `not-installed` are not. Files in `status.d` have no `Status`; what they name is aboard. The
//! `*.md5sums` beside them are no paragraphs.
//!
//! Advisories speak of source packages. `Source: glibc (2.36-9)` names one with a version of its own;
//! without version it has the binary's, without the field it has its name too.
//!
//! `Built-Using` and `Static-Built-Using` name sources whose code is inside the package: libraries
//! that were linked statically, for programs in Go every module of them, which Debian builds without
//! leaving a module list in the program. Each is a package of its own, the source package
//! `pkg:deb/NAMESPACE/SOURCE@VERSION?arch=source`: nothing else says that its code is aboard, and its
//! version is the one that was built in, not the one that the distribution has by now.
//!
//! Which files a package owns stands in `var/lib/dpkg/info/NAME.list` (`NAME:ARCHITECTURE.list` for
//! what may be installed for several), in distroless images in the `NAME.md5sums`.
//!
//! A package is `pkg:deb/NAMESPACE/NAME@VERSION?arch=…&distro=…`; namespace and distro are filled in
//! from os-release. Problems: `dpkg-stanza` for a paragraph that cannot be understood.

use std::collections::BTreeSet;

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Package, Purl, SourcePackage};

use super::paragraphs::{Paragraph, Paragraphs};
use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static DPKG: Cataloger = Cataloger {
    id: "dpkg",
    version: 2,
    kind: Kind::Installed,
    wants: &[
        Want::Path(Pattern::Path("var/lib/dpkg/status")),
        Want::Path(Pattern::Folder("var/lib/dpkg/status.d")),
        Want::Path(Pattern::Glob("var/lib/dpkg/info/*.list")),
    ],
    read,
};

/// The whole database of a machine with everything installed is a tenth of this.
const LIMIT: u64 = 256 << 20;
const WHAT: &str = "read the package database";

const FIELDS: &[&str] =
    &["package", "version", "architecture", "source", "status", "built-using", "static-built-using"];

/// Whether the files of a package are on disk.
fn is_aboard(paragraph: &Paragraph) -> bool {
    let state = paragraph.stated("status").map(|s| s.split_whitespace().nth(2).unwrap_or_default());
    !matches!(state, Some("config-files" | "not-installed"))
}

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let in_folder = path.contains("status.d/");
    let Some(bytes) = evidence.whole(LIMIT, WHAT, found) else { return };
    if let Some(package) = evidence.name().strip_suffix(".list").filter(|_| !in_folder) {
        return found.owns(package, listed(&bytes));
    }
    if let Some(package) = evidence.name().strip_suffix(".md5sums").filter(|_| in_folder) {
        return found.owns(package, summed(&bytes));
    }
    let mut parts = BTreeSet::new();
    for paragraph in Paragraphs::new(&bytes, FIELDS) {
        if super::is_full(found, path) {
            break;
        }
        match paragraph {
            Ok(paragraph) if is_aboard(&paragraph) => package(&paragraph, path, in_folder, &mut parts, found),
            Ok(_) => {}
            Err(line) => found.problem("dpkg-stanza", path, WHAT, format!("line {line} has no colon")),
        }
    }
    // The same source in the same version is built into many programs.
    for (name, version) in parts {
        let purl = Purl::new("deb", "", &name, &version).with("arch", "source");
        let source = Some(SourcePackage { name: name.clone(), version: version.clone() });
        found.package(Package { source, ..Package::found(purl, &name, &version, path) });
    }
}

/// Sources of a relation like `golang-1.19 (= 1.19.8-2), libcap2 (= 1:2.66-4)`, with their versions.
fn built_in(relation: &str) -> impl Iterator<Item = Result<(&str, &str), &str>> {
    relation.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| {
        let (name, rest) = part.split_once('(').ok_or(part)?;
        let version = rest.strip_suffix(')').and_then(|rest| rest.trim().strip_prefix('=')).ok_or(part)?;
        let (name, version) = (name.trim(), version.trim());
        if name.is_empty() || version.is_empty() { Err(part) } else { Ok((name, version)) }
    })
}

/// The paths of a `NAME.list` or `NAME:ARCHITECTURE.list`: one a line, from the root.
fn listed(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().filter_map(|line| line.strip_prefix('/')).filter(|p| *p != ".").map(str::to_owned).collect()
}

/// The paths of a `NAME.md5sums`: sum, two blanks, path without leading slash.
fn summed(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().filter_map(|line| line.split_once("  ")).map(|(_, path)| path.to_owned()).collect()
}

/// Notes the package that a paragraph names, and in `parts` the sources that were built into it.
fn package(
    paragraph: &Paragraph,
    path: &str,
    in_folder: bool,
    parts: &mut BTreeSet<(String, String)>,
    found: &mut Found,
) {
    let (name, version) = (paragraph.get("package"), paragraph.get("version"));
    let lack = match paragraph {
        _ if name.is_empty() => Some("has no Package"),
        _ if version.is_empty() => Some("has no Version"),
        p if p.repeated => Some("states a field twice"),
        p if p.stated("status").is_none() && !in_folder => Some("has no Status"),
        _ => None,
    };
    if let Some(lack) = lack {
        let why = format!("the paragraph at line {} {lack}", paragraph.line);
        found.problem("dpkg-stanza", path, WHAT, why);
        if name.is_empty() || version.is_empty() {
            return;
        }
    }
    for part in built_in(paragraph.get("built-using")).chain(built_in(paragraph.get("static-built-using"))) {
        match part {
            Ok((source, version)) => {
                parts.insert((source.to_owned(), version.to_owned()));
            }
            Err(part) => {
                let why =
                    format!("the paragraph at line {} was built using `{part}`, which is no version", paragraph.line);
                found.problem("dpkg-stanza", path, WHAT, why);
            }
        }
    }
    let stated = paragraph.get("source");
    let source = match stated.split_once('(') {
        Some((source, rest)) => (source.trim(), rest.trim_end_matches(')').trim()),
        None => (stated, ""),
    };
    let source = SourcePackage {
        name: if source.0.is_empty() { name } else { source.0 }.to_owned(),
        version: if source.1.is_empty() { version } else { source.1 }.to_owned(),
    };
    let architecture = paragraph.get("architecture");
    let purl = Purl::new("deb", "", name, version).with("arch", architecture);
    // Lists are named by package, with the architecture where several may be installed together;
    // in `status.d` by the file that names the package.
    found.owner(name, &purl);
    if !architecture.is_empty() {
        found.owner(format!("{name}:{architecture}"), &purl);
    }
    if in_folder {
        found.owner(path.rsplit('/').next().unwrap_or(path), &purl);
    }
    found.package(Package { source: Some(source), ..Package::found(purl, name, version, path) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_name_sources_and_versions() {
        let read: Vec<_> = built_in("golang-1.19 (= 1.19.8-2), x(=1:2), , y, z (>= 1), (= 1)").collect();
        let expect = [Ok(("golang-1.19", "1.19.8-2")), Ok(("x", "1:2")), Err("y"), Err("z (>= 1)"), Err("(= 1)")];
        assert_eq!(read, expect);
    }
}
