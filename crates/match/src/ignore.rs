//! Files that say which findings do not count: exceptions with an end.
//!
//! Four shapes, told apart by content: trivy's `.trivyignore` and `.trivyignore.yaml` ([`trivy`]),
//! grype's `ignore:` rules ([`grype`]), and our own list, which demands reason, owner and end of every
//! exception ([`own`]). What a file demands and this reader cannot check makes the rule void and is a
//! problem: no rule is ever read as more than it says.

mod glob;
mod grype;
mod own;
mod trivy;

use std::collections::{BTreeMap, HashMap};

use cleanbill_model::{Distro, Finding, Findings, Package, Problem, Purl, State, Suppression, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::vex::purl;
use glob::Glob;

/// The largest file that is read.
pub const MAX_IGNORE_BYTES: usize = 4 * 1024 * 1024;
/// Rules that a file may have.
const MAX_RULES: usize = 50_000;

/// The rules of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Ignores {
    /// What is not honoured, and why; the rule concerned has no effect.
    pub problems: Vec<Problem>,
    file: String,
    rules: Vec<Rule>,
}

/// One rule: every condition it has must hold.
#[derive(Debug, Clone, PartialEq, Default)]
struct Rule {
    /// Where it stands: `line 3`, `rule 2`.
    place: String,
    /// The vulnerability, by any of its names; `None` for all.
    id: Option<String>,
    package: Option<Glob>,
    upstream: Option<Glob>,
    version: Option<String>,
    /// Package URL types.
    kinds: Option<&'static [&'static str]>,
    /// Any of these.
    purls: Vec<Purl>,
    /// Any of these, for every file that proves the package.
    paths: Vec<Glob>,
    states: Option<&'static [State]>,
    owner: Option<String>,
    reason: String,
    until: Option<Timestamp>,
}

/// A rule, and of how many findings it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleUse {
    /// File, place and vulnerability.
    pub rule: String,
    /// Findings.
    pub findings: usize,
}

/// What a file did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Rules that speak of findings, even where something else suppressed them first.
    pub used: Vec<RuleUse>,
    /// Rules past their end, which have no effect, with the findings that count again for it.
    pub expired: Vec<RuleUse>,
    /// Rules that speak of no finding: stale, to be removed.
    pub unused: Vec<String>,
}

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// Too many bytes.
    #[error("{file} has {size} bytes\nhint: at most {MAX_IGNORE_BYTES} are read of a file of exceptions")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        size: usize,
    },
    /// Not UTF-8.
    #[error("{0} is not UTF-8 text")]
    Encoding(String),
    /// Too many rules.
    #[error("{0} has more than {MAX_RULES} rules")]
    TooMany(String),
    /// YAML that is none, or of none of the shapes.
    #[error(
        "{file}: {why}\nhint: a list of {{id, reason, owner, until}}, trivy's `vulnerabilities:`, grype's `ignore:`, or one id a line"
    )]
    Yaml {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A rule that cannot be read.
    #[error("{file}, {place}: {why}\nhint: {hint}")]
    Rule {
        /// The file.
        file: String,
        /// Where in it.
        place: String,
        /// What is wrong.
        why: String,
        /// What to write.
        hint: String,
    },
}

