//! Which distribution an image is, and whether that can be believed.
//!
//! os-release is a file that anybody can write into an image, and a deleted package database hides
//! every package. So the two must agree: os-release names a distribution, the database that it must
//! have is there, and it names at least one package. Anything else is `Unknown` with the reason, which
//! no gate passes. Only an image with neither (one program, nothing else) has no distribution.

use cleanbill_image::{Pattern, Tree};
use cleanbill_model::{Distro, DistroState, Package, Problem};

use crate::cataloger::Want;
use crate::os_release::OsRelease;

const OS_RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// What is read to know the distribution.
pub(crate) static WANTS: &[Want] =
    &[Want::Path(Pattern::Path(OS_RELEASE[0])), Want::Path(Pattern::Path(OS_RELEASE[1]))];

/// A kind of package database.
struct Database {
    name: &'static str,
    /// Type of its package URLs.
    kind: &'static str,
    /// Whether a cataloger reads it.
    read: bool,
    /// Where it is.
    paths: &'static [&'static str],
    /// `ID` or `ID_LIKE` of the distributions that must have it.
    distributions: &'static [&'static str],
}

static DATABASES: &[Database] = &[
    Database {
        name: "dpkg",
        kind: "deb",
        read: true,
        paths: &["var/lib/dpkg/status", "var/lib/dpkg/status.d"],
        distributions: &["debian", "ubuntu"],
    },
    Database {
        name: "apk",
        kind: "apk",
        read: false,
        paths: &["lib/apk/db/installed", "usr/lib/apk/db/installed"],
        distributions: &["alpine", "wolfi", "chainguard", "postmarketos"],
    },
    Database {
        name: "rpm",
        kind: "rpm",
        read: false,
        paths: &[
            "var/lib/rpm/Packages",
            "var/lib/rpm/Packages.db",
            "var/lib/rpm/rpmdb.sqlite",
            "usr/lib/sysimage/rpm/Packages",
            "usr/lib/sysimage/rpm/Packages.db",
            "usr/lib/sysimage/rpm/rpmdb.sqlite",
            "usr/share/rpm/Packages",
            "usr/share/rpm/Packages.db",
            "usr/share/rpm/rpmdb.sqlite",
            "var/lib/rpmmanifest/container-manifest-2",
        ],
        distributions: &[
            "rhel",
            "centos",
            "fedora",
            "rocky",
            "almalinux",
            "ol",
            "amzn",
            "suse",
            "opensuse",
            "sles",
            "opensuse-leap",
            "opensuse-tumbleweed",
            "mariner",
            "azurelinux",
            "photon",
            "openeuler",
            "anolis",
        ],
    },
    Database { name: "pacman", kind: "alpm", read: false, paths: &["var/lib/pacman/local"], distributions: &["arch"] },
    Database { name: "portage", kind: "ebuild", read: false, paths: &["var/db/pkg"], distributions: &["gentoo"] },
    Database {
        name: "opkg",
        kind: "opkg",
        read: false,
        paths: &["usr/lib/opkg/status", "var/lib/opkg/status"],
        distributions: &["openwrt"],
    },
    Database { name: "xbps", kind: "xbps", read: false, paths: &["var/db/xbps"], distributions: &["void"] },
    Database { name: "nix", kind: "nix", read: false, paths: &["nix/var/nix/db/db.sqlite"], distributions: &["nixos"] },
];

/// Tells the distribution of a tree in which `packages` were found.
pub(crate) fn distro(tree: &Tree, packages: &[Package], problems: &mut Vec<Problem>) -> Distro {
    let files: Vec<_> = OS_RELEASE.iter().filter_map(|path| tree.file(path.as_bytes())).collect();
    let read: Vec<OsRelease> = files
        .iter()
        .filter_map(|(_, file)| file.bytes()?.to_vec(1 << 20).ok().flatten())
        .map(|bytes| OsRelease::parse(&bytes))
        .collect();
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
        let reason = match present.first() {
            _ if !files.is_empty() => "os-release cannot be read".to_owned(),
            Some(database) => format!("there is a {} package database, but no os-release", database.name),
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

fn state(os: &OsRelease, present: &[&Database], packages: &[Package]) -> DistroState {
    let unknown = |reason: String| DistroState::Unknown(reason);
    if os.id.is_empty() {
        return unknown("os-release names no distribution".to_owned());
    }
    let names = || std::iter::once(&os.id).chain(&os.id_like);
    let needed = names().find_map(|id| DATABASES.iter().find(|d| d.distributions.contains(&id.as_str())));
    let list = || present.iter().map(|d| d.name).collect::<Vec<_>>().join(" and ");
    match needed {
        _ if present.is_empty() => unknown(format!("os-release names {}, but there is no package database", os.id)),
        None => {
            unknown(format!("os-release names {}, which is not known; there is a {} package database", os.id, list()))
        }
        Some(needed) if !present.iter().any(|d| std::ptr::eq(*d, needed)) => unknown(format!(
            "os-release names {}, whose package database is that of {}, but there is one of {}",
            os.id,
            needed.name,
            list()
        )),
        Some(needed) if !needed.read => unknown(format!("its {} package database is not read yet", needed.name)),
        Some(needed) if !packages.iter().any(|p| p.purl.kind == needed.kind) => {
            unknown(format!("its {} package database names no package", needed.name))
        }
        Some(_) => DistroState::Confirmed,
    }
}
