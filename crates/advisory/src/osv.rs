//! # osv
//!
//! Records of the OSV schema (ossf/osv-schema `docs/schema.md`): GitHub's advisory database, the Go
//! vulnerability database, RustSec, PyPA and all that is mirrored in that form. A file holds one record, a
//! list, one record a line, or `{"vulns": […]}` as the query interface answers.
//!
//! ```json
//! {"id": "GHSA-xxxx-xxxx-xxxx", "modified": "2024-01-01T00:00:00Z", "aliases": ["CVE-2024-0001"],
//!  "affected": [{"package": {"ecosystem": "Maven", "name": "org.example:lib"},
//!    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.3"}]}]}]}
//! ```
//!
//! The records may be YAML instead (PyPA). What is done with them beyond copying:
//!
//! * `upstream` names what a distribution's record stands for, and where there is none its `related` (its
//!   packages are a distribution's): one CVE there is an alias, and so are other names beside it (CGA-…
//!   names the CVE and the GHSA of one vulnerability). Several CVEs make it an erratum, about each of them.
//! * Severity is the word of `database_specific.severity`, else the rating of the highest score that can
//!   be computed (CVSS 2 and 3; vectors of version 4 are kept without score), else the word with which a
//!   distribution begins its summary (`Important: …`), else what RustSec calls information (`unsound` low,
//!   `unmaintained` and `notice` negligible), else unknown. Malicious packages (`MAL-…`, as id or alias)
//!   are critical whatever else is said. `ecosystem_specific.urgency` (Debian) and `.severity` (Ubuntu)
//!   stand beside the package.
//! * `GIT` ranges name commits and are passed over; so are `custom_ranges` of the Go database, which are
//!   about versions that are none of its modules'. A range that breaks the schema is a problem, and the
//!   rest of the record is kept. A package without ranges is affected in its `versions` alone.
//! * Times in the year one (Go) are none.

use crate::{Format, base_score, export, times};
use cleanbill_model::{Advisory, Affected, Cvss, Event, FixState, RangeKind, Severity, VersionRange};
use serde_json::Value;

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format =
    Format { feed: "osv", title: "records of the OSV schema, JSON or YAML", distribution: false };

/// Ecosystems of distributions, without their releases.
const DISTRIBUTIONS: &[&str] = &[
    "AlmaLinux",
    "Alpaquita",
    "Alpine",
    "Azure Linux",
    "BellSoft Hardened Containers",
    "Chainguard",
    "Debian",
    "Echo",
    "Mageia",
    "MinimOS",
    "openEuler",
    "openSUSE",
    "Photon OS",
    "Red Hat",
    "Rocky Linux",
    "Root",
    "SUSE",
    "Ubuntu",
    "Wolfi",
];

/// Where problems go: what could not be done, and why.
type Problems<'a> = &'a mut dyn FnMut(String, String);

