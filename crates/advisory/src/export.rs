//! # The export
//!
//! The records of a database as OSV, one JSON document a line, so that a database built from it gives the
//! same answers. The first line says what the file is; what OSV has no field for stands in
//! `database_specific.cleanbill`, and what stands beside the records in lines of its own at the end:
//!
//! ```json
//! {"cleanbill_export": 1, "as_of": {"osv": "2024-01-31T00:00:00Z"}}
//! {"id": "CVE-2024-0001", "affected": [{"package": {"ecosystem": "Debian:12", "name": "openssl"},
//!   "database_specific": {"cleanbill": {"fix_state": "deferred", "severity": "low"}}}],
//!  "database_specific": {"cleanbill": {"feed": "debian-tracker", "severity": "unknown"}}}
//! {"cleanbill_known_exploited": {"CVE-2024-0001": {"added": "2024-01-02", "ransomware": false}}}
//! {"cleanbill_exploit_prediction": {"CVE-2024-0001": [430000, 91000000]}}
//! ```
//!
//! Predictions are score and percentile in parts of 10⁹. Only a file that begins so is believed about the
//! feeds of its records: an OSV file from elsewhere cannot say that it is a distribution's word.

use crate::database::{Database, prediction};
use crate::osv::texts;
use crate::sink::Sink;
use crate::{DatabaseError, cve, epss};
use cleanbill_model::{Advisory, Affected, Epss, Event, FixState, Kev, RangeKind, Severity};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

const HEADER: &str = "cleanbill_export";
const EXPLOITED: &str = "cleanbill_known_exploited";
const PREDICTED: &str = "cleanbill_exploit_prediction";
const OWN: &str = "cleanbill";
/// The version that is written and read.
const VERSION: u64 = 1;
/// Entries of a line.
const PER_LINE: u64 = 1000;

/// Writes the export of a database.
pub fn export(database: &Database, to: impl Write) -> Result<(), DatabaseError> {
    let mut to = io::BufWriter::new(to);
    let failed = |source| DatabaseError::Io { path: "the export".to_owned(), source };
    let inner = &database.inner;
    let timed = |f: &crate::FeedInfo| Some((f.name.clone(), json!(f.as_of?.to_string())));
    let as_of: Map<String, Value> = inner.info.feeds.iter().filter_map(timed).collect();
    writeln!(to, "{}", json!({HEADER: VERSION, "as_of": as_of})).map_err(failed)?;
    for number in 0..inner.at.records.count as u32 {
        writeln!(to, "{}", record(&inner.read_record(number)?)).map_err(failed)?;
    }
    for (name, index) in [(EXPLOITED, inner.at.exploited), (PREDICTED, inner.at.predicted)] {
        let mut number = 0;
        while number < index.count {
            let end = index.count.min(number + PER_LINE);
            let mut entries = Map::new();
            for number in number..end {
                let entry = inner.payload.entry(index, number)?;
                let value = if name == EXPLOITED {
                    let kev = inner.kev(entry)?;
                    let due = kev.due.map(|d| d.to_string());
                    json!({"added": kev.added.to_string(), "due": due, "ransomware": kev.ransomware})
                } else {
                    let epss = prediction(entry);
                    json!([parts(epss.score), parts(epss.percentile)])
                };
                entries.insert(cve::id(entry.key), value);
            }
            writeln!(to, "{}", json!({name: entries})).map_err(failed)?;
            number = end;
        }
    }
    to.flush().map_err(failed)
}

fn parts(share: f64) -> u64 {
    (share * epss::PARTS).round() as u64
}

fn record(advisory: &Advisory) -> Value {
    let time = |time: Option<cleanbill_model::Timestamp>| time.map(|t| t.to_string());
    // OSV demands a time of change; where the feed states none it is marked as made up.
    let modified = time(advisory.modified.or(advisory.published)).unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned());
    let severity: Vec<Value> = advisory
        .cvss
        .iter()
        .map(|cvss| {
            let kind = match &cvss.vector {
                v if v.starts_with("CVSS:4") => "CVSS_V4",
                v if v.starts_with("CVSS:3") => "CVSS_V3",
                _ => "CVSS_V2",
            };
            json!({"type": kind, "score": cvss.vector})
        })
        .collect();
    let mut value = json!({
        "schema_version": "1.7.0",
        "id": advisory.id,
        "modified": modified,
        "summary": advisory.summary,
        "affected": advisory.affected.iter().map(affected).collect::<Vec<_>>(),
        "database_specific": {
            "severity": advisory.severity.name().to_uppercase(),
            OWN: {"feed": advisory.feed, "severity": advisory.severity.name(), "modified": advisory.modified.is_some()},
        },
    });
    let lists =
        [("aliases", json!(advisory.aliases)), ("upstream", json!(advisory.upstream)), ("severity", json!(severity))];
    for (key, list) in lists {
        if list.as_array().is_some_and(|l| !l.is_empty()) {
            value[key] = list;
        }
    }
    for (key, time) in [("published", time(advisory.published)), ("withdrawn", time(advisory.withdrawn))] {
        if let Some(time) = time {
            value[key] = json!(time);
        }
    }
    value
}

