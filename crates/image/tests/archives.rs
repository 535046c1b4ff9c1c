//! Images in files and folders.
#![allow(clippy::unwrap_used)]
mod build;

use std::fs;
use std::path::{Path, PathBuf};

use build::{Tar, documents, gzip};
use cleanbill_image::{Blobs, Image, ImageError, Pattern, Wants, open_path, read_tree};
use cleanbill_model::{Budget, Digest, Platform};

fn open(path: &Path) -> Result<(Image, Box<dyn Blobs>), ImageError> {
    open_path(path, None, &Budget::default())
}

#[track_caller]
fn names(path: &Path, expect: &[&str]) -> Image {
    let (image, blobs) = open(path).unwrap();
    let wants = Wants::new([Pattern::Extension("jar")], []);
    let tree = read_tree(&image, blobs.as_ref(), &wants, &mut Budget::default()).unwrap();
    assert!(tree.problems.is_empty(), "{:?}", tree.problems);
    let found: Vec<_> = tree.iter().map(|(p, _)| String::from_utf8_lossy(p).into_owned()).collect();
    assert_eq!(found, expect);
    image
}

#[track_caller]
fn refuse(path: &Path, part: &str) {
    let error = open(path).err().expect(part).to_string();
    assert!(error.contains(part), "{error}");
}

fn layer(name: &str) -> Vec<u8> {
    Tar::new().file(name, name).finish()
}

fn save(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// `docker save` before version 25, with a layer that is a link to another's.
fn legacy(config_arch: &str) -> Vec<u8> {
    let layers = [layer("a.jar"), layer("b.jar"), layer("a.jar")];
    let pairs: Vec<_> = layers.iter().map(|l| (l.clone(), l.clone())).collect();
    let config = String::from_utf8(documents(&pairs).0).unwrap().replace("amd64", config_arch);
    let manifest =
        r#"[{"Config":"c.json","RepoTags":["shop:1"],"Layers":["1/layer.tar","2/layer.tar","3/layer.tar"]}]"#;
    Tar::new()
        .file("1/layer.tar", &layers[0])
        .file("2/layer.tar", &layers[1])
        .symlink("3/layer.tar", "../1/layer.tar")
        .file("c.json", config)
        .file("manifest.json", manifest)
        .finish()
}

/// The files of a layout around one image.
fn layout_files(pairs: &[(Vec<u8>, Vec<u8>)], nested: bool) -> Vec<(String, Vec<u8>)> {
    let (config, manifest) = documents(pairs);
    let blob = |bytes: &[u8]| (format!("blobs/sha256/{}", Digest::sha256(bytes).hex()), bytes.to_vec());
    let entry = |media_type: &str, bytes: &[u8]| {
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{media_type}.v1+json","digest":"{}","size":{},"annotations":{{"org.opencontainers.image.ref.name":"one"}}}}"#,
            Digest::sha256(bytes),
            bytes.len()
        )
    };
    let index = |entry: String| format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#).into_bytes();
    let mut files = vec![blob(&config), blob(&manifest), ("oci-layout".to_owned(), b"{}".to_vec())];
    files.extend(pairs.iter().map(|(stored, _)| blob(stored)));
    let mut top = index(entry("manifest", &manifest));
    if nested {
        files.push(blob(&top));
        top = index(entry("index", &top));
    }
    files.push(("index.json".to_owned(), top));
    files
}

fn pairs() -> Vec<(Vec<u8>, Vec<u8>)> {
    vec![(gzip(&layer("a.jar")), layer("a.jar")), (layer("b.jar"), layer("b.jar"))]
}

fn tarred(files: &[(String, Vec<u8>)]) -> Tar {
    files.iter().fold(Tar::new(), |tar, (name, bytes)| tar.file(name, bytes))
}

#[test]
fn a_docker_archive_is_read_and_its_identity_is_stable() {
    let folder = tempfile::tempdir().unwrap();
    let one = names(&save(folder.path(), "one.tar", &legacy("amd64")), &["a.jar", "b.jar"]);
    let two = names(&save(folder.path(), "two.tar.gz", &gzip(&legacy("amd64"))), &["a.jar", "b.jar"]);
    let zst = zstd::encode_all(legacy("amd64").as_slice(), 1).unwrap();
    let three = names(&save(folder.path(), "three.tar.zst", &zst), &["a.jar", "b.jar"]);
    assert_eq!((&one.identity, &one.identity), (&two.identity, &three.identity));
    assert_eq!(one.identity.manifest, Digest::sha256(&one.manifest.raw));
    assert_eq!(one.manifest.layers.len(), 3);
    let other = names(&save(folder.path(), "other.tar", &legacy("arm64")), &["a.jar", "b.jar"]);
    assert_ne!(one.identity.manifest, other.identity.manifest);
}

