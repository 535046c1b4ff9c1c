//! Constraints of Composer: `^1.2`, `~1.2.3`, `1.2.*`, `1.0 - 2.0`, `>=1.0,<1.2`.
//!
//! Comparisons are taken as they are written: `<1.2` ends at `1.2`, pre-releases of `1.2` being within,
//! as the PHP advisories and their exports mean it. (Composer installs none of them, as it reads
//! `<1.2.0.0-dev`.) The other operators end before the pre-releases of the next version.

use super::Bound;
use super::number::{Partial, bumped, partial};
use super::terms::{Refused, Set, Term, between, compared, from_to};
use crate::Scheme;

pub(super) fn set(term: &Term<'_>) -> Set {
    const SCHEME: Scheme = Scheme::Composer;
    let version = stable(term.version)?;
    if version.starts_with("dev-") {
        return match term.operator {
            "" | "=" | "==" => compared(SCHEME, "=", version).ok_or(Refused::Operator),
            "!=" | "<>" => compared(SCHEME, "!=", version).ok_or(Refused::Operator),
            _ => Err(Refused::Operator),
        };
    }
    let read = read(version)?;
    let last = read.numbers.len().checked_sub(1);
    let Some(last) = last else {
        return if matches!(term.operator, "" | "=" | "==" | ">=" | "<=") {
            Ok(super::Constraint::all(SCHEME))
        } else {
            Err(Refused::Version)
        };
    };
    let given = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let after = |at: usize| format!("{}-dev", bumped(&read.numbers, at));
    Ok(match term.operator {
        "^" => {
            let fixed = read.numbers.iter().position(|n| n.bytes().any(|b| b != b'0')).unwrap_or(last);
            from_to(SCHEME, lowest(&read), after(fixed))
        }
        "~" => from_to(SCHEME, lowest(&read), after(last.saturating_sub(1))),
        "" | "=" | "==" if read.wildcard => from_to(SCHEME, lowest(&read), after(last)),
        "!=" | "<>" if read.wildcard => from_to(SCHEME, lowest(&read), after(last)).complement(),
        "-" => {
            let to = self::read(stable(term.to)?)?;
            let end = to.numbers.len().checked_sub(1).ok_or(Refused::Version)?;
            let to_text = term.to.strip_prefix(['v', 'V']).unwrap_or(term.to);
            // With fewer than three numbers the end stands for all that begin with it.
            let upper = if end < 2 && to.rest.is_empty() {
                Bound::excluding(format!("{}-dev", bumped(&to.numbers, end)))
            } else {
                Bound::including(to_text)
            };
            between(SCHEME, Some(Bound::including(given)), Some(upper))
        }
        _ if read.wildcard => return Err(Refused::Version),
        "" => compared(SCHEME, "=", given).ok_or(Refused::Operator)?,
        "=" | "==" | "!=" | "<>" | ">" | ">=" | "<" | "<=" => {
            compared(SCHEME, term.operator, given).ok_or(Refused::Operator)?
        }
        _ => return Err(Refused::Operator),
    })
}

/// Without the flag of the stability that may be installed: `1.0@beta`.
fn stable(version: &str) -> Result<&str, Refused> {
    match version.split_once('@') {
        Some(("", _)) => Ok("*"),
        Some((version, _)) => Ok(version),
        None if version.is_empty() => Err(Refused::Version),
        None => Ok(version),
    }
}

fn read(version: &str) -> Result<Partial<'_>, Refused> {
    let read = partial(version).ok_or(Refused::Version)?;
    // `1.2.x-dev` is the branch of 1.2.
    let rest = if read.wildcard { matches!(read.rest, "" | "-dev") } else { Scheme::Composer.is_valid(version) };
    if rest && read.numbers.len() <= 4 { Ok(read) } else { Err(Refused::Version) }
}

/// Where a version with some of its numbers begins: at its development versions, or where it says.
fn lowest(read: &Partial<'_>) -> String {
    let numbers = read.numbers.join(".");
    if read.rest.is_empty() || read.wildcard { format!("{numbers}-dev") } else { format!("{numbers}{}", read.rest) }
}
