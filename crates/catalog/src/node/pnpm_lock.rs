//! # pnpm-lock
//!
//! Reads `pnpm-lock.yaml` of pnpm, whose keys changed with the version of the format:
//!
//! * 5: `/NAME/1.0.0`, with peers behind `_` or a slash;
//! * 6: `/NAME@1.0.0(PEER@2.0.0)`;
//! * 9: `NAME@1.0.0`, with peers in `snapshots`.
//!
//! What a key does not tell (packages of another registry, of git or of an archive) the fields `name`
//! and `version` of the entry do. Left out: what only development needs (`dev: true`; in version 9 what
//! only `devDependencies` of the `importers` lead to), and folders and links. A first document in which
//! pnpm locks itself and its configuration is left out too. Locks inside `node_modules` are skipped.
//!
//! A package is `pkg:npm/%40SCOPE/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry` for a
//! key that cannot be read, `declared-version` for packages of git or of an address whose version the
//! lock does not say.

use std::collections::{HashMap, HashSet};

use cleanbill_image::Pattern;
use cleanbill_model::Kind;
use serde_json::Value;

use super::names::{add, in_node_modules, is_folder, is_version, split};
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, is_set, members, short, str_at, yaml};
use crate::graph::development_only;

/// The cataloger.
pub(crate) static PNPM_LOCK: Cataloger = Cataloger {
    id: "pnpm-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/pnpm-lock.yaml"))],
    read,
};

const WHAT: &str = "read the lock file of pnpm";

