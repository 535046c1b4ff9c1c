//! # bitnami
//!
//! Semantic versions. Behind a hyphen stands how often Bitnami has packed the version (`1.2.3-4`), where
//! semantic versioning has a pre-release. Advisories know versions only, so that the revision does not
//! count: `1.2.3-4` is as affected as `1.2.3`, also where that is the last affected.

use crate::{Rules, digits, semver};
use std::cmp::Ordering;

pub(crate) const RULES: Rules =
    Rules { name: "bitnami", also: &[], purl_types: &["bitnami"], ecosystems: &["Bitnami"], compare, is_valid };

/// A version without its revision.
fn strip_revision(version: &str) -> &str {
    match version.rsplit_once('-') {
        Some((version, revision)) if digits::is_number(revision) => version,
        _ => version,
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (semver::split_build(a).0, semver::split_build(b).0);
    semver::compare_with(strip_revision(a), strip_revision(b), |x, y| x.cmp(y))
}

fn is_valid(version: &str) -> bool {
    let (version, build) = version.split_once('+').map_or((version, None), |(v, b)| (v, Some(b)));
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    semver::is_valid(strip_revision(version)) && build.is_none_or(|b| b.split('.').all(word))
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
    fn the_revision_does_not_count() {
        check("1.2.3-4", Equal, "1.2.3");
        check("1.2.3-9", Equal, "1.2.3-10");
        check("1.2.3-rc.1-3", Equal, "1.2.3-rc.1");
        check("1.2.3-rc.1-3", Less, "1.2.3");
        check("1.2.3-10", Less, "1.2.4");
        check("1.10.0-1", Greater, "1.9.0-30");
    }

    #[test]
    fn what_is_a_version() {
        assert!(is_valid("1.2.3-4") && is_valid("1.2.3") && is_valid("1.2.3-rc.1-4"));
        assert!(!is_valid("") && !is_valid("1.2-4") && !is_valid("latest"));
    }
}
