//! # alpine-secdb
//!
//! The security database of Alpine (alpine/infra `secdb`), one file for a repository of a release, JSON or
//! YAML; Wolfi, Chainguard and MinimOS publish the same form.
//!
//! ```json
//! {"distroversion": "v3.20", "reponame": "main", "urlprefix": "https://…", "packages": [
//!   {"pkg": {"name": "openssl", "secfixes": {"3.0.7-r0": ["CVE-2022-3602"], "0": ["CVE-2022-2068"]}}}]}
//! ```
//!
//! * The name is the origin: the source package, from which the installed ones were made.
//! * A key is the version with the fix: affected below it; `0` is not affected.
//! * An item may have more than an id: `CVE-2017-2616 (+ regression fix)`, `CVE_2019-2426`,
//!   `CVE-2018-1000156 GHSA-…`. What looks like an id is one; several CVEs are several vulnerabilities,
//!   other ids beside one CVE are its aliases.
//! * The ecosystem is the release, `Alpine:v3.20` or `Alpine:edge`; rolling distributions have none.
//!
//! A secdb lists what is fixed and not what is open.

use crate::Format;
use crate::osv::one_line;
use crate::sink::Sink;
use crate::wolfi::{self, below};
use cleanbill_model::{Affected, FixState};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format =
    Format { feed: "alpine-secdb", title: "security database of Alpine, JSON or YAML", distribution: true };

/// The same of MinimOS.
pub const MINIMOS: Format = Format { feed: "minimos", title: "security database of MinimOS", distribution: true };

type Fixes = BTreeMap<String, Vec<String>>;

