//! # renv-lock
//!
//! Reads `renv.lock` of R: every entry of `Packages`. R itself is not listed, nor are packages of a local
//! source. The lock does not tell what only development needs.
//!
//! A package is `pkg:cran/NAME@VERSION`, one of Bioconductor `pkg:bioconductor/NAME@VERSION`. Problems:
//! `declared-malformed`, `declared-entry`, `declared-version`.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, json, members, str_at};

/// The cataloger.
pub(crate) static RENV_LOCK: Cataloger = Cataloger {
    id: "renv-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/renv.lock"))],
    read,
};

const WHAT: &str = "read the lock file of renv";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(lock) = json(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    if !lock.get("Packages").is_some_and(Value::is_object) {
        declared.malformed("it has no `Packages`");
    }
    for (key, entry) in members(&lock, "Packages") {
        let source = str_at(entry, "Source");
        if source == "Local" {
            continue;
        }
        let name = Some(str_at(entry, "Package")).filter(|name| !name.is_empty()).unwrap_or(key);
        let kind = if source == "Bioconductor" { "bioconductor" } else { "cran" };
        let version = str_at(entry, "Version");
        declared.add(Purl::new(kind, "", name, version), name, version);
    }
    declared.finish();
}
