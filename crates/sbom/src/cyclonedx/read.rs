//! From a document to the model.

use std::collections::BTreeMap;

use cleanbill_model::{
    CatalogerId, Digest, Distro, DistroState, ImageIdentity, LayerInfo, Location, Package, Platform, Problem, Purl,
    Sbom, SourcePackage, Subject,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::{LicenseChoice, Property};
use super::{MAX_BYTES, foreign};
use crate::SbomError;

/// Components in components deeper than this are not looked at.
const MAX_DEPTH: usize = 64;
const VERSIONS: [&str; 5] = ["1.2", "1.3", "1.4", "1.5", "1.6"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Front {
    bom_format: Option<String>,
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

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    fn digest(&self, name: &str) -> Result<Option<Digest>, String> {
        self.get(name).map(|t| Digest::parse(t).map_err(|e| format!("property `{name}`: {e}"))).transpose()
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let parse = |t: &str| t.parse().map_err(|_| format!("property `{name}`: `{t}` is not a number"));
        self.get(name).map(parse).transpose()
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Sbom, SbomError> {
    if bytes.len() > MAX_BYTES {
        return Err(SbomError::Malformed(format!("{} bytes; at most {MAX_BYTES} are read", bytes.len())));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let malformed = |e: serde_json::Error| SbomError::Malformed(e.to_string());
    let front: Front = serde_json::from_slice(bytes)
        .map_err(|e| foreign::kind(bytes).map_or_else(|| malformed(e), |k| SbomError::Foreign(k.to_owned())))?;
    if front.bom_format.as_deref() != Some("CycloneDX") {
        let kind = foreign::kind(bytes).unwrap_or("`bomFormat` is not `CycloneDX`");
        return Err(SbomError::Foreign(kind.to_owned()));
    }
    let version = front.spec_version.unwrap_or_default();
    if !VERSIONS.contains(&version.as_str()) {
        return Err(SbomError::Foreign(format!("CycloneDX of version `{version}`; 1.2 to 1.6 are read")));
    }
    let document: DocumentIn<'_> = serde_json::from_slice(bytes).map_err(malformed)?;
    let metadata = document.metadata.as_ref();
    let properties = Lookup::new(metadata.and_then(|m| m.properties.as_ref()));
    let ours = properties.get("cleanbill:format").is_some();

    let mut reading = Reading { ours, ..Reading::default() };
    reading.components(&document.components.unwrap_or_default(), 0);
    let subject = metadata.and_then(|m| m.component).map(|raw| component(raw).and_then(|c| subject(&c))).transpose();
    let subject = subject.map_err(|e| SbomError::Malformed(format!("`metadata.component`: {e}")))?.unwrap_or_default();
    let Reading { mut packages, mut problems, distro, .. } = reading;
    let distro = match distro {
        Some(distro) => distro,
        None if ours => Distro::default(),
        None => foreign::distro(None, &packages),
    };
    if !ours {
        let distro = foreign::without_packages(distro, &packages);
        packages.sort();
        packages.dedup();
        return Ok(Sbom { subject, distro, packages, problems, catalogers: vec![], layers: vec![] });
    }
    let mut all = read_problems(&properties).map_err(SbomError::Malformed)?;
    all.append(&mut problems);
    Ok(Sbom {
        subject,
        distro,
        packages,
        problems: all,
        catalogers: catalogers(&properties).map_err(SbomError::Malformed)?,
        layers: layers(&properties).map_err(SbomError::Malformed)?,
    })
}

fn component(raw: &RawValue) -> Result<ComponentIn<'_>, String> {
    serde_json::from_str(raw.get()).map_err(|e| e.to_string())
}

fn subject(component: &ComponentIn<'_>) -> Result<Subject, String> {
    let properties = Lookup::new(component.properties.as_ref());
    let digests = (properties.digest("cleanbill:manifest")?, properties.digest("cleanbill:config")?);
    let identity = match digests {
        (Some(manifest), Some(config)) => Some(ImageIdentity {
            index: properties.digest("cleanbill:index")?,
            manifest,
            config,
            platform: properties
                .get("cleanbill:platform")
                .map(|t| Platform::parse(t).ok_or_else(|| format!("`{t}` is not OS/ARCHITECTURE")))
                .transpose()?,
        }),
        _ => None,
    };
    Ok(Subject { name: component.name.clone(), identity })
}

fn cataloger(text: &str) -> Result<CatalogerId, String> {
    let (id, version) = text.rsplit_once('@').ok_or_else(|| format!("cataloger `{text}` has no version"))?;
    let version = version.parse().map_err(|_| format!("cataloger `{text}` has no number as version"))?;
    Ok(CatalogerId { id: id.to_owned(), version })
}

fn catalogers(properties: &Lookup<'_>) -> Result<Vec<CatalogerId>, String> {
    (0..).map_while(|n| properties.get(&format!("cleanbill:cataloger:{n}"))).map(cataloger).collect()
}

fn layers(properties: &Lookup<'_>) -> Result<Vec<LayerInfo>, String> {
    let mut layers = Vec::new();
    while let Some(digest) = properties.digest(&format!("cleanbill:layer:{}:digest", layers.len()))? {
        let n = layers.len();
        let diff_id = properties.digest(&format!("cleanbill:layer:{n}:diff-id"))?;
        let size = properties.number(&format!("cleanbill:layer:{n}:size"))?.unwrap_or(0);
        layers.push(LayerInfo { digest, diff_id, size });
    }
    Ok(layers)
}

fn read_problems(properties: &Lookup<'_>) -> Result<Vec<Problem>, String> {
    let mut problems = Vec::new();
    while let Some(code) = properties.get(&format!("cleanbill:problem:{}:code", problems.len())) {
        let field = |name: &str| format!("cleanbill:problem:{}:{name}", problems.len());
        problems.push(Problem {
            code: code.to_owned(),
            path: properties.text(&field("path")),
            layer: properties.digest(&field("layer"))?,
            what: properties.text(&field("what")),
            why: properties.text(&field("why")),
        });
    }
    Ok(problems)
}

#[derive(Default)]
struct Reading {
    ours: bool,
    packages: Vec<Package>,
    problems: Vec<Problem>,
    distro: Option<Distro>,
}

impl Reading {
    fn problem(&mut self, what: &str, why: impl Into<String>) {
        self.problems.push(Problem::new("sbom-component", "", what, why));
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
        let what = || format!("read the component {} {}", component.name, component.version.as_deref().unwrap_or(""));
        match (component.kind.as_str(), component.purl.as_deref()) {
            ("operating-system", _) if self.distro.is_none() => {
                let distro = if self.ours { own_distro(component) } else { foreign::distro(Some(component), &[]) };
                self.distro = Some(distro);
            }
            ("library" | "framework" | "application", Some(purl)) => {
                let package = Purl::parse(purl).map_err(|e| e.to_string()).and_then(|purl| {
                    if self.ours { own_package(component, purl) } else { Ok(foreign::package(component, purl)) }
                });
                match package {
                    Ok(package) => self.packages.push(package),
                    Err(why) => self.problem(what().trim_end(), why),
                }
            }
            ("library" | "framework", None) => self.problem(what().trim_end(), "it has no package URL"),
            // Trivy writes a lock file as an application without version: no package of its own.
            ("application", None) if component.version.is_some() => {
                self.problem(what().trim_end(), "it has no package URL");
            }
            // Files, containers, devices, data: nothing that advisories speak of.
            _ => {}
        }
    }
}

fn own_distro(component: &ComponentIn<'_>) -> Distro {
    let properties = Lookup::new(component.properties.as_ref());
    Distro {
        id: properties.text("cleanbill:distro:id"),
        version: component.version.clone().unwrap_or_default(),
        codename: properties.text("cleanbill:distro:codename"),
        pretty_name: properties.text("cleanbill:distro:pretty"),
        state: match properties.get("cleanbill:distro:state") {
            Some("confirmed") => DistroState::Confirmed,
            Some("none") => DistroState::None,
            _ => DistroState::Unknown(properties.text("cleanbill:distro:reason")),
        },
    }
}

fn own_package(component: &ComponentIn<'_>, purl: Purl) -> Result<Package, String> {
    let properties = Lookup::new(component.properties.as_ref());
    let source = properties
        .get("cleanbill:source:name")
        .map(|name| SourcePackage { name: name.to_owned(), version: properties.text("cleanbill:source:version") });
    let mut locations = Vec::new();
    while let Some(path) = properties.get(&format!("cleanbill:location:{}:path", locations.len())) {
        let layer = properties.digest(&format!("cleanbill:location:{}:layer", locations.len()))?;
        locations.push(Location { path: path.to_owned(), layer });
    }
    Ok(Package {
        purl,
        name: component.name.clone(),
        version: component.version.clone().unwrap_or_default(),
        source,
        licenses: licenses(component),
        locations,
        owner: properties.get("cleanbill:owner").map(Purl::parse).transpose().map_err(|e| e.to_string())?,
        cataloger: properties.get("cleanbill:cataloger").map(cataloger).transpose()?,
    })
}

/// Licences by expression, id or name.
pub(super) fn licenses(component: &ComponentIn<'_>) -> Vec<String> {
    let text = |choice: &LicenseChoice| {
        choice.expression.clone().or_else(|| choice.license.as_ref().and_then(|l| l.id.clone().or(l.name.clone())))
    };
    component.licenses.iter().flatten().filter_map(text).collect()
}
