//! From a document to the model.

use cleanbill_model::{Distro, Package, Problem, Purl, Sbom, Subject};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::foreign::Foreign;
use super::note::{DocumentNote, ImageNote, PackageNote, START};
use super::{NAME, foreign};
use crate::SbomError;
use crate::foreign::bounded;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DocumentIn<'a> {
    pub(super) name: Option<String>,
    #[serde(borrow)]
    packages: Option<Vec<&'a RawValue>>,
    pub(super) files: Option<Vec<FileIn>>,
    pub(super) relationships: Option<Vec<RelationshipIn>>,
    pub(super) document_describes: Option<Vec<String>>,
    annotations: Option<Vec<AnnotationIn>>,
}

/// A package as it stands in the document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PackageIn {
    #[serde(rename = "SPDXID", default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) version_info: Option<String>,
    pub(super) source_info: Option<String>,
    pub(super) license_declared: Option<String>,
    pub(super) license_concluded: Option<String>,
    pub(super) primary_package_purpose: Option<String>,
    #[serde(default)]
    pub(super) external_refs: Vec<ExternalRefIn>,
    #[serde(default)]
    pub(super) annotations: Vec<AnnotationIn>,
    #[serde(default)]
    pub(super) attribution_texts: Vec<String>,
    #[serde(default)]
    pub(super) has_files: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExternalRefIn {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnnotationIn {
    #[serde(default)]
    pub(super) annotator: String,
    #[serde(default)]
    pub(super) comment: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RelationshipIn {
    #[serde(default)]
    pub(super) spdx_element_id: String,
    #[serde(default)]
    pub(super) relationship_type: String,
    #[serde(default)]
    pub(super) related_spdx_element: String,
    pub(super) comment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileIn {
    #[serde(rename = "SPDXID", default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) file_name: String,
}

impl PackageIn {
    /// Its package URLs, first as they stand; a locator without the scheme is none.
    pub(super) fn purl(&self) -> Option<&str> {
        self.external_refs.iter().find(|r| r.reference_type == "purl").map(|r| r.reference_locator.as_str())
    }

    fn what(&self) -> String {
        let version = self.version_info.as_deref().unwrap_or_default();
        bounded(format!("read the package {} {version}", self.name).trim_end())
    }
}

/// The first note of our own among annotations.
fn note<'a, T: Deserialize<'a>>(annotations: &'a [AnnotationIn]) -> Option<Result<T, String>> {
    let ours = |a: &&AnnotationIn| a.annotator.starts_with("Tool: cleanbill") && a.comment.starts_with(START);
    annotations.iter().find(ours).map(|a| serde_json::from_str(&a.comment).map_err(|e| e.to_string()))
}

fn problem(what: &str, why: impl Into<String>) -> Problem {
    Problem::new("sbom-component", "", what, why)
}

pub(super) fn read(bytes: &[u8]) -> Result<Sbom, SbomError> {
    let malformed = |why: String| SbomError::Malformed { format: NAME, why };
    let document: DocumentIn<'_> = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    let mut packages = Vec::new();
    let mut problems = Vec::new();
    for raw in document.packages.iter().flatten() {
        match serde_json::from_str::<PackageIn>(raw.get()) {
            Ok(package) => packages.push(package),
            Err(e) => problems.push(problem("read a package", e.to_string())),
        }
    }
    match note::<DocumentNote>(document.annotations.as_deref().unwrap_or_default()) {
        Some(note) => {
            let note = note.map_err(|why| malformed(format!("annotation of the document: {why}")))?;
            own(&packages, problems, note).map_err(malformed)
        }
        None => Ok(foreign_sbom(&document, &packages, problems)),
    }
}

/// A document of our own.
fn own(list: &[PackageIn], mut problems: Vec<Problem>, document: DocumentNote) -> Result<Sbom, String> {
    let mut subject = Subject::default();
    let mut packages = Vec::with_capacity(list.len());
    for package in list {
        match package.id.as_str() {
            "SPDXRef-Image" => {
                subject.name.clone_from(&package.name);
                let note = note::<ImageNote>(&package.annotations).transpose();
                subject.identity = note.and_then(|n| n.map(|n| n.identity()).transpose())?;
            }
            "SPDXRef-Distro" => {}
            _ => match own_package(package) {
                Ok(package) => packages.push(package),
                Err(why) => problems.push(problem(&package.what(), why)),
            },
        }
    }
    let mut sbom = Sbom { subject, distro: Distro::default(), packages, problems, catalogers: vec![], layers: vec![] };
    document.into_sbom(&mut sbom)?;
    Ok(sbom)
}

fn own_package(package: &PackageIn) -> Result<Package, String> {
    let purl = package.purl().ok_or("it has no package URL")?;
    let purl = Purl::parse(purl).map_err(|e| bounded(&e.to_string()))?;
    let note = note::<PackageNote>(&package.annotations).ok_or("it has no annotation of cleanbill")??;
    note.package(purl, package.name.clone(), package.version_info.clone().unwrap_or_default())
}

/// A document of others.
fn foreign_sbom(document: &DocumentIn<'_>, list: &[PackageIn], mut problems: Vec<Problem>) -> Sbom {
    let context = Foreign::of(document, list);
    let mut packages = Vec::new();
    for package in list {
        match context.package(package) {
            Ok(package) => packages.extend(package),
            Err(why) => problems.push(problem(&package.what(), why)),
        }
    }
    packages.sort();
    packages.dedup();
    let distro = crate::foreign::distro(foreign::distro(list), &packages);
    Sbom {
        subject: Subject { name: context.subject(document, list), identity: None },
        distro,
        packages,
        problems,
        catalogers: vec![],
        layers: foreign::layers(list),
    }
}
