//! # pep440
//!
//! Python's versions (PyPA specification "Version specifiers", formerly PEP 440):
//! `[N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local]`, in any of the spellings that are normalised. Of one
//! release `.dev` < `a` < `b` < `rc` < the release < `.post`; a local version comes after the public one.
//!
//! Texts from before that rule come before all versions and are ordered as setuptools did: words before
//! numbers, `dev` before other words, `final` at the end.

use crate::{Rules, digits};
use std::borrow::Cow;
use std::cmp::Ordering;

pub(crate) const RULES: Rules = Rules {
    name: "pep440",
    also: &["pypi", "python"],
    purl_types: &["pypi"],
    ecosystems: &["PyPI"],
    compare,
    is_valid,
};

/// A version cut into its parts; numbers as their digits.
pub(crate) struct Version<'a> {
    pub(crate) epoch: &'a str,
    pub(crate) release: &'a str,
    /// Phase, 0 for `a` to 2 for `rc`, and number.
    pub(crate) pre: Option<(u8, &'a str)>,
    pub(crate) post: Option<&'a str>,
    pub(crate) dev: Option<&'a str>,
    pub(crate) local: Option<&'a str>,
}

/// Spellings of the phases of a pre-release, longer words before those they begin with.
const PHASES: &[(&str, u8)] =
    &[("alpha", 0), ("a", 0), ("beta", 1), ("b", 1), ("preview", 2), ("pre", 2), ("rc", 2), ("c", 2)];

/// Takes `[sep]word[sep][number]` off a text.
fn phase<'a>(rest: &mut &'a str, words: &[(&str, u8)]) -> Option<(u8, &'a str)> {
    const SEPARATORS: [char; 3] = ['-', '_', '.'];
    let text = rest.strip_prefix(SEPARATORS).unwrap_or(rest);
    let (rank, after) = words.iter().find_map(|(word, rank)| text.strip_prefix(word).map(|after| (*rank, after)))?;
    let (number, after) = match after.strip_prefix(SEPARATORS) {
        Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => digits::split(next),
        _ => digits::split(after),
    };
    *rest = after;
    Some((rank, number))
}

/// Reads a version in lower case; `None` for a text that is none.
pub(crate) fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim();
    let mut rest = text.strip_prefix('v').unwrap_or(text);
    let mut epoch = "";
    if let Some((number, after)) = rest.split_once('!') {
        if !digits::is_number(number) {
            return None;
        }
        (epoch, rest) = (number, after);
    }
    let from = rest;
    loop {
        let (number, after) = digits::split(rest);
        if number.is_empty() {
            return None;
        }
        rest = after;
        match after.strip_prefix('.') {
            Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => rest = next,
            _ => break,
        }
    }
    let release = from.get(..from.len() - rest.len())?;
    let pre = phase(&mut rest, PHASES);
    let mut post = phase(&mut rest, &[("post", 0), ("rev", 0), ("r", 0)]).map(|(_, number)| number);
    if post.is_none()
        && let Some(after) = rest.strip_prefix('-').filter(|t| t.starts_with(|c: char| c.is_ascii_digit()))
    {
        let (number, after) = digits::split(after);
        (post, rest) = (Some(number), after);
    }
    let dev = phase(&mut rest, &[("dev", 0)]).map(|(_, number)| number);
    let local = match rest.strip_prefix('+') {
        Some(local) => {
            let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
            Some(local).filter(|l| l.split(['-', '_', '.']).all(word)).map(Some)?
        }
        None if rest.is_empty() => None,
        None => return None,
    };
    Some(Version { epoch, release, pre, post, dev, local })
}

/// The text in lower case, without a copy where it is that already.
pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Numbers and single dots alone: a release and nothing else, as nearly all versions are. Records list
/// hundreds of them for one package.
fn is_bare_release(text: &str) -> bool {
    let mut after_digit = false;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => after_digit = true,
            b'.' if after_digit => after_digit = false,
            _ => return false,
        }
    }
    after_digit
}

