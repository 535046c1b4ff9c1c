//! # bun-lock
//!
//! Reads `bun.lock`, the text lock file of Bun: JSON with comments and commas before closing brackets.
//! `packages` says under the place of each package what it came to: `["NAME@1.0.0", …]`. The binary
//! `bun.lockb` of older versions is not read. Locks inside `node_modules` are skipped.
//!
//! Left out: workspaces, links and folders, and what only `devDependencies` of the workspaces lead to. An
//! alias is listed by the real name.
//!
//! A package is `pkg:npm/%40SCOPE/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`, and
//! `declared-version` for packages of git or of an address, whose version the lock does not say.

use std::collections::{HashMap, HashSet};

use cleanbill_image::Pattern;
use cleanbill_model::Kind;
use serde_json::Value;

use super::names::{add, in_node_modules, is_folder, is_version, split};
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, json_with_comments, members, short};
use crate::graph::development_only;

/// The cataloger.
pub(crate) static BUN_LOCK: Cataloger = Cataloger {
    id: "bun-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/bun.lock"))],
    read,
};

const WHAT: &str = "read the lock file of Bun";
/// No real place is longer; what is, is looked for at the root only.
const PLACE_LIMIT: usize = 1024;

fn read(evidence: &Evidence, found: &mut Found) {
    if in_node_modules(&evidence.path) {
        return;
    }
    let Some(lock) = json_with_comments(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    if lock.get("lockfileVersion").is_none() && lock.get("packages").is_none() {
        declared.malformed("it has neither `lockfileVersion` nor `packages`");
    }
    let development = development(&lock);
    for (place, entry) in members(&lock, "packages") {
        if development.contains(place) {
            continue;
        }
        let Some((name, version)) = entry.get(0).and_then(Value::as_str).and_then(split) else {
            declared.broken(format!("the entry `{}` names no package", short(place)));
            continue;
        };
        if is_folder(version) || version.starts_with("root:") {
            continue;
        }
        if is_version(version) { add(&mut declared, name, version) } else { declared.without_version(name) }
    }
    declared.finish();
}

/// The places that only development leads to. What `A/B` needs is looked for at `A/B/NAME`, then at
/// `A/NAME`, then at `NAME`.
fn development(lock: &Value) -> HashSet<&str> {
    let packages: HashMap<&str, &Value> = members(lock, "packages").collect();
    let find = |place: &str, name: &str| -> Option<&str> {
        let mut folder = place;
        loop {
            if folder.len() > PLACE_LIMIT {
                folder = "";
            }
            let wanted = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            if let Some((key, _)) = packages.get_key_value(wanted.as_str()) {
                return Some(*key);
            }
            if folder.is_empty() {
                return None;
            }
            folder = folder.rsplit_once('/').map_or("", |(outer, _)| outer);
        }
    };
    let needs = |place: &str, value: &Value, sections: &[&str]| -> Vec<&str> {
        sections.iter().flat_map(|section| members(value, section)).filter_map(|(name, _)| find(place, name)).collect()
    };
    const ALWAYS: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];
    let edges: HashMap<&str, Vec<&str>> = packages
        .iter()
        .map(|(place, entry)| {
            let facts = entry.as_array().into_iter().flatten().filter(|part| part.is_object());
            (*place, facts.flat_map(|facts| needs(place, facts, &ALWAYS)).collect())
        })
        .collect();
    let (mut production, mut only) = (Vec::new(), Vec::new());
    for (_, workspace) in members(lock, "workspaces") {
        let own = workspace.get("name").and_then(Value::as_str).unwrap_or_default();
        production.extend(needs(own, workspace, &ALWAYS));
        only.extend(needs(own, workspace, &["devDependencies"]));
    }
    development_only(production, only, &edges)
}
