//! # maven
//!
//! The order of `org.apache.maven.artifact.versioning.ComparableVersion`, as the POM reference
//! ("Version Order Specification") puts it: tokens are split at dots, hyphens and where digits meet
//! letters; a transition counts as a hyphen; empty tokens are zero; null values (`0`, `ga`, `final`,
//! `release`) are dropped at the end and before each hyphen or qualifier.
//!
//! The first difference decides, in this order of tokens: qualifiers of what comes before the release,
//! the end, `sp` and any other qualifier, number after a hyphen, number after a dot. The former are
//! `alpha` < `beta` < `milestone` < `rc` = `cr` < `snapshot`; qualifiers unknown are in alphabetical order.
//!
//! Before their names their joints decide, as in Maven before 3.8.7, whose order advisories are checked
//! with: after a dot < after a hyphen < after a dot and null values (`1.1.rc` < `1.1-alpha`, and
//! `1-rc` < `1.0.alpha`). In that Maven the last came after numbers behind a hyphen too, which made cycles
//! (`1.0.rc` < `1` < `1-1` < `1.0.rc`); here it stays before the end.

use crate::{Rules, digits};
use std::borrow::Cow;
use std::cmp::Ordering;

pub(crate) const RULES: Rules =
    Rules { name: "maven", also: &[], purl_types: &["maven"], ecosystems: &["Maven"], compare, is_valid };

/// Ranks of the end and of `sp`; qualifiers before a release are below, other qualifiers between
/// `SP` and the numbers.
const END: u8 = 5;
const RELEASE: u8 = 6;
const SP: u8 = 7;
const OTHER: u8 = 8;
const HYPHEN_NUMBER: u8 = 9;
const DOT_NUMBER: u8 = 10;

/// A token; a number has its digits as text, an unknown qualifier its letters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token<'a> {
    rank: u8,
    /// How a qualifier is joined: after a dot, after a hyphen, after a dot and so many null values.
    joint: usize,
    text: &'a str,
    /// Whether null values before it are dropped.
    cuts: bool,
}

impl Token<'_> {
    fn is_null(&self) -> bool {
        self.rank == RELEASE || (self.rank >= HYPHEN_NUMBER && self.text.is_empty())
    }

    /// Before the end, at the end, after it, number.
    fn place(&self) -> u8 {
        match self.rank {
            0..END => 0,
            SP | OTHER => SP,
            rank => rank,
        }
    }
}

/// In lower case, without a copy where it is that already.
fn lower(version: &str) -> Cow<'_, str> {
    let plain = version.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    if plain { Cow::Borrowed(version) } else { Cow::Owned(version.to_lowercase()) }
}

fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (lower(a), lower(b));
    let (a, b) = (tokens(&a), tokens(&b));
    let end = Token { rank: END, joint: 0, text: "", cuts: false };
    for i in 0..a.len().max(b.len()) {
        let (x, y) = (a.get(i).unwrap_or(&end), b.get(i).unwrap_or(&end));
        let order =
            x.place().cmp(&y.place()).then_with(|| x.joint.cmp(&y.joint)).then_with(|| x.rank.cmp(&y.rank)).then_with(
                || if x.rank >= HYPHEN_NUMBER { digits::compare(x.text, y.text) } else { x.text.cmp(y.text) },
            );
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Splits a lower-case version into tokens without the null values that do not count.
fn tokens(version: &str) -> Vec<Token<'_>> {
    let bytes = version.as_bytes();
    let mut out: Vec<Token<'_>> = Vec::new();
    let mut after_hyphen = false;
    let mut start = 0;
    loop {
        let rest = &bytes[start..];
        let digit = rest.first().is_some_and(u8::is_ascii_digit);
        let length = rest.iter().take_while(|b| !matches!(b, b'.' | b'-') && b.is_ascii_digit() == digit).count();
        let end = start + length;
        let text = &version[start..end];
        let before_digit = bytes.get(end).is_some_and(u8::is_ascii_digit);
        push(&mut out, token(text, digit, after_hyphen, before_digit));
        match bytes.get(end) {
            None => break,
            Some(b'.') => (after_hyphen, start) = (false, end + 1),
            Some(b'-') => (after_hyphen, start) = (true, end + 1),
            Some(_) => (after_hyphen, start) = (true, end),
        }
    }
    drop_null(&mut out);
    out
}

