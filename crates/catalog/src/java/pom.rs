//! # pom
//!
//! Reads `pom.xml` of Maven: its `dependencies`. What is not in the file is not known: parents and BOMs
//! are not looked up, so that transitive dependencies and inherited versions are missing; a scan of what
//! was built finds them.
//!
//! * `${NAME}` stands for a property of the file, or for its own or its parent's coordinates
//!   (`${project.version}`, `${project.parent.version}`, …).
//! * A dependency without version has that of `dependencyManagement` in the same file. The version
//!   `[1.0]` is exactly 1.0; ranges are not exact.
//! * Left out: the project itself, the scopes `test` (only development needs it) and `import` (a BOM),
//!   plugins, and what stands in profiles.
//!
//! A package is `pkg:maven/GROUP/ARTIFACT@VERSION`, by name `GROUP:ARTIFACT`. Problems:
//! `declared-malformed`; `declared-version` for dependencies whose exact version the file does not say;
//! `declared-entry` for those without group or artifact.

use std::collections::HashMap;

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};
use roxmltree::Node;

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, xml, xml_text};

/// The cataloger.
pub(crate) static POM: Cataloger = Cataloger {
    id: "pom",
    version: 1,
    kind: Kind::Declared,
    // Not `*.pom`: those of a local repository are no projects.
    wants: &[Want::Path(Pattern::Glob("**/pom.xml"))],
    read,
};

const WHAT: &str = "read the project of Maven";
/// Properties whose values name others.
const DEPTH: u32 = 8;
/// No real group, artifact or version is longer.
const VALUE_LIMIT: usize = 512;

/// The values that `${NAME}` may stand for.
type Properties<'a> = HashMap<String, &'a str>;

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(text) = xml_text(evidence, WHAT, found) else { return };
    let Some(document) = xml(&text, evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let project = document.root_element();
    if project.tag_name().name() != "project" {
        declared.malformed("its root is not `project`");
        return declared.finish();
    }
    let properties = properties(project);
    let resolve = |node: Node<'_, '_>, key: &str| -> Option<String> {
        replaced(child(node, key).and_then(|n| n.text())?.trim(), &properties, DEPTH)
    };
    // A dependency is managed by group, artifact, type and classifier.
    let key = |node: Node<'_, '_>| {
        ["groupId", "artifactId", "type", "classifier"].map(|part| match (resolve(node, part), part) {
            (Some(value), _) if !value.is_empty() => value,
            (_, "type") => "jar".to_owned(),
            _ => String::new(),
        })
    };
    let managed: HashMap<[String; 4], Node<'_, '_>> = child(project, "dependencyManagement")
        .into_iter()
        .flat_map(|management| dependencies(management))
        .map(|node| (key(node), node))
        .collect();
    for node in dependencies(project) {
        let managed = managed.get(&key(node)).copied();
        let scope = resolve(node, "scope").or_else(|| managed.and_then(|node| resolve(node, "scope")));
        if scope.as_deref().is_some_and(|scope| ["test", "import"].contains(&scope)) {
            continue;
        }
        let raw = |key: &str| child(node, key).and_then(|n| n.text()).unwrap_or_default().trim().to_owned();
        let (group, artifact) = (raw("groupId"), raw("artifactId"));
        if group.is_empty() || artifact.is_empty() {
            declared.broken("a dependency has no group or no artifact");
            continue;
        }
        let (Some(group), Some(artifact)) = (resolve(node, "groupId"), resolve(node, "artifactId")) else {
            declared.without_version(&format!("{group}:{artifact}"));
            continue;
        };
        let name = format!("{group}:{artifact}");
        let own = child(node, "version").map(|_| resolve(node, "version"));
        let version = own.unwrap_or_else(|| managed.and_then(|node| resolve(node, "version")));
        match version.as_deref().and_then(exact) {
            Some(version) => declared.add(Purl::new("maven", &group, &artifact, version), &name, version),
            None => declared.without_version(&name),
        }
    }
    declared.finish();
}

/// The element of that name directly inside.
fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

fn dependencies<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    let list = child(node, "dependencies");
    list.into_iter().flat_map(|list| list.children()).filter(|node| node.tag_name().name() == "dependency")
}

fn properties<'a>(project: Node<'a, '_>) -> Properties<'a> {
    let mut properties = Properties::new();
    let parent = child(project, "parent");
    for key in ["groupId", "artifactId", "version"] {
        let of = |node: Option<Node<'a, '_>>| child(node?, key)?.text().map(str::trim);
        let inherited = of(parent);
        if let Some(value) = inherited {
            properties.insert(format!("project.parent.{key}"), value);
            properties.insert(format!("parent.{key}"), value);
        }
        if let Some(value) = of(Some(project)).or(inherited.filter(|_| key != "artifactId")) {
            for prefix in ["project.", "pom.", ""] {
                properties.insert(format!("{prefix}{key}"), value);
            }
        }
    }
    for node in child(project, "properties").into_iter().flat_map(|list| list.children()) {
        if node.is_element() {
            properties.insert(node.tag_name().name().to_owned(), node.text().unwrap_or_default().trim());
        }
    }
    properties
}

/// A value with its properties replaced; none if one of them is not known.
fn replaced(value: &str, properties: &Properties<'_>, depth: u32) -> Option<String> {
    if value.len() > VALUE_LIMIT {
        return None;
    }
    let Some((before, rest)) = value.split_once("${") else { return Some(value.to_owned()) };
    let (name, after) = rest.split_once('}')?;
    let inner = replaced(properties.get(name.trim())?, properties, depth.checked_sub(1)?)?;
    let after = replaced(after, properties, depth.checked_sub(1)?)?;
    let whole = format!("{before}{inner}{after}");
    (whole.len() <= VALUE_LIMIT).then_some(whole)
}

/// The version itself, or the one in `[1.0]`; none for ranges and for what Maven looks up.
fn exact(version: &str) -> Option<&str> {
    let version = version.trim();
    let inner = version.strip_prefix('[').and_then(|v| v.strip_suffix(']')).map_or(version, str::trim);
    let looked_up = ["LATEST", "RELEASE"].contains(&inner) || inner.contains(['[', ']', '(', ')', ',']);
    (!inner.is_empty() && !looked_up).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expect: Option<&str>) {
        let properties =
            Properties::from([("a".to_owned(), "1"), ("b".to_owned(), "${a}.2"), ("loop".to_owned(), "x${loop}")]);
        assert_eq!(replaced(value, &properties, DEPTH).as_deref(), expect, "{value}");
    }

    #[test]
    fn properties_are_replaced_and_loops_end() {
        check("${b}-${a}", Some("1.2-1"));
        check("${unknown}", None);
        check("${loop}", None);
        check("${a", None);
        check("plain", Some("plain"));
    }

    #[test]
    fn only_one_version_is_exact() {
        for (version, expect) in [
            ("[1.0]", Some("1.0")),
            ("1.0", Some("1.0")),
            ("[1,2]", None),
            ("(,1]", None),
            ("LATEST", None),
            ("", None),
        ] {
            assert_eq!(exact(version), expect, "{version}");
        }
    }
}