#[test]
fn a_docker_archive_whose_layer_is_not_what_the_configuration_says_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = legacy("amd64");
    bytes[1024] ^= 1; // data of the first file in the first layer
    let (image, blobs) = open(&save(folder.path(), "x.tar", &bytes)).unwrap();
    let tree = read_tree(&image, blobs.as_ref(), &Wants::default(), &mut Budget::default()).unwrap();
    assert!(tree.problems.iter().any(|p| p.code == "layer-digest"), "{:?}", tree.problems);
}

#[test]
fn a_layout_is_read_as_folder_and_as_archive() {
    let folder = tempfile::tempdir().unwrap();
    for nested in [false, true] {
        let files = layout_files(&pairs(), nested);
        let root = folder.path().join(format!("layout-{nested}"));
        fs::create_dir_all(root.join("blobs/sha256")).unwrap();
        for (name, bytes) in &files {
            fs::write(root.join(name), bytes).unwrap();
        }
        let one = names(&root, &["a.jar", "b.jar"]);
        let two = names(&save(folder.path(), &format!("{nested}.tar"), &tarred(&files).finish()), &["a.jar", "b.jar"]);
        assert_eq!(one.identity, two.identity);
        assert_eq!(one.identity.index.is_some(), nested);
        assert_eq!(one.identity.manifest, one.manifest.digest);
    }
}

#[test]
fn a_blob_that_is_not_what_its_name_says_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = layout_files(&pairs(), false);
    files[1].1.push(b' ');
    refuse(&save(folder.path(), "x.tar", &tarred(&files).finish()), "has digest");
}

#[test]
fn todays_docker_archive_must_say_the_same_twice() {
    let folder = tempfile::tempdir().unwrap();
    let files = layout_files(&pairs(), false);
    let manifest = |config: &str| format!(r#"[{{"Config":"{config}","RepoTags":null,"Layers":["x","y"]}}]"#);
    let tar = tarred(&files).file("manifest.json", manifest(&files[0].0));
    names(&save(folder.path(), "same.tar", &tar.finish()), &["a.jar", "b.jar"]);
    let tar = tarred(&files).file("manifest.json", manifest("blobs/sha256/other"));
    refuse(&save(folder.path(), "other.tar", &tar.finish()), "different images");
}

#[test]
fn what_holds_several_images_needs_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = |arch: &str| format!(r#"{{"os":"linux","architecture":"{arch}"}}"#);
    let manifest = r#"[{"Config":"1.json","RepoTags":["r/a:1"],"Layers":[]},{"Config":"2.json","RepoTags":["r/b:2"],"Layers":[]}]"#;
    let tar =
        Tar::new().file("manifest.json", manifest).file("1.json", config("amd64")).file("2.json", config("arm64"));
    let path = save(folder.path(), "two.tar", &tar.finish());
    refuse(&path, "several images (r/a:1, r/b:2)");
    let at = |name: &str| PathBuf::from(format!("{}:{name}", path.display()));
    assert_eq!(open(&at("r/b:2")).unwrap().0.config.platform, Platform::parse("linux/arm64"));
    assert_eq!(open(&at("1")).unwrap().0.config.platform, Platform::parse("linux/amd64"));
    refuse(&at("3"), "no image named `3`");
}

#[test]
fn another_platform_than_asked_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "x.tar", &legacy("amd64"));
    let arm = Platform::parse("linux/arm64");
    let error = open_path(&path, arm.as_ref(), &Budget::default()).err().unwrap().to_string();
    assert_eq!(error, "no image for linux/arm64; there is linux/amd64");
}

#[test]
fn what_is_no_image_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    refuse(folder.path(), "not an OCI image layout");
    refuse(&folder.path().join("nowhere"), "No such file");
    refuse(&save(folder.path(), "text", b"hello ".repeat(200).as_slice()), "not a tar archive");
    refuse(&save(folder.path(), "empty.tar", &Tar::new().finish()), "no image archive");
    refuse(&save(folder.path(), "null.tar", &Tar::new().file("manifest.json", "null").finish()), "names no image");
    let lost = Tar::new().file("manifest.json", r#"[{"Config":"c.json","Layers":[]}]"#).finish();
    refuse(&save(folder.path(), "lost.tar", &lost), "no `c.json`");
    let twice = Tar::new().file("manifest.json", "[]").file("./manifest.json", "[]").finish();
    refuse(&save(folder.path(), "twice.tar", &twice), "twice");
    let circle = Tar::new().symlink("manifest.json", "x").symlink("x", "manifest.json").finish();
    refuse(&save(folder.path(), "circle.tar", &circle), "no image archive");
}

#[test]
fn a_packed_archive_meets_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "bomb.tar.gz", &gzip(&vec![0; 4 << 20]));
    let small = Budget { bytes: 1 << 20, ..Budget::default() };
    assert!(matches!(open_path(&path, None, &small), Err(ImageError::Budget { .. })));
}
