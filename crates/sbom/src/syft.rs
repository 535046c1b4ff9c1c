//! # syft-json
//!
//! Syft's own JSON (`schema/json` of anchore/syft, 1 to 16), read only: artifacts with their locations,
//! licences and source packages, the distribution, and the image. Syft names layers by the digest of
//! their tar; where the document holds the image's manifest, they get the digest that it names them by.

use std::collections::BTreeMap;

use base64::Engine as _;
use cleanbill_model::{
    Digest, Distro, DistroState, ImageIdentity, LayerInfo, Location, Package, Platform, Problem, Purl, Sbom,
    SourcePackage, Subject,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::foreign::{bounded, by_purl, distro, is_image, of_distribution, relative, upstream};
use crate::{MAX_BYTES, SbomError, detect};

/// What errors call it.
const NAME: &str = "Syft JSON";
/// The newest schema that is read, by its first number.
const NEWEST: u32 = 16;

#[derive(Deserialize)]
struct DocumentIn<'a> {
    #[serde(borrow)]
    artifacts: Option<Vec<&'a RawValue>>,
    source: Option<SourceIn>,
    distro: Option<DistroIn>,
    schema: Option<SchemaIn>,
}

#[derive(Deserialize)]
struct SchemaIn {
    version: Option<String>,
}

#[derive(Deserialize)]
struct ArtifactIn<'a> {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    purl: String,
    #[serde(default)]
    locations: Option<Vec<LocationIn>>,
    #[serde(default)]
    licenses: Option<Vec<Value>>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LocationIn {
    #[serde(default)]
    path: String,
    #[serde(rename = "layerID")]
    layer_id: Option<String>,
    /// `evidence: primary` and the like, since 7.
    annotations: Option<BTreeMap<String, Value>>,
}

/// The part of a distribution package's metadata that speaks of its source.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataIn {
    source: Option<String>,
    source_version: Option<String>,
    origin_package: Option<String>,
    source_rpm: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DistroIn {
    id: Option<String>,
    name: Option<String>,
    version: Option<String>,
    #[serde(rename = "versionID")]
    version_id: Option<String>,
    version_codename: Option<String>,
    pretty_name: Option<String>,
}

#[derive(Deserialize)]
struct SourceIn {
    #[serde(default)]
    name: String,
    /// Where it was before 8.
    target: Option<Value>,
    metadata: Option<Value>,
}

/// Reads Syft JSON and nothing else. An artifact that cannot be understood becomes a problem of the SBOM.
pub fn read(bytes: &[u8]) -> Result<Sbom, SbomError> {
    if bytes.len() > MAX_BYTES {
        return Err(SbomError::TooLarge(bytes.len()));
    }
    let bytes = detect::utf8(bytes);
    let bytes = bytes.as_ref();
    match detect::kind(bytes)? {
        detect::Kind::Syft => read_detected(bytes),
        _ => Err(SbomError::Foreign("it is another format where Syft JSON is expected".to_owned())),
    }
}

pub(crate) fn read_detected(bytes: &[u8]) -> Result<Sbom, SbomError> {
    let malformed = |why: String| SbomError::Malformed { format: NAME, why };
    let document: DocumentIn<'_> = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    if let Some(version) = document.schema.and_then(|s| s.version) {
        let major = version.split('.').next().and_then(|n| n.parse::<u32>().ok());
        if major.is_none_or(|n| n > NEWEST) {
            let version = bounded(&version);
            return Err(SbomError::Foreign(format!("it is Syft JSON of schema `{version}`; up to {NEWEST} is read")));
        }
    }
    let (subject, layers) = image(document.source);
    let stored: BTreeMap<&Digest, &Digest> =
        layers.iter().filter_map(|l| Some((l.diff_id.as_ref()?, &l.digest))).collect();
    let mut packages = Vec::new();
    let mut problems = Vec::new();
    let problem = |what: &str, why: String| Problem::new("sbom-component", "", what, why);
    for raw in document.artifacts.iter().flatten() {
        match serde_json::from_str::<ArtifactIn<'_>>(raw.get()) {
            Ok(artifact) => match package(&artifact, &stored) {
                Ok(package) => packages.extend(package),
                Err(why) => {
                    let what = format!("read the artifact {} {}", artifact.name, artifact.version);
                    problems.push(problem(&bounded(what.trim_end()), why));
                }
            },
            Err(e) => problems.push(problem("read an artifact", e.to_string())),
        }
    }
    packages.sort();
    packages.dedup();
    let distro = distribution(document.distro, &packages);
    Ok(Sbom { subject, distro, packages, problems, catalogers: vec![], layers })
}

