//! # go-binary
//!
//! Reads which modules a Go program was built from. The linker writes them into every program, also
//! into stripped ones: text lines after the mark `\xff Go buildinf:`, in ELF, PE and Mach-O files
//! (package `debug/buildinfo` of Go), the latter for one architecture or several. Programs are found by
//! their first bytes and the mark, whatever their name and mode.
//!
//! * `mod PATH VERSION SUM` is the program's own module. Built from a working copy its version is
//!   `(devel)`; then `-X main.version=…` among the flags of the linker says it, if that is a version:
//!   a variable `version` of the program or its module first, one of another module only where no
//!   second one contradicts it. What `git describe` counts after a tag (`v1.2.3-4-gabcdef`) is later
//!   than the tag, not earlier as the order of versions would have it: it becomes `v1.2.3+4-gabcdef`.
//! * Otherwise commit and time are told, `(devel) v0.0.0-20240102030405-0123456789ab`, and the package
//!   URL has no version: no tag is known, so it must not be compared as the oldest version of all.
//!   The same goes for a version `v0.0.0-…` that Go itself wrote because it saw no tag.
//! * `dep PATH VERSION SUM` is a module in it; `=> PATH VERSION SUM` after it what was built in its
//!   place. A replacement by a folder (`./x`, no version or `(devel)`) says nothing; the module stays
//!   then, with its own version, unless that is the one Go writes for none, `v0.0.0-00010101000000-…`.
//! * The version of Go is that of the standard library: `stdlib`. One built from Go's own working copy
//!   (`devel go1.24-…`) is listed without version in its package URL.
//!
//! A package is `pkg:golang/PATH@v1.2.3`, the standard library `pkg:golang/stdlib@1.22.1`. Problems:
//! `go-buildinfo` for a block that cannot be read, `go-no-modules` for a program that was built without
//! modules (GOPATH, some build systems), so that only Go itself is known, and `executable-packed` for
//! one that UPX packed.

use std::collections::BTreeSet;

use cleanbill_image::Content;
use cleanbill_model::{Kind, Package, Purl};

use super::version::{Settings, is_untagged, own_version};
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::executable::{BuildInfo, HEADS, MAGIC, PACKED, build_infos, holds_build_info, packed};

/// The cataloger.
pub(crate) static GO_BINARY: Cataloger = Cataloger {
    id: "go-binary",
    version: 2,
    kind: Kind::Installed,
    wants: &[
        Want::Content(Content { heads: HEADS, marker: MAGIC, probe: Some(holds_build_info) }),
        Want::Content(Content { heads: HEADS, marker: PACKED, probe: Some(|bytes| Some(packed(bytes))) }),
    ],
    read,
};

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let infos = build_infos(&evidence.bytes);
    if infos.iter().all(Result::is_err) && packed(&evidence.bytes) {
        let why = "it is packed by UPX, which hides what it was built from";
        return found.problem("executable-packed", path, "read the build information of the program", why);
    }
    // Programs for several architectures in one file mostly say the same.
    let mut listed = BTreeSet::new();
    for info in infos {
        match info {
            Ok(info) => program(path, &info, &mut listed, found),
            Err(why) => found.problem("go-buildinfo", path, "read the build information of the program", why),
        }
    }
}

/// What one program was built from; nothing that is in `listed` already.
fn program(path: &str, info: &BuildInfo, listed: &mut BTreeSet<(String, String)>, found: &mut Found) {
    let mut add = |name: &str, version: &str, known: &str, found: &mut Found| {
        if listed.insert((name.to_owned(), version.to_owned())) {
            let (namespace, last) = name.rsplit_once('/').unwrap_or(("", name));
            found.package(Package::found(Purl::new("golang", namespace, last, known), name, version, path));
        }
    };
    if let Some(word) = info.go.split_whitespace().find(|word| word.starts_with("go1")) {
        let version = word.strip_prefix("go").unwrap_or(word);
        if info.go.starts_with("devel") {
            add("stdlib", &format!("(devel) {version}"), "", found);
        } else {
            add("stdlib", version, version, found);
        }
    }
    let mut own: Option<(&str, &str)> = None;
    let mut modules: Vec<(&str, &str)> = Vec::new();
    let (mut main, mut after_own) = ("", false);
    let mut settings = Settings::default();
    for line in info.modules.lines() {
        let mut fields = line.split('\t');
        let (kind, module, version) =
            (fields.next(), fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        match kind {
            Some("path") => main = module,
            Some("mod") if !module.is_empty() => {
                own = Some((module, version));
                after_own = true;
            }
            Some("dep") if !module.is_empty() => {
                modules.push((module, version));
                after_own = false;
            }
            Some("=>") if !module.is_empty() && !is_folder(module, version) => {
                if after_own {
                    own = Some((module, version));
                } else if let Some(last) = modules.last_mut() {
                    *last = (module, version);
                }
            }
            Some("build") => settings.add(module),
            _ => {}
        }
    }
    // A program of one file, and those of Go itself, have no module and need none.
    if own.is_none() && modules.is_empty() && main != "command-line-arguments" && !main.starts_with("cmd/") {
        let why = "it was built without modules and lists none of them";
        found.problem("go-no-modules", path, "tell what the program was built from", why);
    }
    if let Some((module, version)) = own {
        let version = own_version(module, version, &settings);
        let known = if is_untagged(&version) { "" } else { &version };
        add(module, &version, known, found);
    }
    for (module, version) in modules {
        let none = version.is_empty() || version.starts_with("v0.0.0-00010101000000-");
        let version = if none { "(devel)" } else { version };
        add(module, version, if version == "(devel)" { "" } else { version }, found);
    }
}

/// Whether a module was replaced by a folder of the one who built the program.
fn is_folder(module: &str, version: &str) -> bool {
    version.is_empty()
        || version == "(devel)"
        || module.starts_with(['.', '/', '\\'])
        || module.get(1..3) == Some(":\\")
}
