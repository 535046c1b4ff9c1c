//! What a cataloger is.

use cleanbill_image::{Bytes, Content, Pattern, Wants};
use cleanbill_model::{Budget, CatalogerId, Kind, Location, Package, Problem, Purl, SourcePackage};

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

/// Files a cataloger reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// By path.
    Path(Pattern),
    /// By content, whatever their name.
    Content(Content),
}

impl Cataloger {
    /// Id and version, as SBOMs name it.
    pub fn id(&self) -> CatalogerId {
        CatalogerId { id: self.id.to_owned(), version: self.version }
    }

    /// Its wants, compiled.
    pub(crate) fn compile(&self) -> Wants {
        compile(self.wants)
    }
}

/// Compiles wants into one matcher.
pub(crate) fn compile<'a>(wants: impl IntoIterator<Item = &'a Want> + Clone) -> Wants {
    let patterns = wants.clone().into_iter().filter_map(|want| match want {
        Want::Path(pattern) => Some(*pattern),
        Want::Content(_) => None,
    });
    let contents = wants.into_iter().filter_map(|want| match want {
        Want::Content(content) => Some(*content),
        Want::Path(_) => None,
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
}

/// What a cataloger found.
#[derive(Debug)]
pub struct Found {
    /// Packages; locations carry no layer yet.
    pub packages: Vec<Package>,
    /// What it could not read.
    pub problems: Vec<Problem>,
    /// What it may spend on archives inside archives.
    pub budget: Budget,
}

impl Found {
    /// Nothing yet.
    pub fn new(budget: Budget) -> Self {
        Self { packages: Vec::new(), problems: Vec::new(), budget }
    }

    pub(crate) fn problem(&mut self, code: &str, path: &str, what: &str, why: impl Into<String>) {
        self.problems.push(Problem::new(code, path, what, why));
    }

    pub(crate) fn package(&mut self, purl: Purl, name: &str, version: &str, source: Option<SourcePackage>, path: &str) {
        self.packages.push(Package {
            purl,
            name: name.to_owned(),
            version: version.to_owned(),
            source,
            licenses: Vec::new(),
            locations: vec![Location { path: path.to_owned(), layer: None }],
            cataloger: None,
        });
    }
}
