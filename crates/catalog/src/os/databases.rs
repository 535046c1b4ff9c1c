//! The kinds of package databases: where they are, and which distributions must have them.

/// A kind of package database.
#[derive(Debug)]
pub(crate) struct Database {
    /// Its name.
    pub(crate) name: &'static str,
    /// Type of its package URLs.
    pub(crate) kind: &'static str,
    /// Whether a cataloger reads it.
    pub(crate) read: bool,
    /// Where it is.
    pub(crate) paths: &'static [&'static str],
    /// `ID` of the distributions that must have it, or one of those that name them; what is not here
    /// is known by its `ID_LIKE`.
    pub(crate) distributions: &'static [&'static str],
}

/// All of them.
pub(crate) static DATABASES: &[Database] = &[
    Database {
        name: "dpkg",
        kind: "deb",
        read: true,
        paths: &["var/lib/dpkg/status", "var/lib/dpkg/status.d"],
        distributions: &[
            "debian",
            "ubuntu",
            "raspbian",
            "devuan",
            "kali",
            "parrot",
            "linuxmint",
            "pop",
            "elementary",
            "neon",
            "zorin",
            "deepin",
            "pureos",
            "proxmox",
            "astra",
            "echo",
        ],
    },
    Database {
        name: "apk",
        kind: "apk",
        read: true,
        paths: &["lib/apk/db/installed", "usr/lib/apk/db/installed"],
        distributions: &[
            "alpine",
            "wolfi",
            "chainguard",
            "postmarketos",
            "minimos",
            "secureos",
            "adelie",
            "chimera",
            "openwrt",
        ],
    },
    Database {
        name: "rpm",
        kind: "rpm",
        read: true,
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
            // Red Hat and what is made from its sources.
            "rhel",
            "centos",
            "fedora",
            "rocky",
            "almalinux",
            "ol",
            "amzn",
            "scientific",
            "eurolinux",
            "miraclelinux",
            "cloudlinux",
            "virtuozzo",
            "xenenterprise",
            "hummingbird",
            // SUSE.
            "suse",
            "sles",
            "sled",
            "sles_sap",
            "sle_hpc",
            "sle-micro",
            "sl-micro",
            "suse-microos",
            "opensuse",
            "opensuse-leap",
            "opensuse-leap-micro",
            "opensuse-microos",
            "opensuse-slowroll",
            "opensuse-tumbleweed",
            // Clouds.
            "mariner",
            "azurelinux",
            "photon",
            // openEuler, Anolis and their relatives.
            "openeuler",
            "hce",
            "kylin",
            "uos",
            "anolis",
            "alinux",
            "opencloudos",
            "tencentos",
            // Others.
            "mageia",
            "openmandriva",
            "rosa",
            "altlinux",
            "poky",
        ],
    },
    Database {
        name: "pacman",
        kind: "alpm",
        read: true,
        paths: &["var/lib/pacman/local"],
        distributions: &[
            "arch",
            "archarm",
            "archlinux",
            "artix",
            "blackarch",
            "cachyos",
            "endeavouros",
            "garuda",
            "manjaro",
            "parabola",
            "steamos",
        ],
    },
    Database { name: "portage", kind: "ebuild", read: false, paths: &["var/db/pkg"], distributions: &["gentoo"] },
    Database {
        name: "opkg",
        kind: "opkg",
        read: true,
        paths: &["usr/lib/opkg/status", "var/lib/opkg/status"],
        distributions: &["openwrt", "poky", "nodistro"],
    },
    Database { name: "xbps", kind: "xbps", read: false, paths: &["var/db/xbps"], distributions: &["void"] },
    Database { name: "nix", kind: "nix", read: false, paths: &["nix/var/nix/db/db.sqlite"], distributions: &["nixos"] },
];
