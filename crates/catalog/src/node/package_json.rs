//! # npm-installed
//!
//! Reads the `package.json` of npm packages that are there (npm docs, "package.json"): in
//! `node_modules`, at any depth, with and without scope, whoever put them there (npm, yarn, pnpm), and
//! elsewhere, as the program that an image is about.
//!
//! Listed is a file that has a name and a version. What is passed over without a word, since nobody
//! installed it:
//!
//! * a file without name or version: those only tell Node.js how to load a folder;
//! * a file deeper inside a package of `node_modules`, where it configures a part of it or belongs to a
//!   test; except in a folder for copies of other packages, such as `vendor` or `compiled`;
//! * a `node_modules` of its own that a package has in a folder for tests, examples or fixtures;
//! * extensions of editors (`engines.vscode` with a `publisher`) and packages of Unity (`unity`), which
//!   have the same form and are not of npm.
//!
//! The name counts, not the folder: an alias (`npm:`) is installed under another one. A leading `v` or
//! `=` of the version is no part of it. Licences are read in each form that ever was: a text, an object
//! with `type`, an array of either, under `license` or `licenses`.
//!
//! A package is `pkg:npm/lodash@4.17.21`, with scope `pkg:npm/%40babel/core@7.24.0`. Problems:
//! `npm-package` for one that is no JSON, or whose name or version npm would not take.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Package, Purl};
use serde_json::Value;

use crate::cataloger::{Cataloger, Evidence, Found, Want};

/// The cataloger.
pub(crate) static NPM_INSTALLED: Cataloger = Cataloger {
    id: "npm-installed",
    version: 1,
    kind: Kind::Installed,
    wants: &[Want::Path(Pattern::Glob("**/package.json"))],
    read,
};

const WHAT: &str = "read the npm package";
/// The registry of npm adds the readme to what it stores, so some are long.
const LIMIT: u64 = 16 << 20;
/// Folders inside a package where others were copied to.
const COPIES: [&str; 6] = ["vendor", "vendored", "third_party", "third-party", "compiled", "bundled"];
/// Folders inside a package where what looks like packages is none.
const NOT_INSTALLED: [&str; 15] = [
    "test",
    "tests",
    "__test__",
    "__tests__",
    "testdata",
    "test-data",
    "testing",
    "fixture",
    "fixtures",
    "__fixtures__",
    "test-fixtures",
    "example",
    "examples",
    "__mocks__",
    "templates",
];

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    if !is_installed(path) {
        return;
    }
    let Some(bytes) = evidence.whole(LIMIT, WHAT, found) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let file: Value = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(error) => return found.problem("npm-package", path, WHAT, format!("it is no JSON: {error}")),
    };
    let text = |key: &str| file.get(key).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty());
    let (Some(full), Some(version)) = (text("name"), text("version")) else { return };
    let for_editor = file.get("publisher").is_some() && file.pointer("/engines/vscode").is_some();
    if for_editor || file.get("unity").is_some() {
        return;
    }
    let Some((scope, name)) = valid_name(full) else {
        return found.problem("npm-package", path, WHAT, format!("`{}` is no name", brief(full)));
    };
    let Some(version) = valid_version(version) else {
        return found.problem("npm-package", path, WHAT, format!("`{}` is no version", brief(version)));
    };
    let package = found.package(Package::found(Purl::new("npm", scope, name, version), full, version, path));
    package.licenses = licenses(&file);
}

/// Whether a `package.json` at this path may be a package: directly in the last `node_modules/NAME`, and
/// that not in a folder for tests of another package.
fn is_installed(path: &str) -> bool {
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    let Some(first) = folders.iter().position(|f| *f == "node_modules") else { return true };
    // What stands between a package's own name and the next `node_modules`, or the file.
    let mut inside: Vec<&str> = Vec::new();
    let mut store = false;
    let mut rest = folders[first..].iter();
    while let Some(folder) = rest.next() {
        if *folder != "node_modules" {
            inside.push(folder);
            continue;
        }
        if inside.iter().any(|f| NOT_INSTALLED.contains(f)) {
            return false;
        }
        inside.clear();
        let Some(name) = rest.next() else { return false };
        if name.starts_with('@') {
            rest.next();
        }
        store = name.starts_with('.');
    }
    if store {
        // Yarn keeps packages in `node_modules/.store/ID/package`.
        return matches!(inside[..], [_, "package"]);
    }
    let copied = inside.iter().any(|f| COPIES.contains(f)) && !inside.iter().any(|f| NOT_INSTALLED.contains(f));
    inside.is_empty() || copied
}

