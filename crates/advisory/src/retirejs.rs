//! # retirejs
//!
//! The repository of Retire.js (RetireJS/retire.js `repository/jsrepository-v*.json`): an object of
//! JavaScript libraries, each with its vulnerabilities and with patterns to recognise it by.
//!
//! ```json
//! {"jquery": {"npmname": "jquery", "vulnerabilities": [
//!   {"atOrAbove": "1.2.0", "below": "3.5.0", "severity": "medium",
//!    "identifiers": {"CVE": ["CVE-2020-11022"], "githubID": "GHSA-gxr4-xjj5-5px2", "summary": "…"}}],
//!  "extractors": {}}}
//! ```
//!
//! Read are the libraries that name their npm package; the patterns are not used, and a library without
//! `npmname` is in no ecosystem, so there is nothing to match it by. A vulnerability goes by its GHSA id,
//! else its CVE, else by `RETIRE-library-version`.

use crate::Format;
use crate::osv::{one_line, texts, word};
use crate::ranges::ranges;
use crate::sink::Sink;
use cleanbill_model::{Affected, FixState, RangeKind};
use cleanbill_version::{Bound, Constraint, Interval, Scheme};
use serde_json::Value;

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format =
    Format { feed: "retirejs", title: "repository of Retire.js, npm packages", distribution: false };

pub(crate) fn is_library(value: &Value) -> bool {
    value.get("vulnerabilities").is_some_and(Value::is_array) && value.get("extractors").is_some()
}

pub(crate) fn read_library(library: &str, value: &Value, sink: &mut Sink) {
    let Some(name) = value["npmname"].as_str() else { return };
    for item in value["vulnerabilities"].as_array().into_iter().flatten() {
        let identifiers = &item["identifiers"];
        let mut names: Vec<String> = identifiers["githubID"].as_str().map(str::to_owned).into_iter().collect();
        names.extend(texts(&identifiers["CVE"]));
        let (below, from) = (item["below"].as_str(), item["atOrAbove"].as_str());
        let number = identifiers["retid"].as_str().or(below).unwrap_or("all");
        let own = format!("RETIRE-{}-{}", one_line(library), one_line(number));
        if item.get("below").is_some_and(|b| !b.is_string()) || item.get("atOrAbove").is_some_and(|a| !a.is_string()) {
            sink.record_problem(format!("read {own}"), "`below` or `atOrAbove` is no text");
            continue;
        }
        let id = names.first().cloned().unwrap_or(own);
        let advisory = sink.gather(&FORMAT, &id);
        advisory.aliases.extend(names.into_iter().filter(|n| *n != id));
        advisory.severity = advisory.severity.max(word(&item["severity"]).unwrap_or_default());
        if advisory.summary.is_empty() {
            advisory.summary = one_line(identifiers["summary"].as_str().unwrap_or_default());
        }
        advisory.affected.push(Affected {
            ecosystem: "npm".to_owned(),
            name: name.to_owned(),
            ranges: ranges(&affected(from, below, &texts(&item["excludes"])), None, RangeKind::Semver),
            versions: Vec::new(),
            fix_state: FixState::ByRange,
            severity: None,
        });
    }
}

fn affected(from: Option<&str>, below: Option<&str>, excluded: &[String]) -> Constraint {
    let bound = |version: &str, inclusive| Some(Bound { version: version.to_owned(), inclusive });
    let whole = Interval { lower: from.and_then(|v| bound(v, true)), upper: below.and_then(|v| bound(v, false)) };
    let single = |v: &String| Interval { lower: bound(v, true), upper: bound(v, true) };
    let whole = Constraint::of_intervals(Scheme::Npm, vec![whole]);
    let without = Constraint::of_intervals(Scheme::Npm, excluded.iter().map(single).collect());
    whole.intersection(&without.complement())
}
