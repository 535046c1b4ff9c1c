//! Version orders, one file a scheme. Depends on nothing of ours.
//!
//! Every scheme turns a text into a key and compares keys, so that each order is total and transitive
//! by construction, also over texts that are no version of the scheme. A new scheme is one file and
//! one line in [`Scheme::ALL`]; names and ecosystems stand in that one file too. A [`Constraint`] is a
//! set of versions as the ecosystems' tools write it.

mod apk;
mod bitnami;
mod composer;
mod constraint;
mod cran;
mod digits;
mod dpkg;
mod gem;
mod go;
mod hackage;
mod maven;
mod npm;
mod nuget;
mod pacman;
mod pep440;
mod pub_dart;
mod rpm;
mod semver;
mod series;

pub use constraint::{Bound, Constraint, ConstraintError, Interval};
use std::cmp::Ordering;

/// An order of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Debian policy, section 5.6.12.
    Dpkg,
    /// rpm's `rpmvercmp` over epoch, version and release.
    Rpm,
    /// Alpine's apk-tools, Wolfi, Chainguard.
    Apk,
    /// libalpm of Arch Linux.
    Pacman,
    /// Maven's `ComparableVersion`.
    Maven,
    /// Go modules and toolchains.
    Go,
    /// Semantic versioning 2.0.
    Semver,
    /// Semantic versions as npm reads them.
    Npm,
    /// Python's PEP 440.
    Pep440,
    /// `Gem::Version`.
    Gem,
    /// Semantic versions with four numbers and without case.
    NuGet,
    /// PHP's `version_compare` with Composer's words.
    Composer,
    /// R's `package_version`.
    Cran,
    /// Haskell's package versioning policy.
    Hackage,
    /// Semantic versions with ordered build metadata.
    Pub,
    /// Semantic versions with a revision.
    Bitnami,
}

/// What a scheme's file brings.
struct Rules {
    /// Name on the command line.
    name: &'static str,
    /// Other names it is asked for by.
    also: &'static [&'static str],
    /// Types of package URLs it orders.
    purl_types: &'static [&'static str],
    /// OSV ecosystems it orders, without release.
    ecosystems: &'static [&'static str],
    /// The order.
    compare: fn(&str, &str) -> Ordering,
    /// Whether a text is a version.
    is_valid: fn(&str) -> bool,
}

impl Scheme {
    /// All schemes, one line each.
    pub const ALL: &[Scheme] = &[
        Scheme::Dpkg,
        Scheme::Rpm,
        Scheme::Apk,
        Scheme::Pacman,
        Scheme::Maven,
        Scheme::Go,
        Scheme::Semver,
        Scheme::Npm,
        Scheme::Pep440,
        Scheme::Gem,
        Scheme::NuGet,
        Scheme::Composer,
        Scheme::Cran,
        Scheme::Hackage,
        Scheme::Pub,
        Scheme::Bitnami,
    ];

    fn rules(self) -> &'static Rules {
        match self {
            Scheme::Dpkg => &dpkg::RULES,
            Scheme::Rpm => &rpm::RULES,
            Scheme::Apk => &apk::RULES,
            Scheme::Pacman => &pacman::RULES,
            Scheme::Maven => &maven::RULES,
            Scheme::Go => &go::RULES,
            Scheme::Semver => &semver::RULES,
            Scheme::Npm => &npm::RULES,
            Scheme::Pep440 => &pep440::RULES,
            Scheme::Gem => &gem::RULES,
            Scheme::NuGet => &nuget::RULES,
            Scheme::Composer => &composer::RULES,
            Scheme::Cran => &cran::RULES,
            Scheme::Hackage => &hackage::RULES,
            Scheme::Pub => &pub_dart::RULES,
            Scheme::Bitnami => &bitnami::RULES,
        }
    }

    fn find(wanted: impl Fn(&Rules) -> bool) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| wanted(s.rules()))
    }

    /// Name on the command line.
    pub fn name(self) -> &'static str {
        self.rules().name
    }

    /// By its name on the command line.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::find(|r| r.name == name || r.also.contains(&name))
    }

    /// The order of a purl type: `deb`, `rpm`, `apk`, `maven`, `golang`, `cargo` (semver), `pypi` (pep440).
    pub fn for_purl_type(kind: &str) -> Option<Self> {
        Self::find(|r| r.purl_types.contains(&kind))
    }

    /// The order of an OSV ecosystem, release suffix ignored: `Debian:12`, `Maven`, `Red Hat`, `PyPI`.
    ///
    /// `Root:Alpine:3.18` is the ecosystem it builds upon.
    pub fn for_ecosystem(ecosystem: &str) -> Option<Self> {
        let ecosystem = ecosystem.strip_prefix("Root:").unwrap_or(ecosystem);
        let base = ecosystem.split(':').next().unwrap_or(ecosystem);
        Self::find(|r| r.ecosystems.contains(&base))
    }

    /// Total order; texts that are no version of the scheme are ordered all the same.
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        (self.rules().compare)(a, b)
    }

    /// Whether the text is a version of the scheme.
    pub fn is_valid(self, version: &str) -> bool {
        (self.rules().is_valid)(version)
    }
}
