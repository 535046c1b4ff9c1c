//! What documents of others say, and what bytes are that are no such document.
//!
//! Property names are those of Syft (`syft/format/internal/cyclonedxutil`) and Trivy
//! (`pkg/sbom/core`); the `upstream` qualifier is Syft's too.

use cleanbill_model::{Digest, Distro, DistroState, Location, Package, Purl, SourcePackage};

use super::read::{ComponentIn, Lookup, licenses};

/// What other format `bytes` are, if they look like one that is known.
pub(super) fn kind(bytes: &[u8]) -> Option<&'static str> {
    let head = String::from_utf8_lossy(bytes.get(..4096.min(bytes.len())).unwrap_or_default());
    let head = head.trim_start();
    if head.is_empty() {
        return Some("there are no bytes");
    }
    if head.starts_with('<') {
        return Some("it is XML");
    }
    if head.starts_with("SPDXVersion:") {
        return Some("it is SPDX tag-value");
    }
    if !head.starts_with('{') {
        return Some("it is not a JSON object");
    }
    let has = |key: &str| head.contains(&format!("\"{key}\""));
    if has("spdxVersion") || has("SPDXID") {
        return Some("it is SPDX JSON");
    }
    if has("@context") {
        return Some("it is JSON-LD, maybe SPDX 3");
    }
    if has("artifacts") && !has("bomFormat") {
        return Some("it is Syft JSON");
    }
    None
}

/// Package URL types whose packages a distribution owns.
fn of_distribution(purl: &Purl) -> bool {
    matches!(purl.kind.as_str(), "deb" | "rpm" | "apk" | "alpm")
}

/// The distribution: by the component where there is one, else by what the package URLs say.
pub(super) fn distro(component: Option<&ComponentIn<'_>>, packages: &[Package]) -> Distro {
    if let Some(component) = component {
        let version = component.version.clone().unwrap_or_default();
        let id = component.name.to_ascii_lowercase();
        let state = match (id.is_empty(), version.is_empty()) {
            (true, _) => DistroState::Unknown("the SBOM does not name the distribution".to_owned()),
            (false, true) => DistroState::Unknown(format!("the SBOM does not say which release of {id}")),
            (false, false) => DistroState::Confirmed,
        };
        return Distro { id, version, state, ..Distro::default() };
    }
    let mut owned = packages.iter().map(|p| &p.purl).filter(|p| of_distribution(p)).peekable();
    if owned.peek().is_none() {
        return Distro::default();
    }
    match owned.find_map(|p| p.qualifiers.get("distro")).and_then(|d| d.rsplit_once('-')) {
        Some((id, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => Distro {
            id: id.to_ascii_lowercase(),
            version: version.to_owned(),
            state: DistroState::Confirmed,
            ..Distro::default()
        },
        _ => Distro {
            state: DistroState::Unknown("the SBOM does not name the distribution of its packages".to_owned()),
            ..Distro::default()
        },
    }
}

/// A distribution that is named and owns no package is not believed: its package database may have
/// been left out.
pub(super) fn without_packages(distro: Distro, packages: &[Package]) -> Distro {
    if distro.state != DistroState::Confirmed || packages.iter().any(|p| of_distribution(&p.purl)) {
        return distro;
    }
    let state = DistroState::Unknown(format!("the SBOM names {} and holds no package of it", distro.id));
    Distro { state, ..distro }
}

/// A package with what its package URL and the known properties say.
pub(super) fn package(component: &ComponentIn<'_>, mut purl: Purl) -> Package {
    let properties = Lookup::new(component.properties.as_ref());
    if purl.version.is_none() {
        purl.version = component.version.clone().filter(|v| !v.is_empty());
    }
    let mut version = purl.version.clone().unwrap_or_default();
    // The package URL of an rpm keeps the epoch beside the version.
    if let Some(epoch) = purl.qualifiers.get("epoch")
        && purl.kind == "rpm"
        && epoch != "0"
        && !version.contains(':')
    {
        version = format!("{epoch}:{version}");
    }
    let source = source(&properties, &purl, &version);
    Package {
        name: name(component, &purl),
        source,
        licenses: licenses(component),
        locations: locations(&properties),
        owner: None,
        cataloger: None,
        version,
        purl,
    }
}

/// The name as the ecosystem writes it.
fn name(component: &ComponentIn<'_>, purl: &Purl) -> String {
    let namespace = match purl.namespace.as_str() {
        "" => component.group.as_deref().unwrap_or_default(),
        namespace => namespace,
    };
    match (purl.kind.as_str(), namespace) {
        (_, "") => purl.name.clone(),
        ("maven", group) => format!("{group}:{}", purl.name),
        ("deb" | "rpm" | "apk" | "alpm", _) => purl.name.clone(),
        (_, namespace) => format!("{namespace}/{}", purl.name),
    }
}

fn source(properties: &Lookup<'_>, purl: &Purl, version: &str) -> Option<SourcePackage> {
    let named = |name: &str, version: &str| SourcePackage { name: name.to_owned(), version: version.to_owned() };
    if !of_distribution(purl) {
        return None;
    }
    if let Some(name) = properties.get("aquasecurity:trivy:SrcName").filter(|n| !n.is_empty()) {
        let part = |key: &str| properties.get(&format!("aquasecurity:trivy:{key}")).filter(|t| !t.is_empty());
        let Some(upstream) = part("SrcVersion") else { return Some(named(name, version)) };
        let epoch = part("SrcEpoch").filter(|e| *e != "0").map(|e| format!("{e}:")).unwrap_or_default();
        let release = part("SrcRelease").map(|r| format!("-{r}")).unwrap_or_default();
        return Some(named(name, &format!("{epoch}{upstream}{release}")));
    }
    for key in ["syft:metadata:source", "syft:metadata:originPackage"] {
        if let Some(name) = properties.get(key).filter(|n| !n.is_empty()) {
            let own = properties.get("syft:metadata:sourceVersion").filter(|v| !v.is_empty());
            return Some(named(name, own.unwrap_or(version)));
        }
    }
    let upstream = properties
        .get("syft:metadata:sourceRpm")
        .or_else(|| purl.qualifiers.get("upstream").map(String::as_str))
        .filter(|t| !t.is_empty())?;
    if let Some(stem) = upstream.strip_suffix(".src.rpm") {
        // NAME-VERSION-RELEASE
        let mut parts = stem.rsplitn(3, '-');
        let (release, upstream_version, name) = (parts.next()?, parts.next()?, parts.next()?);
        return Some(named(name, &format!("{upstream_version}-{release}")));
    }
    let (name, own) = upstream.split_once('@').unwrap_or((upstream, version));
    Some(named(name, own))
}

fn locations(properties: &Lookup<'_>) -> Vec<Location> {
    let mut locations = Vec::new();
    let relative = |path: &str| path.trim_start_matches('/').to_owned();
    if let Some(path) = properties.get("aquasecurity:trivy:FilePath") {
        let layer = properties.get("aquasecurity:trivy:LayerDigest").and_then(|t| Digest::parse(t).ok());
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
