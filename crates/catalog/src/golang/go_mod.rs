//! # go-mod
//!
//! Reads `go.mod` of Go modules: every `require`, direct or `// indirect`, after `replace`. A module that
//! is replaced by another is listed as that one; one replaced by a folder stays as it is, as in programs
//! built by Go. The module itself is left out. `exclude`, `retract`, `tool`, `godebug` and `ignore` name
//! nothing that is built in.
//!
//! Until Go 1.17 `go.mod` named direct requirements only: then the other modules whose content `go.sum`
//! beside it knows are listed too, each in the last version there.
//!
//! The standard library is `stdlib`, by the version of the line `toolchain`, or of `go` where that names
//! a release (`go 1.22.3`): the oldest that can have been used.
//!
//! A package is `pkg:golang/PATH@v1.2.3`. Problems: `declared-entry` for a line that cannot be read,
//! `declared-version` for a module that a branch or commit is asked of.

use std::collections::{BTreeSet, HashMap, HashSet};

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, LIMIT, short, text};

/// The cataloger.
pub(crate) static GO_MOD: Cataloger = Cataloger {
    id: "go-mod",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::With(Pattern::Glob("**/go.mod"), &["go.sum"])],
    read,
};

const WHAT: &str = "read the file of a Go module";

/// What a module is replaced by: path and version, empty for a folder.
type Replaced<'a> = HashMap<(&'a str, &'a str), (&'a str, &'a str)>;

#[derive(Default)]
struct GoMod<'a> {
    required: Vec<(&'a str, &'a str)>,
    replaced: Replaced<'a>,
    go: &'a str,
    toolchain: &'a str,
}

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(text) = text(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let file = parse(&text, &mut declared);
    let sum = evidence.sibling("go.sum").filter(|_| before_pruning(file.go));
    let sum = sum.and_then(|bytes| bytes.to_vec(LIMIT).ok()?).unwrap_or_default();
    let sum = String::from_utf8_lossy(&sum);
    for (module, version) in modules(&file, &sum) {
        if version.starts_with('v') {
            let (namespace, name) = module.rsplit_once('/').unwrap_or(("", module));
            declared.add(Purl::new("golang", namespace, name, version), module, version);
        } else {
            declared.without_version(module);
        }
    }
    if let Some(version) = standard_library(&file) {
        declared.add(Purl::new("golang", "", "stdlib", version), "stdlib", version);
    }
    declared.finish();
}

/// What is built in: what is required, replaced, and for old modules what `go.sum` knows.
fn modules<'a>(file: &GoMod<'a>, sum: &'a str) -> BTreeSet<(&'a str, &'a str)> {
    let mut modules = BTreeSet::new();
    let required: HashSet<&str> = file.required.iter().map(|(module, _)| *module).collect();
    let mut listed: Vec<(&str, &str)> = Vec::new();
    for line in sum.lines() {
        let mut fields = line.split_whitespace();
        let (Some(module), Some(version)) = (fields.next(), fields.next()) else { continue };
        // Only the last version of each, and only where its content was needed.
        if !version.ends_with("/go.mod") && !required.contains(module) {
            match listed.last_mut() {
                Some(last) if last.0 == module => last.1 = version,
                _ => listed.push((module, version)),
            }
        }
    }
    let targets: HashSet<&str> = file.replaced.values().map(|(path, _)| *path).collect();
    listed.retain(|(module, _)| !targets.contains(module));
    for (module, version) in file.required.iter().copied().chain(listed) {
        let replaced = file.replaced.get(&(module, version)).or_else(|| file.replaced.get(&(module, "")));
        modules.insert(match replaced {
            Some((path, other)) if !other.is_empty() => (*path, *other),
            _ => (module, version),
        });
    }
    modules
}

fn parse<'a>(text: &'a str, declared: &mut Declared<'_>) -> GoMod<'a> {
    let mut file = GoMod::default();
    let mut block = "";
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        if !block.is_empty() {
            if line.starts_with(')') {
                block = "";
            } else {
                directive(block, line, &mut file, declared);
            }
            continue;
        }
        let (verb, rest) = line.split_once(|c: char| c.is_whitespace() || c == '(').unwrap_or((line, ""));
        let opens = line.ends_with('(');
        match verb {
            "require" | "replace" | "exclude" | "retract" | "tool" | "godebug" | "ignore" if opens => block = verb,
            "module" if opens => block = verb,
            _ => directive(verb, rest.trim(), &mut file, declared),
        }
    }
    file
}

fn directive<'a>(verb: &str, rest: &'a str, file: &mut GoMod<'a>, declared: &mut Declared<'_>) {
    let words: Vec<&str> = rest.split_whitespace().map(|word| word.trim_matches(['"', '`'])).collect();
    match (verb, words.as_slice()) {
        ("require", [module, version]) => file.required.push((module, version)),
        ("replace", [module, "=>", path]) => {
            file.replaced.insert((module, ""), (path, ""));
        }
        ("replace", [module, version, "=>", path]) => {
            file.replaced.insert((module, version), (path, ""));
        }
        ("replace", [module, "=>", path, other]) => {
            file.replaced.insert((module, ""), (path, other));
        }
        ("replace", [module, version, "=>", path, other]) => {
            file.replaced.insert((module, version), (path, other));
        }
        ("go", [version]) => file.go = version,
        ("toolchain", [version]) => file.toolchain = version,
        ("module" | "exclude" | "retract" | "tool" | "godebug" | "ignore", _) => {}
        _ => declared.broken(format!("`{verb} {}` is no line of a go.mod", short(rest))),
    }
}

/// Whether `go.mod` of this version of Go leaves indirect requirements to `go.sum`.
fn before_pruning(go: &str) -> bool {
    let mut parts = go.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) < (1, 17)
}

/// The version of Go: `toolchain go1.22.3-suffix` is 1.22.3, and `go 1.22.3` is itself.
fn standard_library<'a>(file: &GoMod<'a>) -> Option<&'a str> {
    if let Some(version) = file.toolchain.strip_prefix("go") {
        return version.split(['-', '+']).next();
    }
    let release = file.go.split('.').count() > 2 || file.go.contains("rc") || file.go.contains("beta");
    release.then_some(file.go)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_releases_are_a_standard_library() {
        for (go, toolchain, expect) in [
            ("1.22.3", "", Some("1.22.3")),
            ("1.22", "", None),
            ("1.22", "go1.23.6-xyz", Some("1.23.6")),
            ("1.21rc2", "", Some("1.21rc2")),
            ("1.22.3", "default", Some("1.22.3")),
        ] {
            let file = GoMod { go, toolchain, ..GoMod::default() };
            assert_eq!(standard_library(&file), expect, "{go} {toolchain}");
        }
    }

    #[test]
    fn indirect_requirements_are_written_since_go_1_17() {
        for (go, expect) in [("1.16", true), ("1.17", false), ("", true), ("1.22.3", false), ("2", false)] {
            assert_eq!(before_pruning(go), expect, "{go}");
        }
    }
}
