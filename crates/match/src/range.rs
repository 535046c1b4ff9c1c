//! Whether a version lies in what an advisory calls affected (OSV schema, "Evaluation").

use crate::keys::{keys, version};
use cleanbill_advisory::interval::interval;
use cleanbill_model::{Advisory, Affected, Distro, Event, FixState, Package, RangeKind, State, comparable_name};
use cleanbill_version::Scheme;

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
