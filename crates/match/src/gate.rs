//! Gates: whether findings pass, and whether enough is known to say so.

use cleanbill_advisory::DatabaseInfo;
use cleanbill_model::{DistroState, Findings, Sbom, Severity, State, Timestamp};
use jiff::SignedDuration;
use std::str::FromStr;

/// How old a database may be under a gate where nobody says otherwise: a week.
pub const DEFAULT_MAX_AGE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// `--fail-on SEVERITY[,fixable][,kev][,epss>=X]`.
#[derive(Debug, Clone, PartialEq)]
pub struct FailOn {
    /// At or above; `None`: no gate by severity (`none`).
    pub severity: Option<Severity>,
    /// Only what has a fix.
    pub fixable: bool,
}

/// Why a gate cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FailOnError {
    /// A word that is none of the gate's.
    #[error(
        "`{0}` is no gate\nhint: none, low, medium, high or critical, then `,fixable` if only what has a fix counts"
    )]
    Word(String),
    /// A word that needs a feed which databases do not carry.
    #[error("gate `{word}` needs the {feed} feed, which the advisory database does not carry")]
    Needs {
        /// The word.
        word: String,
        /// The feed.
        feed: &'static str,
    },
}

impl FailOn {
    /// Reads `SEVERITY[,fixable]`; `kev` and `epss` are refused by name, as no database carries their feeds.
    pub fn parse(text: &str) -> Result<Self, FailOnError> {
        let mut words = text.split(',').map(str::trim);
        let first = words.next().unwrap_or_default().to_ascii_lowercase();
        let severity = match first.as_str() {
            "none" => None,
            "low" | "medium" | "high" | "critical" => first.parse().ok(),
            _ => return Err(FailOnError::Word(first)),
        };
        let mut gate = Self { severity, fixable: false };
        for word in words {
            match word {
                "fixable" => gate.fixable = true,
                "kev" => {
                    return Err(FailOnError::Needs { word: word.to_owned(), feed: "known-exploited vulnerabilities" });
                }
                w if w.starts_with("epss") => {
                    return Err(FailOnError::Needs { word: w.to_owned(), feed: "exploit prediction (EPSS)" });
                }
                other => return Err(FailOnError::Word(other.to_owned())),
            }
        }
        Ok(gate)
    }
}

impl FromStr for FailOn {
    type Err = FailOnError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The ways in which ignorance does not pass a gate, each with an opt-out by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ignorance {
    /// No feed speaks for it, or the distribution is unknown.
    Uncovered,
    /// The database is past its age limit.
    Stale,
    /// Something could not be read.
    Unreadable,
}

impl Ignorance {
    /// All of them.
    pub const ALL: &[Ignorance] = &[Ignorance::Uncovered, Ignorance::Stale, Ignorance::Unreadable];

    /// The word of `--allow`.
    pub fn name(self) -> &'static str {
        match self {
            Ignorance::Uncovered => "uncovered",
            Ignorance::Stale => "stale",
            Ignorance::Unreadable => "unreadable",
        }
    }

    /// By the word of `--allow`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|i| i.name() == name)
    }
}

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateResult {
    /// Whether it is passed.
    pub passed: bool,
    /// Positions in [`Findings::findings`] of those that fail it.
    pub failing: Vec<usize>,
    /// What is not known and was not allowed, each with one sentence.
    pub ignorance: Vec<(Ignorance, String)>,
}

/// Judges findings. `none` passes whatever there is, being no gate. The age of a database is counted
/// from when it was built; one that does not say when is past any limit.
pub fn gate(
    findings: &Findings,
    sbom: &Sbom,
    info: &DatabaseInfo,
    fail_on: &FailOn,
    allow: &[Ignorance],
    now: Timestamp,
    max_age: SignedDuration,
) -> GateResult {
    let Some(severity) = fail_on.severity else {
        return GateResult { passed: true, failing: Vec::new(), ignorance: Vec::new() };
    };
    let failing: Vec<usize> = findings
        .findings
        .iter()
        .enumerate()
        .filter(|(_, f)| f.severity >= severity && f.suppressed.is_none())
        .filter(|(_, f)| !fail_on.fixable || f.state == State::Fixed)
        .map(|(position, _)| position)
        .collect();
    let mut ignorance = Vec::new();
    if let DistroState::Unknown(why) = &sbom.distro.state {
        ignorance.push((Ignorance::Uncovered, format!("the distribution is unknown: {why}")));
    }
    for row in findings.coverage.iter().filter(|row| row.source.is_none()) {
        let packages = if row.packages == 1 { "package" } else { "packages" };
        let why = format!("no feed in the database speaks for {} ({} {packages})", row.ecosystem, row.packages);
        ignorance.push((Ignorance::Uncovered, why));
    }
    ignorance.extend(stale(info, now, max_age).map(|why| (Ignorance::Stale, why)));
    if let Some(problem) = sbom.problems.first() {
        let more = match sbom.problems.len() - 1 {
            0 => String::new(),
            n => format!(" (and {n} more)"),
        };
        let place = if problem.path.is_empty() { "the image" } else { &problem.path };
        let why = format!("could not {} in {place}: {}{more}", problem.what, problem.why);
        ignorance.push((Ignorance::Unreadable, why));
    }
    ignorance.retain(|(kind, _)| !allow.contains(kind));
    GateResult { passed: failing.is_empty() && ignorance.is_empty(), failing, ignorance }
}

fn stale(info: &DatabaseInfo, now: Timestamp, max_age: SignedDuration) -> Option<String> {
    let Some(built) = info.built else {
        return Some("the database does not say when it was built".to_owned());
    };
    let age = now.duration_since(built);
    (age > max_age).then(|| {
        let days = age.as_hours() / 24;
        format!("the database is {days} days old, built {built}; the limit is {} days", max_age.as_hours() / 24)
    })
}