impl Ignores {
    /// Reads a file; `file` is its name, for people.
    pub fn parse(bytes: &[u8], file: &str) -> Result<Self, IgnoreError> {
        if bytes.len() > MAX_IGNORE_BYTES {
            return Err(IgnoreError::TooLarge { file: file.to_owned(), size: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| IgnoreError::Encoding(file.to_owned()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut ignores = Self { problems: Vec::new(), file: file.to_owned(), rules: Vec::new() };
        match Shape::of(text) {
            Shape::Lines => trivy::lines(&mut ignores, text)?,
            Shape::List => own::read(&mut ignores, text)?,
            Shape::Mapping => {
                #[expect(clippy::zero_sized_map_values, reason = "the values are read past, not kept")]
                let keys: BTreeMap<String, IgnoredAny> = ignores.yaml(text)?;
                let (grypes, trivys) =
                    (keys.contains_key("ignore"), trivy::SECTIONS.iter().any(|s| keys.contains_key(*s)));
                match (grypes, trivys) {
                    (true, false) => grype::read(&mut ignores, text, keys.keys())?,
                    (false, true) => trivy::yaml(&mut ignores, text, keys.keys())?,
                    (true, true) => return Err(ignores.shape("it mixes the sections of trivy and grype")),
                    (false, false) => return Err(ignores.shape("it has neither `ignore` nor `vulnerabilities`")),
                }
            }
        }
        if ignores.rules.len() > MAX_RULES {
            return Err(IgnoreError::TooMany(file.to_owned()));
        }
        Ok(ignores)
    }

    /// How many rules can have an effect.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// Suppresses what the rules name. Findings keep their number and order; what is suppressed already
    /// keeps its first reason; of several rules the first in the file gives its reason.
    pub fn apply(&self, findings: &mut Findings, now: Timestamp) -> Applied {
        let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
        let mut of_all = Vec::new();
        for (i, rule) in self.rules.iter().enumerate() {
            match &rule.id {
                Some(id) => by_id.entry(id.to_ascii_lowercase()).or_default().push(i),
                None => of_all.push(i),
            }
        }
        let mut hits = vec![0usize; self.rules.len()];
        for finding in &mut findings.findings {
            let names = std::iter::once(&finding.id).chain(&finding.aliases);
            let named = names.filter_map(|name| by_id.get(&name.to_ascii_lowercase())).flatten();
            let mut candidates: Vec<usize> = named.chain(&of_all).copied().collect();
            candidates.sort_unstable();
            candidates.dedup();
            for i in candidates {
                let rule = &self.rules[i];
                if !rule.holds(finding) {
                    continue;
                }
                hits[i] += 1;
                if finding.suppressed.is_none() && !rule.expired(now) {
                    finding.suppressed = Some(self.suppression(rule));
                }
            }
        }
        let mut applied = Applied::default();
        for (rule, findings) in self.rules.iter().zip(hits) {
            let shown = self.shown(rule);
            match (rule.expired(now), findings) {
                (true, findings) => applied.expired.push(RuleUse { rule: shown, findings }),
                (false, 0) => applied.unused.push(shown),
                (false, findings) => applied.used.push(RuleUse { rule: shown, findings }),
            }
        }
        applied
    }

    fn suppression(&self, rule: &Rule) -> Suppression {
        let place = format!("{}, {}", self.file, rule.place);
        let by = match &rule.owner {
            Some(owner) => format!("{owner} ({place})"),
            None => place,
        };
        let why = if rule.reason.is_empty() { "no reason is given".to_owned() } else { rule.reason.clone() };
        Suppression { by, why, until: rule.until }
    }

    fn shown(&self, rule: &Rule) -> String {
        let mut shown = format!("{}, {}: {}", self.file, rule.place, rule.id.as_deref().unwrap_or("any vulnerability"));
        if let Some(until) = rule.until {
            shown.push_str(&format!(" until {until}"));
        }
        shown
    }

    fn shape(&self, why: impl Into<String>) -> IgnoreError {
        IgnoreError::Yaml { file: self.file.clone(), why: why.into() }
    }

    fn refuse(&self, place: &str, why: impl Into<String>, hint: &str) -> IgnoreError {
        IgnoreError::Rule { file: self.file.clone(), place: place.to_owned(), why: why.into(), hint: hint.to_owned() }
    }

    fn problem(&mut self, code: &str, what: String, why: impl Into<String>) {
        self.problems.push(Problem::new(code, self.file.clone(), what, why));
    }

    fn yaml<T: DeserializeOwned>(&self, text: &str) -> Result<T, IgnoreError> {
        let options = serde_saphyr::options! { with_snippet: false };
        serde_saphyr::from_str_with_options(text, options)
            .map_err(|e| self.shape(format!("it is not readable: {}", e.to_string().trim_end())))
    }

    /// The sections of a file that say nothing about vulnerabilities.
    fn other_sections<'a>(&mut self, keys: impl Iterator<Item = &'a String>, own: &str) {
        for key in keys.filter(|k| *k != own) {
            self.problem("ignore-section", format!("use `{key}`"), "it says nothing about vulnerabilities in packages");
        }
    }

    fn id(&self, place: &str, id: &str) -> Result<String, IgnoreError> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '#' | '+');
        if id.is_empty() || !id.chars().all(good) {
            let why = format!("`{}` is no vulnerability's id", id.escape_debug());
            return Err(self.refuse(place, why, "write it whole, as in CVE-2021-44228; wildcards are not read"));
        }
        Ok(id.to_owned())
    }

    fn purl(&self, place: &str, text: &str) -> Result<Purl, IgnoreError> {
        let hint = "write it as pkg:TYPE/NAME, with @VERSION where only that one is meant";
        Purl::parse(text).map_err(|e| self.refuse(place, e.to_string(), hint))
    }

    fn glob(&self, place: &str, text: &str) -> Result<Glob, IgnoreError> {
        let hint = "*, ? and ** are read, for instance app/**/*.jar";
        let good = Glob::path(text).filter(|_| !text.is_empty());
        good.ok_or_else(|| {
            self.refuse(place, format!("`{}` is no pattern of paths that is read", text.escape_debug()), hint)
        })
    }

    /// The end of an exception: the instant, or a day. `whole` says whether the day itself still counts.
    fn end(&self, place: &str, text: &str, whole: bool) -> Result<Timestamp, IgnoreError> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(instant);
        }
        let end = text.parse::<Date>().ok().and_then(|day| {
            let first_after = if whole { day.tomorrow().ok()? } else { day };
            first_after.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp())
        });
        end.ok_or_else(|| {
            self.refuse(place, format!("`{}` is no date", text.escape_debug()), "write it as in 2026-12-31")
        })
    }
}

