//! From an image to its bill of materials.

use std::collections::BTreeMap;

use cleanbill_image::{Blobs, Image, ImageError, Tree, read_tree};
use cleanbill_model::{Budget, Distro, Kind, Location, Package, Problem, Sbom, Subject};

use crate::cataloger::{Cataloger, Evidence, Found, compile};
use crate::{ALL, catalogers, distro};

/// Looks into every layer of `image` once and says what is aboard. What could not be read becomes a
/// problem of the SBOM; an error only where nothing could be read at all.
pub fn inventory(image: &Image, blobs: &dyn Blobs, budget: &Budget) -> Result<Sbom, ImageError> {
    let running = || ALL.iter().copied().filter(|c| c.kind == Kind::Installed);
    let wants: Vec<_> = running().flat_map(|c| c.wants).chain(distro::WANTS).collect();
    let mut left = budget.clone();
    let tree = read_tree(image, blobs, &compile(wants), &mut left)?;
    let mut packages = Vec::new();
    let mut problems = tree.problems.clone();
    for cataloger in running() {
        let stopped = budget.check().err();
        if let Some(source) = stopped {
            return Err(ImageError::Budget { what: image.name.clone(), source });
        }
        run(cataloger, &tree, budget, &mut left, &mut packages, &mut problems);
    }
    let installed = packages.iter().filter(|p| p.purl.kind == "deb").count();
    let distro = distro::distro(&tree, installed, &mut problems);
    for package in &mut packages {
        name_distro(package, &distro);
    }
    problems.sort();
    problems.dedup();
    Ok(Sbom {
        subject: Subject { name: image.name.clone(), identity: Some(image.identity.clone()) },
        distro,
        packages: merge(packages),
        problems,
        catalogers: catalogers(),
        layers: tree.layers,
    })
}

/// Gives one cataloger the files it asked for, and nothing else.
fn run(
    cataloger: &Cataloger,
    tree: &Tree,
    budget: &Budget,
    left: &mut Budget,
    packages: &mut Vec<Package>,
    problems: &mut Vec<Problem>,
) {
    for (path, real) in tree.wanted(&cataloger.compile()) {
        let Some((_, file)) = tree.file(&real) else { continue };
        // A file that could not be kept has its problem already.
        let Some(bytes) = file.bytes() else { continue };
        let path = String::from_utf8_lossy(&path).into_owned();
        // What one file unpacks to may not take more than one file may have, nor than all may.
        let own = Budget { bytes: left.bytes.min(budget.file_bytes), ..left.clone() };
        let mut found = Found::new(own.clone());
        (cataloger.read)(&Evidence { path, bytes: bytes.clone() }, &mut found);
        left.bytes = left.bytes.saturating_sub(own.bytes - found.budget.bytes);
        left.entries = left.entries.saturating_sub(own.entries - found.budget.entries);
        let layer = tree.layers.get(file.layer).map(|l| l.digest.clone());
        for mut package in found.packages {
            package.cataloger = Some(cataloger.id());
            for location in &mut package.locations {
                location.layer.clone_from(&layer);
            }
            packages.push(package);
        }
        problems.extend(found.problems.into_iter().map(|p| Problem { layer: layer.clone(), ..p }));
    }
}

/// Package URLs of distribution packages name their distribution, which their own database does not.
fn name_distro(package: &mut Package, distro: &Distro) {
    if package.purl.kind != "deb" || distro.id.is_empty() {
        return;
    }
    package.purl.namespace.clone_from(&distro.id);
    let version = if distro.version.is_empty() { &distro.codename } else { &distro.version };
    let value = if version.is_empty() { distro.id.clone() } else { format!("{}-{version}", distro.id) };
    package.purl.qualifiers.insert("distro".to_owned(), value);
}

/// Sorts, and makes one of the same package in several places.
fn merge(packages: Vec<Package>) -> Vec<Package> {
    let mut merged: BTreeMap<Package, Vec<Location>> = BTreeMap::new();
    for mut package in packages {
        let locations = std::mem::take(&mut package.locations);
        merged.entry(package).or_default().extend(locations);
    }
    merged
        .into_iter()
        .map(|(package, mut locations)| {
            locations.sort();
            locations.dedup();
            Package { locations, ..package }
        })
        .collect()
}
