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
    also: &["npm", "cargo"],
    purl_types: &["cargo", "npm"],
    ecosystems: &["crates.io", "npm"],
    compare,
    is_valid,
};

/// Numbers without trailing zeros, and the pre-release.
fn parts(version: &str) -> (Vec<&str>, Option<&str>) {
    let version = version.trim();
    let version = version.strip_prefix(['v', 'V', '=']).unwrap_or(version);
    let mut rest = version.split_once('+').map_or(version, |(v, _)| v);
    let mut numbers = Vec::new();
    loop {
        let (number, after) = digits::split(rest);
        if number.is_empty() {
            break;
        }
        numbers.push(number.trim_start_matches('0'));
        rest = after;
        match after.strip_prefix('.') {
            Some(next) if next.bytes().next().is_some_and(|b| b.is_ascii_digit()) => rest = next,
            _ => break,
        }
    }
    while numbers.last().is_some_and(|n| n.is_empty()) {
        numbers.pop();
    }
    let rest = rest.strip_prefix(['-', '.']).unwrap_or(rest);
    (numbers, (!rest.is_empty()).then_some(rest))
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let ((numbers_a, pre_a), (numbers_b, pre_b)) = (parts(a), parts(b));
    for i in 0..numbers_a.len().max(numbers_b.len()) {
        let order = digits::compare(numbers_a.get(i).unwrap_or(&""), numbers_b.get(i).unwrap_or(&""));
        if order.is_ne() {
            return order;
        }
    }
    match (pre_a, pre_b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => compare_pre(a, b),
    }
}

/// Identifiers in turn: numbers by value and before all others, others by ASCII; fewer come first.
fn compare_pre(a: &str, b: &str) -> Ordering {
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
                (false, false) => x.cmp(y),
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
