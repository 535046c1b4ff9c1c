//! # pdm-lock
//!
//! Reads `pdm.lock` of PDM. Folders (`path`) are the project itself and left out. Each package says to
//! which `groups` it belongs; what belongs to groups of development alone is left out. Which groups those
//! are, `pyproject.toml` beside the lock says (`dependency-groups`, `tool.pdm.dev-dependencies`); without
//! that file it is the group `dev`.
//!
//! A package is `pkg:pypi/NAME@VERSION`; it stands once, however many entries its extras have. Problems:
//! `declared-malformed`, `declared-entry`, `declared-version`.

use std::collections::HashSet;

use cleanbill_image::Pattern;
use cleanbill_model::Kind;
use toml::{Table, Value};

use super::names::{add, normalised};
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, sibling_toml, tables, toml, toml_str};

/// The cataloger.
pub(crate) static PDM_LOCK: Cataloger = Cataloger {
    id: "pdm-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::With(Pattern::Glob("**/pdm.lock"), &["pyproject.toml"])],
    read,
};

const WHAT: &str = "read the lock file of PDM";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(lock) = toml(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let development = development(evidence);
    for package in tables(&lock, "package").filter(|package| !package.contains_key("path")) {
        let mut groups = package.get("groups").and_then(Value::as_array).into_iter().flatten().peekable();
        let any = groups.peek().is_some();
        let only = any && groups.filter_map(Value::as_str).all(|group| development.contains(&normalised(group)));
        if !only {
            add(&mut declared, toml_str(package, "name"), toml_str(package, "version"));
        }
    }
    declared.finish();
}

/// The groups of development, by normalised name.
fn development(evidence: &Evidence) -> HashSet<String> {
    let Some(project) = sibling_toml(evidence, "pyproject.toml") else { return HashSet::from(["dev".to_owned()]) };
    let own = project.get("tool").and_then(|tool| tool.get("pdm")).and_then(|pdm| pdm.get("dev-dependencies"));
    let groups = |value: Option<&Value>| -> Vec<String> {
        value.and_then(Value::as_table).into_iter().flat_map(Table::keys).map(|key| normalised(key)).collect()
    };
    groups(own).into_iter().chain(groups(project.get("dependency-groups"))).collect()
}
