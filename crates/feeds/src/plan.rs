//! Which files of which publishers a set of ecosystems needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::ALL;

/// What a publisher's file must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A JSON object or list, plain or under gzip.
    Json,
    /// A zip archive.
    Zip,
    /// Text under gzip.
    Gzip,
}

/// One file of a publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Which of the publisher's files, for people: `npm`, `v3.20 main`; empty where there is one only.
    pub part: String,
    /// Where the publisher has it.
    pub url: String,
    /// What it must look like.
    pub form: Form,
    /// The most bytes it may have: several times its size of today.
    pub limit: u64,
}

/// What a publisher's files are for.
#[derive(Debug, Clone, Copy)]
pub enum For {
    /// The files for one ecosystem (release included where it has one); none where it speaks of others.
    Ecosystem(fn(&str) -> Vec<File>),
    /// The files for every image.
    Everything(fn() -> Vec<File>),
}

/// A publisher. Each is one file under `sources/` and one line in [`ALL`].
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Its name: `osv`, `debian-tracker`.
    pub name: &'static str,
    /// What it is, one line.
    pub title: &'static str,
    /// Its files.
    pub files: For,
}

/// A file to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The publisher: [`Source::name`].
    pub source: &'static str,
    /// Which of the publisher's files, for people.
    pub part: String,
    /// Where the publisher has it.
    pub url: String,
    /// What it must look like.
    pub form: Form,
    /// The most bytes it may have.
    pub limit: u64,
    /// The ecosystems that asked for it; empty for what every image needs.
    pub ecosystems: BTreeSet<String>,
}

impl Fetch {
    /// For a line of progress or an error: `osv npm`, `kev`.
    pub fn label(&self) -> String {
        if self.part.is_empty() { self.source.to_owned() } else { format!("{} {}", self.source, self.part) }
    }
}

/// The files that images with packages of these ecosystems need, in the order of [`ALL`] and by name. Each
/// file is there once, however many ecosystems need it.
pub fn plan(ecosystems: &BTreeSet<String>) -> Vec<Fetch> {
    let mut plan = Vec::new();
    for source in ALL {
        let mut files: BTreeMap<String, Fetch> = BTreeMap::new();
        let mut add = |file: File, ecosystem: Option<&String>| {
            let File { part, url, form, limit } = file;
            let fetch = files.entry(url.clone()).or_insert_with(|| Fetch {
                source: source.name,
                part,
                url,
                form,
                limit,
                ecosystems: BTreeSet::new(),
            });
            fetch.ecosystems.extend(ecosystem.cloned());
        };
        match source.files {
            For::Everything(files) => files().into_iter().for_each(|file| add(file, None)),
            For::Ecosystem(files) => {
                for ecosystem in ecosystems {
                    for file in files(ecosystem) {
                        add(file, Some(ecosystem));
                    }
                }
            }
        }
        plan.extend(files.into_values());
    }
    plan
}

/// The ecosystems that no publisher in [`ALL`] speaks for: their packages stay without an answer.
pub fn without_source(ecosystems: &BTreeSet<String>) -> BTreeSet<String> {
    let spoken_for = |ecosystem: &str| {
        ALL.iter().any(|source| matches!(source.files, For::Ecosystem(files) if !files(ecosystem).is_empty()))
    };
    ecosystems.iter().filter(|ecosystem| !spoken_for(ecosystem)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[track_caller]
    fn check(ecosystems: &[&str], expect: &[&str]) {
        let labels: Vec<String> = plan(&set(ecosystems)).iter().map(Fetch::label).collect();
        let mut expect: Vec<&str> = expect.to_vec();
        expect.extend(["kev", "epss"]);
        assert_eq!(labels, expect);
    }

    #[test]
    fn an_image_without_packages_needs_only_what_every_image_needs() {
        check(&[], &[]);
    }

    #[test]
    fn each_ecosystem_brings_its_own_files() {
        check(&["npm", "Maven"], &["osv Maven", "osv npm"]);
        check(&["Debian:12", "PyPI"], &["osv PyPI", "debian-tracker"]);
        check(&["Alpine:v3.20"], &["alpine-secdb v3.20 community", "alpine-secdb v3.20 main"]);
        check(&["Wolfi", "Chainguard"], &["wolfi", "chainguard"]);
        check(&["Ubuntu:22.04", "Ubuntu:22.04:LTS"], &["osv Ubuntu"]);
    }

    #[test]
    fn a_file_knows_all_who_need_it() {
        let plan = plan(&set(&["Ubuntu:22.04", "Ubuntu:22.04:LTS"]));
        assert_eq!(plan[0].ecosystems, set(&["Ubuntu:22.04", "Ubuntu:22.04:LTS"]));
        assert!(plan[1].ecosystems.is_empty());
    }

    #[test]
    fn who_has_no_publisher_is_said() {
        let ecosystems = set(&["npm", "Photon OS:5.0", "ConanCenter", "Alpine:v3.20", "Alpine:../..", "Debian:12"]);
        assert_eq!(without_source(&ecosystems), set(&["Photon OS:5.0", "ConanCenter", "Alpine:../.."]));
    }

    #[test]
    fn every_publisher_is_one_file_and_one_line() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sources");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".rs").replace('_', "-"))
            .collect();
        files.sort();
        let mut lines: Vec<&str> = ALL.iter().map(|source| source.name).collect();
        lines.sort_unstable();
        assert_eq!(files, lines);
        let page = include_str!("../../../docs/feeds.md");
        for name in lines {
            assert!(page.contains(&format!("| `{name}` |")), "docs/feeds.md has no row for {name}");
        }
    }

    #[test]
    fn every_address_is_a_plain_https_one() {
        let everything = ["npm", "Rocky Linux:9", "Debian:12", "Alpine:edge", "Wolfi", "Chainguard"];
        let plan = plan(&set(&everything));
        assert_eq!(plan.len(), 9);
        for fetch in plan {
            let url = url::Url::parse(&fetch.url).unwrap();
            assert_eq!(url.as_str(), fetch.url);
            assert_eq!((url.scheme(), url.query(), url.fragment()), ("https", None, None));
        }
    }
}
