//! What a cataloger is.

use cleanbill_image::{Bytes, Content, Pattern, Wants};
use cleanbill_model::{Budget, CatalogerId, Kind, Package, Problem, Purl};

/// A reader of one kind of evidence: a pure function of the bytes it asked for.
pub struct Cataloger {
    /// Its id: `dpkg`, `java`.
    pub id: &'static str,
    /// Raised whenever the same bytes give another result.
    pub version: u32,
    /// What its evidence proves. Only installed packages count in images.
    pub kind: Kind,
    /// The files it reads; each is given to it alone.
    pub wants: &'static [Want],
    /// Reads one of them.
    pub read: fn(&Evidence, &mut Found),
}

/// Files a cataloger reads: each that matches is given to it alone, with its siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// By path.
    Path(Pattern),
    /// By path; with the files of these names in the same folder, where there are any.
    With(Pattern, &'static [&'static str]),
    /// By content, whatever their name.
    Content(Content),
}

impl Cataloger {
    /// Id and version, as SBOMs name it.
    pub fn id(&self) -> CatalogerId {
        CatalogerId { id: self.id.to_owned(), version: self.version }
    }

    /// What of its wants goes by `wanted`, compiled.
    pub(crate) fn compile(&self) -> Wants {
        compile(self.wants)
    }

    /// The names of siblings that some want of it asks for.
    pub(crate) fn siblings(&self) -> impl Iterator<Item = &'static str> {
        self.wants
            .iter()
            .flat_map(|want| match want {
                Want::With(_, names) => *names,
                Want::Path(_) | Want::Content(_) => &[],
            })
            .copied()
    }
}

/// Compiles wants into one matcher of primary files.
pub(crate) fn compile<'a>(wants: impl IntoIterator<Item = &'a Want> + Clone) -> Wants {
    let patterns = wants.clone().into_iter().filter_map(|want| match want {
        Want::Path(pattern) | Want::With(pattern, _) => Some(*pattern),
        Want::Content(_) => None,
    });
    let contents = wants.into_iter().filter_map(|want| match want {
        Want::Content(content) => Some(*content),
        Want::Path(_) | Want::With(..) => None,
    });
    Wants::new(patterns, contents)
}

/// One file to read.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Its path from the root, without leading slash.
    pub path: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// Files beside it that were asked for and are there: name and bytes.
    pub siblings: Vec<(&'static str, Bytes)>,
}

impl Evidence {
    /// A file without siblings.
    pub fn new(path: &str, bytes: Bytes) -> Self {
        Self { path: path.to_owned(), bytes, siblings: Vec::new() }
    }

    /// The file of that name beside it.
    pub(crate) fn sibling(&self, name: &str) -> Option<&Bytes> {
        self.siblings.iter().find(|(n, _)| *n == name).map(|(_, bytes)| bytes)
    }

    /// All bytes, if they are no more than `limit`; otherwise a problem is noted.
    pub(crate) fn whole(&self, limit: u64, what: &str, found: &mut Found) -> Option<Vec<u8>> {
        match self.bytes.to_vec(limit) {
            Ok(Some(bytes)) => Some(bytes),
            Ok(None) => {
                found.problem("file-too-large", &self.path, what, format!("more than {limit} bytes"));
                None
            }
            Err(error) => {
                found.problem("file-unreadable", &self.path, what, error.to_string());
                None
            }
        }
    }

    /// Its name without folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Files that a package of a distribution owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// How the cataloger tells its packages apart, as it was told to [`Found::owner`].
    pub key: String,
    /// Paths from the root, without leading slash, as the package database writes them.
    pub paths: Vec<String>,
}

/// What a cataloger found.
#[derive(Debug)]
pub struct Found {
    /// Packages; locations carry no layer yet.
    pub packages: Vec<Package>,
    /// What it could not read.
    pub problems: Vec<Problem>,
    /// Which of its packages a key of [`Owned`] means.
    pub owners: Vec<(String, Purl)>,
    /// The files that its packages own; read for the sake of language packages among them.
    pub owned: Vec<Owned>,
    /// What it may spend on archives inside archives.
    pub budget: Budget,
}

impl Found {
    /// Nothing yet.
    pub fn new(budget: Budget) -> Self {
        Self { packages: Vec::new(), problems: Vec::new(), owners: Vec::new(), owned: Vec::new(), budget }
    }

    pub(crate) fn problem(&mut self, code: &str, path: &str, what: &str, why: impl Into<String>) {
        self.problems.push(Problem::new(code, path, what, why));
    }

    /// Adds a package, which can be told more of.
    pub(crate) fn package(&mut self, package: Package) -> &mut Package {
        self.packages.push(package);
        let last = self.packages.len() - 1;
        &mut self.packages[last]
    }

    /// Says which package the files under `key` belong to. Lists of files and packages may come from
    /// different files of the same cataloger, in any order.
    pub(crate) fn owner(&mut self, key: impl Into<String>, purl: &Purl) {
        self.owners.push((key.into(), purl.clone()));
    }

    /// Says which files the package of `key` owns.
    pub(crate) fn owns(&mut self, key: impl Into<String>, paths: Vec<String>) {
        if !paths.is_empty() {
            self.owned.push(Owned { key: key.into(), paths });
        }
    }
}
