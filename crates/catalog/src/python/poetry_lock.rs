//! # poetry-lock
//!
//! Reads `poetry.lock` of Poetry. Left out are folders (`source.type = "directory"`), which are the
//! project itself, and what only development needs. Who needs a package the lock says differently:
//!
//! * until 1.4 by `category = "dev"`;
//! * from 2.0 on by `groups`; a package of the group `main` is listed;
//! * between them only `pyproject.toml` beside the lock says it: what only its groups lead to is left
//!   out. Without that file all is listed.
//!
//! A package is `pkg:pypi/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`,
//! `declared-version`.

use std::collections::{HashMap, HashSet};

use cleanbill_image::Pattern;
use cleanbill_model::Kind;
use toml::{Table, Value};

use super::names::{add, name_of, normalised};
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, sibling_toml, tables, toml, toml_str};
use crate::graph::development_only;

/// The cataloger.
pub(crate) static POETRY_LOCK: Cataloger = Cataloger {
    id: "poetry-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::With(Pattern::Glob("**/poetry.lock"), &["pyproject.toml"])],
    read,
};

const WHAT: &str = "read the lock file of Poetry";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(lock) = toml(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let tells = |package: &Table| package.contains_key("category") || package.contains_key("groups");
    let told = tables(&lock, "package").any(tells);
    let development = if told { HashSet::new() } else { development(&lock, evidence) };
    for package in tables(&lock, "package") {
        let name = toml_str(package, "name");
        let folder =
            package.get("source").and_then(Value::as_table).is_some_and(|s| toml_str(s, "type") == "directory");
        if !folder && !is_development(package) && !development.contains(&normalised(name)) {
            add(&mut declared, name, toml_str(package, "version"));
        }
    }
    declared.finish();
}

/// Whether the lock itself says that only development needs a package.
fn is_development(package: &Table) -> bool {
    let groups = package.get("groups").and_then(Value::as_array);
    toml_str(package, "category") == "dev"
        || groups.is_some_and(|groups| !groups.is_empty() && !groups.iter().any(|g| g.as_str() == Some("main")))
}

/// What only the groups of `pyproject.toml` lead to, by normalised name.
fn development(lock: &Table, evidence: &Evidence) -> HashSet<String> {
    let Some(project) = sibling_toml(evidence, "pyproject.toml") else { return HashSet::new() };
    let packages: Vec<(String, &Table)> =
        tables(lock, "package").map(|package| (normalised(toml_str(package, "name")), package)).collect();
    // All versions of a name go together.
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (at, (name, _)) in packages.iter().enumerate() {
        places.entry(name).or_insert(at);
    }
    let find = |name: &str| places.get(normalised(name).as_str()).copied();
    let mut edges: HashMap<usize, Vec<usize>> = HashMap::new();
    for (name, package) in &packages {
        let needs = keys(package.get("dependencies")).filter_map(find);
        edges.entry(places.get(name.as_str()).copied().unwrap_or_default()).or_default().extend(needs);
    }
    let poetry = project.get("tool").and_then(|tool| tool.get("poetry"));
    let standard = project.get("project");
    let optional = standard.and_then(|p| p.get("optional-dependencies")).and_then(Value::as_table);
    let production: Vec<usize> = keys(poetry.and_then(|p| p.get("dependencies")))
        .chain(requirements(standard.and_then(|p| p.get("dependencies"))))
        .chain(optional.into_iter().flatten().flat_map(|(_, list)| requirements(Some(list))))
        .filter_map(find)
        .collect();
    if production.is_empty() {
        return HashSet::new();
    }
    let groups = poetry.and_then(|p| p.get("group")).and_then(Value::as_table);
    let standard_groups = project.get("dependency-groups").and_then(Value::as_table);
    let development: Vec<usize> = keys(poetry.and_then(|p| p.get("dev-dependencies")))
        .chain(groups.into_iter().flatten().flat_map(|(_, group)| keys(group.get("dependencies"))))
        .chain(standard_groups.into_iter().flatten().flat_map(|(_, list)| requirements(Some(list))))
        .filter_map(find)
        .collect();
    let only = development_only(production, development, &edges);
    only.into_iter().filter_map(|at| packages.get(at)).map(|(name, _)| name.clone()).collect()
}

fn keys(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_table).into_iter().flatten().map(|(key, _)| key.as_str())
}

/// The names in a list of requirements.
fn requirements(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|item| Some(name_of(item.as_str()?)?.0))
}
