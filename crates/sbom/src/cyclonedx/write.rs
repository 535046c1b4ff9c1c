//! From the model to the document.

use std::collections::BTreeMap;

use cleanbill_model::{Digest, Distro, DistroState, Package, Sbom, Subject, Timestamp};
use serde_json::Value;

use super::Version;
use super::document::{Component, Document, License, LicenseChoice, Metadata, Properties, Property, Tool, Tools};
use crate::{TOOL, cataloger_name, content_uuid, licence};

/// What makes the vulnerabilities out of the packages' references.
pub(super) type Vulnerabilities<'a> = &'a dyn Fn(&[String]) -> Vec<Value>;

pub(super) fn write(
    sbom: &Sbom,
    timestamp: Option<Timestamp>,
    version: Version,
    vulnerabilities: Option<Vulnerabilities<'_>>,
) -> Vec<u8> {
    let mut components = Vec::with_capacity(sbom.packages.len() + 1);
    components.extend(distro(&sbom.distro));
    let mut refs = Refs::of(&sbom.packages);
    let refs: Vec<String> = sbom.packages.iter().map(|p| refs.next(p)).collect();
    components.extend(sbom.packages.iter().zip(&refs).map(|(p, r)| package(p, r.clone())));
    let tools = if version >= Version::V1_5 {
        let tool = Component {
            kind: "application",
            name: TOOL.0.to_owned(),
            version: Some(TOOL.1.to_owned()),
            ..Component::default()
        };
        Tools::Components { components: vec![tool] }
    } else {
        Tools::List([Tool { name: TOOL.0, version: TOOL.1 }])
    };
    let mut document = Document {
        schema: format!("http://cyclonedx.org/schema/bom-{}.schema.json", version.name()),
        bom_format: "CycloneDX",
        spec_version: version.name(),
        serial_number: None,
        version: 1,
        metadata: Metadata {
            timestamp: None,
            tools,
            component: subject(&sbom.subject),
            properties: document_properties(sbom),
        },
        components,
        vulnerabilities: vulnerabilities.map(|make| make(&refs)),
    };
    document.serial_number = Some(format!("urn:uuid:{}", content_uuid(&encode(&document))));
    document.metadata.timestamp = timestamp.map(|t| t.to_string());
    encode(&document)
}

fn encode(document: &Document) -> Vec<u8> {
    // Plain structures of text: there is nothing in them that JSON cannot say.
    serde_json::to_vec(document).unwrap_or_default()
}

fn subject(subject: &Subject) -> Component {
    let mut properties = Properties::default();
    if let Some(identity) = &subject.identity {
        properties.add("cleanbill:manifest", &identity.manifest);
        properties.add_some("cleanbill:index", identity.index.as_ref());
        properties.add("cleanbill:config", &identity.config);
        properties.add_some("cleanbill:platform", identity.platform.as_ref());
    }
    Component {
        bom_ref: Some(match &subject.identity {
            Some(identity) => format!("image:{}", identity.manifest),
            None => "subject".to_owned(),
        }),
        kind: if subject.identity.is_some() { "container" } else { "file" },
        name: subject.name.clone(),
        version: subject.identity.as_ref().map(|i| i.manifest.to_string()),
        properties: properties.0,
        ..Component::default()
    }
}

