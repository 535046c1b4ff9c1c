//! # cran
//!
//! R's `package_version`: a series of at least two numbers, separated by dots or hyphens alike.

use crate::{Rules, digits, series};
use std::cmp::Ordering;

pub(crate) const RULES: Rules = Rules {
    name: "cran",
    also: &["r"],
    purl_types: &["cran", "bioconductor"],
    ecosystems: &["CRAN", "Bioconductor"],
    compare,
    is_valid,
};

const SEPARATORS: &[char] = &['.', '-'];

fn compare(a: &str, b: &str) -> Ordering {
    series::compare(a, b, SEPARATORS)
}

fn is_valid(version: &str) -> bool {
    version.split(SEPARATORS).count() >= 2 && version.split(SEPARATORS).all(digits::is_number)
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
    fn numbers_in_turn() {
        check("0.9", Less, "0.75");
        check("0.1-2", Equal, "0.1.2");
        check("0.01", Less, "0.1-0");
        check("0.1.0", Less, "0.1.0.0");
    }

    #[test]
    fn what_is_a_version() {
        assert!(is_valid("1.0") && is_valid("0.1-2"));
        assert!(!is_valid("") && !is_valid("1") && !is_valid("1.0.") && !is_valid("1.0a"));
    }
}
