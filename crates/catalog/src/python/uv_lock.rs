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
    let own: Vec<Node> = packages.iter().filter(|package| is_own(package)).map(|package| node(package)).collect();
    let mut edges: HashMap<Node, Vec<Node>> = HashMap::new();
    for package in &packages {
        let (name, version) = node(package);
        edges.entry((name, "")).or_default().push((name, version));
        let needs = tables(package, "dependencies").map(node).chain(grouped(package, "optional-dependencies"));
        edges.entry((name, version)).or_default().extend(needs);
    }
    let of_own = packages.iter().filter(|package| is_own(package));
    let groups: Vec<Node> = of_own.flat_map(|package| grouped(package, "dev-dependencies")).collect();
    let only = development_only(own, groups, &edges);
    for package in &packages {
        if !is_own(package) && !only.contains(&node(package)) {
            add(&mut declared, toml_str(package, "name"), toml_str(package, "version"));
        }
    }
    declared.finish();
}

/// Name and version of a package or of what one needs. Where the lock has several versions of a name, a
/// need says which; without one all are meant.
type Node<'a> = (&'a str, &'a str);

fn node(table: &Table) -> Node<'_> {
    (toml_str(table, "name"), toml_str(table, "version"))
}

/// What all groups at a key need.
fn grouped<'t>(package: &'t Table, key: &str) -> impl Iterator<Item = Node<'t>> {
    let groups = package.get(key).and_then(Value::as_table).into_iter().flatten();
    groups.flat_map(|(_, list)| list.as_array().into_iter().flatten()).filter_map(Value::as_table).map(node)
}

/// Whether a package is the project or a folder beside it.
fn is_own(package: &Table) -> bool {
    let source = package.get("source").and_then(Value::as_table);
    source.is_some_and(|source| ["editable", "virtual", "directory"].iter().any(|key| source.contains_key(*key)))
}
