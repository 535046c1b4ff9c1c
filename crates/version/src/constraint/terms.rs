//! Cuts a constraint into alternatives and comparisons.

use super::{Bound, Constraint, ConstraintError, Interval, MAX_TERMS};
use crate::Scheme;

/// Operators, longer ones before those they begin with.
const OPERATORS: &[&str] =
    &["===", "^>=", ">=", "<=", "==", "!=", "<>", "~>", "~=", "<<", ">>", "=", ">", "<", "^", "~", "!"];

/// A comparison, or two versions joined by a hyphen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term<'a> {
    /// Empty, if there is none; `-` for `a - b`.
    pub(super) operator: &'a str,
    pub(super) version: &'a str,
    /// The end of `a - b`.
    pub(super) to: &'a str,
}

/// The alternatives, and the comparisons of each.
pub(super) fn read(scheme: Scheme, text: &str) -> Result<Vec<Vec<Term<'_>>>, ConstraintError> {
    let mut alternatives: Vec<Vec<Term<'_>>> = vec![Vec::new()];
    let mut rest = text;
    let mut count = 0;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '&');
        if rest.is_empty() {
            break;
        }
        if rest.starts_with('|') {
            rest = rest.trim_start_matches('|');
            alternatives.push(Vec::new());
            continue;
        }
        let operator = OPERATORS.iter().find(|o| rest.starts_with(**o)).copied().unwrap_or("");
        let after = rest.get(operator.len()..).unwrap_or("").trim_start();
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, ',' | '|' | '&')).unwrap_or(after.len());
        let (version, after) = after.split_at(end);
        rest = after;
        let Some(last) = alternatives.last_mut() else { break };
        match (operator, version) {
            ("", "and") => continue,
            ("", "or") => {
                alternatives.push(Vec::new());
                continue;
            }
            _ => {}
        }
        count += 1;
        if count > MAX_TERMS {
            return Err(ConstraintError::TooLong);
        }
        match last.last_mut() {
            Some(Term { operator: range @ "", to, .. }) if operator.is_empty() && version == "-" => {
                (*range, *to) = ("-", "");
            }
            Some(Term { operator: "-", to, .. }) if operator.is_empty() && to.is_empty() => *to = version,
            _ => last.push(Term { operator, version, to: "" }),
        }
    }
    // Of `a ||` the second alternative is empty, which only npm and Pub take for any version.
    if alternatives.iter().any(Vec::is_empty) && !matches!(scheme, Scheme::Npm | Scheme::Pub) {
        return Err(ConstraintError::Empty);
    }
    Ok(alternatives)
}

impl Term<'_> {
    /// The versions that satisfy it.
    pub(super) fn set(&self, scheme: Scheme, text: &str) -> Result<Constraint, ConstraintError> {
        let version_error = |version: &str| ConstraintError::Version {
            version: version.to_owned(),
            scheme: scheme.name(),
            text: text.to_owned(),
        };
        if self.version.is_empty() || (self.operator == "-" && self.to.is_empty()) {
            return Err(version_error(self.version));
        }
        let found = match scheme {
            Scheme::Semver | Scheme::Npm | Scheme::Pub => super::cargo::set(scheme, self),
            Scheme::Gem => super::gem::set(self),
            Scheme::Composer => super::composer::set(self),
            Scheme::Pep440 => super::pep440::set(self),
            _ => super::plain::set(scheme, self),
        };
        found.map_err(|refused| match refused {
            Refused::Operator => ConstraintError::Operator {
                operator: self.operator.to_owned(),
                scheme: scheme.name(),
                text: text.to_owned(),
            },
            Refused::Version => version_error(if self.to.is_empty() { self.version } else { self.to }),
        })
    }
}

/// What a grammar does not take in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Operator,
    Version,
}

/// What a comparison gives.
pub(super) type Set = Result<Constraint, Refused>;

/// One interval.
pub(super) fn between(scheme: Scheme, lower: Option<Bound>, upper: Option<Bound>) -> Constraint {
    Constraint::of_intervals(scheme, vec![Interval { lower, upper }])
}

/// From a version on, up to another that is not within.
pub(super) fn from_to(scheme: Scheme, from: impl Into<String>, to: impl Into<String>) -> Constraint {
    between(scheme, Some(Bound::including(from)), Some(Bound::excluding(to)))
}

/// `=`, `<`, `<=`, `>`, `>=`, `!=` as the order says; `None` for other operators.
pub(super) fn compared(scheme: Scheme, operator: &str, version: &str) -> Option<Constraint> {
    Some(match operator {
        "=" | "==" | "===" => between(scheme, Some(Bound::including(version)), Some(Bound::including(version))),
        "!=" | "<>" | "!" => compared(scheme, "=", version)?.complement(),
        ">" | ">>" => between(scheme, Some(Bound::excluding(version)), None),
        ">=" => between(scheme, Some(Bound::including(version)), None),
        "<" | "<<" => between(scheme, None, Some(Bound::excluding(version))),
        "<=" => between(scheme, None, Some(Bound::including(version))),
        _ => return None,
    })
}
