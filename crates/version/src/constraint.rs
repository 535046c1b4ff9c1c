//! Constraints on versions, as the tools of the ecosystems write them, as sets of intervals.
//!
//! `^1.2 || >=3` of npm, `~> 1.2, >= 1.2.3` of RubyGems, `[1,2)` of Maven and the rest become what
//! advisories are made of: sorted intervals that do not meet. A set can be turned inside out, which
//! makes the affected versions from the patched ones.
//!
//! An interval follows the plain order of its scheme. That npm and Cargo do not choose a pre-release
//! unless it is asked for is a rule for installing and has no place here; but the end of `^1.2` is
//! `2.0.0-0`, so that pre-releases of the next version are not within.

mod cargo;
mod composer;
mod gem;
mod intervals;
mod number;
mod pep440;
mod plain;
mod terms;

use crate::Scheme;
use std::fmt;

/// How long a constraint may be, in bytes, and how many comparisons it may have.
const MAX_LENGTH: usize = 16 * 1024;
const MAX_TERMS: usize = 1024;

/// A text that is no constraint of the scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// Longer than any real one, or of more comparisons.
    #[error("constraint is too long\nhint: at most {MAX_LENGTH} bytes and {MAX_TERMS} comparisons are read")]
    TooLong,
    /// Nothing in it.
    #[error("constraint is empty")]
    Empty,
    /// An operator the scheme does not have.
    #[error("`{operator}` is no operator of {scheme} constraints in `{text}`")]
    Operator {
        /// What stands there.
        operator: String,
        /// The scheme's name.
        scheme: &'static str,
        /// The constraint.
        text: String,
    },
    /// What follows an operator is not a version.
    #[error("`{version}` is not a version a {scheme} constraint can have in `{text}`")]
    Version {
        /// What stands there.
        version: String,
        /// The scheme's name.
        scheme: &'static str,
        /// The constraint.
        text: String,
    },
    /// Brackets that do not fit.
    #[error("interval `{interval}` is not `[a,b]`, with `(` or `)` where the end is not within, in `{text}`")]
    Interval {
        /// What stands there.
        interval: String,
        /// The constraint.
        text: String,
    },
}

/// An end of an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The version it lies at.
    pub version: String,
    /// Whether that version is within.
    pub inclusive: bool,
}

/// A stretch of versions; a missing bound is no bound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interval {
    /// Where it begins.
    pub lower: Option<Bound>,
    /// Where it ends.
    pub upper: Option<Bound>,
}

/// A set of versions of a scheme: sorted intervals that neither overlap nor touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    scheme: Scheme,
    intervals: Vec<Interval>,
}

impl Constraint {
    /// Reads a constraint in the grammar of the scheme: npm's and Pub's ranges, Cargo's requirements
    /// (also Hex's `~>`), RubyGems' requirements, Composer's constraints, PEP 440's specifiers, Maven's
    /// and NuGet's intervals. Comparisons (`>= 1, < 2`) are understood for every scheme; a comma or a
    /// space joins them, `||` separates alternatives.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, ConstraintError> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(ConstraintError::TooLong);
        }
        if text.is_empty() {
            // npm and Pub write an empty text for any version.
            return if matches!(scheme, Scheme::Npm | Scheme::Pub) {
                Ok(Self::all(scheme))
            } else {
                Err(ConstraintError::Empty)
            };
        }
        if text.starts_with(['[', '(']) {
            return plain::brackets(scheme, text);
        }
        let alternatives = terms::read(scheme, text)?;
        let mut any = Self::none(scheme);
        for alternative in alternatives {
            let mut all = Self::all(scheme);
            for term in alternative {
                all = all.intersection(&term.set(scheme, text)?);
            }
            any = any.union(&all);
        }
        Ok(any)
    }

    /// Versions that satisfy at least one of the texts: `patched_versions` of the Ruby advisories,
    /// `patched` and `unaffected` of RustSec. Nothing, if there is no text.
    pub fn any_of<T: AsRef<str>>(scheme: Scheme, texts: &[T]) -> Result<Self, ConstraintError> {
        texts.iter().try_fold(Self::none(scheme), |set, text| Ok(set.union(&Self::parse(scheme, text.as_ref())?)))
    }

    /// Versions that satisfy all of the texts: `versions` of a branch in the PHP advisories. Everything,
    /// if there is no text.
    pub fn all_of<T: AsRef<str>>(scheme: Scheme, texts: &[T]) -> Result<Self, ConstraintError> {
        texts.iter().try_fold(Self::all(scheme), |set, text| Ok(set.intersection(&Self::parse(scheme, text.as_ref())?)))
    }

    /// Every version.
    pub fn all(scheme: Scheme) -> Self {
        Self { scheme, intervals: vec![Interval::default()] }
    }

    /// No version.
    pub fn none(scheme: Scheme) -> Self {
        Self { scheme, intervals: Vec::new() }
    }

    /// The versions of any of these intervals, which may overlap and stand in any order.
    pub fn of_intervals(scheme: Scheme, intervals: Vec<Interval>) -> Self {
        Self { scheme, intervals: intervals::normal(scheme, intervals) }
    }

    /// The scheme whose order it follows.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The intervals, ascending; they neither overlap nor touch.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// Whether no version satisfies it. An interval between two different versions counts as not empty,
    /// whether or not a version between them was ever made.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// Whether a version satisfies it.
    pub fn contains(&self, version: &str) -> bool {
        // The first interval that does not end before the version is the only one that can hold it.
        let at = self.intervals.partition_point(|i| i.ends_before(self.scheme, version));
        self.intervals.get(at).is_some_and(|i| i.contains(self.scheme, version))
    }

    /// The versions that do not satisfy it.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self { scheme: self.scheme, intervals: intervals::complement(&self.intervals) }
    }

    /// The versions that satisfy either. Both must be of one scheme; the first one's order holds.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let intervals = self.intervals.iter().chain(&other.intervals).cloned().collect();
        Self { scheme: self.scheme, intervals: intervals::normal(self.scheme, intervals) }
    }

    /// The versions that satisfy both. Both must be of one scheme; the first one's order holds.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self { scheme: self.scheme, intervals: intervals::intersection(self.scheme, &self.intervals, &other.intervals) }
    }
}

impl fmt::Display for Constraint {
    /// As comparisons: `>= 1, < 2 || >= 3`; `*` for every version, `none` for no version.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.intervals.is_empty() {
            return f.write_str("none");
        }
        for (i, interval) in self.intervals.iter().enumerate() {
            if i > 0 {
                f.write_str(" || ")?;
            }
            write!(f, "{interval}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign =
            |strict, bound: &Bound| format!("{strict}{} {}", if bound.inclusive { "=" } else { "" }, bound.version);
        match (&self.lower, &self.upper) {
            (None, None) => f.write_str("*"),
            (Some(l), None) => f.write_str(&sign(">", l)),
            (None, Some(u)) => f.write_str(&sign("<", u)),
            (Some(l), Some(u)) if l.version == u.version => write!(f, "= {}", l.version),
            (Some(l), Some(u)) => write!(f, "{}, {}", sign(">", l), sign("<", u)),
        }
    }
}
