//! # cargo-lock
//!
//! Reads `Cargo.lock` of Cargo. A package without `source` is the project, a member of its workspace or
//! a folder beside it, and left out; so is `[root]` of old locks. Packages of git and of other registries
//! are listed. The lock does not tell what only development or the build needs, nor for which platform:
//! all is listed.
//!
//! A package is `pkg:cargo/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`,
//! `declared-version`.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, tables, toml, toml_str};

/// The cataloger.
pub(crate) static CARGO_LOCK: Cataloger = Cataloger {
    id: "cargo-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/Cargo.lock"))],
    read,
};

const WHAT: &str = "read the lock file of Cargo";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(lock) = toml(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    for package in tables(&lock, "package").filter(|package| !toml_str(package, "source").is_empty()) {
        let (name, version) = (toml_str(package, "name"), toml_str(package, "version"));
        declared.add(Purl::new("cargo", "", name, version), name, version);
    }
    declared.finish();
}
