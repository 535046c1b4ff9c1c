//! The vocabulary of cleanbill: the words every other room speaks.
//!
//! Digests, references, platforms and image identities; packages and where they were found;
//! advisories and findings; evidence and verdicts; clusters, workloads and pods. Values only: no
//! input or output, no async, no wire formats (each format has its own room).

mod admission;
mod advisory;
mod budget;
mod digest;
mod ecosystem;
mod evidence;
mod exploitation;
mod finding;
mod fleet;
mod identity;
mod package;
mod platform;
mod problem;
mod purl;
mod reference;
mod sbom;
mod severity;
mod verdict;

pub use admission::{
    AdmissionAnswer, AdmissionRecord, AdmissionRequest, ImageField, ImageFieldKind, JsonPatch, Operation,
};
pub use advisory::{Advisory, Affected, Event, FixState, RangeKind, VersionRange};
pub use budget::{Budget, BudgetError, Cancel};
pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use ecosystem::{comparable_name, ecosystem_of_purl_type};
pub use evidence::{Evidence, KeyId, SignatureFormat, SignatureRecord, SignatureSource, Unavailable, WhyNot};
pub use exploitation::{Epss, Kev};
pub use finding::{CoverageRow, Finding, FindingReason, Findings, Introduced, State, Suppression};
pub use fleet::{Cluster, Container, ContainerKind, ContainerState, Pod, Workload};
pub use identity::{DigestKind, ImageIdentity, RuntimeForm, RuntimeImageId};
pub use package::{CatalogerId, Kind, Location, Package, SourcePackage};
pub use platform::Platform;
pub use problem::Problem;
pub use purl::{Purl, PurlError};
pub use reference::{Reference, ReferenceError};
pub use sbom::{Distro, DistroState, LayerInfo, Sbom, Subject};
pub use severity::{Cvss, Severity};
pub use verdict::{Attempt, Decision, Reason, ReasonCode, Verdict};

/// A point in time, UTC, nanosecond resolution.
pub type Timestamp = jiff::Timestamp;
