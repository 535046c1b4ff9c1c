//! Where things are kept when nobody says otherwise (XDG base directory specification).

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::Context as _;

fn base(variable: &str, below_home: &str) -> anyhow::Result<PathBuf> {
    if let Some(dir) = std::env::var_os(variable).filter(|d| !d.is_empty()) {
        return Ok(PathBuf::from(dir).join("cleanbill"));
    }
    let home = std::env::var_os("HOME")
        .filter(|h| !h.is_empty())
        .with_context(|| format!("neither {variable} nor HOME is set\nhint: name the place by a flag"))?;
    Ok(PathBuf::from(home).join(below_home).join("cleanbill"))
}

/// The data directory: as given, else under `$XDG_DATA_HOME`.
pub(crate) fn data_dir(given: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    given.map_or_else(|| base("XDG_DATA_HOME", ".local/share"), |dir| Ok(dir.clone()))
}

/// `--cache-dir`, for the whole run.
static CACHE_DIR: OnceLock<PathBuf> = OnceLock::new();

/// Notes what the flags say about places.
pub(crate) fn set_up(cache_dir: Option<&PathBuf>) {
    if let Some(dir) = cache_dir {
        let _ = CACHE_DIR.set(dir.clone());
    }
}

/// The cache directory: as given, else under `$XDG_CACHE_HOME`.
pub(crate) fn cache_dir() -> anyhow::Result<PathBuf> {
    match CACHE_DIR.get() {
        Some(dir) => Ok(dir.clone()),
        None => base("XDG_CACHE_HOME", ".cache"),
    }
}

/// The advisory database: as given, else in the cache folder.
pub(crate) fn database(given: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    match given {
        Some(file) => Ok(file.clone()),
        None => Ok(cache_dir()?.join("advisories.db")),
    }
}

/// Docker's configuration, if there is one.
pub(crate) fn docker_config() -> Option<PathBuf> {
    let dir = std::env::var_os("DOCKER_CONFIG")
        .filter(|d| !d.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".docker")))?;
    Some(dir.join("config.json")).filter(|f| f.exists())
}

/// Kubeconfig as kubectl finds it: `$KUBECONFIG` (first of a list), else `~/.kube/config`.
pub(crate) fn kubeconfig(given: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(given) = given {
        let first = std::env::split_paths(given).find(|p| !p.as_os_str().is_empty());
        return first.context("the kubeconfig's name is empty");
    }
    let home =
        std::env::var_os("HOME").filter(|h| !h.is_empty()).context("no kubeconfig is named and HOME is not set")?;
    Ok(PathBuf::from(home).join(".kube/config"))
}