impl Rule {
    fn expired(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether everything but the id holds.
    fn holds(&self, finding: &Finding) -> bool {
        let package = &finding.package;
        let source = || package.source.as_ref().map_or("", |s| s.name.as_str());
        // What the distribution is called is not asked: the package URL has it.
        let nowhere = Distro::default();
        self.package.as_ref().is_none_or(|glob| glob.matches(&package.name))
            && self.upstream.as_ref().is_none_or(|glob| glob.matches(source()))
            && self.version.as_ref().is_none_or(|version| *version == package.version)
            && self.kinds.is_none_or(|kinds| kinds.contains(&package.purl.kind.as_str()))
            && self.states.is_none_or(|states| states.contains(&finding.state))
            && (self.purls.is_empty() || self.purls.iter().any(|wanted| purl::names(wanted, package, &nowhere)))
            && (self.paths.is_empty() || self.covers(package))
    }

    /// A package that is also elsewhere is not covered: what is there is as vulnerable as before.
    fn covers(&self, package: &Package) -> bool {
        let covered = |path: &str| {
            let flat = path.replace("!/", "/");
            self.paths.iter().any(|glob| glob.matches(path) || glob.matches(&flat))
        };
        !package.locations.is_empty() && package.locations.iter().all(|l| covered(&l.path))
    }
}

/// What a file looks like before it is read.
enum Shape {
    Lines,
    List,
    Mapping,
}

impl Shape {
    fn of(text: &str) -> Self {
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') || line == "---" || line.starts_with('%') {
                continue;
            }
            let key = line.split_once(':').is_some_and(|(key, rest)| {
                let word = key.trim_matches(['"', '\'']);
                !word.is_empty()
                    && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                    && (rest.is_empty() || rest.starts_with([' ', '\t']))
            });
            return match line {
                "-" => Shape::List,
                _ if line.starts_with("- ") || line.starts_with('[') => Shape::List,
                _ if key || line.starts_with('{') => Shape::Mapping,
                _ => Shape::Lines,
            };
        }
        Shape::Lines
    }
}
