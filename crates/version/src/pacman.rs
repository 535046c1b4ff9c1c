//! # pacman
//!
//! `[epoch:]version[-rel]` of Arch Linux, compared as `vercmp(8)` of libalpm does: runs of letters and
//! digits like rpm's, but letters that follow without separator come before the end (`1.0a` < `1.0`),
//! and a longer run of separators wins.
//!
//! libalpm leaves the release out of account where one side has none, which is no order; here a missing
//! release sorts before any.

use crate::{Rules, digits};
use std::cmp::Ordering;

pub(crate) const RULES: Rules = Rules {
    name: "pacman",
    also: &["alpm", "arch"],
    purl_types: &["alpm"],
    ecosystems: &["Arch Linux"],
    compare,
    is_valid,
};

/// Epoch, version, release.
fn parts(text: &str) -> (&str, &str, Option<&str>) {
    let text = text.trim();
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => (epoch, rest),
        _ => ("", text),
    };
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (parts(a), parts(b));
    digits::compare(a.0, b.0).then_with(|| compare_part(a.1, b.1)).then_with(|| match (a.2, b.2) {
        (Some(a), Some(b)) => compare_part(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    })
}

/// What comes next in a version, in ascending order.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Kind {
    /// Letters without separator before them.
    Letters,
    End,
    /// Separators with nothing after them.
    Trailing,
    /// Digits without separator before them.
    Digits,
    /// That many separators, then letters.
    After(usize, bool),
}

fn next<'a>(rest: &mut &'a str) -> (Kind, bool, &'a str) {
    let text = *rest;
    let separators = text.bytes().take_while(|b| !b.is_ascii_alphanumeric()).count();
    let bytes = text.as_bytes().get(separators..).unwrap_or_default();
    let digit = bytes.first().is_some_and(u8::is_ascii_digit);
    let length = bytes.iter().take_while(|b| b.is_ascii_alphanumeric() && b.is_ascii_digit() == digit).count();
    let kind = match (separators, length, digit) {
        (0, 0, _) => Kind::End,
        (_, 0, _) => Kind::Trailing,
        (0, _, false) => Kind::Letters,
        (0, _, true) => Kind::Digits,
        (n, _, digit) => Kind::After(n, digit),
    };
    *rest = text.get(separators + length..).unwrap_or("");
    (kind, digit, text.get(separators..separators + length).unwrap_or(""))
}

fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (x, y) = (next(&mut a), next(&mut b));
        let order = x.0.cmp(&y.0).then_with(|| if x.1 { digits::compare(x.2, y.2) } else { x.2.cmp(y.2) });
        if order.is_ne() || matches!(x.0, Kind::End | Kind::Trailing) {
            return order;
        }
    }
}

fn is_valid(version: &str) -> bool {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) => (Some(epoch), rest),
        None => (None, version),
    };
    let (version, release) = match rest.split_once('-') {
        Some((version, release)) => (version, Some(release)),
        None => (rest, None),
    };
    let graphic = |b: u8| b.is_ascii_graphic() && !matches!(b, b'/' | b':' | b'-');
    epoch.is_none_or(digits::is_number)
        && !version.is_empty()
        && version.bytes().all(graphic)
        && release.is_none_or(|r| !r.is_empty() && r.split('.').all(digits::is_number))
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
    fn the_examples_of_the_manual() {
        let sorted = ["1.0a", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0.a", "1.0.1"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                check(a, i.cmp(&j), b);
            }
        }
        let sorted = ["1", "1.0", "1.1", "1.1.1", "1.2", "2.0", "3.0.0"];
        assert!(sorted.windows(2).all(|w| compare(w[0], w[1]) == Less));
    }

    #[test]
    fn epoch_and_release() {
        check("1:1.0-1", Greater, "3.6-2");
        check("0:1.5", Equal, "1.5");
        check("1.5-1", Less, "1.5-2");
        check("1.5-1", Less, "1.5-1.1");
        check("1.5", Less, "1.5-1");
    }

    #[test]
    fn more_separators_win() {
        check("1.0", Less, "1..0");
        check("1_2", Equal, "1.2");
    }

    #[test]
    fn what_is_a_version() {
        for good in ["1.0-1", "1:2.3.r12.gabc-1.1", "20240101"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "1-a", "a b", "1:2:3-1", "1-1-1"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
