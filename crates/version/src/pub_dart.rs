//! # pub
//!
//! Semantic versions in the order of Dart's `pub_semver`: build metadata counts, and comes after the
//! version without it. (The file is not named `pub`, which is a word of the language.)

use crate::{Rules, semver};
use std::cmp::Ordering;

pub(crate) const RULES: Rules = Rules {
    name: "pub",
    also: &["dart"],
    purl_types: &["pub"],
    ecosystems: &["Pub"],
    compare,
    is_valid: semver::is_valid,
};

fn compare(a: &str, b: &str) -> Ordering {
    let ((a, build_a), (b, build_b)) = (semver::split_build(a), semver::split_build(b));
    semver::compare_with(a, b, |x, y| x.cmp(y)).then_with(|| match (build_a, build_b) {
        (Some(a), Some(b)) => semver::compare_identifiers(a, b, |x, y| x.cmp(y)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    })
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
    fn build_metadata_counts() {
        check("1.0.0-pre", Less, "1.0.0-pre+build");
        check("1.0.0-pre+build", Less, "1.0.0");
        check("1.0.0", Less, "1.0.0+build");
        check("1.2.3+9", Less, "1.2.3+a");
        check("1.2.3+9", Less, "1.2.3+10");
        check("1.2.3+9a", Greater, "1.2.3+1z");
        check("v1.2.3", Equal, "1.2.3");
    }
}
