//! # npm
//!
//! Semantic versions read as npm's `semver` does in loose mode: a leading `=` or `v` is ignored, and a
//! pre-release need have no hyphen (`1.2.3beta`). The order is that of [`crate::semver`].

use crate::{Rules, digits, semver};

pub(crate) const RULES: Rules = Rules {
    name: "npm",
    also: &["node"],
    purl_types: &["npm"],
    ecosystems: &["npm"],
    compare: semver::compare,
    is_valid,
};

/// Three numbers, then a pre-release of any form, then build metadata.
fn is_valid(version: &str) -> bool {
    let (version, build) = semver::split_build(version);
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let mut rest = version;
    for part in 0..3 {
        if part > 0 {
            let Some(next) = rest.strip_prefix('.') else { return false };
            rest = next;
        }
        let (number, next) = digits::split(rest);
        if number.is_empty() {
            return false;
        }
        rest = next;
    }
    let pre = rest.strip_prefix('-').unwrap_or(rest);
    (rest.is_empty() || pre.split('.').all(word)) && build.is_none_or(|b| b.split('.').all(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering::{self, Equal, Less};

    fn check(a: &str, order: Ordering, b: &str) {
        assert_eq!(semver::compare(a, b), order, "{a} {order:?} {b}");
        assert_eq!(semver::compare(b, a), order.reverse(), "{b} against {a}");
    }

    #[test]
    fn loose_forms() {
        check("=1.2.3", Equal, "1.2.3");
        check("= v1.2.3", Equal, "1.2.3");
        check("1.2.3beta", Equal, "1.2.3-beta");
        check("1.2.3beta", Less, "1.2.3");
        check("1.2.3-5", Less, "1.2.3-5-foo");
        check("1.2.3-r100", Less, "1.2.3-r2");
    }

    #[test]
    fn what_is_a_version() {
        for good in ["1.2.3", "v1.2.3", "=1.2.3", "1.2.3beta", "1.2.3-rc.1+b", "01.2.3"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "1", "1.2", "1.2.3.4", "latest", "1.2.3-", "^1.2.3", "git+ssh://x"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
