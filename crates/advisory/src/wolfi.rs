//! # wolfi
//!
//! Advisories of Wolfi and Chainguard (wolfi-dev/advisories `docs/event_types.md`, schema 2), one YAML
//! file a package, each advisory a list of events. The same publishers also give out the short form that
//! Alpine has ([`crate::secdb`]).
//!
//! ```yaml
//! schema-version: 2.0.2
//! package:
//!   name: vault
//! advisories:
//!   - id: CGA-xxxx-xxxx-xxxx
//!     aliases: [CVE-2024-0001, GHSA-xxxx-xxxx-xxxx]
//!     events:
//!       - timestamp: 2024-01-31T00:00:00Z
//!         type: fixed
//!         data: {fixed-version: 1.21.8-r2}
//! ```
//!
//! The newest event decides:
//!
//! | event | that becomes |
//! |---|---|
//! | `fixed` | affected below that version; version `0`: not affected |
//! | `false-positive-determination` | not affected |
//! | `true-positive-determination` | affected in every version |
//! | `detection` | the same, undetermined: a scanner found it and nobody has judged it |
//! | `pending-upstream-fix` | the same, fix deferred |
//! | `fix-not-planned` | the same, will not be fixed |
//!
//! The files do not say whose they are: below a folder or in a file named after Chainguard or
//! `enterprise-` they are Chainguard's, else Wolfi's.

use crate::Format;
use crate::osv::one_line;
use crate::sink::{Sink, blank};
use cleanbill_model::{Affected, Event, FixState, RangeKind, Timestamp, VersionRange};
use serde::Deserialize;

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format = Format { feed: "wolfi", title: "advisories of Wolfi: YAML, secdb", distribution: true };

/// The same of Chainguard.
pub const CHAINGUARD: Format =
    Format { feed: "chainguard", title: "advisories of Chainguard: YAML, secdb", distribution: true };

/// One file.
#[derive(Deserialize)]
pub(crate) struct File {
    package: Package,
    #[serde(default)]
    advisories: Vec<Record>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    events: Vec<Happened>,
}

#[derive(Deserialize)]
struct Happened {
    timestamp: String,
    r#type: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "fixed-version")]
    fixed_version: Option<String>,
}

pub(crate) fn read(file: File, sink: &mut Sink) {
    let inner = sink.path.to_ascii_lowercase();
    let (format, ecosystem) = if inner.contains("chainguard") || inner.contains("enterprise-") {
        (&CHAINGUARD, "Chainguard")
    } else {
        (&FORMAT, "Wolfi")
    };
    for record in file.advisories {
        let id = record.id.trim().to_owned();
        if id.is_empty() {
            sink.record_problem(format!("read an advisory for {}", file.package.name), "it has no id");
            continue;
        }
        let mut events: Vec<(Timestamp, &Happened)> = Vec::new();
        for event in &record.events {
            match event.timestamp.trim().parse() {
                Ok(time) => events.push((time, event)),
                Err(e) => {
                    let e: jiff::Error = e;
                    sink.record_problem(format!("read an event of {id}"), e.to_string());
                }
            }
        }
        events.sort_by_key(|(time, _)| *time);
        let (Some((first, _)), Some((newest, event))) = (events.first(), events.last()) else {
            sink.record_problem(format!("read {id}"), "it has no events");
            continue;
        };
        let (ranges, fix_state) = match state(event) {
            Ok(state) => state,
            Err(why) => {
                sink.record_problem(format!("read {id} of {}", file.package.name), why);
                continue;
            }
        };
        let mut advisory = blank(format, id);
        advisory.aliases = record.aliases;
        advisory.published = Some(*first);
        advisory.modified = Some(*newest);
        advisory.affected = vec![Affected {
            ecosystem: ecosystem.to_owned(),
            name: file.package.name.clone(),
            ranges,
            versions: Vec::new(),
            fix_state,
            severity: None,
        }];
        sink.record(advisory);
    }
}

fn state(event: &Happened) -> Result<(Vec<VersionRange>, FixState), String> {
    let fix_state = match event.r#type.as_str() {
        "fixed" => {
            let version = event.data.as_ref().and_then(|d| d.fixed_version.as_deref()).map(str::trim);
            return match version {
                Some("0") => Ok((Vec::new(), FixState::NotAffected)),
                Some(version) if !version.is_empty() => Ok((below(Some(version)), FixState::ByRange)),
                _ => Err("it is fixed without a version".to_owned()),
            };
        }
        "false-positive-determination" => return Ok((Vec::new(), FixState::NotAffected)),
        "true-positive-determination" => FixState::ByRange,
        "detection" => FixState::Undetermined,
        "pending-upstream-fix" => FixState::Deferred,
        "fix-not-planned" => FixState::WillNotFix,
        other => return Err(format!("event `{}` is not known", one_line(other))),
    };
    Ok((below(None), fix_state))
}

/// Every version below a fix, or every version.
pub(crate) fn below(fix: Option<&str>) -> Vec<VersionRange> {
    let mut events = vec![Event::Introduced("0".to_owned())];
    events.extend(fix.map(|v| Event::Fixed(v.to_owned())));
    vec![VersionRange { kind: RangeKind::Ecosystem, events }]
}
