//! What images are made of: documents, tar archives, layers, files that hold images; and the whole way
//! from a layer to an SBOM.
//!
//! Beside: entries of an archive are within its bytes, an image's tree has no path that leaves the root, and
//! an SBOM of an image can be written and read again.

use std::io::Write as _;

use cleanbill_catalog::{ALL, Scope, look, wants};
use cleanbill_image::{Config, Content, Document, EntryKind, Pattern, TarReader, Wants, open_path, read_tree};
use cleanbill_model::{Budget, Platform, Subject};

use crate::build::{Tar, documents, gzip, stored};
use crate::mutate::JSON;
use crate::{Target, cases, texts};

/// What tests may take.
fn budget() -> Budget {
    Budget { bytes: 32 << 20, file_bytes: 8 << 20, entries: 20_000, ..Budget::default() }
}

const TAR: &[&str] = &[
    "ustar\x0000",
    "ustar  \0",
    "0000000\0",
    "00000000777\0",
    "\u{0}\u{0}\u{0}\u{0}",
    "../",
    "/",
    ".wh.",
    ".wh..wh..opq",
    "././@LongLink",
    "20 path=../../a\n",
    "13 size=99999\n",
    "30 GNU.sparse.major=1\n",
    "30 GNU.sparse.minor=0\n",
];

pub(crate) fn targets() -> Vec<Target> {
    vec![
        Target::new("image-document", 20_000, JSON, document_seeds, document),
        Target::new("image-config", 20_000, JSON, || vec![documents(&[(tar(), tar())]).0], config),
        Target::new("tar", 12_000, TAR, || vec![tar(), tricks()], entries),
        Target::new("layer", 1500, TAR, layer_seeds, layer),
        Target::new("archive", 500, TAR, archive_seeds, archive),
        Target::new("inventory", 120, TAR, inventory_seeds, inventory),
    ]
}

fn tar() -> Vec<u8> {
    Tar::new()
        .dir("a/")
        .file("a/x.jar", "data")
        .symlink("l", "a")
        .hardlink("l/y.jar", "a/x.jar")
        .pax(b'x', &[("path", "long/name"), ("size", "3")])
        .file("short", "abc")
        .gnu(b'L', b"gnu/long/name")
        .file("s", "\x7fELF and a marker")
        .file("a/.wh.x.jar", "")
        .file("a/.wh..wh..opq", "")
        .finish()
}

/// What hides files from some readers.
fn tricks() -> Vec<u8> {
    Tar::new()
        .pax(b'g', &[("path", "global"), ("size", "512")])
        .file("/absolute", "1")
        .file("a/../../outside", "2")
        .symlink("up", "../../..")
        .file("up/etc/passwd", "3")
        .symlink("circle", "circle/circle")
        .file("circle/x", "4")
        .entry(crate::build::header(b"dev/null", b'3', 0, b""), b"")
        .entry(crate::build::header(b"pipe", b'6', 0, b""), b"")
        .entry(crate::build::header(b"link-with-size", b'2', 1024, b"a"), b"")
        .pax(b'x', &[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "sparse")])
        .file("GNUSparseFile.0/sparse", "1\n0\n1\nx")
        .gnu(b'K', b"long/link")
        .hardlink("h", "x")
        .finish()
}

fn document_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![documents(&[(tar(), tar())]).1];
    let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
        {{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":3,
        "platform":{{"os":"linux","architecture":"arm","variant":"v7","os.version":"1"}},"annotations":{{"a":"b"}}}},
        {{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"{digest}","size":3}}]}}"#
    );
    let artifact = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"a/b",
        "config":{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{digest}","size":2}},"layers":[],
        "subject":{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":3}}}}"#
    );
    let docker = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",
        "config":{{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"{digest}","size":2}},
        "layers":[{{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"{digest}","size":3,"urls":["x"]}}]}}"#
    );
    seeds.extend(texts(&[&index, &artifact, &docker]));
    seeds
}

fn document(bytes: &[u8]) {
    let Ok(document) = Document::parse(bytes.to_vec(), None) else { return };
    assert_eq!(document.raw(), bytes, "a document keeps the bytes it was read from");
    assert!(document.digest().matches(bytes));
    let again = Document::parse(bytes.to_vec(), Some(document.media_type())).expect("it says its own type");
    assert_eq!(again, document);
    if let Document::Index(index) = document {
        for wanted in [None, Some(Platform::new("linux", "arm64"))] {
            let _ = index.select(wanted.as_ref());
        }
    }
}

