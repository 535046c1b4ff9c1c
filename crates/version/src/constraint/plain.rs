//! Intervals in brackets (Maven, NuGet), and comparisons for schemes without a grammar of their own.

use super::number::{bumped, partial};
use super::terms::{Refused, Set, Term, compared, from_to};
use super::{Bound, Constraint, ConstraintError, Interval, MAX_TERMS};
use crate::Scheme;

/// Comparisons in the plain order. A version without operator is that version, save in NuGet, where it
/// is the lowest one. Hackage has `^>=` and `== 1.2.*` besides.
pub(super) fn set(scheme: Scheme, term: &Term<'_>) -> Set {
    let version = term.version;
    if term.operator.is_empty() && version == "*" {
        return Ok(Constraint::all(scheme));
    }
    if scheme == Scheme::Hackage {
        if let Some(found) = hackage(term) {
            return found;
        }
        if !scheme.is_valid(version) {
            return Err(Refused::Version);
        }
    }
    if !version.bytes().any(|b| b.is_ascii_alphanumeric()) {
        return Err(Refused::Version);
    }
    let operator = match term.operator {
        "" if scheme == Scheme::NuGet => ">=",
        "" => "=",
        // Only dpkg doubles the signs.
        "<<" | ">>" if scheme != Scheme::Dpkg => return Err(Refused::Operator),
        "!" | "===" => return Err(Refused::Operator),
        operator => operator,
    };
    compared(scheme, operator, version).ok_or(Refused::Operator)
}

/// `^>= 1.2.3` keeps the first two numbers.
fn hackage(term: &Term<'_>) -> Option<Set> {
    let read = partial(term.version).filter(|p| p.rest.is_empty() && !p.numbers.is_empty());
    match term.operator {
        "^>=" => Some(read.filter(|p| !p.wildcard).ok_or(Refused::Version).map(|p| {
            let numbers: Vec<&str> = p.numbers.iter().copied().chain(std::iter::once("0")).collect();
            from_to(Scheme::Hackage, term.version, bumped(&numbers, 1))
        })),
        "==" | "=" | "" => read.filter(|p| p.wildcard).map(|p| {
            let end = bumped(&p.numbers, p.numbers.len().saturating_sub(1));
            Ok(from_to(Scheme::Hackage, p.numbers.join("."), end))
        }),
        _ => None,
    }
}

/// `[1,2)`, `(,1.0]`, `[1.0]`, any of several with a comma between them.
pub(super) fn brackets(scheme: Scheme, text: &str) -> Result<Constraint, ConstraintError> {
    let mut intervals = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let wrong = |interval: &str| ConstraintError::Interval { interval: interval.to_owned(), text: text.to_owned() };
        let end = rest.find([']', ')']).ok_or_else(|| wrong(rest))?;
        let (whole, after) = rest.split_at(end + 1);
        let from = whole.starts_with('[');
        let to = whole.ends_with(']');
        let inside =
            whole.strip_prefix(['[', '(']).and_then(|w| w.strip_suffix([']', ')'])).ok_or_else(|| wrong(whole))?;
        let bound = |version: &str, inclusive| {
            let version = version.trim();
            (!version.is_empty()).then(|| Bound { version: version.to_owned(), inclusive })
        };
        let interval = match inside.split_once(',') {
            Some((lower, upper)) if !upper.contains(',') => {
                Interval { lower: bound(lower, from), upper: bound(upper, to) }
            }
            None if from && to && !inside.trim().is_empty() => {
                Interval { lower: bound(inside, true), upper: bound(inside, true) }
            }
            _ => return Err(wrong(whole)),
        };
        let versions = [&interval.lower, &interval.upper];
        for bound in versions.into_iter().flatten() {
            let fits = |c: char| c.is_whitespace() || matches!(c, '[' | '(' | '<' | '>' | '=' | '|');
            if bound.version.contains(fits) {
                return Err(wrong(whole));
            }
        }
        intervals.push(interval);
        if intervals.len() > MAX_TERMS {
            return Err(ConstraintError::TooLong);
        }
        let next = after.trim_start();
        rest = match next.strip_prefix(',') {
            Some(next) if !next.trim().is_empty() => next.trim_start(),
            None if next.is_empty() => next,
            _ => return Err(wrong(next)),
        };
    }
    Ok(Constraint::of_intervals(scheme, intervals))
}
