//! # apk
//!
//! Reads what is installed from the database of apk (Alpine, Wolfi, Chainguard, postmarketOS):
//! `lib/apk/db/installed`, or `usr/lib/apk/db/installed` where `/lib` is no folder of its own.
//!
//! One stanza a package, ended by an empty line; every line is a letter, a colon and a value
//! (`apk-package(5)`): `P` name, `V` version, `A` architecture, `o` the origin, which is the source
//! package that advisories speak of, `L` licence. `F` opens a folder and each `R` after it is a file in
//! it; letters in between (`M`, `a`, `Z`) tell modes and sums. Letters that are not known are passed
//! over.
//!
//! A package is `pkg:apk/NAMESPACE/NAME@VERSION?arch=…&distro=…`; namespace and distro are filled in
//! from os-release. Problems: `apk-stanza` for a stanza that cannot be understood, `apk-files` where
//! the file lists are larger than can be.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Package, Purl, SourcePackage};

use super::file_lists::FileLists;
use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static APK: Cataloger = Cataloger {
    id: "apk",
    version: 1,
    kind: Kind::Installed,
    wants: &[Want::Path(Pattern::Path("lib/apk/db/installed")), Want::Path(Pattern::Path("usr/lib/apk/db/installed"))],
    read,
};

/// With file lists; the database of a large machine is a tenth of this.
const LIMIT: u64 = 256 << 20;
const WHAT: &str = "read the package database";

#[derive(Default)]
struct Stanza {
    line: usize,
    name: String,
    version: String,
    architecture: String,
    origin: String,
    license: String,
    folder: String,
    files: Vec<String>,
    repeated: bool,
}

impl Stanza {
    fn set(&mut self, letter: char, value: &str) {
        let slot = match letter {
            'P' => &mut self.name,
            'V' => &mut self.version,
            'A' => &mut self.architecture,
            'o' => &mut self.origin,
            'L' => &mut self.license,
            _ => return,
        };
        self.repeated |= !slot.is_empty();
        value.clone_into(slot);
    }

    fn finish(self, path: &str, found: &mut Found) {
        if self.line == 0 {
            return;
        }
        let lack = match &self {
            s if s.name.is_empty() => Some("has no P, the name"),
            s if s.version.is_empty() => Some("has no V, the version"),
            s if s.repeated => Some("states a field twice"),
            _ => None,
        };
        if let Some(lack) = lack {
            found.problem("apk-stanza", path, WHAT, format!("the stanza at line {} {lack}", self.line));
            if self.name.is_empty() || self.version.is_empty() {
                return;
            }
        }
        let purl = Purl::new("apk", "", &self.name, &self.version).with("arch", &self.architecture);
        found.owner(self.name.as_str(), &purl);
        found.owns(self.name.as_str(), self.files);
        let origin = if self.origin.is_empty() { &self.name } else { &self.origin };
        let source = Some(SourcePackage { name: origin.clone(), version: self.version.clone() });
        let licenses = if self.license.is_empty() { Vec::new() } else { vec![self.license] };
        found.package(Package { source, licenses, ..Package::found(purl, &self.name, &self.version, path) });
    }
}

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let Some(bytes) = evidence.whole(LIMIT, WHAT, found) else { return };
    let mut lists = FileLists::new();
    let mut stanza = Stanza::default();
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if line.is_empty() {
            std::mem::take(&mut stanza).finish(path, found);
            if super::is_full(found, path) {
                break;
            }
            continue;
        }
        if stanza.line == 0 {
            stanza.line = number + 1;
        }
        let mut chars = line.chars();
        let (Some(letter), Some(':')) = (chars.next(), chars.next()) else {
            found.problem("apk-stanza", path, WHAT, format!("line {} is no letter and colon", number + 1));
            continue;
        };
        let value = chars.as_str();
        match letter {
            'F' => value.clone_into(&mut stanza.folder),
            'R' => {
                let folder = std::mem::take(&mut stanza.folder);
                lists.push(&mut stanza.files, &folder, value);
                stanza.folder = folder;
            }
            _ => stanza.set(letter, value.trim()),
        }
    }
    stanza.finish(path, found);
    if let Some(why) = lists.refused() {
        found.problem("apk-files", path, WHAT, why);
    }
}
