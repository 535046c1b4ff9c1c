//! Real programs that tests run against: a Kubernetes API server, registries with and without the
//! referrers API, cosign, a browser. What is here finds and starts them; nothing here installs one:
//! `./dev test` does, with the scripts under `crates/testkit/real/`.
//!
//! A test that needs one is written with [`harness::real_test`], so that a component that cannot be
//! had is counted as ignored, never as passed. Everything started here ends when its value is
//! dropped, and also when the test process dies without dropping it.

pub mod browser;
pub mod cosign;
pub mod harness;
pub mod kube;
mod owned;
pub mod registry;
pub mod roots;

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A real program, or a set of them, that some test needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Component {
    /// etcd, kube-apiserver, controllers, scheduler, kubectl and fake nodes.
    Kube,
    /// cosign, version 3.
    Cosign,
    /// cosign, version 2.
    Cosign2,
    /// olareg: a registry with the referrers API.
    Olareg,
    /// distribution 3: a registry without the referrers API.
    Distribution,
    /// A browser without a window.
    Chromium,
    /// umoci: unpacks images as a runtime does.
    Umoci,
    /// mmdebstrap: makes Debian root file systems; works as root.
    Mmdebstrap,
    /// Python 3 with `venv`.
    Python,
    /// Node.js with npm.
    Npm,
}

impl Component {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Kube,
        Self::Cosign,
        Self::Cosign2,
        Self::Olareg,
        Self::Distribution,
        Self::Chromium,
        Self::Umoci,
        Self::Mmdebstrap,
        Self::Python,
        Self::Npm,
    ];

    /// Its name, as `crates/testkit/real/install` knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kube => "kube",
            Self::Cosign => "cosign",
            Self::Cosign2 => "cosign2",
            Self::Olareg => "olareg",
            Self::Distribution => "distribution",
            Self::Chromium => "chromium",
            Self::Umoci => "umoci",
            Self::Mmdebstrap => "mmdebstrap",
            Self::Python => "python",
            Self::Npm => "npm",
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A component that is not on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Which one.
    pub component: Component,
    /// What was looked for and where.
    pub why: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "needs {}: {} (hint: ./dev test installs it)", self.component, self.why)
    }
}

impl std::error::Error for Missing {}

/// A component that is there and did not start.
#[derive(Debug)]
pub enum StartError {
    /// It is not on this machine.
    Missing(Missing),
    /// It is there and could not be started, or was not ready in time.
    Failed {
        /// Which one.
        component: Component,
        /// What it said last.
        why: String,
    },
}

impl StartError {
    fn failed(component: Component, why: impl fmt::Display) -> Self {
        Self::Failed { component, why: why.to_string() }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::Failed { component, why } => write!(f, "{component} did not start: {why}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<Missing> for StartError {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

/// Where the scripts are that install and start real components.
pub fn scripts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/real"))
}

/// Where installed components are kept: `CLEANBILL_TEST_CACHE`, or a folder of the user's cache.
pub fn cache() -> PathBuf {
    if let Some(folder) = env::var_os("CLEANBILL_TEST_CACHE").filter(|folder| !folder.is_empty()) {
        return PathBuf::from(folder);
    }
    PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache/cleanbill-test")
}

/// The program of `component`; for [`Component::Kube`] the folder of its programs. Looks only, and
/// looks once in the life of a process.
pub fn find(component: Component) -> Result<PathBuf, Missing> {
    static FOUND: [OnceLock<Result<PathBuf, Missing>>; Component::ALL.len()] =
        [const { OnceLock::new() }; Component::ALL.len()];
    FOUND[component as usize].get_or_init(|| look(component, &cache(), &search_path())).clone()
}

fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

/// [`find`] with the places to look in given.
fn look(component: Component, cache: &Path, path: &[PathBuf]) -> Result<PathBuf, Missing> {
    let missing = |why: String| Missing { component, why };
    let cached = |program: &str| {
        let file = cache.join("peers/bin").join(program);
        if is_program(&file) { Ok(file) } else { Err(missing(format!("{} is not there", file.display()))) }
    };
    match component {
        Component::Cosign => cached("cosign"),
        Component::Cosign2 => cached("cosign2"),
        Component::Olareg => cached("olareg"),
        Component::Distribution => cached("registry"),
        Component::Umoci => cached("umoci"),
        Component::Mmdebstrap => {
            on_path("mmdebstrap", path).ok_or_else(|| missing("mmdebstrap is not on the PATH".into()))
        }
        Component::Python => on_path("python3", path)
            .filter(|python| {
                let asked = Command::new(python).args(["-c", "import venv, ensurepip"]).stderr(Stdio::null()).status();
                asked.is_ok_and(|status| status.success())
            })
            .ok_or_else(|| missing("python3 with the module venv is not on the PATH".into())),
        Component::Npm => on_path("npm", path).ok_or_else(|| missing("npm is not on the PATH".into())),
        // Not `chromium-browser`: on Ubuntu that is a script that wants snap.
        Component::Chromium => ["chromium", "google-chrome", "google-chrome-stable"]
            .iter()
            .find_map(|name| on_path(name, path))
            .ok_or_else(|| missing("neither chromium nor google-chrome is on the PATH".into())),
        Component::Kube => {
            for tool in ["bash", "openssl", "setsid", "flock"] {
                on_path(tool, path).ok_or_else(|| missing(format!("{tool} is not on the PATH")))?;
            }
            let build = |argument: &str| {
                Command::new(scripts().join("kube/build"))
                    .arg(argument)
                    .env("CLEANBILL_TEST_CACHE", cache)
                    .stdin(Stdio::null())
                    .output()
            };
            let place = build("--where").map_err(|error| missing(format!("kube/build cannot be run: {error}")))?;
            let folder = PathBuf::from(String::from_utf8_lossy(&place.stdout).trim());
            match build("--check") {
                Ok(output) if output.status.success() => Ok(folder),
                _ => Err(missing(format!("{} is not there or out of date", folder.display()))),
            }
        }
    }
}

fn on_path(program: &str, path: &[PathBuf]) -> Option<PathBuf> {
    path.iter().map(|folder| folder.join(program)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The end of what a program said, for an error.
fn tail(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn program(file: &Path, mode: u32) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "#!/bin/sh\n").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn nothing_is_found_in_an_empty_cache() {
        let empty = tempfile::tempdir().unwrap();
        for component in Component::ALL {
            let missing = look(component, empty.path(), &[]).unwrap_err();
            assert_eq!(missing.component, component);
            assert!(missing.to_string().starts_with(&format!("needs {component}: ")), "{missing}");
        }
    }

    #[test]
    fn a_program_of_the_cache_is_found() {
        let cache = tempfile::tempdir().unwrap();
        let file = cache.path().join("peers/bin/registry");
        program(&file, 0o755);
        assert_eq!(look(Component::Distribution, cache.path(), &[]), Ok(file));
    }

    #[test]
    fn a_file_that_cannot_be_run_is_not_a_program() {
        let cache = tempfile::tempdir().unwrap();
        program(&cache.path().join("peers/bin/olareg"), 0o644);
        assert!(look(Component::Olareg, cache.path(), &[]).is_err());
    }

    #[test]
    fn a_browser_is_taken_from_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("google-chrome");
        program(&file, 0o755);
        assert_eq!(look(Component::Chromium, folder.path(), &[folder.path().to_owned()]), Ok(file));
    }

    #[test]
    fn the_scripts_are_there() {
        for script in ["install", "kube/build", "kube/up", "kube/down"] {
            assert!(is_program(&scripts().join(script)), "{script}");
        }
    }
}
