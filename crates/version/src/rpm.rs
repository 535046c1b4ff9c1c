//! # rpm
//!
//! `[epoch:]version[-release]`, compared as `rpmvercmp` of rpm does (rpm manual, "Dependencies",
//! "Versioning"). A version is read as runs of letters and runs of digits; everything else only
//! separates. `~` sorts before the end, the end before `^`, `^` before letters, letters before digits.
//!
//! rpm leaves the release out of account where one side has none, which is no order (`1-1` = `1` =
//! `1-2`); here a missing release sorts before any. A missing epoch is zero.

use crate::{Rules, digits};
use std::cmp::Ordering;

pub(crate) const RULES: Rules = Rules {
    name: "rpm",
    also: &["redhat", "suse"],
    purl_types: &["rpm"],
    ecosystems: &[
        "Red Hat",
        "AlmaLinux",
        "Rocky Linux",
        "CentOS",
        "Fedora",
        "Oracle Linux",
        "Amazon Linux",
        "SUSE",
        "openSUSE",
        "openEuler",
        "Azure Linux",
        "CBL-Mariner",
        "Mageia",
        "Photon OS",
    ],
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

/// A piece of a version, in ascending order.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Kind {
    Tilde,
    End,
    Caret,
    Letters,
    Digits,
}

/// Takes the next piece off a version.
fn next<'a>(rest: &mut &'a str) -> (Kind, &'a str) {
    let text = *rest;
    let start = text.bytes().take_while(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'~' | b'^')).count();
    // Bytes of longer characters separate as well, so the pieces begin and end at ASCII characters.
    let bytes = text.as_bytes().get(start..).unwrap_or_default();
    let (kind, length) = match bytes.first() {
        None => (Kind::End, 0),
        Some(b'~') => (Kind::Tilde, 1),
        Some(b'^') => (Kind::Caret, 1),
        Some(b) if b.is_ascii_digit() => (Kind::Digits, bytes.iter().take_while(|b| b.is_ascii_digit()).count()),
        Some(_) => (Kind::Letters, bytes.iter().take_while(|b| b.is_ascii_alphabetic()).count()),
    };
    *rest = text.get(start + length..).unwrap_or("");
    (kind, text.get(start..start + length).unwrap_or(""))
}

fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (x, y) = (next(&mut a), next(&mut b));
        let order =
            x.0.cmp(&y.0).then_with(|| if x.0 == Kind::Digits { digits::compare(x.1, y.1) } else { x.1.cmp(y.1) });
        if order.is_ne() || x.0 == Kind::End {
            return order;
        }
    }
}

/// The characters rpm takes in a version and in a release (`rpmbuild`: letters, digits, `.+_~^`).
fn is_valid(version: &str) -> bool {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) => (Some(epoch), rest),
        None => (None, version),
    };
    let (version, release) = match rest.split_once('-') {
        Some((version, release)) => (version, Some(release)),
        None => (rest, None),
    };
    let plain = |p: &str| {
        !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'_' | b'~' | b'^'))
    };
    epoch.is_none_or(digits::is_number) && plain(version) && release.is_none_or(plain)
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
    fn tilde_before_the_end_and_caret_after_it() {
        let sorted = ["1.0~rc1", "1.0~rc1^git1", "1.0", "1.0^", "1.0^git1~pre", "1.0^git1", "1.0a", "1.0.1"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                check(a, i.cmp(&j), b);
            }
        }
    }

    #[test]
    fn digits_after_letters_and_more_pieces_win() {
        check("xyz.4", Less, "2");
        check("6.0", Less, "6.0.rc1");
        check("1.0a", Less, "1.0aa");
        check("10.0001", Equal, "10.1");
        check("1.2.0", Greater, "1.2");
    }

    #[test]
    fn signs_only_separate() {
        check("2_0", Equal, "2.0");
        check("a+", Equal, "a_");
        check("1.1.α", Equal, "1.1.ββ");
        check("1.1.α", Less, "1.1.a");
        check("1.", Equal, "1");
    }

    #[test]
    fn epoch_and_release() {
        check("0:1.0-1", Equal, "1.0-1");
        check("1:0.1", Greater, "9.9");
        check("1-9.el9_4", Less, "1-10.el9");
        check("4.18.0-553.el8_10", Less, "4.18.0-553.5.1.el8_10");
        check("1.0", Less, "1.0-0");
    }

    #[test]
    fn what_is_a_version() {
        for good in ["1.0", "1:1.0-3.el9", "2.36^20240101~rc1-1.fc40", "0:3.10.0-229.el7"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "1-", "x:1", "1.0 2", "1-2-3", "1/2", ":1"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
