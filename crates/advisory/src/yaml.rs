//! YAML documents: which format they are is told by their outermost keys; then they are read into the
//! types of that format, so that a version like `1.10` stays a text.

use crate::osv::one_line;
use crate::sink::Sink;
use crate::{friendsofphp, ruby, secdb, wolfi};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The formats in YAML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Osv,
    OsvList,
    Ruby,
    Php,
    Wolfi,
    Secdb,
}

/// What a text is by its outermost keys.
pub(crate) fn shape(text: &str) -> Option<Shape> {
    let mut keys = BTreeSet::new();
    let mut in_list = false;
    for line in text.lines() {
        // A list of records: the keys of its first member stand behind the dash.
        let line = match line.strip_prefix("- ") {
            Some(_) if in_list => break,
            Some(rest) if keys.is_empty() => {
                in_list = true;
                rest
            }
            _ if in_list => line.strip_prefix("  ").unwrap_or_default(),
            _ => line,
        };
        let word = line.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
        if word > 0 && line.as_bytes().get(word) == Some(&b':') {
            keys.insert(&line[..word]);
        }
    }
    let has = |key: &str| keys.contains(key);
    if has("id") && (has("affected") || has("modified") || has("schema_version")) {
        return Some(if in_list { Shape::OsvList } else { Shape::Osv });
    }
    match () {
        () if in_list => None,
        () if has("package") && has("advisories") => Some(Shape::Wolfi),
        () if (has("gem") || has("engine")) && (has("title") || has("url")) => Some(Shape::Ruby),
        () if has("branches") && has("reference") => Some(Shape::Php),
        () if has("packages") && (has("reponame") || has("apkurl")) => Some(Shape::Secdb),
        () => None,
    }
}

/// Reads a document of that shape.
pub(crate) fn read(shape: Shape, text: &str, sink: &mut Sink) {
    match shape {
        Shape::Osv => with(text, sink, |record: Record, sink| osv(&record, sink)),
        Shape::OsvList => with(text, sink, |records: Vec<Record>, sink| {
            for record in &records {
                osv(record, sink);
            }
        }),
        Shape::Ruby => with(text, sink, ruby::read),
        Shape::Php => with(text, sink, friendsofphp::read),
        Shape::Wolfi => with(text, sink, wolfi::read),
        Shape::Secdb => with(text, sink, |document: secdb::Document, sink| document.read(sink)),
    }
}

fn with<T: DeserializeOwned>(text: &str, sink: &mut Sink, read: impl FnOnce(T, &mut Sink)) {
    // Hashes without quotes may look like numbers beyond all bounds: `5e01539330380570`.
    let numbers = serde_saphyr::NonFiniteFloatPolicy::AsString;
    let options = serde_saphyr::options! { with_snippet: false, non_finite_float_policy: numbers };
    match serde_saphyr::from_str_with_options(text, options) {
        Ok(value) => read(value, sink),
        Err(e) => sink.record_problem("read the file", format!("its YAML is malformed: {}", one_line(&e.to_string()))),
    }
}

fn osv(record: &Record, sink: &mut Sink) {
    match serde_json::to_value(record) {
        Ok(value) => sink.osv(value),
        Err(e) => sink.record_problem("read a record", e.to_string()),
    }
}

type Texts = Option<Vec<String>>;

/// An OSV record; what only people read is left out.
#[derive(Deserialize, Serialize)]
struct Record {
    id: Option<String>,
    modified: Option<String>,
    published: Option<String>,
    withdrawn: Option<String>,
    aliases: Texts,
    upstream: Texts,
    related: Texts,
    summary: Option<String>,
    details: Option<String>,
    severity: Option<Vec<Score>>,
    affected: Option<Vec<Package>>,
    database_specific: Option<Value>,
}

#[derive(Deserialize, Serialize)]
struct Score {
    r#type: Option<String>,
    score: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Package {
    package: Option<Name>,
    ranges: Option<Vec<Range>>,
    versions: Texts,
    severity: Option<Vec<Score>>,
    ecosystem_specific: Option<Value>,
    database_specific: Option<Value>,
}

#[derive(Deserialize, Serialize)]
struct Name {
    ecosystem: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Range {
    r#type: Option<String>,
    events: Option<Vec<BTreeMap<String, String>>>,
}
