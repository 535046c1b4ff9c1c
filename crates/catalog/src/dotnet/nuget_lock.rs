//! # nuget-lock
//!
//! Reads `packages.lock.json` and `packages.NAME.lock.json` of NuGet: for
//! every target framework the `resolved` version of each package, direct or transitive. Entries of type
//! `Project` are projects of the same solution and left out. The lock does not tell what only
//! development needs.
//!
//! A package is `pkg:nuget/NAME@VERSION`, once for all frameworks. Problems: `declared-malformed`,
//! `declared-entry`, `declared-version`.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, json, members, str_at};

/// The cataloger.
pub(crate) static NUGET_LOCK: Cataloger = Cataloger {
    id: "nuget-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/packages.lock.json")), Want::Path(Pattern::Glob("**/packages.*.lock.json"))],
    read,
};

const WHAT: &str = "read the lock file of NuGet";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(lock) = json(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    if !lock.get("dependencies").is_some_and(Value::is_object) {
        declared.malformed("it has no `dependencies`");
    }
    for (_, framework) in members(&lock, "dependencies") {
        for (name, entry) in framework.as_object().into_iter().flatten() {
            if !str_at(entry, "type").eq_ignore_ascii_case("project") {
                let version = str_at(entry, "resolved");
                declared.add(Purl::new("nuget", "", name, version), name, version);
            }
        }
    }
    declared.finish();
}
