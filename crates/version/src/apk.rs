//! # apk
//!
//! `number(.number)*[letter](_suffix[number])*[~hash][-rN]` of Alpine, Wolfi and their kin
//! (`apk-package(5)`). Suffixes before the release: `alpha` < `beta` < `pre` < `rc`; after it: `cvs` <
//! `svn` < `git` < `hg` < `p`. A component after the first that starts with a zero is compared as text,
//! and so comes before all that do not.
//!
//! A text with something that does not fit sorts right before the version it begins with.

use crate::{Rules, digits};
use std::cmp::Ordering;

pub(crate) const RULES: Rules = Rules {
    name: "apk",
    also: &["alpine", "wolfi"],
    purl_types: &["apk"],
    ecosystems: &["Alpine", "Wolfi", "Chainguard", "MinimOS", "Alpaquita", "BellSoft Hardened Containers"],
    compare,
    is_valid,
};

/// Suffixes in ascending order; the end stands at `END`.
const SUFFIXES: &[&str] = &["alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"];
const END: usize = 4;

/// A version cut into its parts.
struct Version<'a> {
    numbers: &'a str,
    letter: Option<u8>,
    suffixes: &'a str,
    hash: Option<&'a str>,
    build: Option<&'a str>,
    rest: &'a str,
    /// Whether the rest stands where a build number should.
    rest_in_build: bool,
}

fn parse(text: &str) -> Version<'_> {
    let text = text.trim();
    let mut end = digits::split(text).0.len();
    while end > 0 && text.get(end..).and_then(|t| t.strip_prefix('.')).is_some_and(|t| !digits::split(t).0.is_empty()) {
        end += 1 + digits::split(text.get(end + 1..).unwrap_or("")).0.len();
    }
    let (numbers, mut rest) = text.split_at(end);
    let letter = rest.bytes().next().filter(u8::is_ascii_lowercase);
    if letter.is_some() {
        rest = rest.get(1..).unwrap_or("");
    }
    let from = rest;
    while let Some((_, _, after)) = suffix(rest) {
        rest = after;
    }
    let suffixes = from.get(..from.len() - rest.len()).unwrap_or("");
    let mut hash = None;
    if let Some(after) = rest.strip_prefix('~') {
        let length = after.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f')).count();
        if length > 0 {
            let (found, after) = after.split_at(length);
            (hash, rest) = (Some(found), after);
        }
    }
    let rest_in_build = rest.starts_with('-');
    let mut build = None;
    if let Some(after) = rest.strip_prefix("-r") {
        let (number, after) = digits::split(after);
        (build, rest) = (Some(number), after);
    }
    Version { numbers, letter, suffixes, hash, build, rest, rest_in_build }
}

/// Rank and number of the suffix a text begins with, and what follows.
fn suffix(text: &str) -> Option<(usize, &str, &str)> {
    let text = text.strip_prefix('_')?;
    let length = text.bytes().take_while(u8::is_ascii_lowercase).count();
    let (word, after) = text.split_at(length);
    let rank = SUFFIXES.iter().position(|s| *s == word).filter(|r| *r != END)?;
    let (number, after) = digits::split(after);
    Some((rank, number, after))
}

fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (parse(a), parse(b));
    compare_numbers(a.numbers, b.numbers)
        .then_with(|| a.letter.cmp(&b.letter))
        .then_with(|| compare_suffixes(a.suffixes, b.suffixes))
        .then_with(|| a.hash.cmp(&b.hash))
        .then_with(|| a.rest.is_empty().cmp(&b.rest.is_empty()))
        .then_with(|| a.rest_in_build.cmp(&b.rest_in_build))
        .then_with(|| {
            if a.rest.is_empty() {
                let known = a.build.is_some().cmp(&b.build.is_some());
                return known.then_with(|| digits::compare(a.build.unwrap_or(""), b.build.unwrap_or("")));
            }
            // Here a missing build number is zero, and what follows it says nothing.
            let build = digits::compare(a.build.unwrap_or(""), b.build.unwrap_or(""));
            if a.rest_in_build { build } else { a.rest.cmp(b.rest) }
        })
}

fn compare_numbers(a: &str, b: &str) -> Ordering {
    let (mut first, mut a, mut b) = (true, a.split('.'), b.split('.'));
    loop {
        let (x, y) = match (a.next(), b.next()) {
            (Some(x), Some(y)) => (x, y),
            (x, y) => return x.is_some().cmp(&y.is_some()),
        };
        // An empty text, which is no version, has one empty number and comes before all.
        let order = x.is_empty().cmp(&y.is_empty()).reverse().then_with(|| {
            if !first && (x.starts_with('0') || y.starts_with('0')) { x.cmp(y) } else { digits::compare(x, y) }
        });
        if order.is_ne() {
            return order;
        }
        first = false;
    }
}

fn compare_suffixes(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (x, y) = (suffix(a).unwrap_or((END, "", "")), suffix(b).unwrap_or((END, "", "")));
        let order = x.0.cmp(&y.0).then_with(|| digits::compare(x.1, y.1));
        if order.is_ne() {
            return order;
        }
        (a, b) = (x.2, y.2);
    }
    Ordering::Equal
}

fn is_valid(version: &str) -> bool {
    let parsed = parse(version);
    version.starts_with(|c: char| c.is_ascii_digit())
        && parsed.rest.is_empty()
        && parsed.build != Some("")
        && !version.ends_with(char::is_whitespace)
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
    fn suffixes_stand_around_the_release() {
        let sorted = [
            "1.2_alpha",
            "1.2_alpha2",
            "1.2_beta",
            "1.2_pre1",
            "1.2_rc1",
            "1.2",
            "1.2_cvs1",
            "1.2_svn1",
            "1.2_git1",
            "1.2_hg1",
            "1.2_p1",
            "1.2_p10",
            "1.2a",
            "1.2.1",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                check(a, i.cmp(&j), b);
            }
        }
    }

    #[test]
    fn build_numbers() {
        check("1.2.3-r9", Less, "1.2.3-r10");
        check("1-r1", Equal, "1-r01");
        check("1.2.3", Less, "1.2.3-r0");
        check("0.1.0_alpha_pre2", Less, "0.1.0_alpha");
    }

    #[test]
    fn a_component_with_a_leading_zero_is_text() {
        check("1.06", Less, "1.1");
        check("1.02", Less, "1.1");
        check("006", Equal, "6");
        check("1.10", Greater, "1.9");
        check("1.06", Less, "1.061");
    }

    #[test]
    fn what_does_not_fit_sorts_before_what_does() {
        check("1", Greater, "1-ruff");
        check("1-ruff2", Equal, "1--ruff1");
        check("6.6.2p1", Less, "6.6.2p2");
        check("1.2_blah", Less, "1.2");
        check(".1", Less, "1");
    }

    #[test]
    fn hashes_follow_the_plain_version() {
        check("1.0~abc-r0", Greater, "1.0-r5");
        check("1.0~abc-r0", Less, "1.0.1-r0");
    }

    #[test]
    fn what_is_a_version() {
        for good in ["1", "1.2.3-r0", "9.0_p1-r2", "2.12r-r4", "1.0_git20240101~0abc-r1"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "a", ".1", "1-r", "1.2_blah", "1..2", "1.2.0A", "1-r0-1"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
