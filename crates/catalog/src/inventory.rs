//! From an image or a folder to its bill of materials.

use std::collections::BTreeMap;
use std::path::Path;

use cleanbill_image::{Blobs, Bytes, Image, ImageError, Tree, Wants, read_folder, read_tree};
use cleanbill_model::{Budget, Distro, Kind, Location, Package, Problem, Purl, Sbom, Subject};

use crate::cataloger::{Cataloger, Evidence, Found, Want, compile};
use crate::ownership::Owners;
use crate::{ALL, distro};

/// How a place is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// As an image: what is installed. A lock file proves nothing there.
    Installed,
    /// As a source tree: lock files and manifests too.
    Source,
}

impl Scope {
    fn catalogers(self) -> impl Iterator<Item = &'static Cataloger> + Clone {
        ALL.iter().copied().filter(move |c| self == Scope::Source || c.kind == Kind::Installed)
    }
}

/// All files that are read in a scope, for [`read_tree`] and [`read_folder`].
pub fn wants(scope: Scope) -> Wants {
    let primary = scope.catalogers().flat_map(|c| c.wants).chain(distro::WANTS);
    let mut wants = compile(primary);
    for name in scope.catalogers().flat_map(Cataloger::siblings) {
        wants.add_name(name);
    }
    wants
}

/// Looks into every layer of `image` once and says what is aboard. What could not be read becomes a
/// problem of the SBOM; an error only where nothing could be read at all.
pub fn inventory(image: &Image, blobs: &dyn Blobs, budget: &Budget) -> Result<Sbom, ImageError> {
    let mut left = budget.clone();
    let tree = read_tree(image, blobs, &wants(Scope::Installed), &mut left)?;
    let subject = Subject { name: image.name.clone(), identity: Some(image.identity.clone()) };
    look(tree, subject, Scope::Installed, budget, left)
}

/// Looks into a folder: a root file system ([`Scope::Installed`]) or a source tree.
pub fn inventory_folder(path: &Path, name: &str, scope: Scope, budget: &Budget) -> Result<Sbom, ImageError> {
    let mut left = budget.clone();
    let tree = read_folder(path, &wants(scope), &mut left)?;
    look(tree, Subject { name: name.to_owned(), identity: None }, scope, budget, left)
}

/// Says what is aboard a tree that was read with [`wants`] of the same scope. `budget` is the whole
/// one, `left` what reading the tree left of it.
pub fn look(tree: Tree, subject: Subject, scope: Scope, budget: &Budget, mut left: Budget) -> Result<Sbom, ImageError> {
    let mut all = Outcome { packages: Vec::new(), problems: tree.problems.clone(), owners: Owners::default() };
    for cataloger in scope.catalogers() {
        if let Err(source) = budget.check() {
            return Err(ImageError::Budget { what: subject.name, source });
        }
        run(cataloger, &tree, budget, &mut left, &mut all);
    }
    let Outcome { mut packages, mut problems, owners } = all;
    let distro = distro::distro(&tree, &packages, &mut problems);
    for package in packages.iter_mut().filter(|p| p.is_distribution()) {
        name_distro(&mut package.purl, &distro);
    }
    owners.mark(&tree, &mut packages, |purl| {
        let mut purl = purl.clone();
        name_distro(&mut purl, &distro);
        purl
    });
    let too_long =
        |package: &Package| package.purl.is_too_long() || package.owner.as_ref().is_some_and(Purl::is_too_long);
    for package in packages.extract_if(.., |package| too_long(package)) {
        let place = package.locations.first();
        let path = place.map_or("", |location| &location.path);
        // Nobody could read an SBOM with it.
        let why = format!("`{}…` has a name or version that is too long for a package URL", shortened(&package.name));
        let layer = place.and_then(|location| location.layer.clone());
        problems.push(Problem { layer, ..Problem::new("package-too-long", path, "name the package", why) });
    }
    problems.sort();
    problems.dedup();
    let catalogers = scope.catalogers().map(|c| c.id()).collect();
    Ok(Sbom { subject, distro, packages: merge(packages), problems, catalogers, layers: tree.layers })
}

/// What all catalogers together found.
struct Outcome {
    packages: Vec<Package>,
    problems: Vec<Problem>,
    owners: Owners,
}

/// Gives one cataloger the files it asked for, and nothing else.
fn run(cataloger: &'static Cataloger, tree: &Tree, budget: &Budget, left: &mut Budget, all: &mut Outcome) {
    for (path, real) in tree.wanted(&cataloger.compile()) {
        let Some((_, file)) = tree.file(&real) else { continue };
        // A file that could not be kept has its problem already.
        let Some(bytes) = file.bytes() else { continue };
        // A file of a folder is opened once for all that the cataloger reads of it.
        let bytes = bytes.opened().unwrap_or_else(|_| bytes.clone());
        let siblings = siblings(cataloger, tree, &path);
        let path = String::from_utf8_lossy(&path).into_owned();
        // What one file unpacks to may not take more than one file may have, nor than all may.
        let own = Budget { bytes: left.bytes.min(budget.file_bytes), ..left.clone() };
        let mut found = Found::new(own.clone());
        (cataloger.read)(&Evidence { path, bytes, siblings }, &mut found);
        left.bytes = left.bytes.saturating_sub(own.bytes - found.budget.bytes);
        left.entries = left.entries.saturating_sub(own.entries - found.budget.entries);
        let layer = tree.layers.get(file.layer).map(|l| l.digest.clone());
        for mut package in found.packages {
            package.cataloger = Some(cataloger.id());
            for location in &mut package.locations {
                location.layer.clone_from(&layer);
            }
            all.packages.push(package);
        }
        all.problems.extend(found.problems.into_iter().map(|p| Problem { layer: layer.clone(), ..p }));
        all.owners.add(cataloger.id, found.owners, found.owned);
    }
}

/// The files beside `path` that a want which names it asks for.
fn siblings(cataloger: &Cataloger, tree: &Tree, path: &[u8]) -> Vec<(&'static str, Bytes)> {
    let folder = path.iter().rposition(|b| *b == b'/').map_or(&[][..], |at| &path[..=at]);
    let mut found: Vec<(&'static str, Bytes)> = Vec::new();
    for want in cataloger.wants {
        let Want::With(pattern, names) = want else { continue };
        if !Wants::new([*pattern], []).path(path) {
            continue;
        }
        for name in *names {
            let file = tree.file(&[folder, name.as_bytes()].concat());
            if let Some(bytes) = file.and_then(|(_, file)| file.bytes().cloned()) {
                found.push((name, bytes));
            }
        }
    }
    found
}

/// The front of a name, for people.
fn shortened(name: &str) -> String {
    name.chars().take(40).collect()
}

/// Package URLs of distribution packages name their distribution, which their own database does not.
fn name_distro(purl: &mut Purl, distro: &Distro) {
    if distro.id.is_empty() {
        return;
    }
    purl.namespace.clone_from(&distro.id);
    let version = if distro.version.is_empty() { &distro.codename } else { &distro.version };
    let value = if version.is_empty() { distro.id.clone() } else { format!("{}-{version}", distro.id) };
    purl.qualifiers.insert("distro".to_owned(), value);
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
