//! Damaged input gives problems and errors, never a panic.
#![allow(clippy::unwrap_used)]
mod build;

use build::{Tar, documents, gzip, mutate, stored};
use cleanbill_image::{Config, Content, Document, Pattern, Wants, open_path, read_tree};
use cleanbill_model::Budget;

fn layer() -> Vec<u8> {
    Tar::new()
        .dir("a/")
        .file("a/x.jar", "data")
        .symlink("l", "a")
        .hardlink("l/y.jar", "a/x.jar")
        .pax(b'x', &[("path", "long/name"), ("size", "3")])
        .file("short", "abc")
        .gnu(b'L', b"gnu/long/name")
        .file("s", "\x7fELF")
        .file("a/.wh.x.jar", "")
        .file("a/.wh..wh..opq", "")
        .finish()
}

#[test]
fn layers() {
    let wants = Wants::new(
        [Pattern::Extension("jar"), Pattern::Path("l/x")],
        [Content { heads: &[b"\x7fELF"], marker: b"E", probe: None }],
    );
    let whole = layer();
    for seed in 0..2000 {
        let tar = mutate(&whole, seed);
        let (image, blobs) = stored(&[(tar.clone(), tar), (whole.clone(), whole.clone())]);
        let tree = read_tree(&image, &blobs, &wants, &mut Budget::default()).unwrap();
        tree.wanted(&wants);
    }
    let packed = [gzip(&whole), zstd::encode_all(whole.as_slice(), 1).unwrap()];
    for seed in 0..2000 {
        let blob = mutate(&packed[seed as usize % 2], seed);
        let (image, blobs) = stored(&[(blob, whole.clone())]);
        read_tree(&image, &blobs, &wants, &mut Budget::default()).unwrap();
    }
}

#[test]
fn documents_and_configurations() {
    let (config, manifest) = documents(&[(layer(), layer())]);
    for seed in 0..4000 {
        let _ = Document::parse(mutate(&manifest, seed), None);
        let _ = Config::parse(mutate(&config, seed));
    }
}

#[test]
fn archives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    let config = documents(&[(layer(), layer())]).0;
    let manifest = r#"[{"Config":"c","RepoTags":["a:1"],"Layers":["l"]}]"#;
    let whole = Tar::new().file("manifest.json", manifest).file("c", config).file("l", layer()).finish();
    for seed in 0..600 {
        std::fs::write(&path, mutate(&whole, seed)).unwrap();
        let _ = open_path(&path, None, &Budget::default());
    }
}