fn config(bytes: &[u8]) {
    if let Ok(config) = Config::parse(bytes.to_vec()) {
        assert!(config.digest.matches(bytes));
    }
}

fn entries(bytes: &[u8]) {
    let mut reader = TarReader::new(bytes);
    let mut buffer = [0; 700];
    let mut seen = 0;
    // An error may be one entry's alone; every one costs a header at least.
    while seen <= bytes.len() / 512 {
        seen += 1;
        let Ok(Some(entry)) = reader.next_entry() else { break };
        assert!(matches!(entry.kind, EntryKind::File | EntryKind::Sparse | EntryKind::Other(_)) || entry.size == 0);
        // Half of them are skipped.
        while seen % 2 == 0 && reader.read_data(&mut buffer).is_ok_and(|n| n > 0) {}
    }
    assert!(seen <= bytes.len() / 512 + 1, "more entries than headers fit in");
}

fn layer_seeds() -> Vec<Vec<u8>> {
    let zstd = zstd::encode_all(tar().as_slice(), 1).expect("in memory");
    // Two members of gzip and two frames are one layer.
    let tricks_packed = tricks();
    let (front, back) = tricks_packed.split_at(1024);
    vec![tar(), tricks(), gzip(&tar()), zstd, [gzip(front), gzip(back)].concat()]
}

fn layer(bytes: &[u8]) {
    let wants = Wants::new(
        [Pattern::Extension("jar"), Pattern::Path("l/x")],
        [Content { heads: &[b"\x7fELF"], marker: b"mark", probe: None }],
    );
    // Under a whole layer, which it may change.
    let base = Tar::new().dir("a/").file("a/x.jar", "base").symlink("b", "a").finish();
    let (image, blobs) = stored(&[(base.clone(), base), (bytes.to_vec(), bytes.to_vec())]);
    let Ok(tree) = read_tree(&image, &blobs, &wants, &mut budget()) else { return };
    tree.wanted(&wants);
    for (path, _) in tree.iter() {
        let parts = path.split(|b| *b == b'/');
        assert!(!path.starts_with(b"/") && parts.clone().all(|p| p != b".." && p != b"." && !p.is_empty()), "{path:?}");
        if let Some(real) = tree.resolve(path) {
            assert!(!real.starts_with(b"/"), "{path:?} leads to {real:?}");
        }
    }
}

fn archive_seeds() -> Vec<Vec<u8>> {
    let (config, manifest) = documents(&[(gzip(&tar()), tar())]);
    let docker = Tar::new()
        .file("manifest.json", r#"[{"Config":"c","RepoTags":["a:1"],"Layers":["l"]}]"#)
        .file("c", documents(&[(tar(), tar())]).0)
        .file("l", tar())
        .finish();
    let digest = |bytes: &[u8]| cleanbill_model::Digest::sha256(bytes);
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", digest(bytes).hex());
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":{}}}]}}"#,
        digest(&manifest),
        manifest.len()
    );
    let layer = gzip(&tar());
    let oci = Tar::new()
        .file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#)
        .file("index.json", index)
        .file(&blob(&manifest), &manifest)
        .file(&blob(&config), &config)
        .file(&blob(&layer), &layer)
        .finish();
    vec![gzip(&docker), docker, oci]
}

fn archive(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).and_then(|()| file.flush()).expect("a temporary file");
    let Ok((image, blobs)) = open_path(file.path(), None, &budget()) else { return };
    let _ = cleanbill_catalog::inventory(&image, blobs.as_ref(), &budget());
}

fn inventory_seeds() -> Vec<Vec<u8>> {
    let ids = ALL.iter().map(|cataloger| cataloger.id).chain(["distro", "ownership"]);
    let cases = ids.flat_map(cases::of);
    let tar = |files: cases::Files| files.iter().fold(Tar::new(), |tar, (path, bytes)| tar.file(path, bytes)).finish();
    cases.filter(|files| files.keys().all(|path| path.len() <= 100)).map(tar).collect()
}

fn inventory(bytes: &[u8]) {
    let (image, blobs) = stored(&[(bytes.to_vec(), bytes.to_vec())]);
    for scope in [Scope::Installed, Scope::Source] {
        let mut left = budget();
        let Ok(tree) = read_tree(&image, &blobs, &wants(scope), &mut left) else { continue };
        let Ok(sbom) = look(tree, Subject::default(), scope, &budget(), left) else { continue };
        let written = cleanbill_sbom::cyclonedx::write(&sbom, None);
        let again = cleanbill_sbom::read(&written).expect("what was written can be read");
        assert_eq!(again.packages, sbom.packages);
    }
}
