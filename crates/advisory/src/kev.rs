//! # cisa-kev
//!
//! CISA's catalogue of known exploited vulnerabilities, as JSON (schema
//! `known_exploited_vulnerabilities_schema.json`): one object with the catalogue's time and a list.
//!
//! ```json
//! {"catalogVersion": "2024.01.02", "dateReleased": "2024-01-02T15:00:00.0000Z", "count": 1, "vulnerabilities": [
//!   {"cveID": "CVE-2024-0001", "dateAdded": "2024-01-02", "dueDate": "2024-01-23",
//!    "knownRansomwareCampaignUse": "Known"}]}
//! ```
//!
//! Kept are the days and whether ransomware is known to use it; they stand beside the records, by CVE. An
//! entry without a CVE id or a day of adding is a problem; a due day that cannot be read is one too, and
//! the entry is kept without it.

use crate::sink::Sink;
use crate::{Format, cve};
use cleanbill_model::Kev;
use jiff::civil::Date;
use serde_json::Value;

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format =
    Format { feed: "cisa-kev", title: "CISA's catalogue of known exploited vulnerabilities", distribution: false };

pub(crate) fn is_entry(value: &Value) -> bool {
    value.get("cveID").is_some() && value.get("dateAdded").is_some()
}

pub(crate) fn is_catalogue(rest: &Value) -> bool {
    rest.get("catalogVersion").is_some()
}

/// What stands beside the list.
pub(crate) fn read_catalogue(rest: &Value, sink: &mut Sink) {
    match rest["dateReleased"].as_str().unwrap_or_default().parse() {
        Ok(time) => sink.as_of(FORMAT.feed, time),
        Err(e) => sink.record_problem("read `dateReleased`", format!("{e}")),
    }
    if let (Some(count), found) = (rest["count"].as_u64(), sink.import.known_exploited.len() as u64)
        && count > found
    {
        sink.record_problem("read the whole catalogue", format!("it states {count} entries and {found} were read"));
    }
}

/// Reads an entry; gives its name.
pub(crate) fn read_entry(value: &Value, sink: &mut Sink) -> String {
    let id = value["cveID"].as_str().unwrap_or_default().trim().to_owned();
    let what = || format!("read the entry `{}`", crate::osv::one_line(&id));
    if cve::key(&id).is_none() {
        sink.record_problem(what(), "its `cveID` is no CVE id");
        return id;
    }
    let day = |key: &str| value[key].as_str().map(|text| text.trim().parse::<Date>());
    let added = match day("dateAdded") {
        Some(Ok(added)) => added,
        Some(Err(e)) => {
            sink.record_problem(what(), format!("its `dateAdded` is no day: {e}"));
            return id;
        }
        None => {
            sink.record_problem(what(), "its `dateAdded` is no text");
            return id;
        }
    };
    let due = match day("dueDate") {
        Some(Ok(due)) => Some(due),
        Some(Err(e)) if value["dueDate"] != "" => {
            sink.record_problem(what(), format!("its `dueDate` is no day: {e}"));
            None
        }
        _ => None,
    };
    let ransomware = value["knownRansomwareCampaignUse"].as_str().is_some_and(|t| t.eq_ignore_ascii_case("known"));
    sink.exploited(id.clone(), Kev { added, due, ransomware });
    id
}
