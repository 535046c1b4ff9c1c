//! Gates: whether findings pass, and whether enough is known to say so.

use cleanbill_advisory::DatabaseInfo;
use cleanbill_model::{DistroState, Finding, Findings, Sbom, Severity, State, Timestamp};
use jiff::SignedDuration;
use std::str::FromStr;

/// How old a database may be under a gate where nobody says otherwise: a week.
pub const DEFAULT_MAX_AGE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Clocks may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// `--fail-on SEVERITY[,fixable][,kev][,epss>=X]`.
#[derive(Debug, Clone, PartialEq)]
pub struct FailOn {
    /// At or above; `None`: no gate by severity (`none`).
    pub severity: Option<Severity>,
    /// Only what has a fix.
    pub fixable: bool,
    /// Only what is known to be exploited.
    pub kev: bool,
    /// Only what is at least as likely to be exploited, 0 to 1.
    pub epss: Option<f64>,
}

/// Why a gate cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FailOnError {
    /// A word that is none of the gate's.
    #[error(
        "`{0}` is no gate\nhint: none, low, medium, high or critical; then `,fixable`, `,kev` or `,epss>=0.1` if only such findings count"
    )]
    Word(String),
}

impl FailOn {
    /// A gate by severity alone.
    pub fn at(severity: Severity) -> Self {
        Self { severity: Some(severity), fixable: false, kev: false, epss: None }
    }

    /// Reads `SEVERITY[,fixable][,kev][,epss>=X]`. Each further word narrows what counts; without a
    /// severity before them, `kev` and `epss>=X` count whatever the severity.
    pub fn parse(text: &str) -> Result<Self, FailOnError> {
        let mut words = text.split(',').map(str::trim);
        let first = words.next().unwrap_or_default().to_ascii_lowercase();
        let severity = match first.as_str() {
            "none" => None,
            "low" | "medium" | "high" | "critical" => first.parse().ok(),
            word if word == "kev" || word.starts_with("epss>=") => {
                words = text.split(',').map(str::trim);
                Some(Severity::Unknown)
            }
            _ => return Err(FailOnError::Word(first)),
        };
        let mut gate = Self { severity, fixable: false, kev: false, epss: None };
        for word in words {
            match (word, word.strip_prefix("epss>=").and_then(|n| n.trim().parse::<f64>().ok())) {
                ("fixable", _) => gate.fixable = true,
                ("kev", _) => gate.kev = true,
                (_, Some(score)) if (0.0..=1.0).contains(&score) => gate.epss = Some(score),
                (other, _) => return Err(FailOnError::Word(other.to_owned())),
            }
        }
        Ok(gate)
    }

    /// Whether a finding counts against it.
    fn counts(&self, finding: &Finding) -> bool {
        self.severity.is_some_and(|severity| finding.severity >= severity)
            && finding.suppressed.is_none()
            && (!self.fixable || finding.state == State::Fixed)
            && (!self.kev || finding.kev.is_some())
            && self.epss.is_none_or(|least| finding.epss.is_some_and(|e| e.score >= least))
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
    if fail_on.severity.is_none() {
        return GateResult { passed: true, failing: Vec::new(), ignorance: Vec::new() };
    }
    let failing: Vec<usize> = findings
        .findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| fail_on.counts(finding))
        .map(|(position, _)| position)
        .collect();
    let mut ignorance = Vec::new();
    if let DistroState::Unknown(why) = &sbom.distro.state {
        ignorance.push((Ignorance::Uncovered, format!("the distribution is unknown: {why}")));
    }
    if sbom.packages.is_empty() && sbom.layers.is_empty() {
        ignorance.push((Ignorance::Uncovered, "it lists no package, so nothing was judged".to_owned()));
    }
    for row in findings.coverage.iter().filter(|row| row.source.is_none()) {
        let packages = if row.packages == 1 { "package" } else { "packages" };
        let why = format!("no feed in the database speaks for {} ({} {packages})", row.ecosystem, row.packages);
        ignorance.push((Ignorance::Uncovered, why));
    }
    for (asked, feed, title) in [
        (fail_on.kev, "cisa-kev", "known exploited vulnerabilities"),
        (fail_on.epss.is_some(), "epss", "exploit predictions"),
    ] {
        if asked && !info.feeds.iter().any(|f| f.name == feed) {
            let why = format!("the gate asks for {title}, and no feed in the database has them ({feed})");
            ignorance.push((Ignorance::Uncovered, why));
        }
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
    if age < -SKEW {
        return Some(format!("the database says that it was built in the future, {built}"));
    }
    (age > max_age).then(|| {
        let days = age.as_hours() / 24;
        format!("the database is {days} days old, built {built}; the limit is {} days", max_age.as_hours() / 24)
    })
}