/// Brings a record to an advisory; `None` for what cannot be one. What our own export says beside OSV's
/// fields is only taken from such an export.
pub(crate) fn read(value: Value, exported: bool, problems: Problems<'_>) -> Option<Advisory> {
    let Some(id) = text(&value, "id").filter(|id| !id.trim().is_empty()) else {
        problems("read a record".to_owned(), "it has no id".to_owned());
        return None;
    };
    let mut said = word(&value["database_specific"]["severity"]);
    let mut affected = Vec::new();
    let mut cvss = vectors(&value);
    let list = match &value["affected"] {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        _ => {
            problems(format!("read what {id} affects"), "`affected` is not a list".to_owned());
            &[]
        }
    };
    let mut information = None;
    for (number, item) in list.iter().enumerate() {
        for vector in vectors(item) {
            if !cvss.contains(&vector) {
                cvss.push(vector);
            }
        }
        said = said.max(word(&item["database_specific"]["severity"]));
        information = information.or(item["database_specific"]["informational"].as_str());
        let mut tell = |why: String| problems(format!("read package {} of {id}", number + 1), why);
        affected.extend(package(item, &mut tell));
    }
    let mut time = |key: &str| {
        let time = times::time(&text(&value, key)?);
        time.map_err(|why| problems(format!("read `{key}` of {id}"), why)).ok().flatten()
    };
    let (published, modified, withdrawn) = (time("published"), time("modified"), time("withdrawn"));
    let of_distribution =
        affected.iter().any(|a: &Affected| DISTRIBUTIONS.contains(&a.ecosystem.split(':').next().unwrap_or_default()));
    let (aliases, upstream) = names(&value, &id, of_distribution);
    let summary = text(&value, "summary").or_else(|| text(&value, "details")).unwrap_or_default();
    let score = cvss.iter().filter_map(|c| c.score).fold(None, |a: Option<f64>, b| Some(a.map_or(b, |a| a.max(b))));
    let severity = if std::iter::once(&id).chain(&aliases).any(|name| name.starts_with("MAL-")) {
        Severity::Critical
    } else {
        said.or_else(|| worded(&value["severity"]))
            .or_else(|| score.map(Severity::from_score))
            .or_else(|| summary.split_once(':').filter(|_| of_distribution).and_then(|(w, _)| known(w.trim())))
            .or_else(|| information.map(|i| if i == "unsound" { Severity::Low } else { Severity::Negligible }))
            .unwrap_or_default()
    };
    let mut advisory = Advisory {
        id,
        aliases,
        upstream,
        feed: FORMAT.feed.to_owned(),
        summary: one_line(&summary),
        severity,
        cvss,
        published,
        modified,
        withdrawn,
        affected,
    };
    if exported {
        export::restore(&value, &mut advisory);
    }
    Some(advisory)
}

/// Aliases, and what the record is about where that is several.
fn names(value: &Value, id: &str, of_distribution: bool) -> (Vec<String>, Vec<String>) {
    let mut aliases = texts(&value["aliases"]);
    let sorted = |list: &mut Vec<String>| {
        list.retain(|name| *name != id);
        list.sort();
        list.dedup();
    };
    let mut about = texts(&value["upstream"]);
    if about.is_empty() && of_distribution && !aliases.iter().any(|a| is_cve(a)) {
        about = texts(&value["related"]);
    }
    sorted(&mut about);
    let cves: Vec<String> = about.iter().filter(|name| is_cve(name)).cloned().collect();
    let upstream = match (cves.len(), about.len()) {
        (0, 0 | 1) | (1, _) => {
            aliases.append(&mut about);
            Vec::new()
        }
        (0, _) => about,
        _ => cves,
    };
    sorted(&mut aliases);
    (aliases, upstream)
}

fn is_cve(name: &str) -> bool {
    name.starts_with("CVE-")
}

fn package(item: &Value, problem: &mut dyn FnMut(String)) -> Option<Affected> {
    let package = &item["package"];
    // Records about commits alone have no package; there is nothing to match them with.
    if package.is_null() {
        return None;
    }
    let (Some(ecosystem), Some(name)) = (text(package, "ecosystem"), text(package, "name")) else {
        problem("its package has no ecosystem or no name".to_owned());
        return None;
    };
    let mut ranges = Vec::new();
    match &item["ranges"] {
        Value::Null => {}
        Value::Array(list) => {
            for value in list {
                match range(value) {
                    Ok(found) => ranges.extend(found),
                    Err(why) => problem(format!("{name}: {why}")),
                }
            }
        }
        _ => problem(format!("{name}: `ranges` is not a list")),
    }
    if let Some(bound) = item["database_specific"]["last_known_affected_version_range"].as_str() {
        for range in &mut ranges {
            close(range, bound);
        }
    }
    let versions = texts(&item["versions"]);
    match &item["versions"] {
        Value::Null => {}
        Value::Array(list) if list.len() == versions.len() => {}
        _ => problem(format!("{name}: `versions` is not a list of texts")),
    }
    let specific = &item["ecosystem_specific"];
    let severity =
        word(&specific["urgency"]).or_else(|| word(&specific["severity"])).or_else(|| worded(&item["severity"]));
    let fix_state = match specific["urgency"].as_str() {
        Some("end-of-life") => FixState::EndOfLife,
        _ => FixState::ByRange,
    };
    Some(Affected { ecosystem, name, ranges, versions, fix_state, severity })
}