/// The packages of a file, and what could not be read of them.
#[derive(Default)]
pub(crate) struct Packages {
    list: Vec<(String, Fixes)>,
    problems: Vec<(String, &'static str)>,
}

impl Packages {
    pub(crate) fn add(&mut self, value: &Value) {
        let package = &value["pkg"];
        let Some(name) = package["name"].as_str().filter(|n| !n.is_empty()) else {
            return self.problems.push(("read a package".to_owned(), "it has no name"));
        };
        let what = || format!("read package {}", one_line(name));
        let mut fixes = Fixes::new();
        match &package["secfixes"] {
            Value::Object(object) => {
                for (version, ids) in object {
                    if !ids.is_array() && !ids.is_null() {
                        self.problems.push((what(), "what a version fixes is not a list"));
                    }
                    fixes.insert(version.clone(), crate::osv::texts(ids));
                }
            }
            Value::Null => {}
            _ => self.problems.push((what(), "`secfixes` is not an object")),
        }
        self.list.push((name.to_owned(), fixes));
    }
}

pub(crate) fn is_secdb(rest: &Value) -> bool {
    ["apkurl", "reponame", "urlprefix"].iter().any(|key| rest.get(key).is_some_and(Value::is_string))
}

pub(crate) fn read(rest: &Value, packages: Packages, sink: &mut Sink) {
    let text = |key: &str| rest[key].as_str().unwrap_or_default();
    gather([text("distroversion"), text("reponame"), text("urlprefix")], packages, sink);
}

/// A file in YAML.
#[derive(Deserialize)]
pub(crate) struct Document {
    distroversion: Option<String>,
    reponame: Option<String>,
    urlprefix: Option<String>,
    packages: Option<Vec<Member>>,
}

#[derive(Deserialize)]
struct Member {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    secfixes: Option<BTreeMap<String, Option<Vec<String>>>>,
}

impl Document {
    pub(crate) fn read(self, sink: &mut Sink) {
        let fixes =
            |p: Package| p.secfixes.unwrap_or_default().into_iter().map(|(v, ids)| (v, ids.unwrap_or_default()));
        let list = self.packages.unwrap_or_default().into_iter();
        let list = list.map(|m| (m.pkg.name.clone(), fixes(m.pkg).collect())).collect();
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        let (release, name, url) = (of(&self.distroversion), of(&self.reponame), of(&self.urlprefix));
        gather([&release, &name, &url], Packages { list, problems: Vec::new() }, sink);
    }
}

fn gather([release, repository, url]: [&str; 3], packages: Packages, sink: &mut Sink) {
    for (what, why) in packages.problems {
        sink.record_problem(what, why);
    }
    let names = format!("{repository} {url}").to_ascii_lowercase();
    let (format, ecosystem) = if names.contains("wolfi") {
        (&wolfi::FORMAT, "Wolfi".to_owned())
    } else if names.contains("chainguard") || names.contains("cgr.") {
        (&wolfi::CHAINGUARD, "Chainguard".to_owned())
    } else if names.contains("minimos") || names.contains("mini.dev") {
        (&MINIMOS, "MinimOS".to_owned())
    } else if release.is_empty() {
        return sink.record_problem("read the file", "it does not say which release it is for (`distroversion`)");
    } else {
        (&FORMAT, format!("Alpine:{}", one_line(release)))
    };
    for (name, fixes) in packages.list {
        for (version, items) in fixes {
            if version.trim().is_empty() {
                sink.record_problem(format!("read what {name} fixes"), "a version is empty");
                continue;
            }
            for item in items {
                let mut found = ids(&item);
                if found.is_empty() {
                    let what = format!("read what {name} fixes in {version}");
                    sink.record_problem(what, format!("there is no id in `{}`", one_line(&item)));
                }
                // Several CVEs are several vulnerabilities; other names beside one are its aliases.
                let cves = found.iter().filter(|id| id.starts_with("CVE-")).count();
                let aliases = if cves <= 1 && found.len() > 1 { found.split_off(1) } else { Vec::new() };
                for id in found {
                    let advisory = sink.gather(format, &id);
                    advisory.aliases.extend(aliases.iter().cloned());
                    let (ranges, fix_state) = match version.trim() {
                        "0" => (Vec::new(), FixState::NotAffected),
                        version => (below(Some(version)), FixState::ByRange),
                    };
                    advisory.affected.push(Affected {
                        ecosystem: ecosystem.clone(),
                        name: name.clone(),
                        ranges,
                        versions: Vec::new(),
                        fix_state,
                        severity: None,
                    });
                }
            }
        }
    }
}

/// The ids in an item, a CVE first.
fn ids(item: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in item.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | ';')) {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let id = match word.get(..4) {
            Some("CVE_" | "cve-" | "cve_" | "CVE-") => format!("CVE-{}", word[4..].replace('_', "-")),
            _ => word.to_owned(),
        };
        let is_id = id.split_once('-').is_some_and(|(head, rest)| {
            head.len() >= 2
                && head.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                && head.bytes().any(|b| b.is_ascii_uppercase())
                && rest.bytes().any(|b| b.is_ascii_digit())
        });
        if is_id && !found.contains(&id) {
            found.push(id);
        }
    }
    found.sort_by_key(|id| !id.starts_with("CVE-"));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(item: &str, expect: &[&str]) {
        assert_eq!(ids(item), expect, "{item}");
    }

    #[test]
    fn ids_as_they_are_written() {
        check("CVE-2022-3602", &["CVE-2022-3602"]);
        check("CVE-2017-2616 (+ regression fix)", &["CVE-2017-2616"]);
        check("CVE_2019-2426", &["CVE-2019-2426"]);
        check("CVE_2019_2426", &["CVE-2019-2426"]);
        check("cve-2020-0001", &["CVE-2020-0001"]);
        check("XSA-123", &["XSA-123"]);
        check("GHSA-rq3x-83w4-p28c CVE-2024-0001", &["CVE-2024-0001", "GHSA-rq3x-83w4-p28c"]);
        check("CVE-2024-0001, CVE-2024-0002", &["CVE-2024-0001", "CVE-2024-0002"]);
        check("regression fix", &[]);
        check("", &[]);
        check("CV\u{e9}\u{e9}", &[]);
    }
}
