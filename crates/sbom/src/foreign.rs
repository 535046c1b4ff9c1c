//! What documents of others say in the places that they share: package URLs and names of distributions.
//!
//! The `upstream` and `distro` qualifiers are those of Syft, `epoch` is in use by all; names of
//! distributions are brought to the `ID` of os-release (Trivy has names of its own:
//! `pkg/fanal/types/const.go`).

use cleanbill_model::{Distro, DistroState, Package, Purl, SourcePackage};

/// Package URL types whose packages a distribution owns.
pub(crate) fn of_distribution(purl: &Purl) -> bool {
    matches!(purl.kind.as_str(), "deb" | "rpm" | "apk" | "alpm" | "opkg")
}

/// Package URL types that name images and other wholes, not packages in them.
pub(crate) fn is_image(purl: &Purl) -> bool {
    matches!(purl.kind.as_str(), "oci" | "docker")
}

/// An outside text as a message may repeat it.
pub(crate) fn bounded(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The `ID` that os-release has for the name that a document uses.
fn os_release_id(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    match name.as_str() {
        "alma" => "almalinux",
        "amazon" | "amazonlinux" => "amzn",
        "oracle" | "oraclelinux" => "ol",
        "redhat" | "red hat enterprise linux" => "rhel",
        "cbl-mariner" => "mariner",
        "suse linux enterprise server" | "sle" => "sles",
        "opensuse.leap" => "opensuse-leap",
        "opensuse.tumbleweed" => "opensuse-tumbleweed",
        "rockylinux" => "rocky",
        other => other,
    }
    .to_owned()
}

/// The distribution: by name and version where the document has them, else by what the package URLs say.
pub(crate) fn distro(named: Option<(&str, &str)>, packages: &[Package]) -> Distro {
    if let Some((name, version)) = named {
        let id = os_release_id(name);
        // Trivy says `2 (Karoo)`.
        let version = version.split_whitespace().next().unwrap_or_default().to_owned();
        let state = match (id.is_empty(), version.is_empty()) {
            (true, _) => DistroState::Unknown("the SBOM does not name the distribution".to_owned()),
            // These have no releases.
            (false, true) if matches!(id.as_str(), "arch" | "wolfi" | "chainguard" | "opensuse-tumbleweed") => {
                DistroState::Confirmed
            }
            (false, true) => DistroState::Unknown(format!("the SBOM does not say which release of {id}")),
            (false, false) => DistroState::Confirmed,
        };
        return without_packages(Distro { id, version, state, ..Distro::default() }, packages);
    }
    let mut owned = packages.iter().map(|p| &p.purl).filter(|p| of_distribution(p)).peekable();
    if owned.peek().is_none() {
        return Distro::default();
    }
    let digit = |t: &str| t.starts_with(|c: char| c.is_ascii_digit());
    let said = owned.find_map(|p| {
        let qualifier = p.qualifiers.get("distro")?;
        match qualifier.rsplit_once('-') {
            Some((id, version)) if digit(version) => Some((id.to_owned(), version.to_owned())),
            // Trivy says the version alone for some; the namespace is the distribution.
            _ if digit(qualifier) && !p.namespace.is_empty() => Some((p.namespace.clone(), qualifier.clone())),
            _ => None,
        }
    });
    match said {
        Some((id, version)) => {
            Distro { id: os_release_id(&id), version, state: DistroState::Confirmed, ..Distro::default() }
        }
        None => Distro {
            state: DistroState::Unknown("the SBOM does not name the distribution of its packages".to_owned()),
            ..Distro::default()
        },
    }
}

/// A distribution that is named and owns no package is not believed: its package database may have
/// been left out.
pub(crate) fn without_packages(distro: Distro, packages: &[Package]) -> Distro {
    if distro.state != DistroState::Confirmed || packages.iter().any(|p| of_distribution(&p.purl)) {
        return distro;
    }
    let state = DistroState::Unknown(format!("the SBOM names {} and holds no package of it", distro.id));
    Distro { state, ..distro }
}

/// A package with what its package URL says; `version` is what the document says beside it.
pub(crate) fn by_purl(mut purl: Purl, version: Option<&str>) -> Package {
    if purl.version.is_none() {
        purl.version = version.map(str::to_owned).filter(|v| !v.is_empty());
    }
    let version = whole_version(&purl);
    Package {
        name: name(&purl, ""),
        source: source(&purl, &version),
        licenses: Vec::new(),
        locations: Vec::new(),
        owner: None,
        cataloger: None,
        version,
        purl,
    }
}

/// The version as the ecosystem writes it: some package URLs keep the epoch beside the version.
fn whole_version(purl: &Purl) -> String {
    let version = purl.version.clone().unwrap_or_default();
    match purl.qualifiers.get("epoch") {
        Some(epoch)
            if matches!(purl.kind.as_str(), "rpm" | "deb")
                && epoch != "0"
                && !version.is_empty()
                && !version.contains(':') =>
        {
            format!("{epoch}:{version}")
        }
        _ => version,
    }
}

/// The name as the ecosystem writes it; `group` stands in where the package URL has no namespace.
pub(crate) fn name(purl: &Purl, group: &str) -> String {
    let namespace = if purl.namespace.is_empty() { group } else { &purl.namespace };
    match (purl.kind.as_str(), namespace) {
        (_, "") => purl.name.clone(),
        ("maven", group) => format!("{group}:{}", purl.name),
        _ if of_distribution(purl) => purl.name.clone(),
        (_, namespace) => format!("{namespace}/{}", purl.name),
    }
}

/// The source package that the `upstream` qualifier names.
pub(crate) fn source(purl: &Purl, version: &str) -> Option<SourcePackage> {
    if !of_distribution(purl) {
        return None;
    }
    upstream(purl.qualifiers.get("upstream")?, version)
}

/// A source package as `glibc`, `glibc@2.36-9` or `glibc-2.36-9.src.rpm`; without a version of its own
/// it has that of the package.
pub(crate) fn upstream(text: &str, version: &str) -> Option<SourcePackage> {
    if text.is_empty() {
        return None;
    }
    let named = |name: &str, version: &str| SourcePackage { name: name.to_owned(), version: version.to_owned() };
    if let Some(stem) = text.strip_suffix(".src.rpm") {
        // NAME-VERSION-RELEASE; the epoch is the package's.
        let mut parts = stem.rsplitn(3, '-');
        let (release, own, name) = (parts.next()?, parts.next()?, parts.next()?);
        let epoch = version.split_once(':').map(|(epoch, _)| format!("{epoch}:")).unwrap_or_default();
        return Some(named(name, &format!("{epoch}{own}-{release}")));
    }
    let (name, own) = text.split_once('@').unwrap_or((text, version));
    Some(named(name, own))
}

/// A path as the model has it: without leading slash.
pub(crate) fn relative(path: &str) -> String {
    path.trim_start_matches('/').to_owned()
}
