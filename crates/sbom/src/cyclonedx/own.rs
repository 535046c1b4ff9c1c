//! What documents of our own say in properties.

use cleanbill_model::{
    CatalogerId, Distro, DistroState, ImageIdentity, LayerInfo, Location, Package, Platform, Problem, Purl,
    SourcePackage, Subject,
};

use super::read::{ComponentIn, Lookup, licenses};
use crate::cataloger;

pub(super) fn subject(component: &ComponentIn<'_>) -> Result<Subject, String> {
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

pub(super) fn catalogers(properties: &Lookup<'_>) -> Result<Vec<CatalogerId>, String> {
    (0..).map_while(|n| properties.get(&format!("cleanbill:cataloger:{n}"))).map(cataloger).collect()
}

pub(super) fn layers(properties: &Lookup<'_>) -> Result<Vec<LayerInfo>, String> {
    let mut layers = Vec::new();
    while let Some(digest) = properties.digest(&format!("cleanbill:layer:{}:digest", layers.len()))? {
        let n = layers.len();
        let diff_id = properties.digest(&format!("cleanbill:layer:{n}:diff-id"))?;
        let size = properties.number(&format!("cleanbill:layer:{n}:size"))?.unwrap_or(0);
        layers.push(LayerInfo { digest, diff_id, size });
    }
    Ok(layers)
}

pub(super) fn problems(properties: &Lookup<'_>) -> Result<Vec<Problem>, String> {
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

pub(super) fn distro(component: &ComponentIn<'_>) -> Distro {
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

pub(super) fn package(component: &ComponentIn<'_>, purl: Purl) -> Result<Package, String> {
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
