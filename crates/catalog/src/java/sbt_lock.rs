//! # sbt-lock
//!
//! Reads `build.sbt.lock` and other `*.sbt.lock` of sbt-dependency-lock: `dependencies` with `org`, `name` and
//! `version`. What only the configuration `test` asks for is left out.
//!
//! A package is `pkg:maven/ORG/NAME@VERSION`, by name `ORG:NAME`. Problems: `declared-malformed`,
//! `declared-entry`, `declared-version`.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, json, str_at};

/// The cataloger.
pub(crate) static SBT_LOCK: Cataloger = Cataloger {
    id: "sbt-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/*.sbt.lock"))],
    read,
};

const WHAT: &str = "read the lock file of sbt";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(lock) = json(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let Some(dependencies) = lock.get("dependencies").and_then(Value::as_array) else {
        declared.malformed("it has no `dependencies`");
        return declared.finish();
    };
    for entry in dependencies {
        let mut asked = entry.get("configurations").and_then(Value::as_array).into_iter().flatten().peekable();
        if asked.peek().is_some() && asked.all(|configuration| configuration.as_str() == Some("test")) {
            continue;
        }
        let (org, name, version) = (str_at(entry, "org"), str_at(entry, "name"), str_at(entry, "version"));
        declared.add(Purl::new("maven", org, name, version), &format!("{org}:{name}"), version);
    }
    declared.finish();
}
