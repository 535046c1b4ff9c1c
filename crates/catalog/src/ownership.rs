//! Which distribution package owns a file, so that language packages which a distribution installed
//! are known as its own.
//!
//! Package databases write paths as the package had them; what stands there may be reached through
//! links (`lib` → `usr/lib`). So every path is resolved in the tree before it is compared.

use std::collections::{BTreeMap, HashMap};

use cleanbill_image::Tree;
use cleanbill_model::{Package, Purl};

use crate::cataloger::Owned;

/// Package lists of all catalogers, told apart by the cataloger's id.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    keys: BTreeMap<(&'static str, String), Purl>,
    owned: Vec<(&'static str, Owned)>,
}

impl Owners {
    /// What one cataloger said of one file.
    pub(crate) fn add(&mut self, cataloger: &'static str, owners: Vec<(String, Purl)>, owned: Vec<Owned>) {
        self.keys.extend(owners.into_iter().map(|(key, purl)| ((cataloger, key), purl)));
        self.owned.extend(owned.into_iter().map(|owned| (cataloger, owned)));
    }

    /// Marks the language packages whose evidence a distribution package owns. `name` says what the
    /// owner's package URL is by now.
    pub(crate) fn mark(&self, tree: &Tree, packages: &mut [Package], name: impl Fn(&Purl) -> Purl) {
        let evidence = |package: &Package| -> Vec<String> {
            // A file inside an archive belongs to whom the archive belongs.
            let outer = |path: &str| path.split("!/").next().unwrap_or_default().to_owned();
            package.locations.iter().map(|l| outer(&l.path)).collect()
        };
        let mut owners: HashMap<String, Option<&Purl>> = HashMap::new();
        for package in packages.iter().filter(|p| !p.is_distribution()) {
            owners.extend(evidence(package).into_iter().map(|path| (real(tree, &path), None)));
        }
        if owners.is_empty() {
            return;
        }
        let mut folders: HashMap<&str, String> = HashMap::new();
        for (cataloger, owned) in &self.owned {
            // `key` is a package only where the database names it; a stray list owns nothing.
            let Some(owner) = self.keys.get(&(*cataloger, owned.key.clone())) else { continue };
            for path in &owned.paths {
                let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
                let folder = folders.entry(folder).or_insert_with(|| real(tree, folder));
                let path = if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
                if let Some(slot) = owners.get_mut(&path) {
                    slot.get_or_insert(owner);
                }
            }
        }
        for package in packages.iter_mut().filter(|p| !p.is_distribution()) {
            let paths = evidence(package);
            package.owner = paths.iter().find_map(|p| owners.get(&real(tree, p)).copied().flatten()).map(&name);
        }
    }
}

fn real(tree: &Tree, path: &str) -> String {
    let resolved = tree.resolve(path.as_bytes()).map(|real| String::from_utf8_lossy(&real).into_owned());
    resolved.unwrap_or_else(|| path.to_owned())
}
