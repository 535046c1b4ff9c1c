//! Which distribution an image is, and whether that can be believed.
//!
//! os-release is a file that anybody can write into an image, and a deleted package database hides
//! every package. So the two must agree: os-release names a distribution, the database that it must
//! have is there, and it names at least one package. On Alpine the repositories that packages come from
//! must name that release as well. Anything else is `Unknown` with the reason, which no gate passes. Only
//! an image with neither (one program, nothing else) has no distribution.

use cleanbill_image::{Pattern, Tree};
use cleanbill_model::{Distro, DistroState, Package, Problem};

use crate::cataloger::Want;
use crate::os::databases::{DATABASES, Database};
use crate::os::repositories;
use crate::os_release::OsRelease;

const OS_RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];
const REPOSITORIES: &str = "etc/apk/repositories";
/// Files with one line of text that name the distribution to people. They are believed in nothing;
/// where there is no os-release they say what it may have been.
const RELEASES: [&str; 8] = [
    "etc/redhat-release",
    "etc/centos-release",
    "etc/system-release",
    "etc/oracle-release",
    "etc/SuSE-release",
    "etc/photon-release",
    "etc/alpine-release",
    "etc/debian_version",
];

/// What is read to know the distribution.
pub(crate) static WANTS: &[Want] = &[
    Want::Path(Pattern::Path(OS_RELEASE[0])),
    Want::Path(Pattern::Path(OS_RELEASE[1])),
    Want::Path(Pattern::Path(REPOSITORIES)),
    Want::Path(Pattern::Path(RELEASES[0])),
    Want::Path(Pattern::Path(RELEASES[1])),
    Want::Path(Pattern::Path(RELEASES[2])),
    Want::Path(Pattern::Path(RELEASES[3])),
    Want::Path(Pattern::Path(RELEASES[4])),
    Want::Path(Pattern::Path(RELEASES[5])),
    Want::Path(Pattern::Path(RELEASES[6])),
    Want::Path(Pattern::Path(RELEASES[7])),
];

/// Tells the distribution of a tree in which `packages` were found.
pub(crate) fn distro(tree: &Tree, packages: &[Package], problems: &mut Vec<Problem>) -> Distro {
    let files: Vec<_> = OS_RELEASE.iter().filter(|path| tree.file(path.as_bytes()).is_some()).collect();
    let read: Vec<OsRelease> = files.iter().filter_map(|path| Some(OsRelease::parse(&bytes(tree, path)?))).collect();
    let present: Vec<&Database> = DATABASES.iter().filter(|d| d.paths.iter().any(|p| tree.exists(p))).collect();
    for database in present.iter().filter(|d| !d.read) {
        let path = database.paths.iter().find(|p| tree.exists(p)).copied().unwrap_or_default();
        problems.push(Problem::new(
            "unsupported-database",
            path,
            "read the package database",
            format!("packages of {} are not read yet", database.name),
        ));
    }
    let Some(os) = read.first() else {
        let hint = named_elsewhere(tree);
        let reason = match present.first() {
            _ if !files.is_empty() => "os-release cannot be read".to_owned(),
            Some(database) => {
                format!("there is {} package database, but no os-release{hint}", with_article(database.name))
            }
            None if !hint.is_empty() => format!("there is neither os-release nor a package database{hint}"),
            None => return Distro::default(),
        };
        return Distro { state: DistroState::Unknown(reason), ..Distro::default() };
    };
    let state = match (state(os, &present, packages), read.get(1)) {
        (DistroState::Confirmed, Some(other)) if (&other.id, &other.version) != (&os.id, &os.version) => {
            DistroState::Unknown(format!(
                "etc/os-release says {} {}, usr/lib/os-release says {} {}",
                os.id, os.version, other.id, other.version
            ))
        }
        (DistroState::Confirmed, _) => repositories(tree, os),
        (state, _) => state,
    };
    Distro {
        id: os.id.clone(),
        version: os.version.clone(),
        codename: os.codename.clone(),
        pretty_name: os.pretty_name.clone(),
        state,
    }
}

/// A name with `a` or `an` before it.
fn with_article(name: &str) -> String {
    let vowel = name.starts_with(['a', 'e', 'i', 'o', 'u', 'x']) || name.starts_with("rpm");
    format!("{} {name}", if vowel { "an" } else { "a" })
}

/// A small file, where it could be kept.
fn bytes(tree: &Tree, path: &str) -> Option<Vec<u8>> {
    tree.file(path.as_bytes())?.1.bytes()?.to_vec(1 << 20).ok().flatten()
}

/// What the first file of those for people says, as the end of a sentence.
fn named_elsewhere(tree: &Tree) -> String {
    RELEASES
        .iter()
        .find_map(|path| {
            let text = bytes(tree, path)?;
            let text = String::from_utf8_lossy(&text);
            let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
            let line: String = line.chars().filter(|c| !c.is_control()).take(80).collect();
            Some(format!("; {path} says {line}"))
        })
        .unwrap_or_default()
}

/// Packages of Alpine come from the release that its repositories name. An image that asks another one
/// only, most often edge, is not what os-release says. One that asks its own release and others is.
fn repositories(tree: &Tree, os: &OsRelease) -> DistroState {
    if os.id != "alpine" {
        return DistroState::Confirmed;
    }
    let text = bytes(tree, REPOSITORIES).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let releases = repositories::releases(&text);
    if releases.is_empty() || repositories::is_among(&os.version, &releases) {
        return DistroState::Confirmed;
    }
    let list = releases.into_iter().collect::<Vec<_>>().join(" and ");
    DistroState::Unknown(format!("os-release says {} {}, {REPOSITORIES} says {list}", os.id, os.version))
}

fn state(os: &OsRelease, present: &[&Database], packages: &[Package]) -> DistroState {
    let unknown = |reason: String| DistroState::Unknown(reason);
    if os.id.is_empty() {
        return unknown("os-release names no distribution".to_owned());
    }
    let list = |databases: &[&Database], word: &str| databases.iter().map(|d| d.name).collect::<Vec<_>>().join(word);
    if present.is_empty() {
        return unknown(format!("os-release names {}, but there is no package database", os.id));
    }
    // The first of the names that is known decides; some distributions may have one of several.
    let of = |id: &String| -> Vec<&Database> {
        DATABASES.iter().filter(|d| d.distributions.contains(&id.as_str())).collect()
    };
    let possible = std::iter::once(&os.id).chain(&os.id_like).map(of).find(|databases| !databases.is_empty());
    let Some(possible) = possible else {
        let list = list(present, " and ");
        return unknown(format!(
            "os-release names {}, which is not known; there is {} package database",
            os.id,
            with_article(&list)
        ));
    };
    let there: Vec<&Database> =
        possible.iter().copied().filter(|d| present.iter().any(|p| std::ptr::eq(*p, *d))).collect();
    let Some(first) = there.first() else {
        return unknown(format!(
            "os-release names {}, whose package database is that of {}, but there is one of {}",
            os.id,
            list(&possible, " or "),
            list(present, " and ")
        ));
    };
    if !there.iter().any(|d| d.read) {
        return unknown(format!("its {} package database is not read yet", first.name));
    }
    if !packages.iter().any(|p| there.iter().any(|d| d.kind == p.purl.kind)) {
        return unknown(format!("its {} package database names no package", list(&there, " and ")));
    }
    DistroState::Confirmed
}
