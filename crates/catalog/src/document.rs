//! Lock files and manifests: how their formats are read, and how what they declare is noted.
//!
//! Each is read whole, up to [`LIMIT`]; JSON, TOML and YAML readers bound how deep values may be nested.

use cleanbill_model::Purl;
use serde_json::Value;

use crate::cataloger::{Evidence, Found};

/// Bytes of a lock file or manifest: several times the largest that are known, and little enough that
/// the values read from it fit into memory.
pub(crate) const LIMIT: u64 = 16 << 20;
/// A file that cannot be read as what it is.
const MALFORMED: &str = "declared-malformed";
/// An entry of it that cannot be read.
const ENTRY: &str = "declared-entry";
/// Entries without an exact version.
const VERSION: &str = "declared-version";
/// More packages than are read of one file.
const TOO_MANY: &str = "declared-too-many";
/// Problems of single entries; more of the same file are only counted.
const ENTRY_PROBLEMS: usize = 16;
/// Names that a problem lists; more are only counted.
const NAMES: usize = 8;
/// Packages of one file, several times those of the largest that are known.
const PACKAGES: usize = 50_000;
/// No real name or version is longer.
const FIELD_LIMIT: usize = 512;

/// The file as text: UTF-8, or UTF-16 if it says so.
pub(crate) fn text(evidence: &Evidence, what: &str, found: &mut Found) -> Option<String> {
    let bytes = evidence.whole(LIMIT, what, found)?;
    let utf16 = |order: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| order([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|error| error.to_string())
    };
    let text = match bytes.get(..2) {
        Some(b"\xff\xfe") => utf16(u16::from_le_bytes),
        Some(b"\xfe\xff") => utf16(u16::from_be_bytes),
        _ => match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => std::str::from_utf8(rest).map(str::to_owned).map_err(|error| error.to_string()),
            None => String::from_utf8(bytes).map_err(|error| error.to_string()),
        },
    };
    match text {
        Ok(text) => Some(text),
        Err(why) => {
            found.problem(MALFORMED, &evidence.path, what, why);
            None
        }
    }
}

/// The file as text of any encoding that XML files have: UTF-8, UTF-16 or Latin-1.
pub(crate) fn xml_text(evidence: &Evidence, what: &str, found: &mut Found) -> Option<String> {
    let bytes = evidence.whole(LIMIT, what, found)?;
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || std::str::from_utf8(&bytes).is_ok() {
        return text(evidence, what, found);
    }
    Some(bytes.iter().map(|b| char::from(*b)).collect())
}

/// The XML document of `text`. Document types are refused: entities could unpack to anything.
pub(crate) fn xml<'t>(
    text: &'t str,
    evidence: &Evidence,
    what: &str,
    found: &mut Found,
) -> Option<roxmltree::Document<'t>> {
    let options = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: 1 << 20, ..Default::default() };
    match roxmltree::Document::parse_with_options(text, options) {
        Ok(document) => Some(document),
        Err(error) => {
            found.problem(MALFORMED, &evidence.path, what, format!("it is no XML: {error}"));
            None
        }
    }
}

/// The file as a JSON object.
pub(crate) fn json(evidence: &Evidence, what: &str, found: &mut Found) -> Option<Value> {
    let text = text(evidence, what, found)?;
    object(&text, evidence, what, found)
}

/// The file as a JSON object in which comments and commas before closing brackets may stand.
pub(crate) fn json_with_comments(evidence: &Evidence, what: &str, found: &mut Found) -> Option<Value> {
    let text = text(evidence, what, found)?;
    object(&plain_json(&text), evidence, what, found)
}

fn object(text: &str, evidence: &Evidence, what: &str, found: &mut Found) -> Option<Value> {
    let why = match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() => return Some(value),
        Ok(_) => "it is no JSON object".to_owned(),
        Err(error) => format!("it is no JSON: {error}"),
    };
    found.problem(MALFORMED, &evidence.path, what, why);
    None
}

/// JSON without its comments and its commas before closing brackets.
fn plain_json(text: &str) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                out.push(byte);
                while let Some(inner) = bytes.next() {
                    out.push(inner);
                    match inner {
                        b'"' => break,
                        b'\\' => out.extend(bytes.next()),
                        _ => {}
                    }
                }
            }
            b'/' if bytes.peek() == Some(&b'/') => {
                while bytes.peek().is_some_and(|b| *b != b'\n') {
                    bytes.next();
                }
            }
            b'/' if bytes.peek() == Some(&b'*') => {
                bytes.next();
                let mut last = 0;
                for inner in bytes.by_ref() {
                    if last == b'*' && inner == b'/' {
                        break;
                    }
                    last = inner;
                }
            }
            b']' | b'}' => {
                let end = out.iter().rposition(|b| !b.is_ascii_whitespace());
                if let Some(at) = end.filter(|at| out[*at] == b',') {
                    out.truncate(at);
                }
                out.push(byte);
            }
            _ => out.push(byte),
        }
    }
    // Only whole characters of strings and comments were taken or left.
    String::from_utf8(out).unwrap_or_default()
}

/// The file as a TOML document.
pub(crate) fn toml(evidence: &Evidence, what: &str, found: &mut Found) -> Option<toml::Table> {
    let text = text(evidence, what, found)?;
    match toml::from_str(&text) {
        Ok(table) => Some(table),
        Err(error) => {
            let why = error.message().lines().next().unwrap_or_default();
            found.problem(MALFORMED, &evidence.path, what, format!("it is no TOML: {why}"));
            None
        }
    }
}

