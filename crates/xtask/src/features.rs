//! Two figures that may only fall. Packages whose features differ between the whole workspace and one
//! room built alone (each is built twice by whoever works on that room), and packages that are in the
//! tree in more than one version.

use crate::cargo::{Member, Resolved, tree, workspace};
use crate::finding::Complaint;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const DIFFERENCES: &str = "crates/xtask/feature-differences.txt";
const DUPLICATES: &str = "crates/xtask/duplicate-packages.txt";

/// Packages with other features when one room is built alone → the rooms.
type Differences = BTreeMap<String, BTreeSet<String>>;

/// Compares today's figures with those kept.
pub(crate) fn check(root: &Path, members: &[Member]) -> Result<Vec<Complaint>, String> {
    let (differences, duplicates) = measure(root, members)?;
    let mut found = Vec::new();
    let rooms: Vec<String> = differences
        .iter()
        .map(|(package, rooms)| format!("{package} ({})", rooms.iter().cloned().collect::<Vec<_>>().join(", ")))
        .collect();
    found.extend(judge(
        DIFFERENCES,
        kept(root, DIFFERENCES)?,
        &rooms,
        "packages have other features when a room is built alone",
        "state the features in [workspace.dependencies], not in a room",
    ));
    found.extend(judge(
        DUPLICATES,
        kept(root, DUPLICATES)?,
        &duplicates,
        "packages are in the tree in more than one version",
        "cargo tree -d shows through whom",
    ));
    Ok(found)
}

/// Writes today's figures where they are lower.
pub(crate) fn lower(root: &Path) -> Result<(), String> {
    let (differences, duplicates) = measure(root, &workspace(root)?)?;
    for (file, today) in [(DIFFERENCES, differences.len()), (DUPLICATES, duplicates.len())] {
        if today < kept(root, file)? {
            fs::write(root.join(file), format!("{today}\n")).map_err(|error| format!("{file}: {error}"))?;
        }
    }
    Ok(())
}

fn measure(root: &Path, members: &[Member]) -> Result<(Differences, Vec<String>), String> {
    let whole = tree(root, &["--workspace", "-e", "normal,build"])?;
    let mut differences = Differences::new();
    for member in members {
        let alone = tree(root, &["-p", &member.name, "-e", "normal,build"])?;
        let room = member.name.trim_start_matches("cleanbill-");
        for package in differing(&whole, &alone) {
            differences.entry(package).or_default().insert(room.to_owned());
        }
    }
    Ok((differences, several_versions(&whole)))
}

/// The packages of `alone` that are in `whole` under no such features.
fn differing(whole: &[Resolved], alone: &[Resolved]) -> BTreeSet<String> {
    let known: BTreeSet<&Resolved> = whole.iter().collect();
    alone.iter().filter(|package| !known.contains(package)).map(|package| package.name.clone()).collect()
}

fn several_versions(tree: &[Resolved]) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in tree {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    versions
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| format!("{name} ({})", versions.into_iter().collect::<Vec<_>>().join(", ")))
        .collect()
}

fn kept(root: &Path, file: &str) -> Result<usize, String> {
    let text = fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))?;
    text.trim().parse().map_err(|_| format!("{file}: not a number"))
}

/// A complaint if today's list is longer than the number kept.
fn judge(file: &str, kept: usize, today: &[String], what: &str, hint: &str) -> Option<Complaint> {
    (today.len() > kept)
        .then(|| Complaint::new(file, format!("{} {what}, {kept} did: {}", today.len(), today.join("; ")), hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::summary;

    fn package(name: &str, version: &str, features: &str) -> Resolved {
        Resolved { name: name.into(), version: version.into(), features: features.into() }
    }

    #[test]
    fn other_features_are_found() {
        let whole = [package("serde", "1.0.0", "derive,std"), package("hex", "0.4.0", "")];
        let alone = [package("serde", "1.0.0", "std"), package("hex", "0.4.0", "")];
        assert_eq!(differing(&whole, &alone), BTreeSet::from(["serde".to_owned()]));
        assert_eq!(differing(&whole, &whole), BTreeSet::new());
    }

    #[test]
    fn several_versions_are_found() {
        let tree = [package("syn", "2.0.1", "a"), package("syn", "2.0.1", "b"), package("hex", "0.4.0", "")];
        assert_eq!(several_versions(&tree), [] as [&str; 0]);
        let tree = [package("syn", "2.0.1", ""), package("syn", "3.0.0", "")];
        assert_eq!(several_versions(&tree), ["syn (2.0.1, 3.0.0)"]);
    }

    #[test]
    fn a_figure_may_only_fall() {
        let today = ["a".to_owned(), "b".to_owned()];
        assert_eq!(judge("f", 2, &today, "x", "y"), None);
        assert_eq!(judge("f", 3, &today, "x", "y"), None);
        let found: Vec<Complaint> = judge("f", 1, &today, "are", "y").into_iter().collect();
        assert_eq!(summary(&found), ["f: 2 are, 1 did: a; b"]);
    }
}
