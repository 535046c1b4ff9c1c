//! What cargo knows of the workspace: members and what they declare, and resolved trees.

use serde::Deserialize;
use std::path::Path;
use std::process::{Command, Stdio};

/// One crate of the workspace.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Member {
    /// The package's name.
    pub(crate) name: String,
    /// What it declares.
    pub(crate) dependencies: Vec<Declared>,
}

/// A dependency as a manifest declares it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Declared {
    /// The package's name.
    pub(crate) name: String,
    /// Absent for a normal dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Member>,
}

/// The members of the workspace.
pub(crate) fn workspace(root: &Path) -> Result<Vec<Member>, String> {
    let text = run(root, &["metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: Metadata = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    Ok(metadata.packages)
}

/// The lines `NAME VERSION|FEATURES` of a resolved tree, each package once.
pub(crate) fn tree(root: &Path, arguments: &[&str]) -> Result<Vec<Resolved>, String> {
    let fixed = ["tree", "--locked", "--prefix", "none", "--no-dedupe", "-f", "{p}|{f}"];
    let text = run(root, &[&fixed[..], arguments].concat())?;
    let mut packages: Vec<Resolved> = text.lines().filter_map(resolved).collect();
    packages.sort();
    packages.dedup();
    Ok(packages)
}

/// A package of a resolved tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Resolved {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its features, as cargo lists them.
    pub(crate) features: String,
}

/// Reads `serde v1.0.0 (proc-macro)|derive,std`.
fn resolved(line: &str) -> Option<Resolved> {
    let (package, features) = line.split_once('|')?;
    let mut words = package.split_whitespace();
    Some(Resolved {
        name: words.next()?.to_owned(),
        version: words.next()?.trim_start_matches('v').to_owned(),
        features: features.trim_end_matches(" (*)").to_owned(),
    })
}

fn run(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("cargo {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_tree_is_read() {
        let serde = resolved("serde_derive v1.0.2 (proc-macro)|default,std (*)").unwrap();
        assert_eq!(
            serde,
            Resolved { name: "serde_derive".into(), version: "1.0.2".into(), features: "default,std".into() }
        );
        assert_eq!(resolved(""), None);
    }
}
