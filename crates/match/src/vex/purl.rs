//! Whether a package is what a package URL in a statement or a rule names.
//!
//! The URL of the statement is the pattern: no version means every version, and each qualifier that it
//! has must be one of the package's. Nothing is guessed beyond spellings of the same thing: a module of
//! Go with or without `v`, Red Hat as `redhat` or `rhel`, an epoch beside or inside the version.

use std::borrow::Cow;

use cleanbill_model::{Distro, Package, Purl, comparable_name, ecosystem_of_purl_type};

/// Whether `wanted` names `package`, which was found in an image of `distro`.
pub(crate) fn names(wanted: &Purl, package: &Package, distro: &Distro) -> bool {
    if wanted.kind != package.purl.kind || !same_namespace(wanted, &package.purl) {
        return false;
    }
    if wanted.subpath.is_some() && wanted.subpath != package.purl.subpath {
        return false;
    }
    let arch = wanted.qualifiers.get("arch").map(String::as_str);
    let of_source =
        matches!((wanted.kind.as_str(), arch), ("rpm", Some("src")) | ("deb" | "apk" | "alpm", Some("source" | "src")));
    let (name, version) = match (&package.source, of_source) {
        (Some(source), true) => {
            let version = if source.version.is_empty() { &package.version } else { &source.version };
            (source.name.as_str(), version.as_str())
        }
        // A package that names no source package may be of any.
        (None, true) => return false,
        (_, false) => (package.purl.name.as_str(), package.purl.version.as_deref().unwrap_or(&package.version)),
    };
    same_name(wanted, name)
        && same_version(wanted, package, version)
        && wanted.qualifiers.iter().all(|(key, value)| match key.as_str() {
            "arch" if of_source => true,
            // Part of the version, compared with it.
            "epoch" if wanted.kind == "rpm" => true,
            "distro" => same_distro(value, package, distro),
            "upstream" => same_upstream(value, package),
            _ => package.purl.qualifiers.get(key) == Some(value),
        })
}

fn same_namespace(a: &Purl, b: &Purl) -> bool {
    let fold = |purl: &Purl| match (purl.kind.as_str(), purl.namespace.to_ascii_lowercase().as_str()) {
        ("rpm", "redhat") => "rhel".to_owned(),
        ("rpm", "amazon") => "amzn".to_owned(),
        ("rpm", "oracle" | "oraclelinux") => "ol".to_owned(),
        ("deb" | "rpm" | "apk" | "alpm" | "golang" | "composer" | "github" | "githubactions", lower) => {
            lower.to_owned()
        }
        _ => purl.namespace.clone(),
    };
    fold(a) == fold(b)
}

fn same_name(wanted: &Purl, name: &str) -> bool {
    match (wanted.kind.as_str(), ecosystem_of_purl_type(&wanted.kind)) {
        ("golang", _) => wanted.name.eq_ignore_ascii_case(name),
        (_, Some(ecosystem)) => comparable_name(ecosystem, &wanted.name) == comparable_name(ecosystem, name),
        _ => wanted.name == name,
    }
}

fn same_version(wanted: &Purl, package: &Package, version: &str) -> bool {
    let Some(said) = wanted.version.as_deref() else { return true };
    match wanted.kind.as_str() {
        "rpm" => {
            let own = epoch(version, package.purl.qualifiers.get("epoch"));
            epoch(said, wanted.qualifiers.get("epoch")) == own
        }
        "golang" => go(said) == go(version),
        _ => said == version,
    }
}

/// An rpm's epoch, zero where none is written, and the rest of its version.
fn epoch<'a>(version: &'a str, beside: Option<&'a String>) -> (&'a str, &'a str) {
    match version.split_once(':') {
        Some(parts) => parts,
        None => (beside.map_or("0", String::as_str), version),
    }
}

/// A module's version, always with its `v`.
fn go(version: &str) -> Cow<'_, str> {
    if version.starts_with(|c: char| c.is_ascii_digit()) {
        Cow::Owned(format!("v{version}"))
    } else {
        Cow::Borrowed(version)
    }
}

/// The source package, as syft writes it: `NAME` or `NAME@VERSION`.
fn same_upstream(value: &str, package: &Package) -> bool {
    if package.purl.qualifiers.get("upstream").is_some_and(|own| own == value) {
        return true;
    }
    let (name, version) = value.split_once('@').map_or((value, None), |(name, version)| (name, Some(version)));
    package.source.as_ref().is_some_and(|s| s.name == name && version.is_none_or(|version| s.version == version))
}

/// A distribution goes by number or by code name, with or without its own name in front.
fn same_distro(value: &str, package: &Package, distro: &Distro) -> bool {
    if package.purl.qualifiers.get("distro").is_some_and(|own| own == value) {
        return true;
    }
    let release = value.strip_prefix(distro.id.as_str()).and_then(|rest| rest.strip_prefix('-')).unwrap_or(value);
    !release.is_empty() && !distro.id.is_empty() && (release == distro.version || release == distro.codename)
}