fn compare(a: &str, b: &str) -> Ordering {
    if is_bare_release(a) && is_bare_release(b) {
        return compare_release(a, b);
    }
    let (a, b) = (lower(a), lower(b));
    match (parse(&a), parse(&b)) {
        (Some(a), Some(b)) => compare_versions(&a, &b),
        (None, None) => legacy(&a).cmp(&legacy(&b)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn compare_versions(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    digits::compare(a.epoch, b.epoch)
        .then_with(|| compare_release(a.release, b.release))
        .then_with(|| {
            let ((rank_a, number_a), (rank_b, number_b)) = (a.pre_rank(), b.pre_rank());
            rank_a.cmp(&rank_b).then_with(|| digits::compare(number_a, number_b))
        })
        .then_with(|| compare_number(a.post, b.post))
        .then_with(|| a.dev.is_none().cmp(&b.dev.is_none()).then_with(|| compare_number(a.dev, b.dev)))
        .then_with(|| compare_local(a.local, b.local))
}

impl<'a> Version<'a> {
    /// A development release of the release itself comes first, the release after its pre-releases.
    fn pre_rank(&self) -> (u8, &'a str) {
        match self.pre {
            Some((phase, number)) => (phase + 1, number),
            None if self.post.is_none() && self.dev.is_some() => (0, ""),
            None => (4, ""),
        }
    }
}

fn compare_number(a: Option<&str>, b: Option<&str>) -> Ordering {
    a.is_some().cmp(&b.is_some()).then_with(|| digits::compare(a.unwrap_or(""), b.unwrap_or("")))
}

fn compare_release(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let (x, y) = (a.next(), b.next());
        if x.is_none() && y.is_none() {
            return Ordering::Equal;
        }
        let order = digits::compare(x.unwrap_or(""), y.unwrap_or(""));
        if order.is_ne() {
            return order;
        }
    }
}

/// Segments in turn, numbers after words, more segments after fewer.
fn compare_local(a: Option<&str>, b: Option<&str>) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else { return a.is_some().cmp(&b.is_some()) };
    let (mut a, mut b) = (a.split(['-', '_', '.']), b.split(['-', '_', '.']));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(x), Some(y)) => match (digits::is_number(x), digits::is_number(y)) {
                (true, true) => digits::compare(x, y),
                (false, false) => x.cmp(y),
                (x, y) => x.cmp(&y),
            },
            (x, y) => x.is_some().cmp(&y.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// A piece of a text that is no version, in ascending order.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Legacy<'a> {
    Word(&'a str),
    /// Length without leading zeros, and digits.
    Number(usize, &'a str),
}

/// A hyphen comes right after the end.
const FINAL: &str = "final";
const HYPHEN: &str = "final-";

/// The key setuptools made: no zeros before a word, no hyphens before a pre-release.
fn legacy(text: &str) -> Vec<Legacy<'_>> {
    let mut out: Vec<Legacy<'_>> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let same = |b: u8| b.is_ascii_digit() == first.is_ascii_digit() && b.is_ascii_alphanumeric();
        let length = rest.bytes().take_while(|b| same(*b)).count();
        if length == 0 {
            if first == b'-' {
                push_word(&mut out, HYPHEN);
            }
            let skip = rest.chars().next().map_or(1, char::len_utf8);
            rest = rest.get(skip..).unwrap_or("");
            continue;
        }
        let (piece, after) = rest.split_at(length);
        rest = after;
        match piece {
            number if first.is_ascii_digit() => {
                let value = number.trim_start_matches('0');
                out.push(Legacy::Number(value.len(), value));
            }
            "pre" | "preview" | "rc" => push_word(&mut out, "c"),
            "dev" => push_word(&mut out, "@"),
            word => push_word(&mut out, word),
        }
    }
    push_word(&mut out, FINAL);
    out
}

fn push_word<'a>(out: &mut Vec<Legacy<'a>>, word: &'a str) {
    if word < FINAL {
        while out.last() == Some(&Legacy::Word(HYPHEN)) {
            out.pop();
        }
    }
    while out.last() == Some(&Legacy::Number(0, "")) {
        out.pop();
    }
    out.push(Legacy::Word(word));
}

fn is_valid(version: &str) -> bool {
    parse(&lower(version)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ordering::{Equal, Less};

    fn check(a: &str, order: Ordering, b: &str) {
        assert_eq!(compare(a, b), order, "{a} {order:?} {b}");
        assert_eq!(compare(b, a), order.reverse(), "{b} against {a}");
    }

    #[test]
    fn the_example_of_the_specification() {
        let sorted = [
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                check(a, i.cmp(&j), b);
            }
        }
    }

    #[test]
    fn spellings_are_normalised() {
        for (a, b) in [
            ("1.0-ALPHA.1", "1.0a1"),
            ("1.0.preview_2", "1.0rc2"),
            ("1.0c", "1.0rc0"),
            ("1.0-1", "1.0.post1"),
            ("1.0r2", "1.0.post2"),
            (" v1.0 ", "1"),
            ("1.0.DEV", "1.0.dev0"),
            ("1.0+Ubuntu-1", "1.0+ubuntu.1"),
        ] {
            check(a, Equal, b);
        }
    }

    #[test]
    fn epochs_and_long_numbers() {
        check("2099.1", Less, "1!1.0");
        check("1!1.0", Less, "2!0.1");
        check("99999999999999999999999", Less, "100000000000000000000000");
    }

    #[test]
    fn texts_from_before_the_rule_come_first() {
        check("0.1-bulbasaur", Less, "0.1-charmander");
        check("0.9-ivysaur", Less, "0.0");
        check("0.8.6p1", Less, "0.8.7p1");
        check("trunk", Less, "1.dev0");
    }

    #[test]
    fn what_is_a_version() {
        for good in ["1", "1.0.post1.dev2", "1!2.0rc1+local.1", "v1.0-beta", "1.0-1"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "trunk", "1.0+", "1.0-foo", "1..0", "x!1", "1.0.8p1"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
