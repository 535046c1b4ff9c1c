//! # dpkg
//!
//! `[epoch:]upstream[-revision]`, as Debian policy section 5.6.12 and `deb-version(7)` define it. The
//! last hyphen splits off the revision, a missing epoch or revision counts as zero. Each part is read
//! in turn as a run of non-digits and a run of digits: `~` sorts before the end of the text, the end
//! before letters, letters before everything else, digits by value.

use crate::{Rules, digits};
use std::cmp::Ordering;

pub(crate) const RULES: Rules = Rules {
    name: "dpkg",
    also: &["deb", "debian"],
    purl_types: &["deb"],
    ecosystems: &["Debian", "Ubuntu", "Echo"],
    compare,
    is_valid,
};

/// Epoch, upstream version, revision.
fn parts(version: &str) -> (&str, &str, &str) {
    let version = version.trim();
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) if digits::is_number(epoch) => (epoch, rest),
        _ => ("", version),
    };
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, upstream, revision)
}

fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (parts(a), parts(b));
    digits::compare(a.0, b.0).then_with(|| compare_part(a.1, b.1)).then_with(|| compare_part(a.2, b.2))
}

/// Rank of a character among non-digits; the end of the run has rank 0.
fn rank(byte: Option<u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(b) if b.is_ascii_alphabetic() => i32::from(b),
        Some(b) => i32::from(b) + 256,
    }
}

fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (text_a, rest_a) = split_non_digits(a);
        let (text_b, rest_b) = split_non_digits(b);
        for i in 0..text_a.len().max(text_b.len()) {
            let order = rank(text_a.as_bytes().get(i).copied()).cmp(&rank(text_b.as_bytes().get(i).copied()));
            if order.is_ne() {
                return order;
            }
        }
        let (number_a, rest_a) = digits::split(rest_a);
        let (number_b, rest_b) = digits::split(rest_b);
        let order = digits::compare(number_a, number_b);
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn split_non_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(|b| !b.is_ascii_digit()).count())
}

fn is_valid(version: &str) -> bool {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) => (Some(epoch), rest),
        None => (None, version),
    };
    let (upstream, revision) = match rest.rsplit_once('-') {
        Some((upstream, revision)) => (upstream, Some(revision)),
        None => (rest, None),
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'~');
    epoch.is_none_or(digits::is_number)
        && upstream.bytes().next().is_some_and(|b| b.is_ascii_digit())
        && upstream.bytes().all(|b| plain(b) || matches!(b, b'-' | b':'))
        && revision.is_none_or(|r| !r.is_empty() && r.bytes().all(plain))
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
    fn tilde_sorts_before_the_end() {
        check("1.0~rc1", Less, "1.0");
        check("1.0~~", Less, "1.0~");
        check("1.0~", Less, "1.0");
        check("2.36-9+deb12u4", Less, "2.36-9+deb12u14");
        check("2.36-9~bpo11+1", Less, "2.36-9");
    }

    #[test]
    fn the_end_sorts_before_letters_and_letters_before_signs() {
        check("1.0", Less, "1.0a");
        check("1.0a", Less, "1.0+");
        check("1.0+dfsg", Greater, "1.0dfsg");
    }

    #[test]
    fn epoch_comes_first_and_a_missing_one_is_zero() {
        check("1:0.1", Greater, "9.9");
        check("0:1.0", Equal, "1.0");
        check("10:1", Greater, "9:1");
    }

    #[test]
    fn the_last_hyphen_splits_and_a_missing_revision_is_zero() {
        check("1.0-0", Equal, "1.0");
        check("1.0-1-2", Greater, "1.0-1-1");
        check("1.0-1", Greater, "1.0");
    }

    #[test]
    fn numbers_are_compared_by_value_whatever_their_length() {
        check("1.010", Equal, "1.10");
        check("99999999999999999999999", Less, "100000000000000000000000");
    }

    #[test]
    fn what_is_a_version() {
        for good in ["1", "1:2.3-4", "2.36-9+deb12u4", "1.0-1-1", "0.8.0+git20200101~1-2"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "a", "x:1", "1-", "1.0_2", "1 2", ":1", "1:"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
