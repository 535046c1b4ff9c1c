//! # conan-lock
//!
//! Reads `conan.lock` of Conan: of version 1 the nodes of `graph_lock` (`ref`, in older ones `pref`), of
//! version 2 `requires`. A reference is `NAME/VERSION@USER/CHANNEL#REVISION%TIME`. Left out: the project
//! itself (nodes with `path`, or without reference), and what only the build needs (`build_requires`,
//! `python_requires`, nodes of the context `build`).
//!
//! A package is `pkg:conan/NAME@VERSION`, with `channel` and `user` as qualifiers. Problems:
//! `declared-malformed`, `declared-entry`.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, json, members, short, str_at};

/// The cataloger.
pub(crate) static CONAN_LOCK: Cataloger = Cataloger {
    id: "conan-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/conan.lock"))],
    read,
};

const WHAT: &str = "read the lock file of Conan";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(lock) = json(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    if let Some(requires) = lock.get("requires").and_then(Value::as_array) {
        for reference in requires {
            // Some versions write pairs of a reference and its packages.
            let text = reference.as_str().or_else(|| reference.get(0)?.as_str());
            note(text.unwrap_or_default(), &mut declared);
        }
    } else if let Some(graph) = lock.get("graph_lock") {
        for (_, node) in members(graph, "nodes") {
            let reference = Some(str_at(node, "ref")).filter(|r| !r.is_empty()).unwrap_or_else(|| str_at(node, "pref"));
            let own = reference.is_empty() || !str_at(node, "path").is_empty();
            if !own && str_at(node, "context") != "build" {
                note(reference, &mut declared);
            }
        }
    } else {
        declared.malformed("it has neither `requires` nor `graph_lock`");
    }
    declared.finish();
}

fn note(reference: &str, declared: &mut Declared<'_>) {
    let plain = reference.split(['#', '%', ':']).next().unwrap_or_default();
    let (package, origin) = plain.split_once('@').unwrap_or((plain, ""));
    let (user, channel) = origin.split_once('/').unwrap_or((origin, ""));
    match package.split_once('/') {
        Some((name, version)) if !version.is_empty() => {
            let purl = Purl::new("conan", "", name, version).with("user", user).with("channel", channel);
            declared.add(purl, name, version);
        }
        _ => declared.broken(format!("`{}` is no reference of Conan", short(reference))),
    }
}