/// The documents of a YAML file that are mappings.
pub(crate) fn yaml(evidence: &Evidence, what: &str, found: &mut Found) -> Option<Vec<Value>> {
    let text = text(evidence, what, found)?;
    let mut budget = serde_saphyr::Budget::default();
    budget.max_nodes = 4_000_000;
    budget.max_events = 8_000_000;
    let options = serde_saphyr::options! { with_snippet: false, budget: Some(budget) };
    let why = match serde_saphyr::from_multiple_with_options::<Value>(&text, options) {
        Ok(documents) if !documents.is_empty() && documents.iter().all(Value::is_object) => return Some(documents),
        Ok(_) => "it is no YAML mapping".to_owned(),
        Err(error) => {
            let error = error.to_string();
            format!("it is no YAML: {}", error.lines().next().unwrap_or_default())
        }
    };
    found.problem(MALFORMED, &evidence.path, what, why);
    None
}

/// A sibling as TOML; one that cannot be read tells nothing, and is read by nobody else.
pub(crate) fn sibling_toml(evidence: &Evidence, name: &str) -> Option<toml::Table> {
    let bytes = evidence.sibling(name)?.to_vec(LIMIT).ok()??;
    toml::from_str(std::str::from_utf8(&bytes).ok()?).ok()
}

/// A sibling as JSON.
pub(crate) fn sibling_json(evidence: &Evidence, name: &str) -> Option<Value> {
    serde_json::from_slice(&evidence.sibling(name)?.to_vec(LIMIT).ok()??).ok()
}

/// The text at a key.
pub(crate) fn str_at<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether `true` stands at a key.
pub(crate) fn is_set(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool) == Some(true)
}

/// The members of the object at a key.
pub(crate) fn members<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = (&'v str, &'v Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

/// The tables at a key of a TOML table.
pub(crate) fn tables<'t>(table: &'t toml::Table, key: &str) -> impl Iterator<Item = &'t toml::Table> {
    table.get(key).and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_table)
}

/// The text at a key of a TOML table.
pub(crate) fn toml_str<'t>(table: &'t toml::Table, key: &str) -> &'t str {
    table.get(key).and_then(toml::Value::as_str).unwrap_or_default()
}

/// Notes what a file declares.
pub(crate) struct Declared<'a> {
    path: &'a str,
    what: &'a str,
    found: &'a mut Found,
    unversioned: Vec<String>,
    unversioned_more: usize,
    broken: usize,
    packages: usize,
}

impl<'a> Declared<'a> {
    /// Notes what the file of `evidence` declares; `what` says what is being done with it.
    pub(crate) fn new(evidence: &'a Evidence, what: &'a str, found: &'a mut Found) -> Self {
        Self { path: &evidence.path, what, found, unversioned: Vec::new(), unversioned_more: 0, broken: 0, packages: 0 }
    }

    /// A package by type, namespace and name of its package URL and its name and version as the
    /// ecosystem writes them.
    pub(crate) fn add(&mut self, purl: Purl, name: &str, version: &str) {
        let bad = |text: &str| text.len() > FIELD_LIMIT || text.contains(|c: char| c.is_whitespace() || c.is_control());
        if purl.name.is_empty() || bad(name) {
            return self.broken(format!("`{}` is no name of a package", short(name)));
        }
        if version.is_empty() {
            return self.without_version(name);
        }
        if bad(version) {
            return self.broken(format!("`{}` is no version of {name}", short(version)));
        }
        self.packages += 1;
        if self.packages > PACKAGES {
            return;
        }
        self.found.package(cleanbill_model::Package::found(purl, name, version, self.path));
    }

    /// An entry whose exact version the file does not say.
    pub(crate) fn without_version(&mut self, name: &str) {
        if self.unversioned.iter().any(|known| known == name) {
            return;
        }
        if self.unversioned.len() < NAMES {
            self.unversioned.push(short(name));
        } else {
            self.unversioned_more += 1;
        }
    }

    /// An entry that cannot be read.
    pub(crate) fn broken(&mut self, why: impl Into<String>) {
        self.broken += 1;
        if self.broken <= ENTRY_PROBLEMS {
            self.found.problem(ENTRY, self.path, self.what, why);
        }
    }

    /// The file as a whole is not what its name says.
    pub(crate) fn malformed(&mut self, why: impl Into<String>) {
        self.found.problem(MALFORMED, self.path, self.what, why);
    }

    /// Says what was only counted.
    pub(crate) fn finish(self) {
        if self.packages > PACKAGES {
            let why = format!("it has {} packages, of which the first {PACKAGES} are listed", self.packages);
            self.found.problem(TOO_MANY, self.path, self.what, why);
        }
        if self.broken > ENTRY_PROBLEMS {
            let why = format!("{} more entries cannot be read", self.broken - ENTRY_PROBLEMS);
            self.found.problem(ENTRY, self.path, self.what, why);
        }
        if !self.unversioned.is_empty() {
            let mut why = format!("no exact version is said of {}", self.unversioned.join(", "));
            if self.unversioned_more > 0 {
                why.push_str(&format!(" and {} more", self.unversioned_more));
            }
            self.found.problem(VERSION, self.path, self.what, why);
        }
    }
}

/// A text as messages show it.
pub(crate) fn short(text: &str) -> String {
    let mut out: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(plain_json(text), expect);
    }

    #[test]
    fn comments_and_last_commas_are_left_out() {
        check(r#"{"a": [1, 2,], }"#, r#"{"a": [1, 2]}"#);
        check("{ // x, ]\n\"a\": 1, /* , } */ }", "{ \n\"a\": 1}");
        check(r#"{"a": "// no, ] \" /* comment"}"#, r#"{"a": "// no, ] \" /* comment"}"#);
        check("{\"é\": \"ü\",}", "{\"é\": \"ü\"}");
        check("/*", "");
    }
}