/// Ends a range that the record leaves open where its source says up to which version it is known to be
/// affected (GitHub's records: `<= 1.2.3`, `< 2`). That is no fix.
fn close(range: &mut VersionRange, bound: &str) {
    if range.events.iter().any(|e| !matches!(e, Event::Introduced(_))) {
        return;
    }
    let bound = bound.trim();
    let version =
        |sign: &str| bound.strip_prefix(sign).map(str::trim).filter(|v| !v.is_empty() && !v.contains([',', ' ']));
    if let Some(version) = version("<=") {
        range.events.push(Event::LastAffected(version.to_owned()));
    } else if let Some(version) = version("<") {
        range.events.push(Event::Limit(version.to_owned()));
    }
}

/// `None` for ranges over commits.
fn range(value: &Value) -> Result<Option<VersionRange>, String> {
    let kind = match value["type"].as_str() {
        Some("SEMVER") => RangeKind::Semver,
        Some("ECOSYSTEM") => RangeKind::Ecosystem,
        Some("GIT") => return Ok(None),
        Some(other) => return Err(format!("range of unknown type `{}`", one_line(other))),
        None => return Err("range without type".to_owned()),
    };
    let list = value["events"].as_array().ok_or("range without events")?;
    let mut events = Vec::new();
    for item in list {
        let object = item.as_object().filter(|o| !o.is_empty()).ok_or("event that is not an object")?;
        for (key, version) in object {
            let version = version.as_str().filter(|v| !v.is_empty());
            let version = version.ok_or_else(|| format!("event `{}` without version", one_line(key)))?.to_owned();
            events.push(match key.as_str() {
                "introduced" => Event::Introduced(version),
                "fixed" => Event::Fixed(version),
                "last_affected" => Event::LastAffected(version),
                "limit" => Event::Limit(version),
                other => return Err(format!("unknown event `{}`", one_line(other))),
            });
        }
    }
    if !events.iter().any(|e| matches!(e, Event::Introduced(_))) {
        return Err("range that nothing introduces".to_owned());
    }
    Ok(Some(VersionRange { kind, events }))
}

fn vectors(value: &Value) -> Vec<Cvss> {
    let list = value["severity"].as_array().map(Vec::as_slice).unwrap_or_default();
    let vectors = list.iter().filter(|s| s["type"].as_str().is_some_and(|t| t.starts_with("CVSS")));
    vectors.filter_map(|s| text(s, "score")).map(|vector| Cvss { score: base_score(&vector), vector }).collect()
}

/// A severity that is given as a word among the vectors (Ubuntu).
fn worded(list: &Value) -> Option<Severity> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let words = list.iter().filter(|s| s["type"].as_str().is_some_and(|t| !t.starts_with("CVSS")));
    words.filter_map(|s| word(&s["score"])).max()
}

/// A severity in words; `None` for words that say nothing.
pub(crate) fn word(value: &Value) -> Option<Severity> {
    known(value.as_str()?)
}

