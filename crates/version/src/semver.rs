//! # semver
//!
//! Semantic versioning 2.0.0, section 11. Read leniently, as package registries have texts from before
//! the rule: a leading `v` is ignored, missing components are zero, components after the third count,
//! and whatever does not fit a number begins the pre-release (`1.2rc1` is read as `1.2-rc1`). Build
//! metadata does not count.

use crate::{Rules, digits};
use std::cmp::Ordering;

pub(crate) const RULES: Rules = Rules {
    name: "semver",
    also: &["cargo", "hex", "swift"],
    purl_types: &["cargo", "hex", "swift", "conan", "github", "githubactions", "julia", "vscode-extension"],
    ecosystems: &[
        "crates.io",
        "Hex",
        "GitHub Actions",
        "SwiftURL",
        "ConanCenter",
        "Julia",
        "Kubernetes",
        "Linux",
        "VSCode",
    ],
    compare,
    is_valid,
};

/// A version without its sign (`v`, `=`), and its build metadata.
pub(crate) fn split_build(version: &str) -> (&str, Option<&str>) {
    let version = version.trim();
    let version = version.strip_prefix('=').unwrap_or(version).trim_start();
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    version.split_once('+').map_or((version, None), |(version, build)| (version, Some(build)))
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    compare_with(split_build(a).0, split_build(b).0, |x, y| x.cmp(y))
}

/// Numbers in turn, then the pre-release with `words` to compare its identifiers that are no numbers.
/// Takes versions without sign and build metadata.
pub(crate) fn compare_with(a: &str, b: &str, words: fn(&str, &str) -> Ordering) -> Ordering {
    let (mut a, mut b) = (Numbers { rest: a, more: true }, Numbers { rest: b, more: true });
    loop {
        let (x, y) = (a.next(), b.next());
        if x.is_none() && y.is_none() {
            break;
        }
        let order = digits::compare(x.unwrap_or(""), y.unwrap_or(""));
        if order.is_ne() {
            return order;
        }
    }
    match (a.pre(), b.pre()) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => compare_identifiers(a, b, words),
    }
}

/// The dotted numbers at the start of a version; what is left begins the pre-release.
struct Numbers<'a> {
    rest: &'a str,
    more: bool,
}

impl<'a> Iterator for Numbers<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if !self.more {
            return None;
        }
        let (number, rest) = digits::split(self.rest);
        self.more = false;
        if number.is_empty() {
            return None;
        }
        self.rest = rest;
        if let Some(next) = rest.strip_prefix('.')
            && next.bytes().next().is_some_and(|b| b.is_ascii_digit())
        {
            (self.rest, self.more) = (next, true);
        }
        Some(number)
    }
}

impl<'a> Numbers<'a> {
    /// The pre-release, once the numbers are read.
    fn pre(&self) -> Option<&'a str> {
        let rest = self.rest.strip_prefix(['-', '.']).unwrap_or(self.rest);
        (!rest.is_empty()).then_some(rest)
    }
}

/// Identifiers in turn: numbers by value and before all others; fewer come first.
pub(crate) fn compare_identifiers(a: &str, b: &str, words: fn(&str, &str) -> Ordering) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) => match (digits::is_number(x), digits::is_number(y)) {
                (true, true) => digits::compare(x, y),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => words(x, y),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

pub(crate) fn is_valid(version: &str) -> bool {
    let version = version.strip_prefix('v').unwrap_or(version);
    let (version, build) = version.split_once('+').map_or((version, None), |(v, b)| (v, Some(b)));
    let (core, pre) = version.split_once('-').map_or((version, None), |(v, p)| (v, Some(p)));
    let number = |n: &str| digits::is_number(n) && (n.len() == 1 || !n.starts_with('0'));
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|p| p.split('.').all(|w| word(w) && (!digits::is_number(w) || number(w))))
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
    fn the_example_of_the_specification() {
        let sorted = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                check(a, i.cmp(&j), b);
            }
        }
    }

    #[test]
    fn build_metadata_and_a_leading_v_do_not_count() {
        check("1.2.3+a", Equal, "v1.2.3+b");
        check("1.2.3-rc.1+a", Equal, "1.2.3-rc.1");
    }

    #[test]
    fn shorter_and_longer_versions_are_ordered_too() {
        check("1", Equal, "1.0.0");
        check("1.2.3.4", Greater, "1.2.3");
        check("0", Less, "0.0.1");
        check("0.0.0-0", Less, "0");
    }

    #[test]
    fn what_is_a_version() {
        for good in ["1.2.3", "v1.2.3", "1.0.0-alpha.1+b.c", "1.0.0--", "0.0.0-0a"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "1", "1.2", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "1.2.3.4", "latest"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
