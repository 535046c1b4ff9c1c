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
//! Which files a package owns stands in `var/lib/dpkg/info/NAME.list` (`NAME:ARCHITECTURE.list` for
//! what may be installed for several), in distroless images in the `NAME.md5sums`.
//!
//! A package is `pkg:deb/NAMESPACE/NAME@VERSION?arch=…&distro=…`; namespace and distro are filled in
//! from os-release. Problems: `dpkg-stanza` for a paragraph that cannot be understood.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Package, Purl, SourcePackage};

use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static DPKG: Cataloger = Cataloger {
    id: "dpkg",
    version: 1,
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

#[derive(Default)]
struct Paragraph {
    line: usize,
    package: String,
    version: String,
    architecture: String,
    source: String,
    status: Option<String>,
    repeated: bool,
}

impl Paragraph {
    fn is_empty(&self) -> bool {
        self.line == 0
    }

    fn set(&mut self, field: &str, value: &str) {
        let slot = match field.to_ascii_lowercase().as_str() {
            "package" => &mut self.package,
            "version" => &mut self.version,
            "architecture" => &mut self.architecture,
            "source" => &mut self.source,
            "status" => self.status.get_or_insert_default(),
            _ => return,
        };
        if !slot.is_empty() {
            self.repeated = true;
        }
        value.clone_into(slot);
    }

    /// Whether its files are on disk.
    fn is_aboard(&self) -> bool {
        let state = self.status.as_ref().map(|s| s.split_whitespace().nth(2).unwrap_or_default());
        !matches!(state, Some("config-files" | "not-installed"))
    }
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
    let mut paragraph = Paragraph::default();
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if line.is_empty() {
            finish(std::mem::take(&mut paragraph), path, in_folder, found);
            continue;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((field, value)) = line.split_once(':') else {
            found.problem("dpkg-stanza", path, WHAT, format!("line {} has no colon", number + 1));
            continue;
        };
        if paragraph.is_empty() {
            paragraph.line = number + 1;
        }
        paragraph.set(field, value.trim());
    }
    finish(paragraph, path, in_folder, found);
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

fn finish(paragraph: Paragraph, path: &str, in_folder: bool, found: &mut Found) {
    if paragraph.is_empty() || !paragraph.is_aboard() {
        return;
    }
    let lack = match &paragraph {
        p if p.package.is_empty() => Some("has no Package"),
        p if p.version.is_empty() => Some("has no Version"),
        p if p.repeated => Some("states a field twice"),
        p if p.status.is_none() && !in_folder => Some("has no Status"),
        _ => None,
    };
    if let Some(lack) = lack {
        let why = format!("the paragraph at line {} {lack}", paragraph.line);
        found.problem("dpkg-stanza", path, WHAT, why);
        if paragraph.package.is_empty() || paragraph.version.is_empty() {
            return;
        }
    }
    let (name, version) = (paragraph.package.as_str(), paragraph.version.as_str());
    let source = match paragraph.source.split_once('(') {
        Some((source, rest)) => (source.trim(), rest.trim_end_matches(')').trim()),
        None => (paragraph.source.trim(), ""),
    };
    let source = SourcePackage {
        name: if source.0.is_empty() { name } else { source.0 }.to_owned(),
        version: if source.1.is_empty() { version } else { source.1 }.to_owned(),
    };
    let purl = Purl::new("deb", "", name, version).with("arch", &paragraph.architecture);
    // Lists are named by package, with the architecture where several may be installed together;
    // in `status.d` by the file that names the package.
    found.owner(name, &purl);
    if !paragraph.architecture.is_empty() {
        found.owner(format!("{name}:{}", paragraph.architecture), &purl);
    }
    if in_folder {
        found.owner(path.rsplit('/').next().unwrap_or(path), &purl);
    }
    found.package(Package { source: Some(source), ..Package::found(purl, name, version, path) });
}
