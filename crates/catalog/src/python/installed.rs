//! # python-installed
//!
//! Reads the metadata of Python distributions that are installed ("Core metadata specifications" and
//! "Recording installed projects" of the Python Packaging Authority): `*.dist-info/METADATA`,
//! `*.egg-info/PKG-INFO`, a file `*.egg-info`, `EGG-INFO/PKG-INFO` in an unpacked egg and in a packed
//! one (`*.egg`, a zip archive).
//!
//! Of the header lines `Name` and `Version` are read, the first of each; where one is missing the name
//! of the folder says it, as in `flask-3.0.2.dist-info`. Folders that start with `~` are what pip sets
//! aside while it replaces a distribution, and are passed over as pip does. The licence is
//! `License-Expression`, else `License` if it is no more than a line, else what the classifiers say.
//!
//! A package is `pkg:pypi/NAME@VERSION`, its name there normalised (PEP 503): `Zope.Interface` becomes
//! `zope-interface`. Problems: `python-metadata` for a distribution of which neither its metadata nor
//! its folder say name and version, and the problems of zip archives for eggs.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Package, Purl};

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::zip::Zip;

/// The cataloger.
pub(crate) static PYTHON_INSTALLED: Cataloger = Cataloger {
    id: "python-installed",
    version: 1,
    kind: Kind::Installed,
    wants: &[
        Want::Path(Pattern::Glob("**/*.dist-info/METADATA")),
        Want::Path(Pattern::Glob("**/*.egg-info/PKG-INFO")),
        Want::Path(Pattern::Glob("**/EGG-INFO/PKG-INFO")),
        Want::Path(Pattern::Glob("**/*.egg-info")),
        Want::Path(Pattern::Glob("**/*.egg")),
    ],
    read,
};

const WHAT: &str = "read the metadata of the Python distribution";
/// The description, which comes last, may hold a whole manual.
const LIMIT: u64 = 16 << 20;

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    if std::path::Path::new(path).extension().is_some_and(|e| e == "egg") {
        return egg(evidence, found);
    }
    let Some(bytes) = evidence.whole(LIMIT, WHAT, found) else { return };
    distribution(path, path, &bytes, found);
}

/// A packed egg: a zip archive with its metadata in it.
fn egg(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let zip = match Zip::open(evidence.bytes.clone()) {
        Ok(zip) => zip,
        Err((code, why)) => return found.problem(code, path, WHAT, why),
    };
    let (entries, listed) = zip.entries(&mut found.budget, |name| name == "EGG-INFO/PKG-INFO");
    if let Err((code, why)) = listed {
        found.problem(code, path, WHAT, why);
    }
    let Some(entry) = entries.first() else {
        return distribution(path, path, b"", found);
    };
    let inner = format!("{path}!/{}", entry.name);
    match zip.read(entry, LIMIT, &mut found.budget) {
        Ok(bytes) => distribution(path, &inner, &bytes, found),
        Err((code, why)) => found.problem(code, &inner, WHAT, why),
    }
}

/// Lists the distribution with this metadata; `named` is the path whose folder names it.
fn distribution(named: &str, path: &str, metadata: &[u8], found: &mut Found) {
    let folder = folder(named);
    if folder.starts_with('~') {
        return;
    }
    let text = String::from_utf8_lossy(metadata);
    let headers = headers(&text);
    let first = |key: &str| {
        let value = headers.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.as_str());
        value.filter(|v| !v.is_empty() && *v != "UNKNOWN")
    };
    let by_folder = name_and_version(folder);
    let name = first("Name").or(by_folder.map(|(name, _)| name)).filter(|name| *name != "UNKNOWN");
    let version = first("Version").or(by_folder.map(|(_, version)| version));
    let (Some(name), Some(version)) = (name, version) else {
        let missing = if name.is_none() { "a name" } else { "a version" };
        return found.problem("python-metadata", path, WHAT, format!("neither it nor its folder say {missing}"));
    };
    let purl = Purl::new("pypi", "", &normalised(name), version);
    found.package(Package::found(purl, name, version, path)).licenses = licenses(&headers);
}

/// The last folder of a path that names a distribution, without its ending.
fn folder(path: &str) -> &str {
    const ENDINGS: [&str; 3] = [".dist-info", ".egg-info", ".egg"];
    let named = |part: &&str| ENDINGS.iter().any(|e| part.ends_with(e));
    let part = path.split('/').rfind(named).unwrap_or_default();
    ENDINGS.iter().find_map(|e| part.strip_suffix(e)).unwrap_or(part)
}

/// `flask-3.0.2` and `six-1.16.0-py3.9` each hold a name and a version.
fn name_and_version(folder: &str) -> Option<(&str, &str)> {
    let mut parts = folder.split('-');
    let (name, version) = (parts.next()?, parts.next()?);
    (!name.is_empty() && version.bytes().next().is_some_and(|b| b.is_ascii_digit())).then_some((name, version))
}

/// Header lines up to the first empty one; indented lines continue the one before.
fn headers(text: &str) -> Vec<(String, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((key, value)) = line.split_once(':') {
            headers.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    headers
}

fn licenses(headers: &[(String, String)]) -> Vec<String> {
    let all = |key: &str| {
        let values = headers.iter().filter(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.clone());
        values.filter(|v| !v.is_empty() && v != "UNKNOWN").collect::<Vec<_>>()
    };
    let expression = all("License-Expression");
    if !expression.is_empty() {
        return expression;
    }
    let license: Vec<_> = all("License").into_iter().filter(|v| !v.contains('\n') && v.len() <= 120).collect();
    if !license.is_empty() {
        return license;
    }
    let classifiers = all("Classifier");
    let parts = |classifier: &String| {
        let last = classifier.strip_prefix("License ::")?.rsplit("::").next()?.trim();
        (!last.is_empty() && last != "OSI Approved").then(|| last.to_owned())
    };
    classifiers.iter().filter_map(parts).collect()
}

/// The name as PEP 503 normalises it.
pub(super) fn normalised(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: Option<(&str, &str)>) {
        assert_eq!(name_and_version(folder(path)), expect, "{path}");
    }

    #[test]
    fn folders_name_distributions() {
        check("lib/flask-3.0.2.dist-info/METADATA", Some(("flask", "3.0.2")));
        check("lib/six-1.16.0-py3.9.egg-info", Some(("six", "1.16.0")));
        check("lib/six-1.16.0-py3.9.egg/EGG-INFO/PKG-INFO", Some(("six", "1.16.0")));
        check("src/app.egg-info/PKG-INFO", None);
        check("EGG-INFO/PKG-INFO", None);
    }

    #[test]
    fn names_are_normalised() {
        assert_eq!(normalised("Zope._-Interface"), "zope-interface");
    }
}
