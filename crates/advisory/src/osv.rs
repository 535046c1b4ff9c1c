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
//! What is done with it beyond copying:
//!
//! * `upstream` names what a distribution's record stands for; it counts as alias only where it is one,
//!   since an erratum with many is about many vulnerabilities.
//! * Severity is the word of `database_specific.severity`, else the rating of the highest score that can
//!   be computed (CVSS 2 and 3; vectors of version 4 are kept without score), else `critical` for
//!   records of malicious packages (`MAL-…`), else unknown. `ecosystem_specific.urgency` (Debian) and
//!   `.severity` (Ubuntu) stand beside the package.
//! * `GIT` ranges name commits and are passed over. A range that breaks the schema is a problem, and
//!   the rest of the record is kept.

use crate::{Format, base_score};
use cleanbill_model::{Advisory, Affected, Cvss, Event, FixState, RangeKind, Severity, Timestamp, VersionRange};
use serde_json::Value;

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format = Format { feed: "osv", title: "records of the OSV schema" };

/// Where problems go: what could not be done, and why.
type Problems<'a> = &'a mut dyn FnMut(String, String);

/// Brings a record to an advisory; `None` for what cannot be one.
pub(crate) fn read(value: Value, problems: Problems<'_>) -> Option<Advisory> {
    let Some(id) = text(&value, "id").filter(|id| !id.trim().is_empty()) else {
        problems("read a record".to_owned(), "it has no id".to_owned());
        return None;
    };
    let cvss = vectors(&value);
    let mut severity = word(&value["database_specific"]["severity"]);
    let mut affected = Vec::new();
    let mut cvss_all = cvss;
    let list = match &value["affected"] {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        _ => {
            problems(format!("read what {id} affects"), "`affected` is not a list".to_owned());
            &[]
        }
    };
    for (number, item) in list.iter().enumerate() {
        for vector in vectors(item) {
            if !cvss_all.contains(&vector) {
                cvss_all.push(vector);
            }
        }
        severity = severity.max(word(&item["database_specific"]["severity"]));
        let mut tell = |why: String| problems(format!("read package {} of {id}", number + 1), why);
        affected.extend(package(item, &mut tell));
    }
    let score = cvss_all.iter().filter_map(|c| c.score).fold(None, |a: Option<f64>, b| Some(a.map_or(b, |a| a.max(b))));
    let severity = severity
        .or_else(|| score.map(Severity::from_score))
        .or_else(|| id.starts_with("MAL-").then_some(Severity::Critical))
        .unwrap_or_default();
    let mut time = |key: &str| {
        let text = text(&value, key)?;
        let time: Result<Timestamp, _> = text.parse();
        time.map_err(|e| problems(format!("read `{key}` of {id}"), e.to_string())).ok()
    };
    let (published, modified, withdrawn) = (time("published"), time("modified"), time("withdrawn"));
    let mut aliases = texts(&value["aliases"]);
    let upstream = texts(&value["upstream"]);
    if let [one] = &upstream[..] {
        aliases.push(one.clone());
    }
    aliases.retain(|a| *a != id);
    aliases.sort();
    aliases.dedup();
    let summary = text(&value, "summary").or_else(|| text(&value, "details")).unwrap_or_default();
    Some(Advisory {
        id,
        aliases,
        feed: FORMAT.feed.to_owned(),
        summary: one_line(&summary),
        severity,
        cvss: cvss_all,
        published,
        modified,
        withdrawn,
        affected,
    })
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
    let specific = &item["ecosystem_specific"];
    let severity = word(&specific["urgency"]).or_else(|| word(&specific["severity"]));
    let fix_state = match specific["urgency"].as_str() {
        Some("end-of-life") => FixState::EndOfLife,
        _ => FixState::ByRange,
    };
    Some(Affected { ecosystem, name, ranges, versions: texts(&item["versions"]), fix_state, severity })
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

/// A severity in words; `None` for words that say nothing.
pub(crate) fn word(value: &Value) -> Option<Severity> {
    let text = value.as_str()?.trim_end_matches('*');
    text.parse().ok().filter(|s| *s != Severity::Unknown)
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// The first line, at most 300 characters.
pub(crate) fn one_line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_all(value: Value) -> (Option<Advisory>, Vec<String>) {
        let mut told = Vec::new();
        let advisory = read(value, &mut |what, why| told.push(format!("{what}: {why}")));
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
    fn severity_comes_from_word_then_score_then_kind() {
        let vector = |v: &str| json!([{"type": "CVSS_V3", "score": v}]);
        let high = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H";
        assert_eq!(one(json!({"id": "A", "severity": vector(high)})).severity, Severity::High);
        assert_eq!(one(json!({"id": "MAL-1"})).severity, Severity::Critical);
        assert_eq!(one(json!({"id": "A"})).severity, Severity::Unknown);
        let four = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
        let kept = one(json!({"id": "A", "severity": vector(four), "database_specific": {"severity": "LOW"}}));
        assert_eq!((kept.severity, kept.cvss[0].score, kept.cvss[0].vector.as_str()), (Severity::Low, None, four));
    }

    #[test]
    fn one_upstream_is_an_alias_and_several_are_not() {
        assert_eq!(one(json!({"id": "DEBIAN-CVE-1", "upstream": ["CVE-1"]})).aliases, ["CVE-1"]);
        assert_eq!(one(json!({"id": "DSA-1", "upstream": ["CVE-1", "CVE-2"]})).aliases, Vec::<String>::new());
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
