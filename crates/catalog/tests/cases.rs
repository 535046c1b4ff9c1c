//! Runs the Markdown cases of the catalogers (`cases/ID.md`) and holds file, table line and case
//! together.
//!
//! A case is a second-level heading with fenced blocks under it. `file PATH` is a file of the image;
//! with `!/` in its path it is one inside an archive. `base64 PATH` is a file too, of bytes. `elf PATH`
//! is a Go program: its first line is the version of Go, the rest its modules. `auditable PATH` is a Rust
//! program with the JSON text that cargo-auditable puts into it. An empty block `source`
//! says that the case is a source tree and no image. `layer` closes a layer. `packages` are the expected
//! packages, one a line: package URL, name, version, source, locations and `owner=` with the package URL of the owner if there is one; `problems` the expected
//! problems: code and path; `distro` what is said of the distribution.
#![allow(clippy::unwrap_used)]
#[path = "../../image/tests/build/mod.rs"]
mod build;
mod fixture;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine as _;
use build::Tar;
use cleanbill_catalog::{ALL, Scope, look, wants};
use cleanbill_image::read_tree;
use cleanbill_model::{Budget, DistroState, Sbom, Subject};
use fixture::programs;

struct Block {
    info: String,
    text: String,
}

fn blocks(markdown: &str) -> Vec<(String, Vec<Block>)> {
    let mut cases: Vec<(String, Vec<Block>)> = Vec::new();
    let mut open: Option<Block> = None;
    for line in markdown.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => cases.last_mut().unwrap().1.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, Some(info)) => open = Some(Block { info: info.trim().to_owned(), text: String::new() }),
            (None, None) => {
                if let Some(title) = line.strip_prefix("## ") {
                    cases.push((title.to_owned(), Vec::new()));
                }
            }
        }
    }
    assert!(open.is_none(), "a block without end");
    cases
}

/// Files whose paths have `!/` in them become archives, from the inside out.
fn archives(mut files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    while let Some(outer) = files.keys().filter_map(|p| p.rsplit_once("!/")).max_by_key(|(o, _)| o.len()) {
        let outer = outer.0.to_owned();
        let prefix = format!("{outer}!/");
        let inside: Vec<_> = files.extract_if(prefix.clone().., |path, _| path.starts_with(&prefix)).collect();
        let entries: Vec<_> = inside.iter().map(|(p, b)| (&p[prefix.len()..], b.clone())).collect();
        files.insert(outer, fixture::zip(&entries, true));
    }
    files
}

fn run(blocks: &[Block]) -> Sbom {
    let (mut layers, mut files, mut scope) = (Vec::new(), BTreeMap::new(), Scope::Installed);
    let tar = |files: BTreeMap<String, Vec<u8>>| {
        archives(files).iter().fold(Tar::new(), |tar, (path, bytes)| tar.file(path, bytes)).finish()
    };
    for Block { info, text } in blocks {
        match info.split_once(' ').unwrap_or((info, "")) {
            ("file", path) => {
                files.insert(path.to_owned(), text.clone().into_bytes());
            }
            ("elf", path) => {
                let (go, modules) = text.split_once('\n').unwrap();
                files.insert(path.to_owned(), fixture::elf(&fixture::inline_block(go, modules), true));
            }
            ("auditable", path) => {
                files.insert(path.to_owned(), programs::elf(&programs::auditable(text), ".dep-v0"));
            }
            ("base64", path) => {
                let text: String = text.split_whitespace().collect();
                files.insert(path.to_owned(), base64::engine::general_purpose::STANDARD.decode(text).unwrap());
            }
            ("source", _) => scope = Scope::Source,
            ("layer", _) => layers.push(tar(std::mem::take(&mut files))),
            ("packages" | "problems" | "distro", _) => {}
            (other, _) => panic!("unknown block `{other}`"),
        }
    }
    layers.push(tar(files));
    let (image, blobs) = build::image(&layers);
    let budget = Budget::default();
    let mut left = budget.clone();
    let tree = read_tree(&image, &blobs, &wants(scope), &mut left).unwrap();
    look(tree, Subject::default(), scope, &budget, left).unwrap()
}

fn rendered(sbom: &Sbom, kind: &str) -> String {
    let mut out = String::new();
    match kind {
        "packages" => {
            let mut lines = Vec::new();
            for p in &sbom.packages {
                let source = p.source.as_ref().map_or("-".to_owned(), |s| format!("{}={}", s.name, s.version));
                let places: Vec<_> = p.locations.iter().map(|l| l.path.as_str()).collect();
                let owner = p.owner.as_ref().map_or(String::new(), |o| format!(" owner={o}"));
                lines.push(format!("{} {} {} {source} {}{owner}\n", p.purl, p.name, p.version, places.join(" ")));
                assert!(p.cataloger.is_some() && p.locations.iter().all(|l| l.layer.is_some()), "{p:?}");
            }
            lines.sort();
            out = lines.concat();
        }
        "problems" => sbom.problems.iter().for_each(|p| out.push_str(&format!("{} {}\n", p.code, p.path))),
        _ => {
            let state = match &sbom.distro.state {
                DistroState::Confirmed => "confirmed".to_owned(),
                DistroState::None => "none".to_owned(),
                DistroState::Unknown(why) => format!("unknown: {why}"),
            };
            out.push_str(&format!("{} {} {state}\n", sbom.distro.id, sbom.distro.version));
        }
    }
    out
}

#[test]
fn cases_give_what_they_say() {
    let mut failures = String::new();
    for file in files("cases", "md") {
        let text = std::fs::read_to_string(root().join("cases").join(format!("{file}.md"))).unwrap();
        let cases = blocks(&text);
        assert!(!cases.is_empty(), "{file}.md has no case");
        for (title, blocks) in cases {
            let sbom = run(&blocks);
            let expected: Vec<_> =
                blocks.iter().filter(|b| ["packages", "problems", "distro"].contains(&b.info.as_str())).collect();
            assert!(!expected.is_empty(), "{file}.md: `{title}` expects nothing");
            for block in expected {
                let actual = rendered(&sbom, &block.info);
                if actual != block.text {
                    let of = &block.info;
                    failures.push_str(&format!("\n{file}.md: {title}: {of}\nexpected\n{}actual\n{actual}", block.text));
                }
            }
            if !blocks.iter().any(|b| b.info == "problems") && !sbom.problems.is_empty() {
                failures.push_str(&format!("\n{file}.md: {title}: {:?}", sbom.problems));
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, extension: &str) -> BTreeSet<String> {
    let paths = std::fs::read_dir(root().join(folder)).unwrap().map(|e| e.unwrap().path());
    let paths = paths.filter(|p| p.extension().is_some_and(|e| e == extension));
    paths.map(|p| p.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_cataloger_has_a_file_a_line_and_cases() {
    let lines: BTreeSet<String> = ALL.iter().map(|c| c.id.to_owned()).collect();
    assert_eq!(lines.len(), ALL.len(), "an id twice");
    let mut sources = BTreeSet::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            if let Some((_, definition)) = text.split_once(": Cataloger = Cataloger {") {
                let id = definition.split('"').nth(1).unwrap().to_owned();
                let page = format!("//! # {id}\n");
                assert!(text.starts_with(&page), "{} does not start with its manual page", path.display());
                sources.insert(id);
            }
        }
    }
    assert_eq!(sources, lines, "files in src and lines in ALL");
    let mut cases = files("cases", "md");
    for beside in ["distro", "ownership"] {
        assert!(cases.remove(beside), "cases/{beside}.md");
    }
    assert_eq!(cases, lines, "files in cases and lines in ALL");
}
