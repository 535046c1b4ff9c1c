//! # pipfile-lock
//!
//! Reads `Pipfile.lock` of Pipenv: `default` and every category of one's own, not `develop`, which only
//! development needs. Folders (`path`, `editable` without address) are the project itself and left out.
//!
//! A package is `pkg:pypi/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`, and
//! `declared-version` for packages of git and of addresses, whose version the lock does not say.

use cleanbill_image::Pattern;
use cleanbill_model::Kind;

use super::names::{add, exact};
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, is_set, json, members, short, str_at};

/// The cataloger.
pub(crate) static PIPFILE_LOCK: Cataloger = Cataloger {
    id: "pipfile-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/Pipfile.lock"))],
    read,
};

const WHAT: &str = "read the lock file of Pipenv";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(lock) = json(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let sections = lock.as_object().into_iter().flatten().map(|(section, _)| section.as_str());
    for section in sections.filter(|section| !["_meta", "develop"].contains(section)) {
        for (name, entry) in members(&lock, section) {
            let address = ["git", "hg", "svn", "bzr", "file"].iter().any(|key| !str_at(entry, key).is_empty());
            let version = str_at(entry, "version");
            match exact(version) {
                Some(version) => add(&mut declared, name, version),
                None if entry.get("path").is_some() || (is_set(entry, "editable") && !address) => {}
                None if version.is_empty() || version == "*" => declared.without_version(name),
                None => declared.broken(format!("`{}` is no exact version of {}", short(version), short(name))),
            }
        }
    }
    declared.finish();
}
