//! # yarn-lock
//!
//! Reads `yarn.lock` of Yarn: the classic grammar of version 1 and that of the later ones (Berry).
//! Locks inside `node_modules` are skipped.
//!
//! * The name is that of the entry's `resolution` (Berry), or of what was asked for (classic); an alias
//!   (`a@npm:real@1`) is listed by the real name. A patched package (`patch:`) is listed as what was
//!   patched.
//! * Left out: workspaces, links, portals and folders (`workspace:`, `link:`, `portal:`, `file:` unless
//!   of an archive), which are the project itself.
//! * The lock does not tell what only development needs. With a `package.json` beside it that names no
//!   workspaces, what only `devDependencies` lead to is left out; otherwise all is listed.
//!
//! A package is `pkg:npm/%40SCOPE/NAME@VERSION`. Problems: `declared-entry` for a line or an entry that
//! cannot be read, `declared-version` for an entry without version.

use std::collections::{HashMap, HashSet};

use cleanbill_image::Pattern;
use cleanbill_model::Kind;

use super::names::{add, in_node_modules, is_folder, split};
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, members, short, sibling_json, text};
use crate::graph::development_only;

/// The cataloger.
pub(crate) static YARN_LOCK: Cataloger = Cataloger {
    id: "yarn-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::With(Pattern::Glob("**/yarn.lock"), &["package.json"])],
    read,
};

const WHAT: &str = "read the lock file of Yarn";

/// One entry: what was asked for, and what that came to.
#[derive(Debug, Default)]
struct Entry {
    asked: Vec<String>,
    version: String,
    resolution: String,
    /// Name and range of what it depends on.
    needs: Vec<(String, String)>,
}

fn read(evidence: &Evidence, found: &mut Found) {
    if in_node_modules(&evidence.path) {
        return;
    }
    let Some(text) = text(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let entries = entries(&text, &mut declared);
    let development = development(&entries, evidence);
    for (at, entry) in entries.iter().enumerate() {
        if !development.contains(&at) {
            note(entry, &mut declared);
        }
    }
    declared.finish();
}

/// A text without the quotes around it.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text)
}

/// Key and value of a line: `version "1.0"`, `"version" "1.0"`, `version: 1.0`, `"@a/b": ^1`.
fn pair(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => {
            let at = line.find([' ', ':'])?;
            line.split_at(at)
        }
    };
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    Some((key, unquoted(rest)))
}

fn entries(text: &str, declared: &mut Declared<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section = "";
    for line in text.lines() {
        let bare = line.trim_start();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        let indent = line.len() - bare.len();
        let bare = bare.trim_end();
        if indent == 0 {
            section = "";
            let Some(keys) = bare.strip_suffix(':') else {
                declared.broken(format!("`{}` is no line of a lock file", short(bare)));
                section = "?"; // what belongs to it cannot be read either
                continue;
            };
            let asked = keys.split(", ").map(|key| key.trim().trim_matches('"').to_owned()).collect();
            entries.push(Entry { asked, ..Entry::default() });
            continue;
        }
        let Some(entry) = entries.last_mut().filter(|_| section != "?") else { continue };
        if indent <= 2 {
            section = "";
            if let Some(name) = bare.strip_suffix(':') {
                section = match name.trim_matches('"') {
                    "dependencies" | "optionalDependencies" => "dependencies",
                    _ => "other",
                };
                continue;
            }
            match pair(bare) {
                Some(("version", value)) => entry.version = value.to_owned(),
                Some(("resolution", value)) => entry.resolution = value.to_owned(),
                _ => {}
            }
        } else if section == "dependencies"
            && let Some((name, range)) = pair(bare)
        {
            entry.needs.push((name.to_owned(), range.to_owned()));
        }
    }
    entries
}