fn affected(affected: &Affected) -> Value {
    let event = |event: &Event| match event {
        Event::Introduced(v) => json!({"introduced": v}),
        Event::Fixed(v) => json!({"fixed": v}),
        Event::LastAffected(v) => json!({"last_affected": v}),
        Event::Limit(v) => json!({"limit": v}),
    };
    let ranges = affected.ranges.iter().map(|range| {
        let kind = match range.kind {
            RangeKind::Semver => "SEMVER",
            RangeKind::Ecosystem => "ECOSYSTEM",
        };
        json!({"type": kind, "events": range.events.iter().map(event).collect::<Vec<_>>()})
    });
    let severity = affected.severity.map(Severity::name);
    json!({
        "package": {"ecosystem": affected.ecosystem, "name": affected.name},
        "ranges": ranges.collect::<Vec<_>>(),
        "versions": affected.versions,
        "database_specific": {OWN: {"fix_state": word(affected.fix_state), "severity": severity}},
    })
}

const FIX_STATES: [(FixState, &str); 6] = [
    (FixState::ByRange, "by-range"),
    (FixState::NotAffected, "not-affected"),
    (FixState::WillNotFix, "will-not-fix"),
    (FixState::Deferred, "deferred"),
    (FixState::EndOfLife, "end-of-life"),
    (FixState::Undetermined, "undetermined"),
];

fn word(state: FixState) -> &'static str {
    FIX_STATES.iter().find(|(s, _)| *s == state).map_or("by-range", |(_, word)| word)
}

/// Whether a line is one that only an export has.
pub(crate) fn is_ours(rest: &Value) -> bool {
    [HEADER, EXPLOITED, PREDICTED].iter().any(|key| rest.get(key).is_some())
}

/// Reads such a line.
pub(crate) fn read(rest: &Value, sink: &mut Sink) {
    if let Some(version) = rest.get(HEADER) {
        sink.exported = version.as_u64() == Some(VERSION);
        if !sink.exported {
            return sink.record_problem("read the export", format!("its version {version} is not known"));
        }
        for (feed, time) in rest["as_of"].as_object().into_iter().flatten() {
            match time.as_str().unwrap_or_default().parse() {
                Ok(time) => sink.as_of(feed, time),
                Err(e) => {
                    let e: jiff::Error = e;
                    sink.record_problem(format!("read the time of feed {feed}"), e.to_string());
                }
            }
        }
        return;
    }
    if !sink.exported {
        return sink.record_problem("read the export", "it does not begin as an export does");
    }
    for (id, value) in rest[EXPLOITED].as_object().into_iter().flatten() {
        let day = |key: &str| value[key].as_str().and_then(|text| text.parse().ok());
        match day("added") {
            Some(added) if cve::key(id).is_some() => {
                let ransomware = value["ransomware"].as_bool().unwrap_or_default();
                sink.exploited(id.clone(), Kev { added, due: day("due"), ransomware });
            }
            _ => sink.record_problem(format!("read that {id} is exploited"), "it is no CVE id with a day"),
        }
    }
    for (id, value) in rest[PREDICTED].as_object().into_iter().flatten() {
        let share = |at: usize| value[at].as_u64().map(|n| n as f64 / epss::PARTS).filter(|v| *v <= 1.0);
        match (share(0), share(1)) {
            (Some(score), Some(percentile)) if cve::key(id).is_some() => {
                sink.predicted(id.clone(), Epss { score, percentile });
            }
            _ => sink.record_problem(format!("read the prediction of {id}"), "it is no CVE id with two numbers"),
        }
    }
}

/// Gives a record that was read as OSV what OSV has no field for.
pub(crate) fn restore(value: &Value, advisory: &mut Advisory) {
    let own = &value["database_specific"][OWN];
    if let Some(feed) = own["feed"].as_str() {
        feed.clone_into(&mut advisory.feed);
    }
    advisory.aliases = texts(&value["aliases"]);
    advisory.upstream = texts(&value["upstream"]);
    value["summary"].as_str().unwrap_or_default().clone_into(&mut advisory.summary);
    let severity = |value: &Value| value.as_str().and_then(|word| word.parse().ok());
    if let Some(severity) = severity(&own["severity"]) {
        advisory.severity = severity;
    }
    if own["modified"].as_bool() == Some(false) {
        advisory.modified = None;
    }
    let list = value["affected"].as_array().map(Vec::as_slice).unwrap_or_default();
    // Where one could not be read, which is told, the others cannot be told apart.
    if list.len() != advisory.affected.len() {
        return;
    }
    for (value, affected) in list.iter().zip(&mut advisory.affected) {
        let own = &value["database_specific"][OWN];
        affected.severity = severity(&own["severity"]);
        let state = FIX_STATES.iter().find(|(_, word)| own["fix_state"] == *word);
        affected.fix_state = state.map_or(FixState::ByRange, |(state, _)| *state);
    }
}
