//! # package-lock
//!
//! Reads `package-lock.json` and `npm-shrinkwrap.json` of npm, in the versions 1 (nested
//! `dependencies`), 2 and 3 (flat `packages`). Where both files lie in one folder npm reads
//! `npm-shrinkwrap.json` only, and so does this. Locks inside `node_modules` are skipped: npm does not
//! obey them.
//!
//! Left out: what only development needs (`dev`), the project itself, its workspaces, links and
//! folders. An alias (`npm:REAL@1.0.0`) is listed by the real name. Packages from git or an address are
//! listed if the lock says their version; version 1 does not. Optional packages are listed.
//!
//! A package is `pkg:npm/%40SCOPE/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`, and
//! `declared-version` for entries without version.

use cleanbill_image::Pattern;
use cleanbill_model::Kind;
use serde_json::Value;

use super::names::{add, in_node_modules, is_folder, is_version, split};
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, is_set, json, members, str_at};

/// The cataloger.
pub(crate) static PACKAGE_LOCK: Cataloger = Cataloger {
    id: "package-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[
        Want::With(Pattern::Glob("**/package-lock.json"), &[SHRINKWRAP]),
        Want::Path(Pattern::Glob("**/npm-shrinkwrap.json")),
    ],
    read,
};

const SHRINKWRAP: &str = "npm-shrinkwrap.json";
const WHAT: &str = "read the lock file of npm";

fn read(evidence: &Evidence, found: &mut Found) {
    if in_node_modules(&evidence.path) || evidence.sibling(SHRINKWRAP).is_some() {
        return;
    }
    let Some(lock) = json(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    if lock.get("packages").is_some_and(Value::is_object) {
        members(&lock, "packages").for_each(|(place, entry)| flat(place, entry, &mut declared));
    } else if lock.get("dependencies").is_some_and(Value::is_object) {
        nested(&lock, &mut declared);
    } else if lock.get("lockfileVersion").is_none() && lock.get("name").is_none() {
        declared.malformed("it has neither `packages` nor `dependencies`");
    }
    declared.finish();
}

/// An entry of versions 2 and 3: its key is the place where it is installed.
fn flat(place: &str, entry: &Value, declared: &mut Declared<'_>) {
    let Some((_, name)) = place.rsplit_once("node_modules/") else {
        return; // the project, a workspace, the target of a link
    };
    if is_set(entry, "dev") || is_set(entry, "link") {
        return;
    }
    let name = Some(str_at(entry, "name")).filter(|real| !real.is_empty()).unwrap_or(name);
    let version = str_at(entry, "version");
    // A package for another platform, or of a peer that nobody asked for, may have an empty entry.
    if version.is_empty() && (is_set(entry, "optional") || is_set(entry, "peer")) {
        return;
    }
    if !is_folder(str_at(entry, "resolved")) {
        add(declared, name, version);
    }
}

/// The entries of version 1. JSON is never nested deeper than its reader allows.
fn nested(value: &Value, declared: &mut Declared<'_>) {
    for (name, entry) in members(value, "dependencies") {
        if !is_set(entry, "dev") {
            let version = str_at(entry, "version");
            match version.strip_prefix("npm:").and_then(split) {
                Some((real, version)) => add(declared, real, version),
                None if is_folder(version) => {}
                None if version.is_empty() && is_set(entry, "optional") => {}
                None if version.is_empty() || is_version(version) => add(declared, name, version),
                None => declared.without_version(name),
            }
        }
        nested(entry, declared);
    }
}
