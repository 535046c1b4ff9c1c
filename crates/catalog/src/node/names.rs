//! Names and references of JavaScript packages.

use cleanbill_model::Purl;

use crate::document::Declared;

/// Notes a package of npm: `lodash`, `@babel/core`.
pub(super) fn add(declared: &mut Declared<'_>, name: &str, version: &str) {
    let scoped = name.strip_prefix('@').and_then(|_| name.split_once('/'));
    let (scope, short) = scoped.unwrap_or(("", name));
    declared.add(Purl::new("npm", scope, short, version), name, version);
}

/// `NAME@REST` at the first `@` that does not start a scope.
pub(super) fn split(reference: &str) -> Option<(&str, &str)> {
    let from = usize::from(reference.starts_with('@'));
    let at = reference.get(from..)?.find('@')? + from;
    Some((&reference[..at], &reference[at + 1..]))
}

/// Whether a reference means a folder beside the project, which no registry knows: `link:`, `portal:`,
/// `workspace:`, or `file:` unless an archive follows.
pub(super) fn is_folder(reference: &str) -> bool {
    let plain = reference.split([':', '#']).nth(1).unwrap_or_default();
    let plain = plain.split("::").next().unwrap_or_default();
    ["link:", "portal:", "workspace:"].iter().any(|scheme| reference.starts_with(scheme))
        || (reference.starts_with("file:") && ![".tgz", ".tar.gz", ".tar"].iter().any(|end| plain.ends_with(end)))
}

/// Whether a text can be a version: it starts with a digit, perhaps after `v`, and is no address.
pub(super) fn is_version(text: &str) -> bool {
    let digits = text.strip_prefix('v').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['/', ':', '#', '@'])
}

/// Whether a lock file lies in an installed package: it says what its author once had.
pub(super) fn in_node_modules(path: &str) -> bool {
    path.split('/').any(|part| part == "node_modules")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_at_the_sign_behind_the_scope() {
        assert_eq!(split("lodash@^4"), Some(("lodash", "^4")));
        assert_eq!(split("@babel/core@npm:7.0.0"), Some(("@babel/core", "npm:7.0.0")));
        assert_eq!(split("@babel/core"), None);
        assert_eq!(split("x"), None);
        assert_eq!(split(""), None);
    }

    #[test]
    fn folders_are_told_from_archives() {
        for (reference, expect) in [
            ("file:../etag", true),
            ("file:deps/etag.tgz", false),
            ("file:../d::locator=p%40workspace%3A.", true),
            ("file:d.tgz#d.tgz::hash=1", false),
            ("link:./x", true),
            ("workspace:.", true),
            ("npm:1.0.0", false),
        ] {
            assert_eq!(is_folder(reference), expect, "{reference}");
        }
    }
}
