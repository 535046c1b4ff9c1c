//! # hackage
//!
//! Haskell's package versioning policy: a series of numbers separated by dots; `1.0` < `1.0.0`.

use crate::{Rules, digits, series};
use std::cmp::Ordering;

pub(crate) const RULES: Rules = Rules {
    name: "hackage",
    also: &["haskell"],
    purl_types: &["hackage"],
    ecosystems: &["Hackage", "GHC"],
    compare,
    is_valid,
};

fn compare(a: &str, b: &str) -> Ordering {
    series::compare(a, b, &['.'])
}

fn is_valid(version: &str) -> bool {
    version.split('.').all(digits::is_number)
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
    fn numbers_in_turn() {
        check("1.0", Less, "1.0.0");
        check("0.1.26.0", Greater, "0");
        check("3.10", Greater, "3.2");
        check("1.02", Equal, "1.2");
    }

    #[test]
    fn what_is_a_version() {
        assert!(is_valid("1") && is_valid("0.11.3.0"));
        assert!(!is_valid("") && !is_valid("1.") && !is_valid("1.0-1"));
    }
}
