//! Version orders, one file a scheme. Depends on nothing of ours.
use std::cmp::Ordering;

/// An order of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme { /** Debian policy. */ Dpkg, /** ComparableVersion. */ Maven, /** Go modules. */ Go, /** Semantic versioning 2.0. */ Semver }

impl Scheme {
    /// All schemes, one line each.
    pub const ALL: &[Scheme] = &[Scheme::Dpkg, Scheme::Maven, Scheme::Go, Scheme::Semver];
    /// Name on the command line.
    pub fn name(self) -> &'static str { todo!() }
    /// By its name on the command line.
    pub fn by_name(_name: &str) -> Option<Self> { todo!() }
    /// The order of a purl type: `deb`, `maven`, `golang`, `cargo` (semver), `npm` (semver).
    pub fn for_purl_type(_kind: &str) -> Option<Self> { todo!() }
    /// The order of an OSV ecosystem, release suffix ignored: `Debian:12`, `Maven`, `Go`, `crates.io`, `npm`.
    pub fn for_ecosystem(_ecosystem: &str) -> Option<Self> { todo!() }
    /// Total order; texts that are no version of the scheme are ordered all the same.
    pub fn compare(self, _a: &str, _b: &str) -> Ordering { todo!() }
    /// Whether the text is a version of the scheme.
    pub fn is_valid(self, _version: &str) -> bool { todo!() }
}
