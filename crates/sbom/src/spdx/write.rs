//! From the model to the document.

use std::collections::{BTreeMap, BTreeSet};

use cleanbill_model::{Algorithm, Digest, Distro, Package as Model, Sbom, Subject, Timestamp};
use serde::Serialize;

use super::document::{
    Annotation, Checksum, CreationInfo, Document, ExternalRef, ExtractedLicense, Package, Relationship,
};
use super::note::{DocumentNote, ImageNote, PackageNote};
use crate::{TOOL, content_uuid, licence};

const IMAGE: &str = "SPDXRef-Image";
const DISTRO: &str = "SPDXRef-Distro";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

pub(super) fn write(sbom: &Sbom, timestamp: Option<Timestamp>) -> Vec<u8> {
    let mut ids = Ids::default();
    let ids: Vec<String> = sbom.packages.iter().map(|p| ids.next(p)).collect();
    let mut extracted = BTreeMap::new();
    let mut packages = vec![image(&sbom.subject)];
    packages.extend(distro(&sbom.distro));
    packages.extend(sbom.packages.iter().zip(&ids).map(|(p, id)| package(p, id, &mut extracted)));
    let name = if sbom.subject.name.is_empty() { "unnamed" } else { &sbom.subject.name };
    let mut document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        name: name.to_owned(),
        document_namespace: String::new(),
        creation_info: CreationInfo { created: String::new(), creators: [creator()], license_list_version: "3.28" },
        document_describes: [IMAGE],
        relationships: relationships(sbom, &ids),
        has_extracted_licensing_infos: extracted
            .into_iter()
            .map(|(license_id, text)| ExtractedLicense { license_id, name: text.clone(), extracted_text: text })
            .collect(),
        annotations: vec![annotation(&DocumentNote::of(sbom))],
        packages,
    };
    document.document_namespace = format!("urn:uuid:{}", content_uuid(&encode(&document)));
    let created = timestamp.unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let annotations = document.packages.iter_mut().flat_map(|p| p.annotations.iter_mut());
    for annotation in annotations.chain(document.annotations.iter_mut()) {
        annotation.annotation_date.clone_from(&created);
    }
    document.creation_info.created = created;
    encode(&document)
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    // Plain structures of text: there is nothing in them that JSON cannot say.
    serde_json::to_vec(value).unwrap_or_default()
}

fn creator() -> String {
    format!("Tool: {}-{}", TOOL.0, TOOL.1)
}

/// A note as an annotation; its date comes last, as the namespace does not follow the time.
fn annotation(note: &impl Serialize) -> Annotation {
    Annotation {
        annotation_date: String::new(),
        annotation_type: "OTHER",
        annotator: creator(),
        comment: serde_json::to_string(note).unwrap_or_default(),
    }
}

fn image(subject: &Subject) -> Package {
    let mut package = Package::named(IMAGE, &subject.name);
    if let Some(identity) = &subject.identity {
        package.primary_package_purpose = Some("CONTAINER");
        package.version_info = Some(identity.manifest.to_string());
        let algorithm = match identity.manifest.algorithm() {
            Algorithm::Sha256 => "SHA256",
            Algorithm::Sha512 => "SHA512",
        };
        package.checksums.push(Checksum { algorithm, checksum_value: identity.manifest.hex().to_owned() });
        package.annotations.push(annotation(&ImageNote::of(identity)));
    }
    package
}

fn distro(distro: &Distro) -> Option<Package> {
    if distro.id.is_empty() {
        return None;
    }
    let mut package = Package::named(DISTRO, &distro.id);
    package.version_info = (!distro.version.is_empty()).then(|| distro.version.clone());
    package.primary_package_purpose = Some("OPERATING_SYSTEM");
    Some(package)
}

fn package(model: &Model, id: &str, extracted: &mut BTreeMap<String, String>) -> Package {
    let declared = licence::declared(&model.licenses);
    extracted.extend(declared.references);
    let mut package = Package::named(id, &model.name);
    package.version_info = (!model.version.is_empty()).then(|| model.version.clone());
    package.license_declared = declared.expression;
    package.source_info = source_info(model);
    package.primary_package_purpose = Some("LIBRARY");
    package.external_refs.push(ExternalRef {
        reference_category: "PACKAGE-MANAGER",
        reference_type: "purl",
        reference_locator: model.purl.to_string(),
    });
    package.annotations.push(annotation(&PackageNote::of(model)));
    package
}

/// One sentence for people: what it was built from and which files prove it.
fn source_info(package: &Model) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(source) = &package.source {
        parts.push(format!("built from the source package {} {}", source.name, source.version));
    }
    let paths: Vec<_> = package.locations.iter().map(|l| l.path.as_str()).filter(|p| !p.is_empty()).collect();
    if !paths.is_empty() {
        parts.push(format!("found in {}", paths.join(", ")));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn relationships(sbom: &Sbom, ids: &[String]) -> Vec<Relationship> {
    let of = |from: &str, kind, to: &str| Relationship {
        spdx_element_id: from.to_owned(),
        relationship_type: kind,
        related_spdx_element: to.to_owned(),
    };
    let mut all = vec![of(DOCUMENT, "DESCRIBES", IMAGE)];
    if !sbom.distro.id.is_empty() {
        all.push(of(IMAGE, "CONTAINS", DISTRO));
    }
    all.extend(ids.iter().map(|id| of(IMAGE, "CONTAINS", id)));
    // A distribution's package holds the language packages that it owns.
    let by_purl: BTreeMap<_, _> = sbom.packages.iter().zip(ids).map(|(p, id)| (&p.purl, id)).collect();
    for (package, id) in sbom.packages.iter().zip(ids) {
        if let Some(owner) = package.owner.as_ref().and_then(|o| by_purl.get(o))
            && *owner != id
        {
            all.push(of(owner, "CONTAINS", id));
        }
    }
    all
}

/// Unique ids: type, name and a digest of what tells the package apart; a number if that is not enough.
#[derive(Default)]
struct Ids(BTreeSet<String>);

impl Ids {
    fn next(&mut self, package: &Model) -> String {
        let word = |text: &str| -> String {
            let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
            text.chars().map(plain).take(64).collect()
        };
        let places: Vec<_> = package.locations.iter().map(|l| format!("{:?} {}", l.layer, l.path)).collect();
        let digest = Digest::sha256(format!("{}\n{}", package.purl, places.join("\n")));
        let short = digest.hex().get(..16).unwrap_or_default();
        let id = format!("SPDXRef-Package-{}-{}-{short}", word(&package.purl.kind), word(&package.name));
        let mut unique = id.clone();
        let mut n = 2;
        while !self.0.insert(unique.clone()) {
            unique = format!("{id}-{n}");
            n += 1;
        }
        unique
    }
}
