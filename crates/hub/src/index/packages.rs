//! The dictionary of packages: by name with versions in order, by advisory key, and the images of each.
//!
//! A package is held once however many images have it, together with the distribution it stands
//! in. Versions of a name are kept in the order of their ecosystem, so that a range is a slice
//! found by two binary searches; postings are roaring bitmaps of image ordinals.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cleanbill_model::{Distro, Package, Purl};
use cleanbill_version::Scheme;
use roaring::RoaringBitmap;

use crate::query::{Constraint, Op};

/// How long a vulnerability has been known of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Known {
    /// Earliest generation of the watched records that hit.
    pub(crate) folder: Option<u64>,
    /// A record of the database hits.
    pub(crate) base: bool,
}

/// One package in one distribution.
pub(crate) struct PackageEntry {
    /// Without licences and locations, which differ from image to image.
    pub(crate) package: Arc<Package>,
    pub(crate) distro: Arc<Distro>,
    pub(crate) images: RoaringBitmap,
    pub(crate) keys: Vec<(String, String)>,
    /// The vulnerabilities known of it, by group.
    pub(crate) groups: BTreeMap<String, Known>,
}

struct NameEntry {
    kind: String,
    scheme: Option<Scheme>,
    /// Sorted by the scheme, then by text.
    versions: Vec<(String, Vec<u32>)>,
}

/// All packages.
#[derive(Default)]
pub(crate) struct Packages {
    entries: Vec<PackageEntry>,
    interned: HashMap<(u32, Arc<Package>), u32>,
    distros: Vec<Arc<Distro>>,
    names: Vec<NameEntry>,
    by_purl: HashMap<Purl, u32>,
    by_bare: HashMap<String, Vec<u32>>,
    by_key: HashMap<(String, String), Vec<u32>>,
}

/// What a range query found.
#[derive(Debug, Default)]
pub(crate) struct Ranged {
    pub(crate) packages: BTreeSet<u32>,
    /// Packages of the name whose ecosystem has no order of versions here.
    pub(crate) unordered: BTreeSet<u32>,
}

impl Packages {
    /// A package by its ordinal.
    pub(crate) fn get(&self, ordinal: u32) -> &PackageEntry {
        &self.entries[ordinal as usize]
    }

    pub(crate) fn get_mut(&mut self, ordinal: u32) -> &mut PackageEntry {
        &mut self.entries[ordinal as usize]
    }

    /// One value for equal distributions.
    pub(crate) fn distro(&mut self, distro: &Distro) -> (u32, Arc<Distro>) {
        if let Some(at) = self.distros.iter().position(|d| **d == *distro) {
            return (at as u32, self.distros[at].clone());
        }
        self.distros.push(Arc::new(distro.clone()));
        (self.distros.len() as u32 - 1, self.distros[self.distros.len() - 1].clone())
    }

    /// Puts an image's packages in place of those it had; gives their ordinals, sorted, and which are new.
    pub(crate) fn put(
        &mut self,
        image: u32,
        before: &[u32],
        packages: &[Package],
        distro: &Distro,
    ) -> (Vec<u32>, Vec<u32>) {
        for ordinal in before {
            self.entries[*ordinal as usize].images.remove(image);
        }
        let (distro_id, distro) = self.distro(distro);
        let mut all = BTreeSet::new();
        let mut new = Vec::new();
        for package in packages {
            let slim = Arc::new(Package { licenses: Vec::new(), locations: Vec::new(), ..package.clone() });
            let ordinal = match self.interned.get(&(distro_id, slim.clone())) {
                Some(ordinal) => *ordinal,
                None => {
                    let ordinal = self.add(slim, distro_id, &distro);
                    new.push(ordinal);
                    ordinal
                }
            };
            self.entries[ordinal as usize].images.insert(image);
            all.insert(ordinal);
        }
        (all.into_iter().collect(), new)
    }

    fn add(&mut self, package: Arc<Package>, distro_id: u32, distro: &Arc<Distro>) -> u32 {
        let ordinal = self.entries.len() as u32;
        let keys = cleanbill_match::keys(&package, distro);
        for key in &keys {
            self.by_key.entry(key.clone()).or_default().push(ordinal);
        }
        self.name(&package.purl.without_version(), &package.name, &package.version, ordinal);
        // Distributions' advisories, and people, speak of source packages too.
        if let Some(source) = package.source.as_ref().filter(|s| s.name != package.name) {
            let purl = Purl { name: source.name.clone(), ..package.purl.without_version() };
            self.name(&purl, &source.name, &source.version, ordinal);
        }
        self.interned.insert((distro_id, package.clone()), ordinal);
        self.entries.push(PackageEntry {
            package,
            distro: distro.clone(),
            images: RoaringBitmap::new(),
            keys,
            groups: BTreeMap::new(),
        });
        ordinal
    }

