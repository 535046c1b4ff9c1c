//! CycloneDX 1.4 and later (`bom-1.6.schema.json`): `vulnerabilities[]` with `analysis.state`.
//!
//! What a vulnerability affects is named by references to components. One in the same document is that
//! component, in the product that the document describes (`metadata.component`) if it names one. One in
//! another bill of materials (BOM-Link, `urn:cdx:SERIAL/VERSION#REF`) speaks of that very product, which
//! packages alone do not show: it matches nothing, and is a problem.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Context, Draft, Statement, Target, Thing, Vex, VexError, VexFormat, VexStatus, reason};

const FORMAT: &str = "CycloneDX";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    bom_format: String,
    spec_version: String,
    serial_number: Option<String>,
    metadata: Option<Metadata>,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Metadata {
    timestamp: Option<String>,
    component: Option<Component>,
    #[serde(default)]
    authors: Vec<Name>,
    supplier: Option<Name>,
    manufacturer: Option<Name>,
    manufacture: Option<Name>,
}

#[derive(Deserialize)]
struct Name {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref")]
    bom_ref: Option<String>,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    name: String,
    version: Option<String>,
    purl: Option<String>,
    cpe: Option<String>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
    analysis: Option<Analysis>,
    #[serde(default)]
    affects: Vec<Affects>,
}

#[derive(Deserialize)]
struct Reference {
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    state: Option<String>,
    justification: Option<String>,
    detail: Option<String>,
    first_issued: Option<String>,
    last_updated: Option<String>,
}

#[derive(Deserialize)]
struct Affects {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: Option<String>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vex, VexError> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|e| VexError::Shape { format: FORMAT, why: e.to_string() })?;
    if document.bom_format != "CycloneDX" {
        return Err(VexError::UnknownFormat);
    }
    if !matches!(document.spec_version.as_str(), "1.4" | "1.5" | "1.6" | "1.7") {
        return Err(VexError::Version { format: FORMAT, version: document.spec_version, known: "1.4 to 1.7" });
    }
    let mut draft = Draft::new(VexFormat::CycloneDx);
    let time = document.metadata.as_ref().and_then(|m| m.timestamp.as_deref());
    draft.timestamp = draft.time(time, "the document");
    let product = document.metadata.as_ref().and_then(|m| m.component.as_ref());
    let mut parts = Parts { by_ref: HashMap::new(), product, serial: document.serial_number.as_deref() };
    // The parts of the product itself are parts of it too.
    for component in product.iter().flat_map(|p| &p.components).chain(&document.components) {
        parts.collect(component);
    }
    for (i, vulnerability) in document.vulnerabilities.iter().enumerate() {
        let what = match &vulnerability.id {
            Some(id) => format!("vulnerability {} ({id})", i + 1),
            None => format!("vulnerability {}", i + 1),
        };
        // A bill of materials lists vulnerabilities without judging them: that is no statement.
        let Some((analysis, state)) = vulnerability.analysis.as_ref().and_then(|a| Some((a, a.state.as_deref()?)))
        else {
            continue;
        };
        let status = match state {
            "resolved" | "resolved_with_pedigree" => VexStatus::Fixed,
            "not_affected" | "false_positive" => VexStatus::NotAffected,
            "exploitable" => VexStatus::Affected,
            "in_triage" => VexStatus::UnderInvestigation,
            other => {
                draft.problem(
                    "vex-status",
                    format!("use {what}"),
                    format!("its state is `{other}`, which is none of CycloneDX"),
                );
                continue;
            }
        };
        let said = (state == "false_positive" || status == VexStatus::Fixed).then_some(state);
        let why = reason(said, &[analysis.justification.as_deref(), analysis.detail.as_deref()]);
        let mut targets = Vec::new();
        for affects in &vulnerability.affects {
            match parts.target(affects, &why) {
                Ok(target) => targets.push(target),
                Err(because) => draft.problem("vex-product", format!("use {what}"), because),
            }
        }
        if targets.is_empty() && !vulnerability.affects.is_empty() {
            continue;
        }
        let own_time = draft.time(analysis.last_updated.as_deref().or(analysis.first_issued.as_deref()), &what);
        let names = vulnerability.id.iter().chain(vulnerability.references.iter().filter_map(|r| r.id.as_ref()));
        let names = names.filter(|n| !n.is_empty()).cloned().collect();
        draft.add(&what, Statement { names, status, targets, at: own_time.or(draft.timestamp) })?;
    }
    let author = document.metadata.map(author).unwrap_or_default();
    Ok(draft.finish(document.serial_number.unwrap_or_default(), author))
}