fn package(artifact: &ArtifactIn<'_>, stored: &BTreeMap<&Digest, &Digest>) -> Result<Option<Package>, String> {
    if artifact.purl.is_empty() {
        return Err("it has no package URL".to_owned());
    }
    let purl = Purl::parse(&artifact.purl).map_err(|e| bounded(&e.to_string()))?;
    if is_image(&purl) {
        return Ok(None);
    }
    let package = by_purl(purl, Some(&artifact.version));
    let source = match artifact.metadata {
        Some(metadata) if of_distribution(&package.purl) => source(metadata, &package.version),
        _ => None,
    };
    Ok(Some(Package {
        source: source.or(package.source),
        licenses: artifact.licenses.iter().flatten().filter_map(license).collect(),
        locations: locations(artifact.locations.as_deref().unwrap_or_default(), stored),
        ..package
    }))
}

fn source(metadata: &RawValue, version: &str) -> Option<SourcePackage> {
    let metadata: MetadataIn = serde_json::from_str(metadata.get()).ok()?;
    if let Some(name) = metadata.source.or(metadata.origin_package).filter(|n| !n.is_empty()) {
        let version = metadata.source_version.filter(|v| !v.is_empty()).unwrap_or_else(|| version.to_owned());
        return Some(SourcePackage { name, version });
    }
    upstream(&metadata.source_rpm?, version)
}

/// A text before 8, an object with value and expression since.
fn license(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        value => {
            [&value["spdxExpression"], &value["value"]].into_iter().filter_map(Value::as_str).find(|t| !t.is_empty())?
        }
    };
    (!text.is_empty()).then(|| text.to_owned())
}

fn locations(list: &[LocationIn], stored: &BTreeMap<&Digest, &Digest>) -> Vec<Location> {
    let primary = |l: &&LocationIn| {
        let evidence = l.annotations.as_ref().and_then(|a| a.get("evidence")).and_then(Value::as_str);
        evidence != Some("supporting")
    };
    let location = |l: &LocationIn| {
        let tar = l.layer_id.as_deref().and_then(|t| Digest::parse(t).ok());
        let layer = tar.as_ref().and_then(|t| stored.get(t)).map(|d| (*d).clone());
        Location { path: relative(&l.path), layer }
    };
    let mut locations: Vec<_> = list.iter().filter(primary).map(location).collect();
    locations.sort();
    locations.dedup();
    locations
}

fn distribution(said: Option<DistroIn>, packages: &[Package]) -> Distro {
    let Some(said) = said else { return distro(None, packages) };
    let text = |t: Option<String>| t.filter(|t| !t.is_empty());
    let Some(id) = text(said.id).or(text(said.name)) else { return distro(None, packages) };
    let version = text(said.version_id).or(text(said.version)).unwrap_or_default();
    let distro = distro(Some((&id, &version)), packages);
    let codename = said.version_codename.unwrap_or_default();
    let state = match distro.state {
        // Debian's testing has a codename alone.
        DistroState::Unknown(_)
            if version.is_empty() && !codename.is_empty() && packages.iter().any(|p| of_distribution(&p.purl)) =>
        {
            DistroState::Confirmed
        }
        state => state,
    };
    Distro { codename, pretty_name: said.pretty_name.unwrap_or_default(), state, ..distro }
}

/// What was looked into: its name, and for images its digests and layers.
fn image(source: Option<SourceIn>) -> (Subject, Vec<LayerInfo>) {
    let Some(source) = source else { return (Subject::default(), Vec::new()) };
    let target = source.metadata.or(source.target).unwrap_or_default();
    let text = |name: &str| target[name].as_str().filter(|t| !t.is_empty());
    let name = target.as_str().or(text("userInput")).or(text("path")).unwrap_or(&source.name).to_owned();
    let digest = |name: &str| text(name).and_then(|t| Digest::parse(t).ok());
    let identity = match (digest("manifestDigest"), digest("imageID")) {
        (Some(manifest), Some(config)) => {
            let platform = match (text("os"), text("architecture"), text("architectureVariant")) {
                (Some(os), Some(architecture), None) => Platform::parse(&format!("{os}/{architecture}")),
                (Some(os), Some(architecture), Some(v)) => Platform::parse(&format!("{os}/{architecture}/{v}")),
                _ => None,
            };
            Some(ImageIdentity { index: None, manifest, config, platform })
        }
        _ => None,
    };
    (Subject { name, identity }, layers(&target))
}

/// The layers, if the manifest is there and has as many.
fn layers(target: &Value) -> Vec<LayerInfo> {
    let named = |value: &Value| -> Option<Vec<(Digest, u64)>> {
        let layer = |l: &Value| Some((Digest::parse(l["digest"].as_str()?).ok()?, l["size"].as_u64().unwrap_or(0)));
        value.as_array()?.iter().map(layer).collect()
    };
    let manifest = target["manifest"].as_str().and_then(|text| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
        named(&serde_json::from_slice::<Value>(&bytes).ok()?["layers"])
    });
    match (named(&target["layers"]), manifest) {
        (Some(tars), Some(stored)) if tars.len() == stored.len() => tars
            .into_iter()
            .zip(stored)
            .map(|((diff_id, _), (digest, size))| LayerInfo { digest, diff_id: Some(diff_id), size })
            .collect(),
        _ => Vec::new(),
    }
}
