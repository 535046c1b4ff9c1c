//! # pacman
//!
//! Reads what is installed from the local database of pacman (Arch Linux and what is made from it):
//! `var/lib/pacman/local/NAME-VERSION/desc`, one folder a package. Sections start with a line
//! `%SECTION%` and end at an empty line: `%NAME%`, `%VERSION%`, `%BASE%` the source package it was
//! built with others from, `%ARCH%`, `%LICENSE%` one a line. The file `files` beside it lists under
//! `%FILES%` what the package owns; folders end in a slash.
//!
//! A package is `pkg:alpm/NAMESPACE/NAME@VERSION?arch=…&distro=…`; namespace and distro are filled in
//! from os-release. Problems: `pacman-desc` for a description that cannot be understood.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Package, Purl, SourcePackage};

use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static PACMAN: Cataloger = Cataloger {
    id: "pacman",
    version: 1,
    kind: Kind::Installed,
    wants: &[
        Want::Path(Pattern::Glob("var/lib/pacman/local/*/desc")),
        Want::Path(Pattern::Glob("var/lib/pacman/local/*/files")),
    ],
    read,
};

const LIMIT: u64 = 64 << 20;
const WHAT: &str = "read the package database";

/// Lines with the section each stands in, without the lines that open sections.
fn sections(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut section = "";
    text.lines().filter_map(move |line| {
        let line = line.trim_end();
        let title = line.strip_prefix('%').and_then(|l| l.strip_suffix('%')).filter(|t| !t.is_empty());
        // After an empty line only a title can follow; inside a section a value may look like one.
        match title {
            Some(title) if section.is_empty() => {
                section = title;
                None
            }
            _ if line.is_empty() => {
                section = "";
                None
            }
            _ => Some((section, line)),
        }
    })
}

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let Some(bytes) = evidence.whole(LIMIT, WHAT, found) else { return };
    let text = String::from_utf8_lossy(&bytes);
    // The folder is named by name and version, so it tells packages apart.
    let key = path.rsplit('/').nth(1).unwrap_or_default();
    if evidence.name() == "files" {
        let files = sections(&text).filter(|(section, line)| *section == "FILES" && !line.ends_with('/'));
        return found.owns(key, files.map(|(_, line)| line.to_owned()).collect());
    }
    let (mut name, mut version, mut base, mut architecture) = ("", "", "", "");
    let mut licenses = Vec::new();
    let mut repeated = false;
    for (section, line) in sections(&text) {
        let slot = match section {
            "NAME" => &mut name,
            "VERSION" => &mut version,
            "BASE" => &mut base,
            "ARCH" => &mut architecture,
            "LICENSE" => {
                licenses.push(line.to_owned());
                continue;
            }
            "" => {
                found.problem("pacman-desc", path, WHAT, format!("`{}` stands in no section", clipped(line)));
                continue;
            }
            _ => continue,
        };
        repeated |= !slot.is_empty();
        *slot = line;
    }
    let lack = match () {
        () if name.is_empty() => Some("it has no %NAME%"),
        () if version.is_empty() => Some("it has no %VERSION%"),
        () if repeated => Some("it states a field twice"),
        () => None,
    };
    if let Some(lack) = lack {
        found.problem("pacman-desc", path, WHAT, lack);
        if name.is_empty() || version.is_empty() {
            return;
        }
    }
    let purl = Purl::new("alpm", "", name, version).with("arch", architecture);
    found.owner(key, &purl);
    let base = if base.is_empty() { name } else { base };
    let source = Some(SourcePackage { name: base.to_owned(), version: version.to_owned() });
    found.package(Package { source, licenses, ..Package::found(purl, name, version, path) });
}

/// The start of a line, for people.
fn clipped(line: &str) -> String {
    line.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_in_the_section_before_them() {
        let read: Vec<_> = sections("%A%\n1\n%B%\n\n%B%\r\n2\r\n\nx\n").collect();
        assert_eq!(read, [("A", "1"), ("A", "%B%"), ("B", "2"), ("", "x")]);
    }
}