fn read(evidence: &Evidence, found: &mut Found) {
    if in_node_modules(&evidence.path) {
        return;
    }
    let Some(documents) = yaml(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    for lock in documents.iter().filter(|lock| !is_environment(lock)) {
        let Some(format) = format(lock) else {
            declared.malformed("it has no `lockfileVersion`");
            continue;
        };
        let development = if format >= 9 { development(lock) } else { HashSet::new() };
        for (key, entry) in members(lock, "packages") {
            if !is_set(entry, "dev") && !development.contains(key) {
                note(key, entry, format, &mut declared);
            }
        }
    }
    declared.finish();
}

/// The document in which pnpm locks its own version and configuration.
fn is_environment(lock: &Value) -> bool {
    let mut importers = members(lock, "importers").map(|(_, importer)| importer).peekable();
    let own = ["configDependencies", "packageManagerDependencies"];
    importers.peek().is_some()
        && importers
            .all(|i| i.as_object().is_some_and(|i| i.keys().all(|key| own.contains(&key.as_str())) && !i.is_empty()))
}

/// The first number of the version of the format.
fn format(lock: &Value) -> Option<u32> {
    let version = match lock.get("lockfileVersion")? {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    version.split('.').next()?.parse().ok()
}

/// A key without its peers.
fn bare(key: &str) -> &str {
    key.split('(').next().unwrap_or(key)
}

/// Name and version in a key, if it is one of a registry.
fn parse(key: &str, format: u32) -> Option<(&str, &str)> {
    let key = bare(key);
    if format >= 6 {
        // `registry.example.com/NAME@1.0.0`, and with a slash only for the usual registry.
        let key = match key.strip_prefix('/') {
            Some(rest) => rest,
            None if format < 9 && !key.starts_with('@') => key.split_once('/').map_or(key, |(_, rest)| rest),
            None => key,
        };
        return split(key);
    }
    let (_, path) = key.split_once('/')?; // the registry, empty for the usual one
    let end = match path.strip_prefix('@') {
        Some(rest) => rest.find('/')? + 1 + 1,
        None => 0,
    };
    let slash = path.get(end..)?.find('/')? + end;
    let version = path[slash + 1..].split(['_', '/']).next()?;
    Some((&path[..slash], version))
}

fn note(key: &str, entry: &Value, format: u32, declared: &mut Declared<'_>) {
    let resolution = entry.get("resolution").unwrap_or(&Value::Null);
    let folder = str_at(resolution, "type") == "directory" || resolution.get("directory").is_some();
    let parsed = parse(key, format);
    let reference = parsed.map_or(bare(key), |(_, version)| version);
    if folder || is_folder(reference) || is_folder(key) {
        return;
    }
    let parsed = parsed.filter(|(name, version)| is_version(version) && !name.contains(':'));
    let stated = (str_at(entry, "name"), str_at(entry, "version"));
    match (stated, parsed) {
        ((name, version), _) if !name.is_empty() && !version.is_empty() => add(declared, name, version),
        (_, Some((name, version))) => add(declared, name, version),
        ((_, version), None) => {
            // `name@https://…` of version 9 says the name; older formats only the address.
            let named = if format >= 9 { split(key).map(|(name, _)| name) } else { None };
            match named {
                Some(name) => add(declared, name, version),
                None if key.contains('/') => declared.without_version(key),
                None => declared.broken(format!("`{}` is no key of a package", short(key))),
            }
        }
    }
}

/// The keys of `packages` of version 9 that only development leads to.
fn development(lock: &Value) -> HashSet<&str> {
    let snapshots: HashMap<&str, &Value> = members(lock, "snapshots").collect();
    // A reference is a version, perhaps with peers, or the whole key of another package.
    let find = |name: &str, reference: &str| -> Option<&str> {
        let full = format!("{name}@{reference}");
        let known = snapshots.get_key_value(full.as_str()).or_else(|| snapshots.get_key_value(reference));
        known.map(|(key, _)| *key)
    };
    let needs = |value: &Value, section: &str| -> Vec<&str> {
        members(value, section)
            .filter_map(|(name, wanted)| {
                let reference = wanted.as_str().unwrap_or_else(|| str_at(wanted, "version"));
                find(name, reference)
            })
            .collect()
    };
    let both = |value: &Value| [needs(value, "dependencies"), needs(value, "optionalDependencies")].concat();
    let edges: HashMap<&str, Vec<&str>> = snapshots.iter().map(|(key, value)| (*key, both(value))).collect();
    let (mut production, mut only) = (Vec::new(), Vec::new());
    for (_, importer) in members(lock, "importers").chain([("", lock)]) {
        production.extend(both(importer));
        only.extend(needs(importer, "devDependencies"));
    }
    let only = development_only(production, only, &edges);
    // A package may be there with several sets of peers, of which some are for production.
    let kept: HashSet<&str> = snapshots.keys().filter(|key| !only.contains(*key)).map(|key| bare(key)).collect();
    only.into_iter().map(bare).filter(|key| !kept.contains(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, format: u32, expect: Option<(&str, &str)>) {
        assert_eq!(parse(key, format), expect, "{key}");
    }

    #[test]
    fn keys_of_every_format_are_read() {
        check("/foo/1.0.0", 5, Some(("foo", "1.0.0")));
        check("/@foo/bar/1.0.0", 5, Some(("@foo/bar", "1.0.0")));
        check("/foo/1.4.0_@types+babel__core@7.1.14", 5, Some(("foo", "1.4.0")));
        check("/foo/1.0.0/bar@2.0.0", 5, Some(("foo", "1.0.0")));
        check("registry.npmjs.org/@foo/bar/1.1.0", 5, Some(("@foo/bar", "1.1.0")));
        check("invalidpath", 5, None);
        check("/@foo", 5, None);
        check("/foo@1.0.0(react@18.0.0)(x@1)", 6, Some(("foo", "1.0.0")));
        check("/@foo/bar@1.0.0", 6, Some(("@foo/bar", "1.0.0")));
        check("registry.example.com/foo@1.0.0", 6, Some(("foo", "1.0.0")));
        check("@foo/bar@1.0.0", 9, Some(("@foo/bar", "1.0.0")));
        check("foo@1.0.0", 9, Some(("foo", "1.0.0")));
    }
}
