//! Requirements of RubyGems: `~> 2.3.14`, `>= 1, < 2`.
//!
//! `~> 2.3.14` goes from there up to, without its pre-releases, `2.4`. Its end is `2.4.a`: RubyGems has
//! no lowest pre-release, and this is the one its users write.

use super::number::{bumped, partial};
use super::terms::{Refused, Set, Term, compared, from_to};
use crate::Scheme;

pub(super) fn set(term: &Term<'_>) -> Set {
    let version = term.version;
    if !Scheme::Gem.is_valid(version) {
        return Err(Refused::Version);
    }
    match term.operator {
        "~>" => {
            // The letters of a pre-release do not count here, nor what follows them.
            let read = partial(version).ok_or(Refused::Version)?;
            let last = read.numbers.len().checked_sub(1).ok_or(Refused::Version)?;
            let end = format!("{}.a", bumped(&read.numbers, last.saturating_sub(1)));
            Ok(from_to(Scheme::Gem, version, end))
        }
        "" | "=" | "!=" | ">" | ">=" | "<" | "<=" => {
            let operator = if term.operator.is_empty() { "=" } else { term.operator };
            compared(Scheme::Gem, operator, version).ok_or(Refused::Operator)
        }
        _ => Err(Refused::Operator),
    }
}
