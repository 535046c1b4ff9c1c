//! Runs of decimal digits of any length, compared by value.

use std::cmp::Ordering;

/// Whether a text is a non-empty run of ASCII digits.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Compares two runs of digits by value; an empty run is zero.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    compare_bytes(a.as_bytes(), b.as_bytes())
}

/// The same for digits as bytes.
pub(crate) fn compare_bytes(a: &[u8], b: &[u8]) -> Ordering {
    let zeros = |digits: &[u8]| digits.iter().take_while(|b| **b == b'0').count();
    let (a, b) = (a.get(zeros(a)..).unwrap_or_default(), b.get(zeros(b)..).unwrap_or_default());
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Splits a text after its leading digits.
pub(crate) fn split(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}
