//! Versions that are nothing but a series of numbers: CRAN, Hackage.
//!
//! Numbers are compared in turn, the shorter series comes first. Texts that are no such series are
//! ordered all the same: a part that is no number comes before all numbers, by its text.

use crate::digits;
use std::cmp::Ordering;

pub(crate) fn compare(a: &str, b: &str, separators: &[char]) -> Ordering {
    let (mut a, mut b) = (a.trim().split(separators), b.trim().split(separators));
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
