//! Under which names advisories speak of a package.
//!
//! Distribution packages go by their source package and the release of the distribution, which must be
//! confirmed: a wrong release would compare with the wrong fixes. Language packages go by the names of the
//! OSV schema's table of ecosystems.

use cleanbill_model::{Distro, DistroState, Package};

/// The keys under which advisories speak of a package: OSV ecosystem (release included) and name.
/// Empty where no ecosystem is known for it. The distribution must be confirmed for its packages.
pub fn keys(package: &Package, distro: &Distro) -> Vec<(String, String)> {
    if package.purl.kind == "deb" {
        let (name, _) = source(package);
        return releases(distro).into_iter().map(|ecosystem| (ecosystem, name.to_owned())).collect();
    }
    let Some(ecosystem) = ecosystem(&package.purl.kind) else {
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
    if ecosystem == "PyPI" {
        let plain = normalised(&names[0]);
        names = vec![plain];
    }
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

fn releases(distro: &Distro) -> Vec<String> {
    if distro.state != DistroState::Confirmed {
        return Vec::new();
    }
    match distro.id.as_str() {
        "debian" => {
            let number = distro.version.split('.').next().unwrap_or_default();
            if number.is_empty() {
                // Testing and unstable have no number.
                let release = cleanbill_advisory::debian_tracker::ecosystem(&distro.codename);
                release.map(str::to_owned).into_iter().collect()
            } else {
                vec![format!("Debian:{number}")]
            }
        }
        "ubuntu" if !distro.version.is_empty() => {
            vec![format!("Ubuntu:{}", distro.version), format!("Ubuntu:{}:LTS", distro.version)]
        }
        _ => Vec::new(),
    }
}

fn ecosystem(purl_type: &str) -> Option<&'static str> {
    Some(match purl_type {
        "maven" => "Maven",
        "golang" => "Go",
        "npm" => "npm",
        "cargo" => "crates.io",
        "pypi" => "PyPI",
        "gem" => "RubyGems",
        "nuget" => "NuGet",
        "composer" => "Packagist",
        "hex" => "Hex",
        "pub" => "Pub",
        "hackage" => "Hackage",
        "cran" => "CRAN",
        "swift" => "SwiftURL",
        "githubactions" => "GitHub Actions",
        "conan" => "ConanCenter",
        _ => return None,
    })
}

/// The name of a Python package as PEP 503 normalises it.
fn normalised(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}
