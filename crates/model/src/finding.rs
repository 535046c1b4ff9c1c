//! Findings: a package, an advisory, and why the two meet; with how far the look reached.

use jiff::civil::Date;

use crate::{Cvss, Epss, Kev, Package, Severity, Timestamp};

/// The findings of one image, never without their coverage.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// Worst first, then by id and package.
    pub findings: Vec<Finding>,
    /// What was covered by which feed, and what by none.
    pub coverage: Vec<CoverageRow>,
    /// The day the distribution's publisher stops (or stopped) giving security fixes for this release.
    pub end_of_life: Option<Date>,
}

/// One vulnerability in one package.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The CVE where the alias group has one, else the feed's id.
    pub id: String,
    /// All other names of the group, sorted.
    pub aliases: Vec<String>,
    /// The package.
    pub package: Package,
    /// Where its layer comes from.
    pub introduced: Introduced,
    /// How bad.
    pub severity: Severity,
    /// Vectors of the feeds that matched.
    pub cvss: Vec<Cvss>,
    /// That it is known to be exploited, if it is.
    pub kev: Option<Kev>,
    /// How likely it is to be exploited, where that is estimated.
    pub epss: Option<Epss>,
    /// Versions that carry a fix, in order.
    pub fixed: Vec<String>,
    /// What can be done about it.
    pub state: State,
    /// Why it is a finding.
    pub reason: FindingReason,
    /// Who decided that it does not count, if somebody with the right to did.
    pub suppressed: Option<Suppression>,
    /// One line.
    pub summary: String,
}

/// Whether a finding comes with the base image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Introduced {
    /// In a layer of the recognised base image.
    Base,
    /// In a layer above it, or no base was recognised.
    Image,
}

/// State of a finding, in the words of the JSON output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// A fix exists, in `fixed`.
    Fixed,
    /// Affected, no fix yet.
    Affected,
    /// The publisher will not fix it.
    WillNotFix,
    /// The publisher will fix it later.
    FixDeferred,
    /// The release or package is out of support.
    EndOfLife,
    /// The feed does not say.
    Unknown,
}

impl State {
    /// The word of the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            State::Fixed => "fixed",
            State::Affected => "affected",
            State::WillNotFix => "will_not_fix",
            State::FixDeferred => "fix_deferred",
            State::EndOfLife => "end_of_life",
            State::Unknown => "unknown",
        }
    }
}

/// Why a package and an advisory meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingReason {
    /// The feed and its record: `osv GHSA-jfh8-c2jp-5v3q`.
    pub feed: String,
    /// The range that holds the version, as text: `>= 2.13.0, < 2.15.0`.
    pub range: String,
    /// What was looked up: `maven name org.apache.logging.log4j:log4j-core`, `source glibc`.
    pub matched_by: String,
}

/// A decision that a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// How far the database reaches for the packages of one ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoverageRow {
    /// The ecosystem: `Debian:12`, `Maven`; for packages that belong to none: the purl type.
    pub ecosystem: String,
    /// The feeds that speak for it; empty means: not covered.
    pub source: Option<String>,
    /// How old that feed's data is.
    pub as_of: Option<Timestamp>,
    /// Packages of this ecosystem in the image.
    pub packages: u64,
    /// Those the database has no record for (never affected as far as is known, or not known).
    pub packages_without_record: u64,
}
