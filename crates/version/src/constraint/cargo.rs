//! Ranges of semantic versions: Cargo's requirements, npm's and Pub's ranges, Hex's `~>`.
//!
//! A version may leave numbers out (`1.2`, `1.x`, `*`). Without operator Cargo takes `^`, the others
//! exactly what is written. Where a range ends at a version that is not written out, pre-releases of
//! that version are not within: `^1.2` ends before `2.0.0-0`.

use super::Constraint;
use super::number::{Partial, bumped, partial};
use super::terms::{Refused, Set, Term, between, compared, from_to};
use crate::Scheme;

pub(super) fn set(scheme: Scheme, term: &Term<'_>) -> Set {
    // Pub has a word for any version.
    if term.operator.is_empty() && term.version == "any" {
        return Ok(Constraint::all(scheme));
    }
    let version = read(term.version)?;
    let operator = match term.operator {
        "" if scheme == Scheme::Semver && !version.wildcard => "^",
        "" => "=",
        operator => operator,
    };
    let none = version.numbers.is_empty();
    Ok(match operator {
        "-" => {
            let to = read(term.to)?;
            at_least(scheme, &version).intersection(&at_most(scheme, &to))
        }
        ">=" => at_least(scheme, &version),
        "<=" => at_most(scheme, &version),
        ">" => at_most(scheme, &version).complement(),
        "<" if none => Constraint::none(scheme),
        "<" if whole(&version) => compared(scheme, "<", &full(&version)).ok_or(Refused::Operator)?,
        "<" => at_least_pre(scheme, &version).complement(),
        "=" | "==" => same(scheme, &version),
        "!=" => same(scheme, &version).complement(),
        "^" => caret(scheme, &version),
        // Hex's `~> 1.2` leaves the last given number free, npm's is a plain tilde.
        "~>" if scheme == Scheme::Semver => pessimistic(scheme, &version),
        "~" | "~>" => tilde(scheme, &version),
        _ => return Err(Refused::Operator),
    })
}

/// At most three numbers, and nothing behind them but a pre-release or build metadata.
fn read(text: &str) -> Result<Partial<'_>, Refused> {
    let text = text.strip_prefix('=').unwrap_or(text);
    let read = partial(text).ok_or(Refused::Version)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'+');
    let rest =
        read.rest.is_empty() || (read.rest.len() > 1 && read.rest.bytes().all(plain) && !read.rest.starts_with('.'));
    // What follows the numbers needs all three of them.
    let fits = read.numbers.len() <= 3 && (read.rest.is_empty() || (read.numbers.len() == 3 && !read.wildcard));
    if rest && fits { Ok(read) } else { Err(Refused::Version) }
}

fn whole(version: &Partial<'_>) -> bool {
    version.numbers.len() == 3
}

/// With three numbers, and the pre-release as written.
fn full(version: &Partial<'_>) -> String {
    let at = |i: usize| version.numbers.get(i).copied().unwrap_or("0");
    format!("{}.{}.{}{}", at(0), at(1), at(2), version.rest)
}

/// The lowest version after all those that have the numbers up to the one at `last`.
fn after(version: &Partial<'_>, last: usize) -> String {
    let mut out = bumped(&version.numbers, last);
    for _ in last + 1..3 {
        out.push_str(".0");
    }
    out.push_str("-0");
    out
}

/// The last given number's place; none if no number is given.
fn last(version: &Partial<'_>) -> Option<usize> {
    version.numbers.len().checked_sub(1)
}

fn at_least(scheme: Scheme, version: &Partial<'_>) -> Constraint {
    if version.numbers.is_empty() {
        return Constraint::all(scheme);
    }
    between(scheme, Some(super::Bound::including(full(version))), None)
}

/// From the lowest pre-release of a version that leaves numbers out.
fn at_least_pre(scheme: Scheme, version: &Partial<'_>) -> Constraint {
    between(scheme, Some(super::Bound::including(format!("{}-0", full(version)))), None)
}

fn at_most(scheme: Scheme, version: &Partial<'_>) -> Constraint {
    match last(version) {
        None => Constraint::all(scheme),
        Some(2) => between(scheme, None, Some(super::Bound::including(full(version)))),
        Some(last) => between(scheme, None, Some(super::Bound::excluding(after(version, last)))),
    }
}

/// Exactly this version, or all with the numbers that are given.
fn same(scheme: Scheme, version: &Partial<'_>) -> Constraint {
    at_least(scheme, version).intersection(&at_most(scheme, version))
}

/// The first number that is not zero stays.
fn caret(scheme: Scheme, version: &Partial<'_>) -> Constraint {
    let Some(last) = last(version) else { return Constraint::all(scheme) };
    let fixed = version.numbers.iter().position(|n| n.bytes().any(|b| b != b'0')).unwrap_or(last);
    from_to(scheme, full(version), after(version, fixed))
}

/// The first two numbers stay.
fn tilde(scheme: Scheme, version: &Partial<'_>) -> Constraint {
    match last(version) {
        None => Constraint::all(scheme),
        Some(last) => from_to(scheme, full(version), after(version, last.min(1))),
    }
}

/// All given numbers but the last stay.
fn pessimistic(scheme: Scheme, version: &Partial<'_>) -> Constraint {
    match last(version) {
        None => Constraint::all(scheme),
        Some(last) => from_to(scheme, full(version), after(version, last.saturating_sub(1))),
    }
}