    /// Makes a package answer to a name, in a version.
    fn name(&mut self, purl: &Purl, name: &str, version: &str, ordinal: u32) {
        let id = if let Some(id) = self.by_purl.get(purl) {
            *id
        } else {
            let id = self.names.len() as u32;
            let scheme = Scheme::for_purl_type(&purl.kind);
            self.names.push(NameEntry { kind: purl.kind.clone(), scheme, versions: Vec::new() });
            for bare in bare_names(purl, name) {
                self.by_bare.entry(bare).or_default().push(id);
            }
            self.by_purl.insert(purl.clone(), id);
            id
        };
        let entry = &mut self.names[id as usize];
        match entry.versions.binary_search_by(|(known, _)| order(entry.scheme, known, version)) {
            Ok(at) => entry.versions[at].1.push(ordinal),
            Err(at) => entry.versions.insert(at, (version.to_owned(), vec![ordinal])),
        }
    }

    /// The packages an advisory may speak of under a key: OSV ecosystem and name.
    pub(crate) fn by_key(&self, ecosystem: &str, name: &str) -> &[u32] {
        self.by_key.get(&(ecosystem.to_owned(), name.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// The packages of a bare name that meet all constraints, each in its ecosystem's own order.
    pub(crate) fn range(&self, name: &str, constraints: &[Constraint]) -> Ranged {
        let ids = self.by_bare.get(&name.to_lowercase()).map_or(&[][..], Vec::as_slice);
        self.slices(ids, constraints)
    }

    /// The packages of a package URL: in its version where it names one, else in any.
    pub(crate) fn purl(&self, purl: &Purl) -> Ranged {
        let ids: Vec<u32> = self.by_purl.get(&purl.without_version()).copied().into_iter().collect();
        let constraints: Vec<_> =
            purl.version.iter().map(|v| Constraint { op: Op::Equal, version: v.clone() }).collect();
        let mut found = self.slices(&ids, &constraints);
        found.packages.retain(|p| {
            let own = &self.get(*p).package.purl;
            purl.qualifiers.iter().all(|(key, value)| own.qualifiers.get(key).is_none_or(|v| v == value))
        });
        found
    }

    fn slices(&self, ids: &[u32], constraints: &[Constraint]) -> Ranged {
        let mut found = Ranged::default();
        for id in ids {
            let entry = &self.names[*id as usize];
            if entry.scheme.is_none() && constraints.iter().any(|c| c.op != Op::Equal) {
                found.unordered.extend(entry.versions.iter().flat_map(|(_, p)| p));
                continue;
            }
            let (mut from, mut to) = (0, entry.versions.len());
            for constraint in constraints {
                let wanted = entry.written(&constraint.version);
                let below = entry.versions.partition_point(|(v, _)| entry.compare(v, &wanted) == Ordering::Less);
                let up_to = entry.versions.partition_point(|(v, _)| entry.compare(v, &wanted) != Ordering::Greater);
                match constraint.op {
                    Op::Less => to = to.min(below),
                    Op::LessEqual => to = to.min(up_to),
                    Op::Greater => from = from.max(up_to),
                    Op::GreaterEqual => from = from.max(below),
                    Op::Equal => {
                        from = from.max(below);
                        to = to.min(up_to);
                    }
                }
            }
            if from < to {
                found.packages.extend(entry.versions[from..to].iter().flat_map(|(_, p)| p));
            }
        }
        found
    }
}

impl NameEntry {
    fn compare(&self, a: &str, b: &str) -> Ordering {
        self.scheme.map_or_else(|| a.cmp(b), |s| s.compare(a, b))
    }

    /// A version as this ecosystem writes it: Go's begin with `v`, people leave it out.
    fn written(&self, version: &str) -> String {
        if self.kind == "golang" && version.starts_with(|c: char| c.is_ascii_digit()) {
            let dotted = self.versions.iter().any(|(v, _)| v.starts_with('v'));
            if dotted {
                return format!("v{version}");
            }
        }
        version.to_owned()
    }
}

/// By the scheme, then by text, so that equal texts alone are one.
fn order(scheme: Option<Scheme>, a: &str, b: &str) -> Ordering {
    scheme.map_or(Ordering::Equal, |s| s.compare(a, b)).then_with(|| a.cmp(b))
}

/// The names a package answers to: the last component of its name, and the whole of it. A Go major
/// version suffix is no component.
fn bare_names(purl: &Purl, name: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::from([purl.name.to_lowercase(), name.to_lowercase()]);
    let major = purl.name.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if purl.kind == "golang" && major {
        names.extend(purl.namespace.rsplit('/').next().filter(|s| !s.is_empty()).map(str::to_lowercase));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_answers_to_the_last_component_and_the_whole_of_its_name() {
        let names =
            |purl: &str, name: &str| bare_names(&Purl::parse(purl).unwrap(), name).into_iter().collect::<Vec<_>>();
        assert_eq!(
            names("pkg:maven/org.apache.logging.log4j/log4j-core@2", "org.apache.logging.log4j:log4j-core"),
            ["log4j-core", "org.apache.logging.log4j:log4j-core"]
        );
        assert_eq!(names("pkg:npm/%40angular/core@1", "@angular/core"), ["@angular/core", "core"]);
        assert_eq!(
            names("pkg:golang/github.com/go-chi/chi/v5@v5.0.1", "github.com/go-chi/chi/v5"),
            ["chi", "github.com/go-chi/chi/v5", "v5"]
        );
        assert_eq!(names("pkg:deb/debian/libc6@2", "libc6"), ["libc6"]);
    }
}