fn distro(distro: &Distro) -> Option<Component> {
    if *distro == Distro::default() {
        return None;
    }
    let mut properties = Properties::default();
    properties.add("cleanbill:distro:id", &distro.id);
    properties.add("cleanbill:distro:codename", &distro.codename);
    properties.add("cleanbill:distro:pretty", &distro.pretty_name);
    match &distro.state {
        DistroState::Confirmed => properties.add("cleanbill:distro:state", "confirmed"),
        DistroState::None => properties.add("cleanbill:distro:state", "none"),
        DistroState::Unknown(reason) => {
            properties.add("cleanbill:distro:state", "unknown");
            properties.add("cleanbill:distro:reason", reason);
        }
    }
    Some(Component {
        bom_ref: Some("distro".to_owned()),
        kind: "operating-system",
        name: if distro.id.is_empty() { "unknown".to_owned() } else { distro.id.clone() },
        version: some(&distro.version),
        properties: properties.0,
        ..Component::default()
    })
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn package(package: &Package, bom_ref: String) -> Component {
    let mut properties = Properties::default();
    if let Some(source) = &package.source {
        properties.add("cleanbill:source:name", &source.name);
        properties.add("cleanbill:source:version", &source.version);
    }
    for (n, location) in package.locations.iter().enumerate() {
        properties.add(format!("cleanbill:location:{n}:path"), &location.path);
        properties.add_some(format!("cleanbill:location:{n}:layer"), location.layer.as_ref());
    }
    properties.add_some("cleanbill:owner", package.owner.as_ref());
    properties.add_some("cleanbill:cataloger", package.cataloger.as_ref().map(cataloger_name).as_ref());
    Component {
        bom_ref: Some(bom_ref),
        kind: "library",
        name: package.name.clone(),
        version: some(&package.version),
        licenses: licenses(&package.licenses),
        purl: Some(package.purl.to_string()),
        properties: properties.0,
    }
}

/// One expression, or a list of ids and names: the schemas since 1.5 allow no mixture.
fn licenses(licenses: &[String]) -> Vec<LicenseChoice> {
    if let [one] = licenses
        && licence::is_expression(one)
    {
        return vec![LicenseChoice { license: None, expression: Some(one.clone()) }];
    }
    let license = |text: &String| {
        let known = licence::is_id(text);
        let license = License { id: known.then(|| text.clone()), name: (!known).then(|| text.clone()) };
        LicenseChoice { license: Some(license), expression: None }
    };
    licenses.iter().map(license).collect()
}

fn document_properties(sbom: &Sbom) -> Vec<Property> {
    let mut properties = Properties::default();
    properties.add("cleanbill:format", "1");
    for (n, id) in sbom.catalogers.iter().enumerate() {
        properties.add(format!("cleanbill:cataloger:{n}"), cataloger_name(id));
    }
    for (n, layer) in sbom.layers.iter().enumerate() {
        properties.add(format!("cleanbill:layer:{n}:digest"), &layer.digest);
        properties.add_some(format!("cleanbill:layer:{n}:diff-id"), layer.diff_id.as_ref());
        properties.add(format!("cleanbill:layer:{n}:size"), layer.size);
    }
    for (n, problem) in sbom.problems.iter().enumerate() {
        properties.add(format!("cleanbill:problem:{n}:code"), &problem.code);
        properties.add(format!("cleanbill:problem:{n}:path"), &problem.path);
        properties.add_some(format!("cleanbill:problem:{n}:layer"), problem.layer.as_ref());
        properties.add(format!("cleanbill:problem:{n}:what"), &problem.what);
        properties.add(format!("cleanbill:problem:{n}:why"), &problem.why);
    }
    properties.0
}

/// Unique references: the package URL; where several packages share one, with a digest of where
/// each was found; where even that is shared, with a number.
struct Refs {
    purls: BTreeMap<String, usize>,
    given: BTreeMap<String, usize>,
}

impl Refs {
    fn of(packages: &[Package]) -> Self {
        let mut purls = BTreeMap::new();
        for package in packages {
            *purls.entry(package.purl.to_string()).or_default() += 1;
        }
        Self { purls, given: BTreeMap::new() }
    }

    fn next(&mut self, package: &Package) -> String {
        let mut text = package.purl.to_string();
        if self.purls.get(&text).is_some_and(|n| *n > 1) {
            let places: Vec<_> = package.locations.iter().map(|l| format!("{:?} {}", l.layer, l.path)).collect();
            text = format!("{text};at={}", Digest::sha256(places.join("\n")).short());
        }
        let again = self.given.entry(text.clone()).or_default();
        *again += 1;
        if *again > 1 { format!("{text};{again}") } else { text }
    }
}
