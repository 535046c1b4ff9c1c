//! From constraints of the ecosystems' tools to ranges of advisories.
//!
//! One range an interval. Its end is a fix where the publisher says so, and a limit where it is only the
//! end of what was spoken of (`8.x`). OSV has no event for "after this version": the interval then begins
//! at the lowest version above it that anyone would publish.

use cleanbill_model::{Event, RangeKind, VersionRange};
use cleanbill_version::{Bound, Constraint, Interval, Scheme};

/// Constraints that one record may have: each costs as much as all before it.
const CONSTRAINTS: usize = 1000;

/// Refuses a record with more constraints than any real one.
pub(crate) fn few(constraints: usize) -> Result<(), String> {
    if constraints <= CONSTRAINTS {
        return Ok(());
    }
    Err(format!("it has {constraints} constraints on versions, and at most {CONSTRAINTS} are read"))
}

/// The ranges of the affected versions; `fixes` are the versions that carry a fix, where they are stated.
pub(crate) fn ranges(affected: &Constraint, fixes: Option<&Constraint>, kind: RangeKind) -> Vec<VersionRange> {
    affected.intervals().iter().map(|i| VersionRange { kind, events: events(affected.scheme(), i, fixes) }).collect()
}

fn events(scheme: Scheme, interval: &Interval, fixes: Option<&Constraint>) -> Vec<Event> {
    let lower = match &interval.lower {
        None => "0".to_owned(),
        Some(Bound { version, inclusive: true }) => version.clone(),
        Some(Bound { version, inclusive: false }) => after(scheme, version),
    };
    let mut events = vec![Event::Introduced(lower)];
    events.extend(interval.upper.as_ref().map(|upper| {
        let version = upper.version.clone();
        // These ends stand for "before the pre-releases of the next version" and were never released.
        let made = version.ends_with("-0") || version.ends_with("-dev");
        match fixes {
            _ if upper.inclusive => Event::LastAffected(version),
            Some(fixes) if fixes.contains(&version) => Event::Fixed(version),
            None if !made => Event::Fixed(version),
            _ => Event::Limit(version),
        }
    }));
    events
}

/// The lowest version above another that anyone would publish; the version itself where none is known.
fn after(scheme: Scheme, version: &str) -> String {
    let plain = version.split('+').next().unwrap_or(version);
    let next = match plain.rsplit_once('.') {
        Some((head, last)) if !plain.contains('-') => {
            last.parse::<u64>().ok().and_then(|n| n.checked_add(1)).map(|n| format!("{head}.{n}-0"))
        }
        _ => None,
    };
    let semantic = [next.unwrap_or_default(), format!("{plain}.0")];
    let dense = [format!("{version}.0.0.0.1"), format!("{version}.0.1")];
    let candidates = match scheme {
        Scheme::Semver | Scheme::Npm | Scheme::Pub => semantic,
        _ => dense,
    };
    let mut above = candidates.into_iter().filter(|c| !c.is_empty() && scheme.compare(version, c).is_lt());
    above.next().unwrap_or_else(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scheme: Scheme, affected: &str, fixes: Option<&str>, expect: &str) {
        let parse = |t: &str| Constraint::parse(scheme, t).unwrap();
        let found = ranges(&parse(affected), fixes.map(parse).as_ref(), RangeKind::Ecosystem);
        let text = |e: &Event| match e {
            Event::Introduced(v) => format!("i:{v}"),
            Event::Fixed(v) => format!("f:{v}"),
            Event::LastAffected(v) => format!("l:{v}"),
            Event::Limit(v) => format!("x:{v}"),
        };
        let range = |r: &VersionRange| r.events.iter().map(text).collect::<Vec<_>>().join(" ");
        assert_eq!(found.iter().map(range).collect::<Vec<_>>().join(", "), expect, "{affected}");
    }

    #[test]
    fn ends_of_ranges() {
        check(Scheme::Composer, ">=1.0,<1.2", None, "i:1.0 f:1.2");
        check(Scheme::Composer, "<=1.2", None, "i:0 l:1.2");
        check(Scheme::Composer, "^1.2", None, "i:1.2-dev x:2-dev");
        check(Scheme::Npm, "<2.0.0", Some(">=2.0.0"), "i:0 f:2.0.0");
        check(Scheme::Npm, "<2.0.0", Some(">=3.0.0"), "i:0 x:2.0.0");
        check(Scheme::Gem, "< 1 || >= 2", None, "i:0 f:1, i:2");
    }

    #[test]
    fn beginnings_above_a_version() {
        check(Scheme::Semver, "> 1.2.3", None, "i:1.2.4-0");
        check(Scheme::Semver, "> 1.2.3-rc.1", None, "i:1.2.3-rc.1.0");
        check(Scheme::Gem, "> 1.2.3", None, "i:1.2.3.0.0.0.1");
        for (scheme, below, version, above) in [
            (Scheme::Semver, "1.2.3", "1.2.3", "1.2.4-alpha"),
            (Scheme::Gem, "1.2.3", "1.2.3", "1.2.3.1"),
            (Scheme::Composer, "1.2.3", "1.2.3", "1.2.3.1"),
        ] {
            let start = after(scheme, version);
            assert!(scheme.compare(below, &start).is_lt() && scheme.compare(&start, above).is_le(), "{start}");
        }
    }
}
