//! # debian-tracker
//!
//! The JSON export of Debian's security tracker: an object of source packages, in each an object of
//! vulnerabilities, in each the state of every release (security-tracker `lib/python/tracker_service.py`,
//! `page_json`).
//!
//! ```json
//! {"openssl": {"CVE-2024-0001": {"description": "…", "releases": {
//!   "bookworm": {"status": "resolved", "fixed_version": "3.0.11-1~deb12u2", "urgency": "medium"},
//!   "trixie": {"status": "open", "urgency": "not yet assigned", "nodsa": "Minor issue", "nodsa_reason": ""}}}}}
//! ```
//!
//! | the export says | that becomes |
//! |---|---|
//! | `resolved`, a fixed version | affected below it |
//! | `resolved`, fixed version `0` | not affected |
//! | `open` | affected in every version |
//! | `open` with urgency `end-of-life` | the same, end of life |
//! | `open` with `nodsa`, reason `ignored` | the same, will not be fixed |
//! | `open` with `nodsa`, another reason or none | the same, fix deferred |
//! | `undetermined` | affected in every version, undetermined |
//!
//! Urgency is the severity, `unimportant` being negligible. One record a vulnerability, its packages under
//! the ecosystems `Debian:12`, `Debian:13`, …; the export states no times.

use crate::Format;
use crate::osv::{one_line, word};
use crate::sink::Sink;
use cleanbill_model::{Affected, Event, FixState, RangeKind, VersionRange};
use serde_json::Value;

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format =
    Format { feed: "debian-tracker", title: "JSON export of the Debian security tracker", distribution: true };

/// Codenames and the numbers that OSV ecosystems use for them.
const RELEASES: &[(&str, &str)] = &[
    ("stretch", "Debian:9"),
    ("buster", "Debian:10"),
    ("bullseye", "Debian:11"),
    ("bookworm", "Debian:12"),
    ("trixie", "Debian:13"),
    ("forky", "Debian:14"),
    ("duke", "Debian:15"),
    ("sid", "Debian:sid"),
];

/// The ecosystem of a release by its codename: `bookworm` → `Debian:12`.
pub fn ecosystem(codename: &str) -> Option<&'static str> {
    RELEASES.iter().find(|(name, _)| *name == codename).map(|(_, e)| *e)
}

/// Whether a value is what stands under a source package.
pub(crate) fn is_source(value: &Value) -> bool {
    value.as_object().is_some_and(|o| !o.is_empty() && o.values().any(|v| v["releases"].is_object()))
}

/// Reads what stands under one source package.
pub(crate) fn read_source(source: &str, value: &Value, sink: &mut Sink) {
    for (id, record) in value.as_object().into_iter().flatten() {
        let Some(releases) = record["releases"].as_object() else {
            sink.record_problem(format!("read {id} of {source}"), "it has no releases");
            continue;
        };
        let mut affected = Vec::new();
        for (codename, release) in releases {
            match ecosystem(codename) {
                None => sink.problem(
                    "advisory-record",
                    format!("read {id} of {source}"),
                    format!("release `{}` is not known", one_line(codename)),
                ),
                Some(ecosystem) => match state(release) {
                    Ok((ranges, fix_state)) => affected.push(Affected {
                        ecosystem: ecosystem.to_owned(),
                        name: source.to_owned(),
                        ranges,
                        versions: Vec::new(),
                        fix_state,
                        severity: word(&release["urgency"]),
                    }),
                    Err(why) => {
                        sink.problem("advisory-record", format!("read {id} of {source} in {codename}"), why);
                    }
                },
            }
        }
        let advisory = sink.gather(&FORMAT, id);
        if advisory.summary.is_empty() {
            advisory.summary = one_line(record["description"].as_str().unwrap_or_default());
        }
        advisory.affected.extend(affected);
    }
}

