//! What documents of others say: Syft (`syft/format/common/spdxhelpers`) in `sourceInfo` and in relations
//! to files, Trivy (`pkg/sbom/spdx`) in `sourceInfo` and in attribution texts or annotations.

use std::collections::{BTreeMap, BTreeSet};

use cleanbill_model::{Digest, LayerInfo, Location, Package, Purl, SourcePackage};

use super::read::{DocumentIn, PackageIn};
use crate::foreign::{bounded, by_purl, is_image, of_distribution, relative};

/// What the whole document says of its packages.
pub(super) struct Foreign<'a> {
    /// Ids of what the document describes.
    described: BTreeSet<&'a str>,
    /// Files of packages, by the package's id.
    files: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Foreign<'a> {
    pub(super) fn of(document: &'a DocumentIn<'_>, list: &'a [PackageIn]) -> Self {
        let mut described: BTreeSet<&str> = document.document_describes.iter().flatten().map(String::as_str).collect();
        let names: BTreeMap<&str, &str> =
            document.files.iter().flatten().map(|f| (f.id.as_str(), f.file_name.as_str())).collect();
        let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for relation in document.relationships.iter().flatten() {
            let (from, to) = (relation.spdx_element_id.as_str(), relation.related_spdx_element.as_str());
            match relation.relationship_type.as_str() {
                "DESCRIBES" => _ = described.insert(to),
                "DESCRIBED_BY" => _ = described.insert(from),
                // A package may hold thousands of files; Syft says which of them prove it.
                "OTHER" if relation.comment.as_deref().is_some_and(|c| c.starts_with("evident-by")) => {
                    if let Some(name) = names.get(to) {
                        files.entry(from).or_default().push(name);
                    }
                }
                _ => {}
            }
        }
        // Trivy names the one file of a language package that way.
        for package in list {
            if let [one] = package.has_files.as_slice()
                && let Some(name) = names.get(one.as_str())
            {
                files.entry(package.id.as_str()).or_default().push(name);
            }
        }
        Self { described, files }
    }

    /// What the document is about: the first thing it describes.
    pub(super) fn subject(&self, document: &DocumentIn<'_>, list: &[PackageIn]) -> String {
        let root = list.iter().find(|p| self.described.contains(p.id.as_str()) && !p.name.is_empty());
        root.map(|p| p.name.clone()).or_else(|| document.name.clone()).unwrap_or_default()
    }

    /// The package that an entry is; `None` for one that stands for something else.
    pub(super) fn package(&self, entry: &PackageIn) -> Result<Option<Package>, String> {
        if is_system(entry) {
            return Ok(None);
        }
        let Some(purl) = entry.purl().filter(|p| !p.is_empty()) else {
            return if self.is_something_else(entry) { Ok(None) } else { Err("it has no package URL".to_owned()) };
        };
        let purl = Purl::parse(purl).map_err(|e| bounded(&e.to_string()))?;
        if is_image(&purl) {
            return Ok(None);
        }
        let package = by_purl(purl, entry.version_info.as_deref());
        let source = source(entry, &package).or(package.source);
        Ok(Some(Package { source, licenses: licenses(entry), locations: self.locations(entry), ..package }))
    }

    /// Images, files, and the lock files that Trivy writes as applications: no packages of their own.
    fn is_something_else(&self, entry: &PackageIn) -> bool {
        let purpose = entry.primary_package_purpose.as_deref().unwrap_or_default();
        // The one thing that a document is about; of several each is a package of its own.
        (self.described.len() == 1 && self.described.contains(entry.id.as_str()))
            || matches!(purpose, "CONTAINER" | "FILE" | "DEVICE" | "FIRMWARE" | "ARCHIVE")
            || (entry.version_info.is_none() && entry.id.starts_with("SPDXRef-Application-"))
            || entry.id.starts_with("SPDXRef-ContainerImage-")
            || entry.id.starts_with("SPDXRef-DocumentRoot-")
    }

    fn locations(&self, entry: &PackageIn) -> Vec<Location> {
        let layer = said(entry, "LayerDigest").and_then(|t| Digest::parse(t).ok());
        let mut paths: Vec<&str> = self.files.get(entry.id.as_str()).into_iter().flatten().copied().collect();
        if let Some(path) = said(entry, "FilePath") {
            paths.push(path);
        }
        if paths.is_empty() {
            paths = acquired_from(entry.source_info.as_deref().unwrap_or_default());
        }
        // Trivy names the layer of a distribution's package, and not the database that proves it.
        if paths.is_empty() && layer.is_some() {
            paths.push("");
        }
        let mut locations: Vec<_> =
            paths.into_iter().map(|path| Location { path: relative(path), layer: layer.clone() }).collect();
        locations.sort();
        locations.dedup();
        locations
    }
}

