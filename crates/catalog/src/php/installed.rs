//! # composer-installed
//!
//! Reads what Composer installed: `composer/installed.json` in its folder for packages, which is mostly
//! `vendor` (Composer's `FilesystemRepository`). Version 1 is a list of packages, version 2 an object
//! with `packages`, `dev` and `dev-package-names`. All that is installed counts, also what only
//! developers need. A leading `v` of a version is no part of it.
//!
//! A package is `pkg:composer/vendor/name@version`, both names in lower case. Problems:
//! `composer-installed` for a file that is no JSON or holds no packages, and for a package without name
//! or version.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Package, Purl};
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static COMPOSER_INSTALLED: Cataloger = Cataloger {
    id: "composer-installed",
    version: 1,
    kind: Kind::Installed,
    wants: &[Want::Path(Pattern::Glob("**/composer/installed.json"))],
    read,
};

const WHAT: &str = "read what Composer installed";
const LIMIT: u64 = 64 << 20;

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let Some(bytes) = evidence.whole(LIMIT, WHAT, found) else { return };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let document: Value = match serde_json::from_slice(bytes) {
        Ok(document) => document,
        Err(error) => return found.problem("composer-installed", path, WHAT, error.to_string()),
    };
    let Some(packages) = document.get("packages").unwrap_or(&document).as_array() else {
        return found.problem("composer-installed", path, WHAT, "it holds no list of packages");
    };
    for (at, package) in packages.iter().enumerate() {
        let text = |key: &str| package.get(key).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty());
        // A vendor alone is no name.
        let name = text("name").filter(|name| !name.ends_with('/'));
        let (Some(name), Some(version)) = (name, text("version")) else {
            found.problem("composer-installed", path, WHAT, format!("package {at} has no name or no version"));
            continue;
        };
        let digit = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_digit());
        let version = version.strip_prefix(['v', 'V']).filter(digit).unwrap_or(version);
        let lower = name.to_lowercase();
        let (vendor, short) = lower.split_once('/').unwrap_or(("", &lower));
        let purl = Purl::new("composer", vendor, short, version);
        let licenses = match package.get("license") {
            Some(Value::String(license)) => vec![license.clone()],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        found.package(Package::found(purl, name, version, path)).licenses = licenses;
    }
}