fn state(release: &Value) -> Result<(Vec<VersionRange>, FixState), String> {
    let from_first = |fixed: Option<&str>| {
        let mut events = vec![Event::Introduced("0".to_owned())];
        events.extend(fixed.map(|v| Event::Fixed(v.to_owned())));
        vec![VersionRange { kind: RangeKind::Ecosystem, events }]
    };
    match release["status"].as_str() {
        Some("resolved") => match release["fixed_version"].as_str() {
            Some("0") => Ok((Vec::new(), FixState::NotAffected)),
            Some(version) if !version.is_empty() => Ok((from_first(Some(version)), FixState::ByRange)),
            _ => Err("it is resolved without fixed version".to_owned()),
        },
        Some("open") => {
            let told = release.get("nodsa").is_some() || release.get("nodsa_reason").is_some();
            let fix_state = match release["nodsa_reason"].as_str() {
                _ if release["urgency"].as_str() == Some("end-of-life") => FixState::EndOfLife,
                Some("ignored") => FixState::WillNotFix,
                _ if told => FixState::Deferred,
                _ => FixState::ByRange,
            };
            Ok((from_first(None), fix_state))
        }
        Some("undetermined") => Ok((from_first(None), FixState::Undetermined)),
        Some(other) => Err(format!("status `{}` is not known", one_line(other))),
        None => Err("it has no status".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cleanbill_model::Severity;
    use serde_json::json;

    fn check(release: Value, fixed: Option<&str>, fix_state: FixState, severity: Option<Severity>) {
        let mut sink = Sink::default();
        read_source("src", &json!({"CVE-1": {"releases": {"bookworm": release}}}), &mut sink);
        assert_eq!(sink.import.problems, []);
        let advisory = sink.finish().advisories.remove(0);
        let affected = &advisory.affected[0];
        assert_eq!((affected.ecosystem.as_str(), affected.name.as_str()), ("Debian:12", "src"));
        assert_eq!((affected.fix_state, affected.severity), (fix_state, severity));
        let found = affected.ranges.first().and_then(|r| {
            r.events.iter().find_map(|e| match e {
                Event::Fixed(v) => Some(v.as_str()),
                _ => None,
            })
        });
        assert_eq!(found, fixed);
        assert_eq!(affected.ranges.is_empty(), fix_state == FixState::NotAffected);
    }

    #[test]
    fn every_state_of_a_release() {
        check(json!({"status": "resolved", "fixed_version": "1-2"}), Some("1-2"), FixState::ByRange, None);
        check(json!({"status": "resolved", "fixed_version": "0"}), None, FixState::NotAffected, None);
        check(json!({"status": "open", "urgency": "medium**"}), None, FixState::ByRange, Some(Severity::Medium));
        check(json!({"status": "open", "urgency": "unimportant"}), None, FixState::ByRange, Some(Severity::Negligible));
        check(json!({"status": "open", "nodsa": "x", "nodsa_reason": "ignored"}), None, FixState::WillNotFix, None);
        check(json!({"status": "open", "nodsa": "x", "nodsa_reason": "postponed"}), None, FixState::Deferred, None);
        check(json!({"status": "open", "nodsa": "x", "nodsa_reason": ""}), None, FixState::Deferred, None);
        check(json!({"status": "open", "urgency": "end-of-life"}), None, FixState::EndOfLife, None);
        check(json!({"status": "undetermined", "urgency": "not yet assigned"}), None, FixState::Undetermined, None);
    }

    #[test]
    fn what_is_not_understood_is_told_and_the_rest_kept() {
        let mut sink = Sink::default();
        let value = json!({"CVE-1": {"releases": {
            "bookworm": {"status": "half"}, "trixie": {"status": "open"}, "hamm": {"status": "open"}, "sid": {"status": "resolved"},
        }}, "CVE-2": {}});
        read_source("src", &value, &mut sink);
        let why: Vec<_> = sink.import.problems.iter().map(|p| p.why.as_str()).collect();
        assert_eq!(
            why,
            [
                "status `half` is not known",
                "release `hamm` is not known",
                "it is resolved without fixed version",
                "it has no releases",
            ]
        );
        assert_eq!(sink.finish().advisories[0].affected.len(), 1);
    }

    #[test]
    fn one_record_for_a_vulnerability_in_several_sources() {
        let mut sink = Sink::default();
        let value = json!({"CVE-1": {"description": "d", "releases": {"sid": {"status": "open"}}}});
        read_source("b", &value, &mut sink);
        read_source("a", &value, &mut sink);
        let all = sink.finish().advisories;
        assert_eq!(all.len(), 1);
        let names: Vec<_> = all[0].affected.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