fn author(metadata: Metadata) -> String {
    let firms = [metadata.supplier, metadata.manufacturer, metadata.manufacture].into_iter().flatten();
    metadata.authors.into_iter().chain(firms).find_map(|n| n.name.filter(|n| !n.is_empty())).unwrap_or_default()
}

/// The components of a document.
struct Parts<'a> {
    by_ref: HashMap<&'a str, &'a Component>,
    product: Option<&'a Component>,
    serial: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Components nest as deep as JSON is read.
    fn collect(&mut self, component: &'a Component) {
        if let Some(own) = &component.bom_ref {
            self.by_ref.insert(own, component);
        }
        for inner in &component.components {
            self.collect(inner);
        }
    }

    fn target(&self, affects: &Affects, why: &str) -> Result<Target, String> {
        let reference = match affects.reference.strip_prefix("urn:cdx:") {
            Some(link) => {
                let (bom, own) = link.split_once('#').unwrap_or((link, ""));
                let serial = bom.split('/').next().unwrap_or_default();
                if self.serial.and_then(|s| s.strip_prefix("urn:uuid:")) != Some(serial) {
                    return Err(format!("`{}` speaks of a part of another bill of materials", affects.reference));
                }
                own
            }
            None => affects.reference.as_str(),
        };
        let versions = |thing: &mut Thing| {
            if affects.versions.is_empty() {
                return;
            }
            // A list limits a component that names no version; ranges among it are not read.
            let listed: Vec<String> = affects.versions.iter().filter_map(|v| v.version.clone()).collect();
            if listed.is_empty() {
                thing.limit_not_understood();
            } else {
                thing.only(listed);
            }
        };
        if let Some(product) = self.product.filter(|p| p.bom_ref.as_deref() == Some(reference)) {
            let mut thing = thing(product);
            versions(&mut thing);
            return Ok(Target::product(thing, why));
        }
        let component = self.by_ref.get(reference);
        let mut inner = match component {
            Some(component) => thing(component),
            // A document of nothing but vulnerabilities may name packages as they are.
            None if reference.starts_with("pkg:") => {
                let mut thing = Thing::new(reference);
                thing.name(reference);
                thing
            }
            None => return Err(format!("`{reference}` is no component of the document")),
        };
        versions(&mut inner);
        Ok(match self.product {
            Some(product) if !inner.is_image() => {
                let contexts = vec![Context { thing: thing(product), beside: false }];
                Target { contexts, component: Some(inner), why: why.to_owned() }
            }
            _ => Target::product(inner, why),
        })
    }
}

fn thing(component: &Component) -> Thing {
    let mut thing = Thing::new(component.purl.as_ref().unwrap_or(&component.name));
    if let Some(purl) = &component.purl {
        if !thing.purl(purl) {
            thing.limit_not_understood();
        }
    } else if component.kind == "container" {
        // Images often go by their name alone, with the digest or the tag as version.
        let version = component.version.as_deref().unwrap_or_default();
        let tagged = component.name.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
        let name = match version {
            version if version.contains(':') => None,
            "" => Some(component.name.clone()),
            _ if tagged => Some(component.name.clone()),
            tag => Some(format!("{}:{tag}", component.name)),
        };
        match name.map(|name| cleanbill_model::Reference::parse(&name)) {
            None => thing.name(version),
            Some(Ok(reference)) => thing.image(reference),
            Some(Err(_)) => {}
        }
    }
    if let Some(cpe) = &component.cpe {
        thing.cpe(cpe);
    }
    if let Some(version) = component.version.as_ref().filter(|v| !v.is_empty()) {
        thing.only(vec![version.clone()]);
    }
    thing
}
