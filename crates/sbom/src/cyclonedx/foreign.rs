//! What documents of others say in properties: those of Syft (`syft/format/internal/cyclonedxutil`) and
//! Trivy (`pkg/sbom/core`).

use std::collections::BTreeMap;

use cleanbill_model::{Digest, LayerInfo, Location, Package, Purl, SourcePackage};

use super::read::{ComponentIn, Lookup, licenses};
use crate::foreign::{by_purl, name, of_distribution, relative, upstream};

/// A package with what its package URL and the known properties say.
pub(super) fn package(component: &ComponentIn<'_>, purl: Purl) -> Package {
    let properties = Lookup::new(component.properties.as_ref());
    let package = by_purl(purl, component.version.as_deref());
    let source = source(&properties, &package).or(package.source);
    Package {
        name: name(&package.purl, component.group.as_deref().unwrap_or_default()),
        source,
        licenses: licenses(component),
        locations: locations(&properties),
        ..package
    }
}

fn source(properties: &Lookup<'_>, package: &Package) -> Option<SourcePackage> {
    if !of_distribution(&package.purl) {
        return None;
    }
    let version = package.version.as_str();
    let named = |name: &str, version: &str| SourcePackage { name: name.to_owned(), version: version.to_owned() };
    let said = |key: &str| properties.get(key).filter(|t| !t.is_empty());
    if let Some(name) = said("aquasecurity:trivy:SrcName") {
        let part = |key: &str| said(&format!("aquasecurity:trivy:{key}"));
        let Some(upstream) = part("SrcVersion") else { return Some(named(name, version)) };
        let epoch = part("SrcEpoch").filter(|e| *e != "0").map(|e| format!("{e}:")).unwrap_or_default();
        let release = part("SrcRelease").map(|r| format!("-{r}")).unwrap_or_default();
        return Some(named(name, &format!("{epoch}{upstream}{release}")));
    }
    for key in ["syft:metadata:source", "syft:metadata:originPackage"] {
        if let Some(name) = said(key) {
            return Some(named(name, said("syft:metadata:sourceVersion").unwrap_or(version)));
        }
    }
    said("syft:metadata:sourceRpm").and_then(|text| upstream(text, version))
}

fn locations(properties: &Lookup<'_>) -> Vec<Location> {
    let mut locations = Vec::new();
    let path = properties.get("aquasecurity:trivy:FilePath").unwrap_or_default();
    let layer = properties.get("aquasecurity:trivy:LayerDigest").and_then(|t| Digest::parse(t).ok());
    // Trivy names the layer of a distribution's package, and not the database that proves it.
    if !path.is_empty() || layer.is_some() {
        locations.push(Location { path: relative(path), layer });
    }
    // Syft names layers by the digest of their tar, which is not the one that locations have.
    locations.extend(
        (0..)
            .map_while(|n| properties.get(&format!("syft:location:{n}:path")))
            .map(|path| Location { path: relative(path), layer: None }),
    );
    locations.sort();
    locations.dedup();
    locations
}

/// What components say of layers: the digest of the tar, and that of the layer as stored.
#[derive(Default)]
pub(super) struct LayerNames(BTreeMap<Digest, Digest>);

impl LayerNames {
    pub(super) fn learn(&mut self, component: &ComponentIn<'_>) {
        let properties = Lookup::new(component.properties.as_ref());
        let digest = |key: &str| properties.get(key).and_then(|t| Digest::parse(t).ok());
        let (diff_id, stored) = (digest("aquasecurity:trivy:LayerDiffID"), digest("aquasecurity:trivy:LayerDigest"));
        if let (Some(diff_id), Some(stored)) = (diff_id, stored) {
            self.0.insert(diff_id, stored);
        }
    }

    /// The image's layers, if the document says of every one how it is named in the manifest.
    pub(super) fn layers(&self, image: &ComponentIn<'_>) -> Vec<LayerInfo> {
        let diff_ids = image.properties.iter().flatten().filter(|p| p.name == "aquasecurity:trivy:DiffID");
        let layers: Option<Vec<_>> = diff_ids
            .map(|p| {
                let diff_id = Digest::parse(&p.value).ok()?;
                let digest = self.0.get(&diff_id)?.clone();
                Some(LayerInfo { digest, diff_id: Some(diff_id), size: 0 })
            })
            .collect();
        layers.unwrap_or_default()
    }
}
