//! Versions with some of their numbers, and the next one: `1.2` → `1.3`, `1.x`.

use crate::digits;

/// The next number, of any length.
pub(super) fn next(number: &str) -> String {
    let mut digits: Vec<u8> = number.trim_start_matches('0').bytes().collect();
    for digit in digits.iter_mut().rev() {
        if *digit == b'9' {
            *digit = b'0';
        } else {
            *digit += 1;
            return digits.iter().map(|b| char::from(*b)).collect();
        }
    }
    // Nothing but nines.
    std::iter::once('1').chain(digits.iter().map(|b| char::from(*b))).collect()
}

/// Numbers at the start of a version that are given, whether wildcards follow, and what is left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Partial<'a> {
    pub(super) numbers: Vec<&'a str>,
    pub(super) wildcard: bool,
    /// Pre-release or whatever follows, with its sign.
    pub(super) rest: &'a str,
}

/// Reads `v1.2.x-rc`; `None` if it begins with neither number nor wildcard.
pub(super) fn partial(text: &str) -> Option<Partial<'_>> {
    let mut rest = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let mut out = Partial { numbers: Vec::new(), wildcard: false, rest: "" };
    loop {
        let (number, after) = digits::split(rest);
        if !number.is_empty() && !out.wildcard {
            out.numbers.push(number);
            rest = after;
        } else if let Some(after) = rest.strip_prefix(['x', 'X', '*']) {
            out.wildcard = true;
            rest = after;
        } else {
            return None;
        }
        match rest.strip_prefix('.') {
            Some(next) if next.starts_with(|c: char| matches!(c, 'x' | 'X' | '*') || c.is_ascii_digit()) => rest = next,
            _ => break,
        }
    }
    out.rest = rest;
    Some(out)
}

/// The numbers up to and with the one at `last`, which is made the next.
pub(super) fn bumped(numbers: &[&str], last: usize) -> String {
    let mut out = String::new();
    for (i, number) in numbers.iter().take(last + 1).enumerate() {
        if i > 0 {
            out.push('.');
        }
        if i == last { out.push_str(&next(number)) } else { out.push_str(number) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_number() {
        for (number, expect) in [("0", "1"), ("", "1"), ("9", "10"), ("199", "200"), ("007", "8")] {
            assert_eq!(next(number), expect, "{number}");
        }
        assert_eq!(next(&"9".repeat(40)), format!("1{}", "0".repeat(40)));
    }

    #[test]
    fn wildcards_and_what_follows() {
        let read = |text| partial(text).map(|p| (p.numbers.join("."), p.wildcard, p.rest));
        assert_eq!(read("v1.2.x"), Some(("1.2".to_owned(), true, "")));
        assert_eq!(read("1.2-rc.1"), Some(("1.2".to_owned(), false, "-rc.1")));
        assert_eq!(read("*"), Some((String::new(), true, "")));
        assert_eq!(read("beta"), None);
        assert_eq!(read("1.x.2"), None);
    }
}
