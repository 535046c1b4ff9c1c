//! # pylock
//!
//! Reads `pylock.toml` and `pylock.NAME.toml`, the lock file that PEP 751 defines. Folders (`directory`)
//! are the project itself and left out. So is what is installed for groups alone that are not among
//! `default-groups` of the file: its `marker` asks for such a group, and for nothing else that could let
//! it in. Other markers are not evaluated: the package is listed.
//!
//! A package is `pkg:pypi/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`, and
//! `declared-version` for packages of a repository or an archive, which need not say their version.

use cleanbill_image::Pattern;
use cleanbill_model::Kind;
use toml::{Table, Value};

use super::names::add;
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, tables, toml, toml_str};

/// The cataloger.
pub(crate) static PYLOCK: Cataloger = Cataloger {
    id: "pylock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/pylock.toml")), Want::Path(Pattern::Glob("**/pylock.*.toml"))],
    read,
};

const WHAT: &str = "read the Python lock file";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(lock) = toml(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    if toml_str(&lock, "lock-version").is_empty() {
        declared.malformed("it has no `lock-version`");
    }
    let listed = |key: &str| lock.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let defaults: Vec<&str> = listed("default-groups").collect();
    for package in tables(&lock, "packages") {
        if !package.contains_key("directory") && !is_development(package, &defaults) {
            add(&mut declared, toml_str(package, "name"), toml_str(package, "version"));
        }
    }
    declared.finish();
}

fn is_development(package: &Table, defaults: &[&str]) -> bool {
    let marker = toml_str(package, "marker");
    let mut asked = groups(marker).peekable();
    asked.peek().is_some() && !marker.contains(" in extras") && !asked.any(|group| defaults.contains(&group))
}

/// The groups in a marker: `"dev" in dependency_groups`.
fn groups(marker: &str) -> impl Iterator<Item = &str> {
    marker.match_indices("in dependency_groups").filter_map(|(at, _)| {
        let before = marker[..at].trim_end();
        let quote = before.chars().next_back().filter(|c| ['"', '\''].contains(c))?;
        before[..before.len() - 1].rsplit(quote).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read_from_markers() {
        let marker = r#"os_name == "nt" and "default" in dependency_groups or 'dev' in dependency_groups"#;
        assert_eq!(groups(marker).collect::<Vec<_>>(), ["default", "dev"]);
        assert_eq!(groups("in dependency_groups").count(), 0);
        assert_eq!(groups(r#"python_version > "3""#).count(), 0);
    }
}
