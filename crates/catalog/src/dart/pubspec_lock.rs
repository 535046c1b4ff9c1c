//! # pubspec-lock
//!
//! Reads `pubspec.lock` of Dart and Flutter: every entry of `packages`. Left out: what development asks
//! for itself (`direct dev`; the lock does not tell for which of both a transitive package is there),
//! folders (`source: path`) and parts of an SDK (`source: sdk`), which have no version of their own.
//!
//! A package is `pkg:pub/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`,
//! `declared-version`.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, members, str_at, yaml};

/// The cataloger.
pub(crate) static PUBSPEC_LOCK: Cataloger = Cataloger {
    id: "pubspec-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/pubspec.lock"))],
    read,
};

const WHAT: &str = "read the lock file of pub";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(documents) = yaml(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    for lock in &documents {
        if !lock.get("packages").is_some_and(Value::is_object) {
            declared.malformed("it has no `packages`");
        }
        for (name, entry) in members(lock, "packages") {
            let left_out =
                str_at(entry, "dependency") == "direct dev" || ["path", "sdk"].contains(&str_at(entry, "source"));
            if !left_out {
                let version = str_at(entry, "version");
                declared.add(Purl::new("pub", "", name, version), name, version);
            }
        }
    }
    declared.finish();
}
