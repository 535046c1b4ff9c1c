//! # stack-lock
//!
//! Reads `stack.yaml.lock` of Stack: the packages that the project adds to its snapshot, with what they
//! came to (`completed`): `hackage: NAME-VERSION@…`, or `name` and `version` of an archive or repository.
//! The packages of the snapshot itself are not in the file, and are not listed.
//!
//! A package is `pkg:hackage/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, short, str_at, yaml};

/// The cataloger.
pub(crate) static STACK_LOCK: Cataloger = Cataloger {
    id: "stack-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/stack.yaml.lock"))],
    read,
};

const WHAT: &str = "read the lock file of Stack";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(documents) = yaml(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    for lock in &documents {
        let Some(packages) = lock.get("packages").and_then(Value::as_array) else {
            declared.malformed("it has no `packages`");
            continue;
        };
        for package in packages {
            let completed = package.get("completed").unwrap_or(&Value::Null);
            let hackage = str_at(completed, "hackage").split('@').next().unwrap_or_default();
            let stated = (str_at(completed, "name"), str_at(completed, "version"));
            let named = hackage.rsplit_once('-').or(Some(stated).filter(|(name, _)| !name.is_empty()));
            match named {
                Some((name, version)) => declared.add(Purl::new("hackage", "", name, version), name, version),
                None => declared.broken(format!("`{}` is no package of Hackage", short(hackage))),
            }
        }
    }
    declared.finish();
}
