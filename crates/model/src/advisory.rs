//! Advisories: what a feed says is wrong with which versions of which packages.
//!
//! The shape follows the OSV schema (ossf/osv-schema `docs/schema.md`), to which every feed is
//! brought; what OSV cannot say (a distribution's fix state) stands beside it.

use crate::{Cvss, Severity, Timestamp};

/// One record of one feed.
#[derive(Debug, Clone, PartialEq)]
pub struct Advisory {
    /// The feed's own id: `GHSA-jfh8-c2jp-5v3q`, `CVE-2021-44228`, `GO-2022-0001`.
    pub id: String,
    /// Other names for the same vulnerability, sorted.
    pub aliases: Vec<String>,
    /// Where the record is about several vulnerabilities at once (an erratum of a distribution): their
    /// names, sorted. Each of them is a finding of its own. Where it is about one, that one is an alias.
    pub upstream: Vec<String>,
    /// The feed it came from: `osv`, `debian-tracker`.
    pub feed: String,
    /// One line.
    pub summary: String,
    /// Severity in words; derived from the vector where the feed says none.
    pub severity: Severity,
    /// CVSS vectors.
    pub cvss: Vec<Cvss>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When the record last changed.
    pub modified: Option<Timestamp>,
    /// When it was withdrawn; a withdrawn record matches nothing.
    pub withdrawn: Option<Timestamp>,
    /// What is affected.
    pub affected: Vec<Affected>,
}

/// One package that an advisory speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The OSV ecosystem, release included: `Maven`, `Go`, `Debian:12`.
    pub ecosystem: String,
    /// The name in that ecosystem; for distributions the source package's.
    pub name: String,
    /// Version ranges.
    pub ranges: Vec<VersionRange>,
    /// Single versions that are affected.
    pub versions: Vec<String>,
    /// What the publisher says about a fix.
    pub fix_state: FixState,
    /// The feed's own severity for this package, where it has one (Debian's urgency).
    pub severity: Option<Severity>,
}

/// How the events of a range are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RangeKind {
    /// By semantic versioning.
    Semver,
    /// By the ecosystem's own order.
    Ecosystem,
}

/// Versions from `introduced` to `fixed`, as a list of events in the feed's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    /// The order to compare by.
    pub kind: RangeKind,
    /// Events; an introduced of `0` means from the very first version.
    pub events: Vec<Event>,
}

/// A point where being affected begins or ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// Affected from this version on.
    Introduced(String),
    /// Not affected from this version on.
    Fixed(String),
    /// Affected up to and including this version.
    LastAffected(String),
    /// Not affected from here on, for the purpose of this record only.
    Limit(String),
}

/// What a publisher says about a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum FixState {
    /// Fixed or open, as the ranges say.
    #[default]
    ByRange,
    /// Investigated and not affected.
    NotAffected,
    /// No fix will come.
    WillNotFix,
    /// A fix will come later, with a point release or never soon (`no-dsa`, `postponed`).
    Deferred,
    /// The release or the package is no longer supported.
    EndOfLife,
    /// Not yet known.
    Undetermined,
}
