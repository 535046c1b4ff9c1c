//! Stretches of affected versions (OSV schema, "Evaluation"): which one of a range holds a version.

use cleanbill_model::{Affected, Event, RangeKind, VersionRange};
use cleanbill_version::Scheme;
use std::borrow::Cow;
use std::cmp::Ordering;

/// A stretch of affected versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interval<'a> {
    /// The first; `0`: whatever comes before.
    pub introduced: &'a str,
    /// The first that is no longer in it.
    pub fixed: Option<&'a str>,
    /// The last that is in it.
    pub last_affected: Option<&'a str>,
}

impl Interval<'_> {
    /// As people write it: `>= 1.0, < 2.0`.
    pub fn text(&self) -> String {
        let from = (self.introduced != "0").then(|| format!(">= {}", self.introduced));
        let to = self.fixed.map(|v| format!("< {v}")).or(self.last_affected.map(|v| format!("<= {v}")));
        match (from, to) {
            (Some(from), Some(to)) => format!("{from}, {to}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "all versions".to_owned(),
        }
    }
}

/// The stretch of a range that holds the version.
pub fn interval<'a>(range: &'a VersionRange, scheme: Scheme, version: &str) -> Option<Interval<'a>> {
    let limits: Vec<&str> = range
        .events
        .iter()
        .filter_map(|e| match e {
            Event::Limit(v) => Some(v.as_str()),
            _ => None,
        })
        .collect();
    let below = |limit: &&str| *limit == "*" || scheme.compare(version, limit).is_lt();
    if !limits.is_empty() && !limits.iter().any(below) {
        return None;
    }
    let mut events: Vec<&Event> = range.events.iter().filter(|e| !matches!(e, Event::Limit(_))).collect();
    events.sort_by(|a, b| order(a, b, scheme));
    let mut open: Option<Interval<'a>> = None;
    let mut found = None;
    for event in events {
        match event {
            Event::Introduced(v) => {
                if v == "0" || scheme.compare(version, v).is_ge() {
                    open.get_or_insert(Interval { introduced: v, ..Interval::default() });
                } else {
                    break;
                }
            }
            Event::Fixed(v) => {
                if scheme.compare(version, v).is_ge() {
                    open = None;
                } else {
                    found = open.take().map(|i| Interval { fixed: Some(v), ..i });
                    break;
                }
            }
            Event::LastAffected(v) => {
                if scheme.compare(version, v).is_gt() {
                    open = None;
                } else {
                    found = open.take().map(|i| Interval { last_affected: Some(v), ..i });
                    break;
                }
            }
            Event::Limit(_) => {}
        }
    }
    found.or(open)
}

/// Without those of the listed versions which the ranges hold anyway: Python's records list every version
/// ever made, and whoever matches would compare with each of them.
pub(crate) fn without_what_ranges_say(affected: &Affected) -> Cow<'_, Affected> {
    let Some(scheme) = Scheme::for_ecosystem(&affected.ecosystem) else { return Cow::Borrowed(affected) };
    // Only where both are compared in one order: then a version that equals a listed one is in the range too.
    let same_order = |range: &&VersionRange| range.kind != RangeKind::Semver || scheme == Scheme::Semver;
    let ranges: Vec<&VersionRange> = affected.ranges.iter().filter(same_order).collect();
    let held = |version: &String| ranges.iter().any(|range| interval(range, scheme, version).is_some());
    if !affected.versions.iter().any(held) {
        return Cow::Borrowed(affected);
    }
    let versions = affected.versions.iter().filter(|version| !held(version)).cloned().collect();
    Cow::Owned(Affected { versions, ..affected.clone() })
}