/// Name and version of the distribution, where a package stands for it.
pub(super) fn distro(list: &[PackageIn]) -> Option<(&str, &str)> {
    let package = list.iter().find(|p| is_system(p))?;
    Some((&package.name, package.version_info.as_deref().unwrap_or_default()))
}

/// Whether an entry stands for the distribution.
fn is_system(entry: &PackageIn) -> bool {
    matches!(entry.primary_package_purpose.as_deref(), Some("OPERATING-SYSTEM" | "OPERATING_SYSTEM"))
        || entry.id.starts_with("SPDXRef-OperatingSystem-")
}

/// The texts that Trivy hangs on an entry, as `NAME: VALUE`.
fn texts(entry: &PackageIn) -> impl Iterator<Item = (&str, &str)> {
    let annotations = entry.annotations.iter().filter(|a| a.annotator.starts_with("Tool: trivy"));
    let texts = annotations.map(|a| a.comment.as_str()).chain(entry.attribution_texts.iter().map(String::as_str));
    texts.filter_map(|t| t.split_once(": "))
}

fn said<'a>(entry: &'a PackageIn, name: &str) -> Option<&'a str> {
    texts(entry).find(|(n, v)| *n == name && !v.is_empty()).map(|(_, v)| v)
}

/// The paths in Syft's `acquired package info from …: /a, /b`.
fn acquired_from(text: &str) -> Vec<&str> {
    let Some(rest) = text.strip_prefix("acquired package info from ") else { return Vec::new() };
    let Some((_, paths)) = rest.split_once(": ") else { return Vec::new() };
    paths.split(", ").map(str::trim).filter(|p| p.starts_with('/')).collect()
}

/// Trivy's `built package from: NAME VERSION`.
fn source(entry: &PackageIn, package: &Package) -> Option<SourcePackage> {
    if !of_distribution(&package.purl) {
        return None;
    }
    let text = entry.source_info.as_deref()?.strip_prefix("built package from: ")?;
    let (name, version) = text.split_once(' ').unwrap_or((text, &package.version));
    Some(SourcePackage { name: name.to_owned(), version: version.to_owned() })
}

/// What is declared, else what is concluded.
fn licenses(entry: &PackageIn) -> Vec<String> {
    let known = |t: &&String| !matches!(t.as_str(), "" | "NONE" | "NOASSERTION");
    let said = entry.license_declared.as_ref().filter(known).or(entry.license_concluded.as_ref().filter(known));
    said.cloned().into_iter().collect()
}

/// The image's layers, if the document says of every one how it is named in the manifest.
pub(super) fn layers(list: &[PackageIn]) -> Vec<LayerInfo> {
    let digest = |t: &str| Digest::parse(t).ok();
    let stored: BTreeMap<Digest, Digest> = list
        .iter()
        .filter_map(|p| Some((digest(said(p, "LayerDiffID")?)?, digest(said(p, "LayerDigest")?)?)))
        .collect();
    let Some(image) = list.iter().find(|p| p.id.starts_with("SPDXRef-ContainerImage-")) else { return Vec::new() };
    let diff_ids = texts(image).filter(|(name, _)| *name == "DiffID").map(|(_, value)| digest(value));
    let layers: Option<Vec<_>> = diff_ids
        .map(|diff_id| {
            let diff_id = diff_id?;
            let digest = stored.get(&diff_id)?.clone();
            Some(LayerInfo { digest, diff_id: Some(diff_id), size: 0 })
        })
        .collect();
    layers.unwrap_or_default()
}
