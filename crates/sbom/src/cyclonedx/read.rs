//! From a document to the model.

use std::collections::BTreeMap;

use cleanbill_model::{Digest, Distro, Package, Problem, Purl, Sbom, Subject};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::{LicenseChoice, Property};
use super::foreign::LayerNames;
use super::{NAME, foreign, own};
use crate::SbomError;
use crate::foreign::{bounded, distro, is_image};

/// Components in components deeper than this are not looked at.
const MAX_DEPTH: usize = 64;
const VERSIONS: [&str; 6] = ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Front {
    spec_version: Option<String>,
}

#[derive(Deserialize)]
struct DocumentIn<'a> {
    #[serde(borrow)]
    metadata: Option<MetadataIn<'a>>,
    #[serde(borrow)]
    components: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct MetadataIn<'a> {
    #[serde(borrow)]
    component: Option<&'a RawValue>,
    properties: Option<Vec<Property>>,
}

/// A component as it stands in the document.
#[derive(Deserialize)]
pub(super) struct ComponentIn<'a> {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) group: Option<String>,
    pub(super) version: Option<String>,
    pub(super) purl: Option<String>,
    pub(super) licenses: Option<Vec<LicenseChoice>>,
    pub(super) properties: Option<Vec<Property>>,
    #[serde(borrow)]
    components: Option<Vec<&'a RawValue>>,
}

/// Properties by name; the first of a name counts.
pub(super) struct Lookup<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Lookup<'a> {
    pub(super) fn new(properties: Option<&'a Vec<Property>>) -> Self {
        let mut map = BTreeMap::new();
        for property in properties.into_iter().flatten() {
            map.entry(property.name.as_str()).or_insert(property.value.as_str());
        }
        Self(map)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    pub(super) fn digest(&self, name: &str) -> Result<Option<Digest>, String> {
        self.get(name).map(|t| Digest::parse(t).map_err(|e| format!("property `{name}`: {e}"))).transpose()
    }

    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let parse = |t: &str| t.parse().map_err(|_| format!("property `{name}`: `{t}` is not a number"));
        self.get(name).map(parse).transpose()
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Sbom, SbomError> {
    let malformed = |why: String| SbomError::Malformed { format: NAME, why };
    let front: Front = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    let version = front.spec_version.unwrap_or_default();
    if !VERSIONS.contains(&version.as_str()) {
        let version = bounded(&version);
        return Err(SbomError::Foreign(format!("it is CycloneDX of version `{version}`; 1.2 to 1.7 are read")));
    }
    let document: DocumentIn<'_> = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    let metadata = document.metadata.as_ref();
    let properties = Lookup::new(metadata.and_then(|m| m.properties.as_ref()));
    let ours = properties.get("cleanbill:format").is_some();

    let mut reading = Reading { ours, ..Reading::default() };
    reading.components(&document.components.unwrap_or_default(), 0);
    let subject = metadata.and_then(|m| m.component).map(component).transpose();
    let root = subject.map_err(|e| malformed(format!("`metadata.component`: {e}")))?;
    if !ours {
        return Ok(reading.foreign(root.as_ref()));
    }
    let mut problems = own::problems(&properties).map_err(malformed)?;
    problems.append(&mut reading.problems);
    Ok(Sbom {
        subject: root.as_ref().map(own::subject).transpose().map_err(malformed)?.unwrap_or_default(),
        distro: reading.distro.unwrap_or_default(),
        packages: reading.packages,
        problems,
        catalogers: own::catalogers(&properties).map_err(malformed)?,
        layers: own::layers(&properties).map_err(malformed)?,
    })
}

fn component(raw: &RawValue) -> Result<ComponentIn<'_>, String> {
    serde_json::from_str(raw.get()).map_err(|e| e.to_string())
}

#[derive(Default)]
struct Reading {
    ours: bool,
    packages: Vec<Package>,
    problems: Vec<Problem>,
    distro: Option<Distro>,
    /// Name and version that a foreign document gives the distribution.
    named: Option<(String, String)>,
    layers: LayerNames,
}

impl Reading {
    fn problem(&mut self, what: &str, why: impl Into<String>) {
        self.problems.push(Problem::new("sbom-component", "", what, why));
    }

    /// The SBOM of a document that is not ours.
    fn foreign(mut self, root: Option<&ComponentIn<'_>>) -> Sbom {
        // What an image's document calls the image may hold its parts.
        if let Some(root) = root {
            self.components(root.components.as_deref().unwrap_or_default(), 1);
        }
        let Self { mut packages, problems, named, layers, .. } = self;
        packages.sort();
        packages.dedup();
        let named = named.as_ref().map(|(name, version)| (name.as_str(), version.as_str()));
        Sbom {
            subject: Subject { name: root.map(|r| r.name.clone()).unwrap_or_default(), identity: None },
            distro: distro(named, &packages),
            packages,
            problems,
            catalogers: vec![],
            layers: root.map(|r| layers.layers(r)).unwrap_or_default(),
        }
    }

    fn components(&mut self, list: &[&RawValue], depth: usize) {
        if depth > MAX_DEPTH {
            self.problem("read nested components", format!("they nest deeper than {MAX_DEPTH}"));
            return;
        }
        for raw in list {
            match component(raw) {
                Ok(component) => {
                    self.component(&component);
                    self.components(component.components.as_deref().unwrap_or_default(), depth + 1);
                }
                Err(why) => self.problem("read a component", why),
            }
        }
    }

    fn component(&mut self, component: &ComponentIn<'_>) {
        let what = || {
            let version = component.version.as_deref().unwrap_or_default();
            bounded(format!("read the component {} {version}", component.name).trim_end())
        };
        if !self.ours {
            self.layers.learn(component);
        }
        match (component.kind.as_str(), component.purl.as_deref().filter(|p| !p.is_empty())) {
            ("operating-system", _) if self.ours => {
                self.distro.get_or_insert_with(|| own::distro(component));
            }
            ("operating-system", _) => {
                let version = component.version.clone().unwrap_or_default();
                self.named.get_or_insert_with(|| (component.name.clone(), version));
            }
            (
                "library" | "framework" | "application" | "platform" | "firmware" | "device-driver" | "file",
                Some(purl),
            ) => {
                let package = Purl::parse(purl).map_err(|e| bounded(&e.to_string()));
                let package = package.and_then(|purl| match self.ours {
                    true => own::package(component, purl).map(Some),
                    false if is_image(&purl) => Ok(None),
                    false => Ok(Some(foreign::package(component, purl))),
                });
                match package {
                    Ok(package) => self.packages.extend(package),
                    Err(why) => self.problem(&what(), why),
                }
            }
            ("library" | "framework", None) => self.problem(&what(), "it has no package URL"),
            // Trivy writes a lock file as an application without version: no package of its own.
            ("application", None) if component.version.is_some() => self.problem(&what(), "it has no package URL"),
            // Files, containers, devices, data: nothing that advisories speak of.
            _ => {}
        }
    }
}

/// Licences by expression, id or name.
pub(super) fn licenses(component: &ComponentIn<'_>) -> Vec<String> {
    let text = |choice: &LicenseChoice| {
        choice.expression.clone().or_else(|| choice.license.as_ref().and_then(|l| l.id.clone().or(l.name.clone())))
    };
    component.licenses.iter().flatten().filter_map(text).collect()
}