fn token(text: &str, digit: bool, after_hyphen: bool, before_digit: bool) -> Token<'_> {
    if digit || text.is_empty() {
        let rank = if after_hyphen { HYPHEN_NUMBER } else { DOT_NUMBER };
        return Token { rank, joint: 0, text: text.trim_start_matches('0'), cuts: after_hyphen };
    }
    let (rank, text) = match text {
        "a" if before_digit => (0, ""),
        "b" if before_digit => (1, ""),
        "m" if before_digit => (2, ""),
        "alpha" => (0, ""),
        "beta" => (1, ""),
        "milestone" => (2, ""),
        "rc" | "cr" => (3, ""),
        "snapshot" => (4, ""),
        "ga" | "final" | "release" => (RELEASE, ""),
        "sp" => (SP, ""),
        other => (OTHER, other),
    };
    Token { rank, joint: usize::from(after_hyphen && rank != RELEASE), text, cuts: true }
}

fn push<'a>(out: &mut Vec<Token<'a>>, mut token: Token<'a>) {
    if token.cuts {
        let dropped = drop_null(out);
        let dotted = token.joint == 0 && token.rank < HYPHEN_NUMBER && token.rank != RELEASE;
        if dotted && dropped > 0 {
            token.joint = 1 + dropped;
        }
    }
    out.push(token);
}

/// Drops the null values at the end and says how many they were.
fn drop_null(tokens: &mut Vec<Token<'_>>) -> usize {
    let length = tokens.len();
    while tokens.last().is_some_and(Token::is_null) {
        tokens.pop();
    }
    length - tokens.len()
}

/// Maven takes any text for a version; here one is not empty, is printable and has no spaces or
/// characters of ranges and paths, which repositories refuse.
fn is_valid(version: &str) -> bool {
    !version.is_empty()
        && version.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"[](),/\\:\"<>|?*$".contains(c))
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
    fn known_qualifiers_have_their_own_order() {
        let sorted =
            ["1-alpha", "1-beta", "1-milestone", "1-rc", "1-snapshot", "1", "1-sp", "1-abc", "1-xyz", "1-1", "1.1"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                check(a, i.cmp(&j), b);
            }
        }
    }

    #[test]
    fn null_values_do_not_count() {
        for same in ["1", "1.0", "1.0.0", "1-0", "1.ga", "1-final", "1.0-RELEASE", "1.", "1-"] {
            check(same, Equal, "1");
        }
        check("1.0.0-foo.0.0", Equal, "1-foo");
        check("1.0.1", Greater, "1");
        check("0.0.0-final-ga", Equal, "0");
    }

    #[test]
    fn a_letter_before_a_digit_is_short_for_a_qualifier() {
        check("1a1", Equal, "1-alpha-1");
        check("1b2", Equal, "1-beta-2");
        check("1m3", Equal, "1-milestone-3");
        check("1a", Equal, "1-a");
        check("1a", Greater, "1-alpha");
        check("1cr", Equal, "1-rc");
    }

    #[test]
    fn the_joint_of_a_qualifier_comes_before_its_name() {
        check("4.1.0.Final", Equal, "4.1.0");
        check("4.0.0.Beta1", Less, "4.0.0.Final");
        check("4.1.1.RC2", Less, "4.1.1-RC1");
        check("4.0.0-RC3", Less, "4.0.0.Beta1");
        check("4.0.0.Beta1", Less, "4.0.0.RC1");
        check("4.0.0.RC1", Less, "4.0.0");
        check("3.6.2.fl.2", Less, "3.6.2-fl-1");
        check("1.sp", Greater, "1");
    }

    #[test]
    fn log4j_and_jackson() {
        check("2.0-beta9", Less, "2.0-rc1");
        check("2.0-rc1", Less, "2.0");
        check("2.14.1", Less, "2.15.0");
        check("2.9.10.7", Less, "2.9.10.8");
        check("31.1-android", Less, "32.0.0-android");
        check("31.1-jre", Less, "32.0.0-android");
    }

    #[test]
    fn long_numbers_are_compared_by_value() {
        check("20190126.230843", Less, "12345678901234567890.1H.5-beta");
        check("1.01", Equal, "1.1");
    }

    #[test]
    fn what_is_a_version() {
        assert!(is_valid("1.0-SNAPSHOT") && is_valid("r09") && is_valid("1_2"));
        assert!(!is_valid("") && !is_valid("[1,2)") && !is_valid("a b"));
    }
}
