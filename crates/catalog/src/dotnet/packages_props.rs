//! # packages-props
//!
//! Reads `*Packages.props` of MSBuild, such as `Directory.Packages.props`: the versions that all projects
//! of a folder share, in `PackageVersion`, `PackageReference` and `GlobalPackageReference`, named by
//! `Include` or `Update`, with `Version` or `VersionOverride` as attribute or element. `$(NAME)` stands
//! for a property of the same file. A plain version is the one that is taken; ranges and `1.*` are not
//! exact. References of which `PrivateAssets` is `all` are tools of development and left out; so are
//! entries without name and those that `Remove`. Conditions are not evaluated.
//!
//! A package is `pkg:nuget/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`, and
//! `declared-version` for entries without exact version.

use std::collections::HashMap;

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};
use roxmltree::Node;

use super::versions::wanted;
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, xml, xml_text};

/// The cataloger.
pub(crate) static PACKAGES_PROPS: Cataloger = Cataloger {
    id: "packages-props",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/*Packages.props")), Want::Path(Pattern::Glob("**/*packages.props"))],
    read,
};

const WHAT: &str = "read the shared versions of NuGet";
/// Properties whose values name others.
const DEPTH: u32 = 8;
/// No real version is longer.
const VALUE_LIMIT: usize = 512;

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(text) = xml_text(evidence, WHAT, found) else { return };
    let Some(document) = xml(&text, evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let root = document.root_element();
    if root.tag_name().name() != "Project" {
        declared.malformed("its root is not `Project`");
    }
    let groups = |name: &'static str| root.children().filter(move |node| node.tag_name().name() == name);
    let properties: HashMap<String, &str> = groups("PropertyGroup")
        .flat_map(|group| group.children())
        .filter_map(|node| Some((node.tag_name().name().to_ascii_lowercase(), node.text()?.trim())))
        .collect();
    const KINDS: [&str; 3] = ["PackageVersion", "PackageReference", "GlobalPackageReference"];
    for node in groups("ItemGroup").flat_map(|group| group.children()) {
        if !KINDS.contains(&node.tag_name().name()) {
            continue;
        }
        let private = value(node, "PrivateAssets").is_some_and(|assets| assets.eq_ignore_ascii_case("all"));
        let Some(name) = value(node, "Include").or_else(|| value(node, "Update")).filter(|_| !private) else {
            continue;
        };
        let version = value(node, "VersionOverride").or_else(|| value(node, "Version")).unwrap_or_default();
        let version = replaced(version, &properties, DEPTH);
        for name in name.split(';').map(str::trim).filter(|name| !name.is_empty()) {
            match version.as_deref().and_then(wanted) {
                Some(version) => declared.add(Purl::new("nuget", "", name, version), name, version),
                None => declared.without_version(name),
            }
        }
    }
    declared.finish();
}

/// What stands in an attribute or an element of that name.
fn value<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let element = || node.children().find(|child| child.tag_name().name() == name)?.text();
    node.attribute(name).or_else(element).map(str::trim).filter(|value| !value.is_empty())
}

/// A value with its properties replaced; none if one of them is not known.
fn replaced(value: &str, properties: &HashMap<String, &str>, depth: u32) -> Option<String> {
    if value.len() > VALUE_LIMIT {
        return None;
    }
    let Some((before, rest)) = value.split_once("$(") else { return Some(value.to_owned()) };
    let (name, after) = rest.split_once(')')?;
    let inner = replaced(properties.get(&name.trim().to_ascii_lowercase())?, properties, depth.checked_sub(1)?)?;
    let after = replaced(after, properties, depth.checked_sub(1)?)?;
    let whole = format!("{before}{inner}{after}");
    (whole.len() <= VALUE_LIMIT).then_some(whole)
}
