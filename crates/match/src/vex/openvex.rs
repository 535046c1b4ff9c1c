//! OpenVEX 0.0.1 and 0.2.0 (openvex/spec `OPENVEX-SPEC.md`).
//!
//! In 0.0.1 vulnerability and products are plain texts and subcomponents belong to the statement; in
//! 0.2.0 they are objects. Documents mix the two, so both are read under either version. A statement
//! without products speaks of whatever it is attached to, which a file does not say: it matches nothing.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Context, Draft, Statement, Target, Thing, Vex, VexError, VexFormat, VexStatus, reason};

/// What the context of every version starts with.
pub(super) const CONTEXT: &str = "https://openvex.dev/ns";
const FORMAT: &str = "OpenVEX";

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "@id")]
    id: Option<String>,
    author: Option<String>,
    timestamp: Option<String>,
    statements: Vec<StatementIn>,
}

#[derive(Deserialize)]
struct StatementIn {
    vulnerability: Option<Vulnerability>,
    timestamp: Option<String>,
    products: Option<Vec<Component>>,
    subcomponents: Option<Vec<Component>>,
    status: Option<String>,
    justification: Option<String>,
    impact_statement: Option<String>,
    status_notes: Option<String>,
    action_statement: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vulnerability {
    Name(String),
    Object {
        #[serde(rename = "@id")]
        id: Option<String>,
        name: Option<String>,
        aliases: Option<Vec<String>>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Component {
    Name(String),
    Object {
        #[serde(rename = "@id")]
        id: Option<String>,
        identifiers: Option<BTreeMap<String, String>>,
        hashes: Option<BTreeMap<String, String>>,
        subcomponents: Option<Vec<Component>>,
    },
}

pub(super) fn read(bytes: &[u8], context: &str) -> Result<Vex, VexError> {
    match context.strip_prefix(CONTEXT).unwrap_or_default().trim_matches('/') {
        "" | "v0.0.1" | "v0.0.0" | "v0.2.0" => {}
        other => {
            let version = other.to_owned();
            return Err(VexError::Version { format: FORMAT, version, known: "0.0.1 and 0.2.0" });
        }
    }
    let document: Document =
        serde_json::from_slice(bytes).map_err(|e| VexError::Shape { format: FORMAT, why: e.to_string() })?;
    let mut draft = Draft::new(VexFormat::OpenVex);
    draft.timestamp = draft.time(document.timestamp.as_deref(), "the document");
    for (i, statement) in document.statements.into_iter().enumerate() {
        let what = format!("statement {}", i + 1);
        let status = match statement.status.as_deref() {
            Some("not_affected") => VexStatus::NotAffected,
            Some("fixed") => VexStatus::Fixed,
            Some("affected") => VexStatus::Affected,
            Some("under_investigation") => VexStatus::UnderInvestigation,
            other => {
                let why = format!("its status is `{}`, which is none of OpenVEX", other.unwrap_or_default());
                draft.problem("vex-status", format!("use {what}"), why);
                continue;
            }
        };
        let words = [
            statement.impact_statement.as_deref(),
            statement.status_notes.as_deref(),
            if status == VexStatus::NotAffected { statement.action_statement.as_deref() } else { None },
        ];
        let why = reason(statement.justification.as_deref(), &words);
        if status == VexStatus::NotAffected && statement.justification.is_none() && statement.impact_statement.is_none()
        {
            draft.problem("vex-justification", format!("read {what}"), "it says not_affected and does not say why");
        }
        let mut targets = Vec::new();
        for product in statement.products.iter().flatten() {
            targets.extend(of_product(product, statement.subcomponents.as_deref(), &why));
        }
        let own_time = draft.time(statement.timestamp.as_deref(), &what);
        let names = statement.vulnerability.map(names).unwrap_or_default();
        draft.add(&what, Statement { names, status, targets, at: own_time.or(draft.timestamp) })?;
    }
    Ok(draft.finish(document.id.unwrap_or_default(), document.author.unwrap_or_default()))
}

fn of_product(product: &Component, of_statement: Option<&[Component]>, why: &str) -> Vec<Target> {
    let own = match product {
        Component::Object { subcomponents, .. } => subcomponents.as_deref(),
        Component::Name(_) => None,
    };
    let parts: Vec<&Component> = own.into_iter().flatten().chain(of_statement.into_iter().flatten()).collect();
    if parts.is_empty() {
        return vec![Target::product(thing(product), why)];
    }
    let mut paths = Vec::new();
    for part in parts {
        walk(part, &[thing(product)], &mut paths);
    }
    let target = |path: Vec<Thing>| {
        let mut path = path.into_iter();
        let component = path.next();
        Target {
            component,
            contexts: path.map(|thing| Context { thing, beside: false }).collect(),
            why: why.to_owned(),
        }
    };
    paths.into_iter().map(target).collect()
}

/// The paths from the innermost parts of `part` outwards. JSON is read to a limited depth.
fn walk(part: &Component, outer: &[Thing], paths: &mut Vec<Vec<Thing>>) {
    let mut path = vec![thing(part)];
    path.extend_from_slice(outer);
    match part {
        Component::Object { subcomponents: Some(inner), .. } if !inner.is_empty() => {
            for part in inner {
                walk(part, &path, paths);
            }
        }
        _ => paths.push(path),
    }
}

fn thing(component: &Component) -> Thing {
    match component {
        Component::Name(name) => {
            let mut thing = Thing::new(name);
            thing.name(name);
            thing
        }
        Component::Object { id, identifiers, hashes, .. } => {
            let purl = identifiers.as_ref().and_then(|i| i.get("purl"));
            let mut thing = Thing::new(id.as_ref().or(purl).map_or("a product without name", String::as_str));
            if let Some(id) = id {
                thing.name(id);
            }
            for (kind, text) in identifiers.iter().flatten() {
                match kind.as_str() {
                    "purl" if thing.purl(text) => {}
                    "cpe22" | "cpe23" => thing.cpe(text),
                    // Identifiers narrow; one that is not understood must not be left out.
                    _ => thing.limit_not_understood(),
                }
            }
            thing.hashes(hashes.iter().flatten().map(|(a, v)| (a.as_str(), v.as_str())));
            thing
        }
    }
}

fn names(vulnerability: Vulnerability) -> Vec<String> {
    match vulnerability {
        Vulnerability::Name(name) => vec![name],
        Vulnerability::Object { id, name, aliases } => {
            // The id is an address of the record; its last part is the name where there is no other.
            let by_id = id.map(|id| match id.rsplit('/').next() {
                Some(last) if id.contains("://") => last.to_owned(),
                _ => id,
            });
            let name = name.filter(|n| !n.is_empty()).or(by_id);
            name.into_iter().chain(aliases.into_iter().flatten()).filter(|n| !n.is_empty()).collect()
        }
    }
}
