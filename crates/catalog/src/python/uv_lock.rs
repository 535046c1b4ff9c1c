//! # uv-lock
//!
//! Reads `uv.lock` of uv. The projects of the workspace and folders (`source` with `editable`,
//! `virtual` or `directory`) are the project itself and left out, and so is what only their
//! `dev-dependencies` lead to. Packages of git and of addresses are listed with the version that the
//! lock says.
//!
//! A package is `pkg:pypi/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`,
//! `declared-version`.

use std::collections::HashMap;

use cleanbill_image::Pattern;
use cleanbill_model::Kind;
use toml::{Table, Value};

use super::names::add;
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, tables, toml, toml_str};
use crate::graph::development_only;

/// The cataloger.
pub(crate) static UV_LOCK: Cataloger = Cataloger {
    id: "uv-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/uv.lock"))],
    read,
};

const WHAT: &str = "read the lock file of uv";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(lock) = toml(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let packages: Vec<&Table> = tables(&lock, "package").collect();
    let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, package) in packages.iter().enumerate() {
        named.entry(toml_str(package, "name")).or_default().push(at);
    }
    // Names of several versions: a dependency says which it means.
    let find = |need: &Table| -> Vec<usize> {
        let (name, version) = (toml_str(need, "name"), toml_str(need, "version"));
        let all = named.get(name).cloned().unwrap_or_default();
        let same: Vec<usize> =
            all.iter().copied().filter(|at| toml_str(packages[*at], "version") == version).collect();
        if version.is_empty() || same.is_empty() { all } else { same }
    };
    let listed = |package: &Table, key: &str| -> Vec<usize> { tables(package, key).flat_map(&find).collect() };
    let grouped = |package: &Table, key: &str| -> Vec<usize> {
        let groups = package.get(key).and_then(Value::as_table).into_iter().flatten();
        let needs = groups.flat_map(|(_, list)| list.as_array().into_iter().flatten()).filter_map(Value::as_table);
        needs.flat_map(&find).collect()
    };
    let always =
        |package: &Table| [listed(package, "dependencies"), grouped(package, "optional-dependencies")].concat();
    let edges: HashMap<usize, Vec<usize>> =
        packages.iter().enumerate().map(|(at, package)| (at, always(package))).collect();
    let own: Vec<usize> = (0..packages.len()).filter(|at| is_own(packages[*at])).collect();
    let groups: Vec<usize> = own.iter().flat_map(|at| grouped(packages[*at], "dev-dependencies")).collect();
    let only = development_only(own.iter().copied(), groups, &edges);
    for (at, package) in packages.iter().enumerate() {
        if !is_own(package) && !only.contains(&at) {
            add(&mut declared, toml_str(package, "name"), toml_str(package, "version"));
        }
    }
    declared.finish();
}

/// Whether a package is the project or a folder beside it.
fn is_own(package: &Table) -> bool {
    let source = package.get("source").and_then(Value::as_table);
    source.is_some_and(|source| ["editable", "virtual", "directory"].iter().any(|key| source.contains_key(*key)))
}
