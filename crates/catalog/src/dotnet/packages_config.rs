//! # packages-config
//!
//! Reads `packages.config` of NuGet: every `package` with `id` and `version`. What only development needs
//! (`developmentDependency="true"`) is left out.
//!
//! A package is `pkg:nuget/NAME@VERSION`. Problems: `declared-malformed`, `declared-entry`,
//! `declared-version`.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, xml, xml_text};

/// The cataloger.
pub(crate) static PACKAGES_CONFIG: Cataloger = Cataloger {
    id: "packages-config",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/packages.config"))],
    read,
};

const WHAT: &str = "read the packages of NuGet";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(text) = xml_text(evidence, WHAT, found) else { return };
    let Some(document) = xml(&text, evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let root = document.root_element();
    if root.tag_name().name() != "packages" {
        declared.malformed("its root is not `packages`");
    }
    for package in root.children().filter(|node| node.tag_name().name() == "package") {
        let at = |key: &str| package.attribute(key).unwrap_or_default().trim();
        if !at("developmentDependency").eq_ignore_ascii_case("true") {
            declared.add(Purl::new("nuget", "", at("id"), at("version")), at("id"), at("version"));
        }
    }
    declared.finish();
}
