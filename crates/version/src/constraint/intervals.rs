//! Sets of intervals: what union, intersection and complement do to their bounds.

use super::{Bound, Interval};
use crate::Scheme;
use std::cmp::Ordering;

impl Bound {
    pub(super) fn including(version: impl Into<String>) -> Self {
        Self { version: version.into(), inclusive: true }
    }

    pub(super) fn excluding(version: impl Into<String>) -> Self {
        Self { version: version.into(), inclusive: false }
    }

    /// The same place seen from the other side.
    fn turned(&self) -> Self {
        Self { version: self.version.clone(), inclusive: !self.inclusive }
    }
}

/// Lower bounds by where they begin; no bound is first.
fn compare_lower(scheme: Scheme, a: Option<&Bound>, b: Option<&Bound>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => scheme.compare(&a.version, &b.version).then_with(|| b.inclusive.cmp(&a.inclusive)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Upper bounds by where they end; no bound is last.
fn compare_upper(scheme: Scheme, a: Option<&Bound>, b: Option<&Bound>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => scheme.compare(&a.version, &b.version).then_with(|| a.inclusive.cmp(&b.inclusive)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

impl Interval {
    /// Whether a version lies within.
    pub fn contains(&self, scheme: Scheme, version: &str) -> bool {
        let after_lower = self.lower.as_ref().is_none_or(|l| match scheme.compare(version, &l.version) {
            Ordering::Less => false,
            Ordering::Equal => l.inclusive,
            Ordering::Greater => true,
        });
        after_lower && !self.ends_before(scheme, version)
    }

    pub(super) fn ends_before(&self, scheme: Scheme, version: &str) -> bool {
        self.upper.as_ref().is_some_and(|u| match scheme.compare(version, &u.version) {
            Ordering::Less => false,
            Ordering::Equal => !u.inclusive,
            Ordering::Greater => true,
        })
    }

    fn is_empty(&self, scheme: Scheme) -> bool {
        let (Some(l), Some(u)) = (&self.lower, &self.upper) else { return false };
        match scheme.compare(&l.version, &u.version) {
            Ordering::Less => false,
            Ordering::Equal => !(l.inclusive && u.inclusive),
            Ordering::Greater => true,
        }
    }

    /// Whether an interval that begins at `lower` leaves no gap after this one.
    fn reaches(&self, scheme: Scheme, lower: Option<&Bound>) -> bool {
        let (Some(u), Some(l)) = (&self.upper, lower) else { return true };
        match scheme.compare(&u.version, &l.version) {
            Ordering::Less => false,
            Ordering::Equal => u.inclusive || l.inclusive,
            Ordering::Greater => true,
        }
    }
}

/// Sorts intervals, leaves out empty ones and joins those that overlap or touch.
pub(super) fn normal(scheme: Scheme, mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.retain(|i| !i.is_empty(scheme));
    intervals.sort_by(|a, b| compare_lower(scheme, a.lower.as_ref(), b.lower.as_ref()));
    let mut out: Vec<Interval> = Vec::new();
    for interval in intervals {
        match out.last_mut() {
            Some(last) if last.reaches(scheme, interval.lower.as_ref()) => {
                if compare_upper(scheme, last.upper.as_ref(), interval.upper.as_ref()).is_lt() {
                    last.upper = interval.upper;
                }
            }
            _ => out.push(interval),
        }
    }
    out
}

/// What lies in both; each must be sorted and without overlaps.
pub(super) fn intersection(scheme: Scheme, a: &[Interval], b: &[Interval]) -> Vec<Interval> {
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let lower = if compare_lower(scheme, x.lower.as_ref(), y.lower.as_ref()).is_ge() { &x.lower } else { &y.lower };
        let x_ends_first = compare_upper(scheme, x.upper.as_ref(), y.upper.as_ref()).is_le();
        let upper = if x_ends_first { &x.upper } else { &y.upper };
        let both = Interval { lower: lower.clone(), upper: upper.clone() };
        if !both.is_empty(scheme) {
            out.push(both);
        }
        if x_ends_first { i += 1 } else { j += 1 }
    }
    out
}

/// The gaps between intervals that are sorted and neither overlap nor touch.
pub(super) fn complement(intervals: &[Interval]) -> Vec<Interval> {
    let mut out = Vec::new();
    let mut lower = None;
    let mut open = true;
    for interval in intervals {
        if let Some(begin) = &interval.lower {
            out.push(Interval { lower: lower.take(), upper: Some(begin.turned()) });
        }
        match &interval.upper {
            Some(end) => lower = Some(end.turned()),
            None => open = false,
        }
    }
    if open {
        out.push(Interval { lower, upper: None });
    }
    out
}
