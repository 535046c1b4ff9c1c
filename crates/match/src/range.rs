//! Whether a version lies in what an advisory calls affected (OSV schema, "Evaluation").

use crate::keys::{keys, version};
use cleanbill_model::{
    Advisory, Affected, Distro, Event, FixState, Package, RangeKind, State, VersionRange, comparable_name,
};
use cleanbill_version::Scheme;
use std::cmp::Ordering;

/// What one advisory says of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The range that holds the version, as text.
    pub range: String,
    /// Versions that carry a fix.
    pub fixed: Vec<String>,
    /// State.
    pub state: State,
    /// What was looked up.
    pub matched_by: String,
}

/// Whether an advisory hits a package; `None` if not. The inverse direction uses this too.
///
/// A package of an ecosystem without version order is never hit: nothing is known about it, which the
/// coverage says. Distribution packages are compared by the version of their source package.
pub fn hit(advisory: &Advisory, package: &Package, distro: &Distro) -> Option<Hit> {
    hit_by_keys(advisory, package, &keys(package, distro)).map(|(hit, _)| hit)
}

/// The same with the keys at hand; also gives which of the advisory's packages it is.
pub(crate) fn hit_by_keys<'a>(
    advisory: &'a Advisory,
    package: &Package,
    keys: &[(String, String)],
) -> Option<(Hit, &'a Affected)> {
    if advisory.withdrawn.is_some() {
        return None;
    }
    let named = |affected: &&Affected| {
        let same = |(ecosystem, name): &(String, String)| {
            *ecosystem == affected.ecosystem && *name == comparable_name(ecosystem, &affected.name)
        };
        keys.iter().any(same)
    };
    best(
        advisory
            .affected
            .iter()
            .filter(named)
            .filter_map(|affected| Some((hit_affected(affected, package)?, affected))),
    )
}

/// Of several entries for one package the one that knows a fix is told.
pub(crate) fn best<'a>(hits: impl Iterator<Item = (Hit, &'a Affected)>) -> Option<(Hit, &'a Affected)> {
    let mut best: Option<(Hit, &Affected)> = None;
    for (hit, affected) in hits {
        if best.as_ref().is_none_or(|(b, _)| b.fixed.is_empty() && !hit.fixed.is_empty()) {
            best = Some((hit, affected));
        }
    }
    best
}

/// Whether what an advisory says of one package holds its version. The names must be known to be the same.
pub(crate) fn hit_affected(affected: &Affected, package: &Package) -> Option<Hit> {
    let version = version(package);
    let scheme = Scheme::for_ecosystem(&affected.ecosystem)?;
    // `(devel)` and the like say nothing about what is inside.
    if version.is_empty() || (scheme == Scheme::Go && !scheme.is_valid(version)) {
        return None;
    }
    let (range, fixed) = evaluate(affected, scheme, version)?;
    let matched_by = match package.purl.kind.as_str() {
        "deb" => format!("source {}", affected.name),
        "apk" if affected.name != package.name => format!("origin {}", affected.name),
        kind => format!("{kind} name {}", affected.name),
    };
    Some(Hit { range, state: state(affected.fix_state, &fixed), fixed, matched_by })
}

fn state(fix_state: FixState, fixed: &[String]) -> State {
    match fix_state {
        _ if !fixed.is_empty() => State::Fixed,
        FixState::WillNotFix => State::WillNotFix,
        FixState::Deferred => State::FixDeferred,
        FixState::EndOfLife => State::EndOfLife,
        FixState::Undetermined => State::Unknown,
        FixState::ByRange | FixState::NotAffected => State::Affected,
    }
}

/// The range that holds the version, as text, and the versions that fix it.
fn evaluate(affected: &Affected, scheme: Scheme, version: &str) -> Option<(String, Vec<String>)> {
    if affected.fix_state == FixState::NotAffected {
        return None;
    }
    let mut found: Option<(String, Vec<String>)> = None;
    for range in &affected.ranges {
        // A range in semantic versions is compared so whatever the ecosystem, Go's order being the same.
        let scheme = match range.kind {
            RangeKind::Semver if scheme != Scheme::Go => Scheme::Semver,
            _ => scheme,
        };
        if let Some(interval) = interval(range, scheme, version) {
            let (_, fixed) = found.get_or_insert_with(|| (interval.text(), Vec::new()));
            fixed.extend(interval.fixed.map(str::to_owned));
        }
    }
    if found.is_none() && affected.versions.iter().any(|v| scheme.compare(v, version).is_eq()) {
        // Listed by name; a fix is what any range knows above it.
        let events = affected.ranges.iter().flat_map(|r| &r.events);
        let fixed = events.filter_map(|e| match e {
            Event::Fixed(v) if scheme.compare(v, version).is_gt() => Some(v.clone()),
            _ => None,
        });
        found = Some((format!("= {version}"), fixed.collect()));
    }
    if let Some((_, fixed)) = &mut found {
        fixed.sort_by(|a, b| scheme.compare(a, b));
        fixed.dedup();
    }
    found
}

/// A stretch of affected versions.
#[derive(Default)]
struct Interval<'a> {
    introduced: &'a str,
    fixed: Option<&'a str>,
    last_affected: Option<&'a str>,
}

impl Interval<'_> {
    fn text(&self) -> String {
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
fn interval<'a>(range: &'a VersionRange, scheme: Scheme, version: &str) -> Option<Interval<'a>> {
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
}
