//! # nuget
//!
//! Semantic versions with up to four numbers; identifiers of a pre-release are compared without regard
//! to case, build metadata does not count (NuGet, "Package versioning").

use crate::{Rules, digits, semver};
use std::cmp::Ordering;

pub(crate) const RULES: Rules =
    Rules { name: "nuget", also: &[], purl_types: &["nuget"], ecosystems: &["NuGet"], compare, is_valid };

fn compare(a: &str, b: &str) -> Ordering {
    semver::compare_with(semver::split_build(a).0, semver::split_build(b).0, |x, y| {
        x.bytes().map(|b| b.to_ascii_lowercase()).cmp(y.bytes().map(|b| b.to_ascii_lowercase()))
    })
}

fn is_valid(version: &str) -> bool {
    let (version, build) = version.split_once('+').map_or((version, None), |(v, b)| (v, Some(b)));
    let (core, pre) = version.split_once('-').map_or((version, None), |(v, p)| (v, Some(p)));
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    core.split('.').count() <= 4
        && core.split('.').all(digits::is_number)
        && pre.is_none_or(|p| p.split('.').all(word))
        && build.is_none_or(|b| b.split('.').all(word))
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
    fn four_numbers_and_no_case() {
        check("1.0", Equal, "1.0.0.0");
        check("1.0.01", Equal, "1.0.1");
        check("1.0.0.1", Greater, "1.0.0");
        check("1.0.0-BETA.X", Equal, "1.0.0-beta.x+AA");
        check("1.0.0-Beta", Less, "1.0.0-beta2");
        check("1.0.0.1-alpha", Greater, "1.0.0");
    }

    #[test]
    fn what_is_a_version() {
        for good in ["1", "1.2", "1.2.3.4", "1.0.0-RC.1+sha.1"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "1.*", "1.2.3.4.5", "1.0.0-", "[1.0,2.0)", "v1"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
