//! # package-resolved
//!
//! Reads `Package.resolved` of the Swift package manager, in its versions 1 (`object.pins`), 2 and 3
//! (`pins`). A package is named by the address of its repository, without scheme and `.git`, as advisories
//! name it. Local repositories are the project itself and left out. The lock does not tell what only
//! development needs.
//!
//! A package is `pkg:swift/HOST/OWNER/NAME@VERSION`; of a registry `pkg:swift/SCOPE/NAME@VERSION`.
//! Problems: `declared-malformed`, `declared-entry`, and `declared-version` for branches and commits.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, json, str_at};

/// The cataloger.
pub(crate) static PACKAGE_RESOLVED: Cataloger = Cataloger {
    id: "package-resolved",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/Package.resolved")), Want::Path(Pattern::Glob("**/.package.resolved"))],
    read,
};

const WHAT: &str = "read the lock file of Swift";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(lock) = json(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let pins = lock.get("pins").or_else(|| lock.get("object")?.get("pins")).and_then(Value::as_array);
    let Some(pins) = pins else {
        declared.malformed("it has no `pins`");
        return declared.finish();
    };
    for pin in pins.iter().filter(|pin| !str_at(pin, "kind").starts_with("local")) {
        let version = pin.get("state").map_or("", |state| str_at(state, "version"));
        let place = ["location", "repositoryURL"].map(|key| str_at(pin, key)).concat();
        let name = if place.is_empty() { str_at(pin, "identity").replacen('.', "/", 1) } else { repository(&place) };
        let (namespace, short) = name.rsplit_once('/').unwrap_or(("", &name));
        declared.add(Purl::new("swift", namespace, short, version), &name, version);
    }
    declared.finish();
}

/// Host and path of an address: `https://github.com/a/b.git` and `git@github.com:a/b` are
/// `github.com/a/b`.
fn repository(address: &str) -> String {
    let plain = address.split_once("://").map_or(address, |(_, rest)| rest);
    let plain = plain.trim_end_matches('/');
    let plain = plain.strip_suffix(".git").unwrap_or(plain);
    let host_end = plain.find('/').unwrap_or(plain.len());
    let plain = plain[..host_end].rfind('@').map_or(plain, |at| &plain[at + 1..]);
    match plain.split_once(':') {
        Some((host, path)) if !host.contains('/') && !path.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{host}/{}", path.trim_start_matches('/'))
        }
        _ => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_repository_have_one_name() {
        for address in [
            "https://github.com/apple/swift-nio.git",
            "https://user@github.com/apple/swift-nio/",
            "git@github.com:apple/swift-nio.git",
            "ssh://git@github.com/apple/swift-nio",
        ] {
            assert_eq!(repository(address), "github.com/apple/swift-nio", "{address}");
        }
        assert_eq!(repository(""), "");
    }
}
