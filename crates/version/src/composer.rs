//! # composer
//!
//! PHP's `version_compare`, in which advisories order Packagist's versions: a version is read as runs of
//! digits and runs of other characters, `-`, `_`, `+` and `.` separating. Other words < `dev` < `alpha`
//! = `a` < `beta` = `b` < `RC` = `rc` < the end < `pl` = `p` = `patch` < numbers. As in PHP `1.0` <
//! `1.0.0`, and `ALPHA` and `BETA` are other words; they are equal, like all that differ from a word of
//! PHP's by case alone. Further words, which PHP takes for equal too, are ordered by their text.
//!
//! PHP's `#` stands for the end here. In PHP it equals any number as well, which is no order.

use crate::{Rules, digits};
use std::cmp::Ordering;

pub(crate) const RULES: Rules = Rules {
    name: "composer",
    also: &["packagist", "php"],
    purl_types: &["composer"],
    ecosystems: &["Packagist"],
    compare,
    is_valid,
};

/// What a piece of a version is, in ascending order.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Kind {
    Other,
    Dev,
    Alpha,
    Beta,
    Candidate,
    End,
    Patch,
    Number,
}

const SEPARATORS: [char; 4] = ['.', '-', '_', '+'];

/// Takes the next piece off a version; at the end it goes on giving the end.
fn next<'a>(rest: &mut &'a str) -> (Kind, &'a str) {
    let text = rest.trim_start_matches(SEPARATORS);
    let (number, after) = digits::split(text);
    if !number.is_empty() {
        *rest = after;
        return (Kind::Number, number);
    }
    let end = text.find(|c: char| c.is_ascii_digit() || SEPARATORS.contains(&c)).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    *rest = after;
    (kind(word), word)
}

const WORDS: &[(&str, Kind)] = &[
    ("", Kind::End),
    ("#", Kind::End),
    ("dev", Kind::Dev),
    ("a", Kind::Alpha),
    ("alpha", Kind::Alpha),
    ("b", Kind::Beta),
    ("beta", Kind::Beta),
    ("rc", Kind::Candidate),
    ("RC", Kind::Candidate),
    ("p", Kind::Patch),
    ("pl", Kind::Patch),
    ("patch", Kind::Patch),
    ("post", Kind::Patch),
];

fn kind(word: &str) -> Kind {
    WORDS.iter().find(|(w, _)| *w == word).map_or(Kind::Other, |(_, kind)| *kind)
}

/// A word PHP does not know; one it knows in another case is nameless.
fn other(word: &str) -> &str {
    if WORDS.iter().any(|(w, _)| w.eq_ignore_ascii_case(word)) { "" } else { word }
}

fn strip_v(version: &str) -> &str {
    let version = version.trim();
    version.strip_prefix(['v', 'V']).unwrap_or(version)
}

fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (strip_v(a), strip_v(b));
    while !a.is_empty() || !b.is_empty() {
        let (x, y) = (next(&mut a), next(&mut b));
        let order = x.0.cmp(&y.0).then_with(|| match x.0 {
            Kind::Number => digits::compare(x.1, y.1),
            Kind::Other => other(x.1).cmp(other(y.1)),
            _ => Ordering::Equal,
        });
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// What Composer's `VersionParser` takes: up to four numbers, a stability with numbers, `-dev`, build
/// metadata; or a branch.
fn is_valid(version: &str) -> bool {
    let version = version.trim();
    if let Some(branch) = version.strip_prefix("dev-") {
        return !branch.is_empty() && !branch.contains(char::is_whitespace);
    }
    let mut rest = strip_v(version);
    if let Some((version, build)) = rest.split_once('+') {
        if build.is_empty() || build.contains(char::is_whitespace) {
            return false;
        }
        rest = version;
    }
    for part in 0..4 {
        let (number, after) = digits::split(rest);
        if number.is_empty() {
            return false;
        }
        rest = after;
        match rest.strip_prefix('.') {
            Some(next) if part < 3 && next.starts_with(|c: char| c.is_ascii_digit()) => rest = next,
            _ => break,
        }
    }
    // A stability, then perhaps `-dev`.
    (rest.is_empty() || stability(&mut rest)) && (rest.is_empty() || rest.eq_ignore_ascii_case("-dev"))
}

/// Takes a stability and its numbers off a text.
fn stability(rest: &mut &str) -> bool {
    let (_, word) = next(rest);
    let known = word.eq_ignore_ascii_case("stable") || (!word.is_empty() && other(word).is_empty());
    while rest.trim_start_matches(['.', '-']).starts_with(|c: char| c.is_ascii_digit()) {
        next(rest);
    }
    known
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
    fn stability_comes_before_the_release_and_patches_after() {
        let sorted = ["1.0-foo", "1.0-dev", "1.0a1", "1.0-beta1", "1.0RC1", "1.0", "1.0pl1", "1.0.0"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                check(a, i.cmp(&j), b);
            }
        }
    }

    #[test]
    fn case_and_separators() {
        check("1.0.0-BETA2", Less, "1.0.0-RC1");
        check("1.0.0-BETA2", Equal, "1.0.0-ALPHA2");
        check("1.0.0-ALPHA2", Less, "1.0.0-foo1");
        check("v1.0.0-rc1", Equal, "V1.0.0RC1");
        check("1.25.0-beta2.1", Equal, "1.25.0-b.2.1");
        check("4.3-2", Greater, "4.3-2beta1");
    }

    #[test]
    fn branches_come_first() {
        check("dev-foo", Less, "1.26.0");
        check("dev-main", Less, "0.0.1");
        check("1.0.0", Less, "1.2-dev");
    }

    #[test]
    fn what_is_a_version() {
        for good in [
            "1",
            "v1.2.3",
            "1.2.3.4",
            "1.0.0-RC1",
            "1.0.0-beta.2",
            "dev-main",
            "1.0.0-p1",
            "1.0-dev",
            "1.0-RC1-dev",
            "1.0-BETA2",
            "1.0-stable",
        ] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "v", "1.2.3.4.5", "1.0 stable", "abc", "dev-", "1.0-foo", "^1.0"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
