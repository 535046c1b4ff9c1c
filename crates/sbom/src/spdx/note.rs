//! What SPDX has no place for, as JSON in the comments of annotations.

use cleanbill_model::{
    Digest, Distro, DistroState, ImageIdentity, LayerInfo, Location, Package, Platform, Problem, Purl, Sbom,
    SourcePackage,
};
use serde::{Deserialize, Serialize};

use crate::{cataloger, cataloger_name};

/// How the comments start.
pub(super) const START: &str = "{\"cleanbill\":1";

#[derive(Serialize, Deserialize)]
pub(super) struct DocumentNote {
    cleanbill: u32,
    distro: Option<DistroNote>,
    #[serde(default)]
    catalogers: Vec<String>,
    #[serde(default)]
    layers: Vec<LayerNote>,
    #[serde(default)]
    problems: Vec<ProblemNote>,
}

#[derive(Serialize, Deserialize)]
struct DistroNote {
    id: String,
    version: String,
    codename: String,
    pretty_name: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct LayerNote {
    digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    diff_id: Option<String>,
    size: u64,
}

#[derive(Serialize, Deserialize)]
struct ProblemNote {
    code: String,
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer: Option<String>,
    what: String,
    why: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ImageNote {
    cleanbill: u32,
    manifest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index: Option<String>,
    config: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PackageNote {
    cleanbill: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<SourceNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    locations: Vec<LocationNote>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cataloger: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct SourceNote {
    name: String,
    version: String,
}

#[derive(Serialize, Deserialize)]
struct LocationNote {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer: Option<String>,
}

fn digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text).map_err(|e| e.to_string())
}

fn some_digest(text: Option<&String>) -> Result<Option<Digest>, String> {
    text.map(|t| digest(t)).transpose()
}

impl DocumentNote {
    pub(super) fn of(sbom: &Sbom) -> Self {
        let (state, reason) = match &sbom.distro.state {
            DistroState::Confirmed => ("confirmed", None),
            DistroState::None => ("none", None),
            DistroState::Unknown(reason) => ("unknown", Some(reason.clone())),
        };
        let distro = (sbom.distro != Distro::default()).then(|| DistroNote {
            id: sbom.distro.id.clone(),
            version: sbom.distro.version.clone(),
            codename: sbom.distro.codename.clone(),
            pretty_name: sbom.distro.pretty_name.clone(),
            state: state.to_owned(),
            reason,
        });
        let layer = |l: &LayerInfo| LayerNote {
            digest: l.digest.to_string(),
            diff_id: l.diff_id.as_ref().map(Digest::to_string),
            size: l.size,
        };
        let problem = |p: &Problem| ProblemNote {
            code: p.code.clone(),
            path: p.path.clone(),
            layer: p.layer.as_ref().map(Digest::to_string),
            what: p.what.clone(),
            why: p.why.clone(),
        };
        Self {
            cleanbill: 1,
            distro,
            catalogers: sbom.catalogers.iter().map(cataloger_name).collect(),
            layers: sbom.layers.iter().map(layer).collect(),
            problems: sbom.problems.iter().map(problem).collect(),
        }
    }

    /// Puts what the note says into an SBOM.
    pub(super) fn into_sbom(self, sbom: &mut Sbom) -> Result<(), String> {
        if let Some(d) = self.distro {
            let state = match d.state.as_str() {
                "confirmed" => DistroState::Confirmed,
                "none" => DistroState::None,
                _ => DistroState::Unknown(d.reason.unwrap_or_default()),
            };
            let (id, version, codename, pretty_name) = (d.id, d.version, d.codename, d.pretty_name);
            sbom.distro = Distro { id, version, codename, pretty_name, state };
        }
        sbom.catalogers = self.catalogers.iter().map(|t| cataloger(t)).collect::<Result<_, _>>()?;
        for l in &self.layers {
            let (digest, diff_id) = (digest(&l.digest)?, some_digest(l.diff_id.as_ref())?);
            sbom.layers.push(LayerInfo { digest, diff_id, size: l.size });
        }
        let mut problems = Vec::new();
        for p in self.problems {
            let layer = some_digest(p.layer.as_ref())?;
            problems.push(Problem { code: p.code, path: p.path, layer, what: p.what, why: p.why });
        }
        // Those of the image come before those of reading the document.
        problems.append(&mut sbom.problems);
        sbom.problems = problems;
        Ok(())
    }
}

impl ImageNote {
    pub(super) fn of(identity: &ImageIdentity) -> Self {
        Self {
            cleanbill: 1,
            manifest: identity.manifest.to_string(),
            index: identity.index.as_ref().map(Digest::to_string),
            config: identity.config.to_string(),
            platform: identity.platform.as_ref().map(Platform::to_string),
        }
    }

    pub(super) fn identity(&self) -> Result<ImageIdentity, String> {
        let platform = |t: &String| Platform::parse(t).ok_or_else(|| format!("`{t}` is not OS/ARCHITECTURE"));
        Ok(ImageIdentity {
            index: some_digest(self.index.as_ref())?,
            manifest: digest(&self.manifest)?,
            config: digest(&self.config)?,
            platform: self.platform.as_ref().map(platform).transpose()?,
        })
    }
}

impl PackageNote {
    pub(super) fn of(package: &Package) -> Self {
        let location =
            |l: &Location| LocationNote { path: l.path.clone(), layer: l.layer.as_ref().map(Digest::to_string) };
        let source = |s: &SourcePackage| SourceNote { name: s.name.clone(), version: s.version.clone() };
        Self {
            cleanbill: 1,
            source: package.source.as_ref().map(source),
            licenses: package.licenses.clone(),
            locations: package.locations.iter().map(location).collect(),
            owner: package.owner.as_ref().map(Purl::to_string),
            cataloger: package.cataloger.as_ref().map(cataloger_name),
        }
    }

    /// The package, with what stands in SPDX's own places.
    pub(super) fn package(self, purl: Purl, name: String, version: String) -> Result<Package, String> {
        let mut locations = Vec::with_capacity(self.locations.len());
        for location in self.locations {
            let layer = some_digest(location.layer.as_ref())?;
            locations.push(Location { path: location.path, layer });
        }
        Ok(Package {
            purl,
            name,
            version,
            source: self.source.map(|s| SourcePackage { name: s.name, version: s.version }),
            licenses: self.licenses,
            locations,
            owner: self.owner.map(|t| Purl::parse(&t)).transpose().map_err(|e| e.to_string())?,
            cataloger: self.cataloger.map(|t| cataloger(&t)).transpose()?,
        })
    }
}
