//! # bitnami
//!
//! Semantic versions with Bitnami's revision of the packaging behind a hyphen: `1.2.3-4` comes after
//! `1.2.3`, unlike in semantic versioning. A missing revision is zero.

use crate::{Rules, digits, semver};
use std::cmp::Ordering;

pub(crate) const RULES: Rules =
    Rules { name: "bitnami", also: &[], purl_types: &["bitnami"], ecosystems: &["Bitnami"], compare, is_valid };

/// Version and revision.
fn parts(version: &str) -> (&str, &str) {
    let version = semver::split_build(version).0;
    match version.rsplit_once('-') {
        Some((version, revision)) if digits::is_number(revision) => (version, revision),
        _ => (version, ""),
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (parts(a), parts(b));
    semver::compare_with(a.0, b.0, |x, y| x.cmp(y)).then_with(|| digits::compare(a.1, b.1))
}

fn is_valid(version: &str) -> bool {
    semver::is_valid(parts(version).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ordering::{Equal, Greater, Less};

    fn check(a: &str, order: Ordering, b: &str) {
        assert_eq!(compare(a, b), order, "{a} {order:?} {b}");
        assert_eq!(compare(b, a), order.reverse(), "{b} against {a}");
    }

    #[test]
    fn the_revision_comes_after() {
        check("1.2.3-4", Greater, "1.2.3");
        check("1.2.3-9", Less, "1.2.3-10");
        check("1.2.3-0", Equal, "1.2.3");
        check("1.2.3-rc.1-3", Less, "1.2.3");
        check("1.2.3-10", Less, "1.2.4");
    }

    #[test]
    fn what_is_a_version() {
        assert!(is_valid("1.2.3-4") && is_valid("1.2.3") && is_valid("1.2.3-rc.1-4"));
        assert!(!is_valid("") && !is_valid("1.2-4") && !is_valid("latest"));
    }
}
