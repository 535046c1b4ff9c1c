//! Under which names advisories speak of a package.
//!
//! Distribution packages go by the release of the distribution, which must be confirmed: a wrong release
//! would compare with the wrong fixes. Debian, Ubuntu, Alpine and its relatives speak of source
//! packages; the rpm distributions of binary ones, SUSE of either. Language packages go by the names of
//! the OSV schema's table of ecosystems, in the spelling of [`comparable_name`].

use cleanbill_model::{Distro, DistroState, Package, comparable_name, ecosystem_of_purl_type};

/// The keys under which advisories speak of a package: OSV ecosystem (release included) and name.
/// Empty where no ecosystem is known for it. The distribution must be confirmed for its packages.
pub fn keys(package: &Package, distro: &Distro) -> Vec<(String, String)> {
    if package.is_distribution() {
        let names = distribution_names(package, distro);
        let ecosystems = releases(&package.purl.kind, distro);
        return ecosystems.into_iter().flat_map(|e| names.iter().map(move |n| (e.clone(), (*n).to_owned()))).collect();
    }
    let Some(ecosystem) = ecosystem_of_purl_type(&package.purl.kind) else {
        return Vec::new();
    };
    let separator = if ecosystem == "Maven" { ":" } else { "/" };
    let name = match package.purl.namespace.as_str() {
        "" => package.purl.name.clone(),
        namespace => format!("{namespace}{separator}{}", package.purl.name),
    };
    let mut names = vec![name];
    // Some writers put Go modules into package URLs in lower case; the package's own name has the real one.
    if names[0] != package.name && names[0].eq_ignore_ascii_case(&package.name) {
        names.push(package.name.clone());
    }
    let mut names: Vec<String> = names.iter().map(|n| comparable_name(ecosystem, n).into_owned()).collect();
    names.dedup();
    names.into_iter().map(|name| (ecosystem.to_owned(), name)).collect()
}

/// Name and version of the source package; the package's own where none is named.
pub(crate) fn source(package: &Package) -> (&str, &str) {
    match &package.source {
        Some(source) => {
            let version = if source.version.is_empty() { &package.version } else { &source.version };
            (&source.name, version)
        }
        None => (&package.name, &package.version),
    }
}

/// The version that a distribution's advisories are compared with: for dpkg the source package's, which
/// may differ from the binary's; elsewhere both are the same and the package's own has the epoch.
pub(crate) fn version(package: &Package) -> &str {
    if package.purl.kind == "deb" { source(package).1 } else { &package.version }
}

fn distribution_names<'a>(package: &'a Package, distro: &Distro) -> Vec<&'a str> {
    let own = package.name.as_str();
    let source = source(package).0;
    let mut names = match (package.purl.kind.as_str(), distro.id.as_str()) {
        ("rpm", id) if id.starts_with("sle") || id.contains("suse") || id == "photon" => vec![own, source],
        ("rpm" | "alpm", _) => vec![own],
        // Wolfi and its relatives write records for subpackages too.
        ("apk", "wolfi" | "chainguard") => vec![source, own],
        _ => vec![source],
    };
    names.dedup();
    names
}

fn releases(kind: &str, distro: &Distro) -> Vec<String> {
    if distro.state != DistroState::Confirmed {
        return Vec::new();
    }
    let version = distro.version.as_str();
    let major = version.split('.').next().unwrap_or_default();
    let of = |name: &str, release: &str| match release {
        "" => Vec::new(),
        release => vec![format!("{name}:{release}")],
    };
    match (kind, distro.id.as_str()) {
        ("deb", "debian") if major.is_empty() => {
            // Testing and unstable have no number.
            let release = cleanbill_advisory::debian_tracker::ecosystem(&distro.codename);
            release.map(str::to_owned).into_iter().collect()
        }
        ("deb", "debian") => of("Debian", major),
        ("deb", "ubuntu") if !version.is_empty() => {
            vec![format!("Ubuntu:{version}"), format!("Ubuntu:{version}:LTS")]
        }
        ("apk", "alpine") => match version.split('.').collect::<Vec<_>>().as_slice() {
            // `3.21.0_alpha20240807` and the like are edge.
            _ if version.contains("_alpha") => of("Alpine", "edge"),
            [major, minor, ..] => of("Alpine", &format!("v{major}.{minor}")),
            _ => Vec::new(),
        },
        ("apk", "wolfi") => vec!["Wolfi".to_owned()],
        ("apk", "chainguard") => vec!["Chainguard".to_owned(), "Wolfi".to_owned()],
        ("rpm", "almalinux") => of("AlmaLinux", major),
        ("rpm", "rocky") => of("Rocky Linux", major),
        ("rpm", "azurelinux") => of("Azure Linux", major),
        ("rpm", "mariner") => of("Azure Linux", major).into_iter().chain(of("CBL-Mariner", version)).collect(),
        ("rpm", "mageia") => of("Mageia", major),
        ("rpm", "photon") => of("Photon OS", version),
        ("rpm", "openeuler") => of("openEuler", version),
        ("rpm", "opensuse-leap") => of("openSUSE", &format!("Leap {version}")),
        ("rpm", "opensuse-tumbleweed") => of("openSUSE", "Tumbleweed"),
        ("rpm", "sles" | "sled" | "sle_hpc" | "sles_sap") => match version.split_once('.') {
            Some((major, "0")) => of("SUSE", &format!("Linux Enterprise Server {major}")),
            Some((major, pack)) => of("SUSE", &format!("Linux Enterprise Server {major} SP{pack}")),
            None => of("SUSE", &format!("Linux Enterprise Server {major}")),
        },
        _ => Vec::new(),
    }
}