/// By version. Of events at the same version, `last_affected` comes after `introduced` (exactly that one
/// version is affected); the feed's own order stands otherwise.
fn order(a: &Event, b: &Event, scheme: Scheme) -> Ordering {
    fn place(event: &Event) -> (&str, u8) {
        match event {
            Event::Introduced(v) => (v, 0),
            Event::Fixed(v) | Event::Limit(v) => (v, 0),
            Event::LastAffected(v) => (v, 1),
        }
    }
    let ((a, rank_a), (b, rank_b)) = (place(a), place(b));
    match (a, b) {
        ("0", "0") => rank_a.cmp(&rank_b),
        ("0", _) => Ordering::Less,
        (_, "0") => Ordering::Greater,
        _ => scheme.compare(a, b).then(rank_a.cmp(&rank_b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cleanbill_model::FixState;

    fn range(events: &str) -> VersionRange {
        let events = events.split(' ').map(|e| {
            let (kind, v) = e.split_once(':').unwrap();
            let v = v.to_owned();
            match kind {
                "i" => Event::Introduced(v),
                "f" => Event::Fixed(v),
                "l" => Event::LastAffected(v),
                _ => Event::Limit(v),
            }
        });
        VersionRange { kind: RangeKind::Ecosystem, events: events.collect() }
    }

    fn check(events: &str, version: &str, expect: Option<(&str, Option<&str>)>) {
        let range = range(events);
        let found = interval(&range, Scheme::Semver, version);
        let found = found.as_ref().map(|i| (i.text(), i.fixed));
        let expect = expect.map(|(text, fixed)| (text.to_owned(), fixed));
        assert_eq!(found, expect, "{version} in {events}");
    }

    #[test]
    fn the_bounds_of_a_stretch() {
        check("i:0 f:2.0.0", "1.9.9", Some(("< 2.0.0", Some("2.0.0"))));
        check("i:0 f:2.0.0", "2.0.0", None);
        check("i:1.0.0 f:2.0.0", "1.0.0", Some((">= 1.0.0, < 2.0.0", Some("2.0.0"))));
        check("i:1.0.0 f:2.0.0", "0.9.0", None);
        check("i:1.0.0 l:2.0.0", "2.0.0", Some((">= 1.0.0, <= 2.0.0", None)));
        check("i:1.0.0 l:2.0.0", "2.0.1", None);
        check("i:1.0.0", "9.0.0", Some((">= 1.0.0", None)));
        check("i:0", "0.0.0-0", Some(("all versions", None)));
    }

    #[test]
    fn several_stretches_in_any_order() {
        let events = "f:3.0.0 i:2.0.0 f:1.5.0 i:1.0.0";
        check(events, "1.2.0", Some((">= 1.0.0, < 1.5.0", Some("1.5.0"))));
        check(events, "1.5.0", None);
        check(events, "1.9.0", None);
        check(events, "2.5.0", Some((">= 2.0.0, < 3.0.0", Some("3.0.0"))));
        check(events, "3.0.0", None);
    }

    #[test]
    fn events_at_the_same_version() {
        check("l:1.0.0 i:1.0.0", "1.0.0", Some((">= 1.0.0, <= 1.0.0", None)));
        check("l:1.0.0 i:1.0.0", "1.0.1", None);
        check("i:1.0.0 f:2.0.0 i:2.0.0 f:3.0.0", "2.0.0", Some((">= 2.0.0, < 3.0.0", Some("3.0.0"))));
        check("i:1.0.0 f:1.0.0", "1.0.0", None);
    }

    #[test]
    fn limits_cut_a_range_off() {
        check("i:1.0.0 x:2.0.0", "1.5.0", Some((">= 1.0.0", None)));
        check("i:1.0.0 x:2.0.0", "2.0.0", None);
        check("i:1.0.0 x:2.0.0 x:4.0.0", "3.0.0", Some((">= 1.0.0", None)));
        check("i:1.0.0 x:*", "9.0.0", Some((">= 1.0.0", None)));
    }

    fn left(ecosystem: &str, range: VersionRange, versions: &[&str]) -> Vec<String> {
        let affected = Affected {
            ecosystem: ecosystem.to_owned(),
            name: "n".to_owned(),
            ranges: vec![range],
            versions: versions.iter().map(|v| (*v).to_owned()).collect(),
            fix_state: FixState::ByRange,
            severity: None,
        };
        without_what_ranges_say(&affected).versions.clone()
    }

    #[test]
    fn listed_versions_that_a_range_holds_are_left_out_and_others_stay() {
        assert_eq!(left("PyPI", range("i:1.0 f:2.0"), &["0.9", "1.0", "1.5rc1", "2.0", "2.0rc1"]), ["0.9", "2.0"]);
        assert_eq!(left("PyPI", range("i:0"), &["1.0"]), Vec::<String>::new());
    }

    #[test]
    fn where_the_orders_differ_or_are_unknown_all_stay() {
        let semver = |events| VersionRange { kind: RangeKind::Semver, ..range(events) };
        assert_eq!(left("PyPI", semver("i:1.0.0 f:2.0.0"), &["1.5"]), ["1.5"]);
        assert_eq!(left("nobody's", range("i:0"), &["1.0"]), ["1.0"]);
    }
}