/// Scope and name, if npm takes them. Capitals were allowed once.
fn valid_name(full: &str) -> Option<(&str, &str)> {
    let good = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '_'])
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~!'()*".contains(&b))
    };
    let (scope, name) = match full.strip_prefix('@') {
        Some(rest) => {
            let (scope, name) = rest.split_once('/')?;
            (&full[..=scope.len()], name)
        }
        None => ("", full),
    };
    let scope_good = scope.is_empty() || good(&scope[1..]);
    (full.len() <= 214 && scope_good && good(name)).then_some((scope, name))
}

/// The version without what people put before it, if it is one.
fn valid_version(version: &str) -> Option<&str> {
    let version = version.trim_start_matches(['v', '=', ' ']);
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_');
    let starts = version.bytes().next().is_some_and(|b| b.is_ascii_digit());
    (starts && version.len() <= 256 && version.bytes().all(good)).then_some(version)
}

fn licenses(file: &Value) -> Vec<String> {
    fn add(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::String(text) => out.push(text.trim().to_owned()),
            Value::Object(object) => {
                let name = object.get("type").or_else(|| object.get("name")).and_then(Value::as_str);
                out.extend(name.map(|name| name.trim().to_owned()));
            }
            Value::Array(list) => list.iter().filter(|v| !v.is_array()).for_each(|value| add(value, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    for key in ["license", "licenses"] {
        if let Some(value) = file.get(key) {
            add(value, &mut out);
        }
    }
    out.retain(|text| !text.is_empty());
    out.sort();
    out.dedup();
    out
}

/// The start of a text that may be of any length.
fn brief(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn installed(path: &str, expect: bool) {
        assert_eq!(is_installed(path), expect, "{path}");
    }

    #[test]
    fn a_folder_for_tests_inside_a_package_holds_none() {
        installed("app/package.json", true);
        installed("app/test/package.json", true);
        installed("app/node_modules/a/package.json", true);
        installed("app/node_modules/test/package.json", true);
        installed("app/node_modules/@test/fixtures/package.json", true);
        installed("app/node_modules/a/dist/cjs/package.json", false);
        installed("app/node_modules/a/dist/compiled/b/package.json", true);
        installed("app/node_modules/a/test/vendor/b/package.json", false);
        installed("app/node_modules/.store/a-npm-1.0.0-0123/package/package.json", true);
        installed("app/node_modules/.cache/a/package.json", false);
        installed("app/node_modules/package.json", false);
        installed("app/node_modules/a/node_modules/examples/package.json", true);
        installed("app/node_modules/.pnpm/a@1.0.0/node_modules/a/package.json", true);
        installed("app/node_modules/a/test/b/package.json", false);
        installed("app/node_modules/a/test/node_modules/b/package.json", false);
        installed("app/node_modules/@s/a/fixtures/package.json", false);
    }

    #[test]
    fn names_and_versions_that_npm_takes() {
        assert_eq!(valid_name("lodash"), Some(("", "lodash")));
        assert_eq!(valid_name("JSONStream"), Some(("", "JSONStream")));
        assert_eq!(valid_name("@babel/core"), Some(("@babel", "core")));
        for bad in ["", "@babel", "@/x", "@a/", "{{name}}", "a b", "../x", ".a", "a/b", "@a/b/c", &"x".repeat(215)] {
            assert_eq!(valid_name(bad), None, "{bad}");
        }
        assert_eq!(valid_version("v1.2.3"), Some("1.2.3"));
        assert_eq!(valid_version("= 1.2.3-rc.1+5"), Some("1.2.3-rc.1+5"));
        for bad in ["", "latest", "${version}", "1.2.3 || 2", "*"] {
            assert_eq!(valid_version(bad), None, "{bad}");
        }
    }
}
