//! # go-binary
//!
//! Reads which modules a Go program was built from. The linker writes them into every program, also
//! into stripped ones: text lines after the mark `\xff Go buildinf:`, in ELF, PE and Mach-O files
//! (package `debug/buildinfo` of Go; files for one architecture). Programs are found by their first
//! bytes and the mark, whatever their name and mode.
//!
//! * `mod PATH VERSION SUM` is the program's own module. Built from a working copy its version is
//!   `(devel)`: it is listed so, with a package URL without version, and can match nothing.
//! * `dep PATH VERSION SUM` is a module in it; `=> PATH VERSION SUM` after it what was built in its
//!   place. A replacement by a folder has no version; the module stays then, with its own.
//! * The version of Go is that of the standard library: `stdlib`.
//!
//! A package is `pkg:golang/PATH@v1.2.3`, the standard library `pkg:golang/stdlib@1.22.1`. Problems:
//! `go-buildinfo` for a block that cannot be read.

use cleanbill_image::Content;
use cleanbill_model::{Kind, Package, Purl};

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::executable::{MAGIC, build_info};

/// The cataloger.
pub(crate) static GO_BINARY: Cataloger = Cataloger {
    id: "go-binary",
    version: 1,
    kind: Kind::Installed,
    wants: &[Want::Content(Content {
        heads: &[
            b"\x7fELF",
            b"MZ",
            b"\xcf\xfa\xed\xfe", // Mach-O, 64 bit, little endian
            b"\xce\xfa\xed\xfe", // Mach-O, 32 bit, little endian
        ],
        marker: MAGIC,
    })],
    read,
};

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let info = match build_info(&evidence.bytes) {
        None => return,
        Some(Ok(info)) => info,
        Some(Err(why)) => return found.problem("go-buildinfo", path, "read the build information of the program", why),
    };
    if let Some(version) = info.go.split_whitespace().next().and_then(|v| v.strip_prefix("go")) {
        found.package(Package::found(Purl::new("golang", "", "stdlib", version), "stdlib", version, path));
    }
    let mut modules: Vec<(&str, &str)> = Vec::new();
    for line in info.modules.lines() {
        let mut fields = line.split('\t');
        let (kind, module, version) =
            (fields.next(), fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        match kind {
            Some("mod" | "dep") if !module.is_empty() => modules.push((module, version)),
            Some("=>") if !module.is_empty() && !version.is_empty() => {
                if let Some(last) = modules.last_mut() {
                    *last = (module, version);
                }
            }
            _ => {}
        }
    }
    for (module, version) in modules {
        let version = if version.is_empty() { "(devel)" } else { version };
        let (namespace, name) = module.rsplit_once('/').unwrap_or(("", module));
        let known = if version == "(devel)" { "" } else { version };
        found.package(Package::found(Purl::new("golang", namespace, name, known), module, version, path));
    }
}