fn note(entry: &Entry, declared: &mut Declared<'_>) {
    let asked = entry.asked.first().map_or("", String::as_str);
    if asked == "__metadata" {
        return;
    }
    let reference = if entry.resolution.is_empty() { asked } else { entry.resolution.as_str() };
    let (name, range) = split(reference).unwrap_or((reference, ""));
    if is_folder(range) || entry.asked.iter().filter_map(|a| split(a)).any(|(_, range)| is_folder(range)) {
        return;
    }
    let real = match range.strip_prefix("npm:") {
        Some(alias) if entry.resolution.is_empty() => split(alias).map_or(name, |(real, _)| real),
        _ => name,
    };
    // Berry writes `0.0.0-use.local` for what has no version of its own.
    let version = if entry.version == "0.0.0-use.local" { "" } else { &entry.version };
    add(declared, real, version);
}

/// What leads to entries: one of them, or a name, which means all of its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Node<'a> {
    Entry(usize),
    Name(&'a str),
}

/// The entries that only development leads to, as far as `package.json` beside the lock tells.
fn development(entries: &[Entry], evidence: &Evidence) -> HashSet<usize> {
    let Some(manifest) = sibling_json(evidence, "package.json").filter(|m| m.get("workspaces").is_none()) else {
        return HashSet::new();
    };
    let (mut exact, mut edges) = (HashMap::new(), HashMap::<Node, Vec<Node>>::new());
    for (at, entry) in entries.iter().enumerate() {
        for asked in &entry.asked {
            exact.insert(asked.as_str(), at);
            if let Some((name, _)) = split(asked) {
                edges.entry(Node::Name(name)).or_default().push(Node::Entry(at));
            }
        }
    }
    // Berry patches some packages by itself: nobody asks for the patch, and who needs the package has it.
    let patches: HashMap<(&str, &str), usize> = entries
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| {
            let (name, range) = split(&entry.resolution)?;
            range.starts_with("patch:").then_some(((name, entry.version.as_str()), at))
        })
        .collect();
    for (at, entry) in entries.iter().enumerate() {
        let patched = split(&entry.resolution).and_then(|(name, _)| patches.get(&(name, entry.version.as_str())));
        let needs = entry.needs.iter().map(|(name, range)| find(&exact, name, range));
        let needs = needs.chain(patched.map(|at| Node::Entry(*at))).collect();
        edges.insert(Node::Entry(at), needs);
    }
    let roots = |key: &str| -> Vec<Node> {
        members(&manifest, key).map(|(name, range)| find(&exact, name, range.as_str().unwrap_or_default())).collect()
    };
    let production = [roots("dependencies"), roots("optionalDependencies"), roots("peerDependencies")].concat();
    let only = development_only(production, roots("devDependencies"), &edges);
    let entry = |node| match node {
        Node::Entry(at) => Some(at),
        Node::Name(_) => None,
    };
    only.into_iter().filter_map(entry).collect()
}

/// The entry that was asked for so. Where `resolutions` changed what is asked for there is none, and every
/// version of the name may be meant.
fn find<'a>(exact: &HashMap<&str, usize>, name: &'a str, range: &str) -> Node<'a> {
    let asked = [format!("{name}@{range}"), format!("{name}@npm:{range}")];
    asked.iter().find_map(|asked| exact.get(asked.as_str())).map_or(Node::Name(name), |at| Node::Entry(*at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: Option<(&str, &str)>) {
        assert_eq!(pair(line), expect, "{line}");
    }

    #[test]
    fn lines_of_both_grammars_are_pairs() {
        check(r#"version "1.0.0""#, Some(("version", "1.0.0")));
        check(r#""version" "1.0.0""#, Some(("version", "1.0.0")));
        check("version: 1.0.0", Some(("version", "1.0.0")));
        check(r#""@babel/core": ^7.0.0"#, Some(("@babel/core", "^7.0.0")));
        check(r#"resolution: "a@npm:1""#, Some(("resolution", "a@npm:1")));
        check(r#"lodash "^1.3.1""#, Some(("lodash", "^1.3.1")));
        check("word", None);
    }
}
