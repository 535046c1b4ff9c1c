//! Specifiers of Python: `~=1.4.2`, `==1.4.*`, `>=1.0,<2`.
//!
//! Local versions belong to their public version, so `<=1.2` and `==1.2` end before `1.2.post0.dev0`,
//! the lowest version after `1.2+anything`. `<1.2` leaves out pre-releases of `1.2`, unless `1.2` is one.
//! `>1.2` leaves out local versions but has post-releases, which the specification leaves out too; an
//! interval could not say where they end.

use super::Bound;
use super::number::{bumped, next};
use super::terms::{Refused, Set, Term, between, compared, from_to};
use crate::Scheme;
use crate::pep440::{Version, lower, parse};

pub(super) fn set(term: &Term<'_>) -> Set {
    const SCHEME: Scheme = Scheme::Pep440;
    if term.operator == "===" {
        return compared(SCHEME, "=", term.version).ok_or(Refused::Operator);
    }
    let text = lower(term.version);
    let text = text.strip_prefix('v').unwrap_or(&text);
    if let Some(prefix) = text.strip_suffix(".*") {
        let version =
            parse(prefix).filter(|v| v.pre.is_none() && v.post.is_none() && v.dev.is_none() && v.local.is_none());
        let version = version.ok_or(Refused::Version)?;
        let all = from_to(SCHEME, format!("{prefix}.dev0"), after_release(&version, usize::MAX));
        return match term.operator {
            "==" | "=" | "" => Ok(all),
            "!=" => Ok(all.complement()),
            _ => Err(Refused::Operator),
        };
    }
    let version = parse(text).ok_or(Refused::Version)?;
    let same = || between(SCHEME, Some(Bound::including(text)), Some(end(text, &version)));
    Ok(match term.operator {
        "" | "=" | "==" => same(),
        "!=" => same().complement(),
        "<=" => between(SCHEME, None, Some(end(text, &version))),
        ">" => between(SCHEME, None, Some(end(text, &version))).complement(),
        ">=" => between(SCHEME, Some(Bound::including(text)), None),
        "<" => between(SCHEME, None, Some(Bound::excluding(begin(text, &version)))),
        "~=" => {
            let numbers = version.release.split('.').count();
            if numbers < 2 || version.local.is_some() {
                return Err(Refused::Version);
            }
            from_to(SCHEME, text, after_release(&version, numbers - 2))
        }
        _ => return Err(Refused::Operator),
    })
}

/// The lowest version of the release that follows, counted at the number `last`.
fn after_release(version: &Version<'_>, last: usize) -> String {
    let numbers: Vec<&str> = version.release.split('.').collect();
    let last = last.min(numbers.len().saturating_sub(1));
    let epoch = if version.epoch.is_empty() { String::new() } else { format!("{}!", version.epoch) };
    format!("{epoch}{}.dev0", bumped(&numbers, last))
}

/// Where a version with its local versions ends.
fn end(text: &str, version: &Version<'_>) -> Bound {
    // With a local version it is that one alone; a development release has no post-releases.
    if version.local.is_some() {
        return Bound::including(text);
    }
    if let Some(dev) = version.dev {
        let begin = text.rfind("dev").and_then(|at| text.get(..at)).unwrap_or(text);
        return Bound::excluding(format!("{begin}dev{}", next(dev)));
    }
    match version.post {
        None => Bound::excluding(format!("{text}.post0.dev0")),
        Some(post) => {
            let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            let begin = text.get(..text.len() - digits).unwrap_or(text);
            Bound::excluding(format!("{begin}{}.dev0", next(post)))
        }
    }
}

/// Where a version with its pre-releases begins.
fn begin(text: &str, version: &Version<'_>) -> String {
    if version.pre.is_some() || version.post.is_some() || version.dev.is_some() || version.local.is_some() {
        text.to_owned()
    } else {
        format!("{text}.dev0")
    }
}
