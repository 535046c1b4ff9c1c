//! # podfile-lock
//!
//! Reads `Podfile.lock` of CocoaPods: every pod of `PODS`, as `NAME (VERSION)`. A part of a pod
//! (`NAME/PART`) is the pod, with the part as subpath of its package URL. Pods of a folder (`:path` in
//! `EXTERNAL SOURCES`) are the project itself and left out.
//!
//! A package is `pkg:cocoapods/NAME@VERSION#PART`. Problems: `declared-malformed`, `declared-entry`.

use std::collections::HashSet;

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, members, short, yaml};

/// The cataloger.
pub(crate) static PODFILE_LOCK: Cataloger = Cataloger {
    id: "podfile-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/Podfile.lock"))],
    read,
};

const WHAT: &str = "read the lock file of CocoaPods";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(documents) = yaml(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    for lock in &documents {
        let local: HashSet<&str> = members(lock, "EXTERNAL SOURCES")
            .filter(|(_, source)| source.get(":path").is_some())
            .map(|(name, _)| name)
            .collect();
        let Some(pods) = lock.get("PODS").and_then(Value::as_array) else {
            declared.malformed("it has no `PODS`");
            continue;
        };
        for pod in pods {
            // A pod that needs others is a mapping from itself to them.
            let keys = pod.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
            for text in pod.as_str().into_iter().chain(keys) {
                note(text, &local, &mut declared);
            }
        }
    }
    declared.finish();
}

fn note(text: &str, local: &HashSet<&str>, declared: &mut Declared<'_>) {
    let parts = text.split_once(" (").and_then(|(name, rest)| Some((name, rest.strip_suffix(')')?)));
    let Some((full, version)) = parts else {
        return declared.broken(format!("`{}` is no pod with its version", short(text)));
    };
    let (name, part) = full.split_once('/').map_or((full, None), |(name, part)| (name, Some(part.to_owned())));
    if !local.contains(name) && !local.contains(full) {
        declared.add(Purl { subpath: part, ..Purl::new("cocoapods", "", name, version) }, full, version);
    }
}
