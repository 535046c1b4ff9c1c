//! # ruby-advisory-db
//!
//! Advisories for gems and for the Ruby engines (rubysec/ruby-advisory-db `README.md`), one YAML file each.
//!
//! ```yaml
//! gem: rack                      # or `engine: ruby`
//! cve: 2024-0001
//! ghsa: xxxx-xxxx-xxxx
//! title: Denial of service
//! date: 2024-01-31
//! cvss_v3: 7.5
//! unaffected_versions: ["< 1.2"]
//! patched_versions: ["~> 2.0.9", ">= 3.0.9"]
//! ```
//!
//! Affected is every version that is neither patched nor unaffected, in the grammar of RubyGems; without
//! `patched_versions` there is no fix. The id is the CVE, else the GHSA id, else the file's name. Scores
//! come without vector, so only the severity is taken from them (version 3 before 4 before 2). Engines are
//! packages of the ecosystem `Ruby`: `ruby`, `jruby`, `mruby`, `rbx`. `platform` is not looked at.

use crate::osv::one_line;
use crate::ranges::{few, ranges};
use crate::sink::{Sink, blank};
use crate::{Format, times};
use cleanbill_model::{Affected, FixState, RangeKind, Severity};
use cleanbill_version::{Constraint, Scheme};
use serde::Deserialize;

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format =
    Format { feed: "ruby-advisory-db", title: "advisories of RubySec for gems and Ruby, YAML", distribution: false };

/// The ecosystem of the engines.
pub const ENGINES: &str = "Ruby";

/// One file.
#[derive(Deserialize)]
pub(crate) struct Record {
    gem: Option<String>,
    engine: Option<String>,
    cve: Option<String>,
    ghsa: Option<String>,
    title: Option<String>,
    date: Option<String>,
    cvss_v2: Option<f64>,
    cvss_v3: Option<f64>,
    cvss_v4: Option<f64>,
    unaffected_versions: Option<Vec<String>>,
    patched_versions: Option<Vec<String>>,
}

pub(crate) fn read(record: Record, sink: &mut Sink) {
    let named = |id: Option<&String>, prefix: &str| {
        let id = id.map(|id| id.trim()).filter(|id| !id.is_empty())?;
        Some(if id.starts_with(prefix) { id.to_owned() } else { format!("{prefix}{id}") })
    };
    let mut names: Vec<String> =
        [named(record.cve.as_ref(), "CVE-"), named(record.ghsa.as_ref(), "GHSA-")].into_iter().flatten().collect();
    if names.is_empty() {
        names.push(stem(&sink.path).to_owned());
    }
    let id = names.remove(0);
    let (ecosystem, name) = match (record.gem, record.engine) {
        (Some(gem), _) => ("RubyGems", gem),
        (None, Some(engine)) => (ENGINES, engine),
        (None, None) => return sink.record_problem(format!("read {id}"), "it names neither gem nor engine"),
    };
    let sets = sets(record.patched_versions.as_deref(), record.unaffected_versions.as_deref());
    let (affected, good) = match sets {
        Ok(sets) => sets,
        Err(e) => return sink.record_problem(format!("read the versions of {id}"), e),
    };
    let mut advisory = blank(&FORMAT, id.clone());
    advisory.aliases = names;
    advisory.summary = one_line(&record.title.unwrap_or_default());
    let score = record.cvss_v3.or(record.cvss_v4).or(record.cvss_v2);
    match score {
        Some(score) if !(0.0..=10.0).contains(&score) => {
            sink.record_problem(format!("read the score of {id}"), "it is not from 0 to 10");
        }
        score => advisory.severity = score.map(Severity::from_score).unwrap_or_default(),
    }
    if let Some(date) = record.date {
        match times::day(&date) {
            Ok(time) => advisory.published = Some(time),
            Err(why) => sink.record_problem(format!("read `date` of {id}"), why),
        }
    }
    advisory.affected = vec![Affected {
        ecosystem: ecosystem.to_owned(),
        name,
        ranges: ranges(&affected, Some(&good), RangeKind::Ecosystem),
        versions: Vec::new(),
        fix_state: FixState::ByRange,
        severity: None,
    }];
    sink.record(advisory);
}

/// What is affected, and what need not be fixed.
fn sets(patched: Option<&[String]>, unaffected: Option<&[String]>) -> Result<(Constraint, Constraint), String> {
    let (patched, unaffected) = (patched.unwrap_or_default(), unaffected.unwrap_or_default());
    few(patched.len() + unaffected.len())?;
    let set = |texts: &[String]| Constraint::any_of(Scheme::Gem, texts).map_err(|e| e.to_string());
    let good = set(patched)?.union(&set(unaffected)?);
    Ok((good.complement(), good))
}

/// The name of a file without folders and ending.
pub(crate) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
