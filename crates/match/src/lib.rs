//! From packages and advisories to findings, and the inverse.
use cleanbill_advisory::{Database, DatabaseError};
use cleanbill_model::{Advisory, Distro, Findings, Package, Sbom, Severity, State};

/// Matches every package of an SBOM against the database. Coverage is part of the result.
pub fn match_sbom(_sbom: &Sbom, _database: &Database) -> Result<Findings, DatabaseError> { todo!() }

/// The keys under which advisories speak of a package: OSV ecosystem (release included) and name.
/// Empty where no ecosystem is known for it. The distribution must be confirmed for its packages.
pub fn keys(_package: &Package, _distro: &Distro) -> Vec<(String, String)> { todo!() }

/// What one advisory says of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The range that holds the version, as text.
    pub range: String,
    /// Versions that carry a fix.
    pub fixed: Vec<String>,
    /// State.
    pub state: State,
    /// What was looked up.
    pub matched_by: String,
}

/// Whether an advisory hits a package; `None` if not. The inverse direction uses this too.
pub fn hit(_advisory: &Advisory, _package: &Package, _distro: &Distro) -> Option<Hit> { todo!() }

/// The name an alias group goes by: the CVE where it has one, else the record's own id.
pub fn group_id(_advisory: &Advisory) -> String { todo!() }

/// `--fail-on SEVERITY[,fixable][,kev][,epss>=X]`.
#[derive(Debug, Clone, PartialEq)]
pub struct FailOn {
    /// At or above; `None`: no gate by severity (`none`).
    pub severity: Option<Severity>,
    /// Only what has a fix.
    pub fixable: bool,
}

/// The ways in which ignorance does not pass a gate, each with an opt-out by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ignorance { /** No feed speaks for it, or the distribution is unknown. */ Uncovered, /** The database is past its age limit. */ Stale, /** Something could not be read. */ Unreadable }
