//! # composer-lock
//!
//! Reads `composer.lock` of Composer: `packages`, not `packages-dev`, which only development needs.
//! Packages of a folder (`dist.type` `path`) are the project itself and left out. Versions stay as they
//! are written, `v5.4.0` or `dev-main`. Locks inside `vendor` of other packages are skipped: Composer does not
//! obey them.
//!
//! A package is `pkg:composer/VENDOR/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`,
//! `declared-version`.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, json, str_at};

/// The cataloger.
pub(crate) static COMPOSER_LOCK: Cataloger = Cataloger {
    id: "composer-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/composer.lock"))],
    read,
};

const WHAT: &str = "read the lock file of Composer";

fn read(evidence: &Evidence, found: &mut Found) {
    if evidence.path.split('/').any(|part| part == "vendor") {
        return;
    }
    let Some(lock) = json(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let Some(packages) = lock.get("packages").and_then(Value::as_array) else {
        declared.malformed("it has no `packages`");
        return declared.finish();
    };
    for package in packages {
        if package.get("dist").is_some_and(|dist| str_at(dist, "type") == "path") {
            continue;
        }
        let (name, version) = (str_at(package, "name"), str_at(package, "version"));
        if name.ends_with('/') {
            declared.broken(format!("`{}` is a vendor and no name", name.chars().take(60).collect::<String>()));
            continue;
        }
        let (vendor, short) = name.split_once('/').unwrap_or(("", name));
        declared.add(Purl::new("composer", vendor, short, version), name, version);
    }
    declared.finish();
}