fn known(text: &str) -> Option<Severity> {
    text.trim_end_matches('*').parse().ok().filter(|s| *s != Severity::Unknown)
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

/// The texts of a list.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// The first line, at most 300 characters.
pub(crate) fn one_line(text: &str) -> String {
    let line: String = text.trim().lines().next().unwrap_or_default().chars().take(300).collect();
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_all(value: Value) -> (Option<Advisory>, Vec<String>) {
        let mut told = Vec::new();
        let advisory = read(value, false, &mut |what, why| told.push(format!("{what}: {why}")));
        (advisory, told)
    }

    fn one(value: Value) -> Advisory {
        let (advisory, told) = read_all(value);
        assert_eq!(told, Vec::<String>::new());
        advisory.unwrap()
    }

    fn with_range(range: Value) -> Value {
        json!({"id": "X-1", "affected": [{"package": {"ecosystem": "Go", "name": "m"}, "versions": ["1"], "ranges": [range]}]})
    }

    #[test]
    fn a_whole_record() {
        let advisory = one(json!({
            "id": "GHSA-1", "aliases": ["CVE-2024-1", "GHSA-1"], "summary": "bad\nthing", "modified": "2024-01-02T03:04:05Z",
            "database_specific": {"severity": "MODERATE"},
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "affected": [{"package": {"ecosystem": "Maven", "name": "g:a"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}]}, {"type": "GIT"}]}],
        }));
        assert_eq!(advisory.aliases, ["CVE-2024-1"]);
        assert_eq!((advisory.summary.as_str(), advisory.severity), ("bad", Severity::Medium));
        assert_eq!(advisory.cvss[0].score, Some(9.8));
        let events = vec![Event::Introduced("0".into()), Event::Fixed("1.2".into())];
        assert_eq!(advisory.affected[0].ranges, [VersionRange { kind: RangeKind::Ecosystem, events }]);
        assert_eq!(advisory.modified.unwrap().to_string(), "2024-01-02T03:04:05Z");
    }

    #[test]
    fn an_open_range_ends_where_it_is_last_known_to_be_affected() {
        let events = |bound: &str, events: Value| {
            let advisory = one(json!({"id": "A", "affected": [{"package": {"ecosystem": "npm", "name": "n"},
                "ranges": [{"type": "SEMVER", "events": events}],
                "database_specific": {"last_known_affected_version_range": bound}}]}));
            advisory.affected[0].ranges[0].events.clone()
        };
        let (open, from) = (json!([{"introduced": "0.1"}]), Event::Introduced("0.1".into()));
        assert_eq!(events("< 0.2", open.clone()), [from.clone(), Event::Limit("0.2".into())]);
        assert_eq!(events("<= 0.2", open.clone()), [from.clone(), Event::LastAffected("0.2".into())]);
        assert_eq!(events(">= 1, < 2", open), std::slice::from_ref(&from));
        let fixed = Event::Fixed("0.3".into());
        assert_eq!(events("< 0.2", json!([{"introduced": "0.1"}, {"fixed": "0.3"}])), [from, fixed]);
    }

    #[test]
    fn severity_comes_from_word_then_score_then_kind() {
        let vector = |v: &str| json!([{"type": "CVSS_V3", "score": v}]);
        let high = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H";
        assert_eq!(one(json!({"id": "A", "severity": vector(high)})).severity, Severity::High);
        assert_eq!(one(json!({"id": "MAL-1"})).severity, Severity::Critical);
        assert_eq!(one(json!({"id": "A"})).severity, Severity::Unknown);
        let four = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
        let kept = one(json!({"id": "A", "severity": vector(four), "database_specific": {"severity": "LOW"}}));
        assert_eq!((kept.severity, kept.cvss[0].score, kept.cvss[0].vector.as_str()), (Severity::Low, Some(9.3), four));
    }

    #[test]
    fn one_upstream_is_an_alias_and_several_are_what_it_is_about() {
        let none = Vec::<String>::new();
        let check = |mut value: Value, aliases: &[&str], upstream: &[&str]| {
            value["id"] = json!("X-1");
            let advisory = one(value);
            assert_eq!((advisory.aliases, advisory.upstream), (texts(&json!(aliases)), texts(&json!(upstream))));
        };
        check(json!({"upstream": ["CVE-1"]}), &["CVE-1"], &[]);
        check(json!({"upstream": ["CVE-2", "CVE-1", "GHSA-1"]}), &[], &["CVE-1", "CVE-2"]);
        check(json!({"upstream": ["CVE-1", "GHSA-1"], "aliases": ["A"]}), &["A", "CVE-1", "GHSA-1"], &[]);
        check(json!({"upstream": ["GHSA-1", "GHSA-2"]}), &[], &["GHSA-1", "GHSA-2"]);
        check(json!({"related": ["CVE-1"]}), &[], &[]);
        let alma = json!([{"package": {"ecosystem": "AlmaLinux:9", "name": "n"}}]);
        check(json!({"related": ["CVE-1"], "affected": alma}), &["CVE-1"], &[]);
        check(json!({"related": ["CVE-1", "CVE-2"], "affected": alma}), &[], &["CVE-1", "CVE-2"]);
        check(json!({"related": ["CVE-1", "X-1"], "aliases": ["CVE-2"], "affected": alma}), &["CVE-2"], &[]);
        assert_eq!(one(json!({"id": "A"})).upstream, none);
    }

    #[test]
    fn severities_that_only_some_publishers_have() {
        let alma = json!([{"package": {"ecosystem": "AlmaLinux:9", "name": "n"}}]);
        let severity = |value: Value| one(value).severity;
        assert_eq!(severity(json!({"id": "A", "summary": "Important: n update", "affected": alma})), Severity::High);
        assert_eq!(severity(json!({"id": "A", "summary": "Important: n update"})), Severity::Unknown);
        assert_eq!(severity(json!({"id": "A", "severity": [{"type": "Ubuntu", "score": "low"}]})), Severity::Low);
        let crates = |kind: &str| json!([{"package": {"ecosystem": "crates.io", "name": "n"}, "database_specific": {"informational": kind}}]);
        assert_eq!(severity(json!({"id": "A", "affected": crates("unsound")})), Severity::Low);
        assert_eq!(severity(json!({"id": "A", "affected": crates("unmaintained")})), Severity::Negligible);
        assert_eq!(severity(json!({"id": "PYSEC-1", "aliases": ["MAL-2024-1"]})), Severity::Critical);
    }

    #[test]
    fn versions_that_are_no_texts_and_times_that_are_none() {
        let (advisory, told) = read_all(json!({"id": "A", "modified": "0001-01-01T00:00:00Z",
            "affected": [{"package": {"ecosystem": "Go", "name": "m"}, "versions": ["1", 2]}]}));
        let advisory = advisory.unwrap();
        assert_eq!((advisory.modified, &advisory.affected[0].versions[..]), (None, &["1".to_owned()][..]));
        assert_eq!(told, ["read package 1 of A: m: `versions` is not a list of texts"]);
    }

    #[test]
    fn a_range_that_breaks_the_schema_is_a_problem_and_the_rest_is_kept() {
        for (range, why) in [
            (json!({"events": [{"introduced": "0"}]}), "range without type"),
            (json!({"type": "X", "events": []}), "range of unknown type `X`"),
            (json!({"type": "SEMVER"}), "range without events"),
            (json!({"type": "SEMVER", "events": [{"fixed": "1"}]}), "range that nothing introduces"),
            (json!({"type": "SEMVER", "events": [{"introduced": 1}]}), "event `introduced` without version"),
            (json!({"type": "SEMVER", "events": [{"introduced": "0"}, {"fxied": "1"}]}), "unknown event `fxied`"),
            (json!({"type": "SEMVER", "events": ["0"]}), "event that is not an object"),
        ] {
            let (advisory, told) = read_all(with_range(range));
            assert_eq!(told, [format!("read package 1 of X-1: m: {why}")]);
            let affected = &advisory.unwrap().affected[0];
            assert_eq!((affected.ranges.len(), affected.versions.len()), (0, 1));
        }
    }

    #[test]
    fn a_bad_time_of_withdrawal_does_not_withdraw() {
        let (advisory, told) = read_all(json!({"id": "A", "withdrawn": "soon"}));
        assert_eq!(advisory.unwrap().withdrawn, None);
        assert!(told[0].starts_with("read `withdrawn` of A: "), "{told:?}");
    }
}
