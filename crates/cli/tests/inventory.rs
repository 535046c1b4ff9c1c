//! What is found in real roots and applications, beside what their own tools say is in them; and that
//! an image, and every SBOM of it that can carry everything, give the same findings.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, ExitCode};

use cleanbill_image::{Node, open_path, read_tree};
use cleanbill_model::{Budget, Purl};
use cleanbill_testkit::components::harness::{Failed, Trial, main as run_all, plain_test, real_test};
use cleanbill_testkit::components::{Component, roots};
use cleanbill_testkit::image::{BuiltImage, ImageBuilder, Layer, debian_layer, log4j_core_jar};
use serde_json::{Value, json};
use support::cleanbill;
use support::scans::{build, listed, output, same_in_every_format};

fn main() -> ExitCode {
    run_all(vec![
        debian("bookworm", "12"),
        debian("trixie", "13"),
        real_test("what pip lists is found", &[Component::Python], python),
        real_test("what npm lists is found", &[Component::Npm], node),
        real_test("what gem lists is found", &[Component::Mmdebstrap], ruby),
        real_test("a real root is read as it is unpacked", &[Component::Mmdebstrap, Component::Umoci], unpacked_root),
        real_test("tricky layers are read as they are unpacked", &[Component::Umoci], unpacked_layers),
        plain_test("an image and its SBOMs have the same findings", same_findings),
        real_test(
            "a real root and its SBOMs have the same findings",
            &[Component::Mmdebstrap],
            same_findings_of_a_root,
        ),
        plain_test("a file that changed is looked into again", remembered),
    ])
}

/// `cleanbill sbom TARGET -o purls`, parsed.
fn purls(target: &str) -> Vec<Purl> {
    let home = tempfile::tempdir().unwrap();
    output(cleanbill(home.path()).args(["sbom", target, "-o", "purls"]))
        .lines()
        .map(|line| Purl::parse(line).unwrap())
        .collect()
}

fn of_kind(purls: &[Purl], kind: &str) -> BTreeSet<(String, String)> {
    let name = |p: &Purl| match p.namespace.as_str() {
        "" => p.name.clone(),
        namespace => format!("{namespace}/{}", p.name),
    };
    purls.iter().filter(|p| p.kind == kind).map(|p| (name(p), p.version.clone().unwrap_or_default())).collect()
}

fn debian(suite: &'static str, number: &'static str) -> Trial {
    let name = format!("what dpkg-query lists is found in Debian {number}");
    real_test(name, &[Component::Mmdebstrap], move || {
        let root = roots::debian(suite, &[]).map_err(|e| e.to_string())?;
        let listed: BTreeSet<_> = roots::dpkg_query(&root).map_err(|e| e.to_string())?.into_iter().collect();
        assert!(listed.len() > 60, "{} packages", listed.len());
        let found = purls(&format!("rootfs:{}", root.display()));
        let found: Vec<_> = found
            .iter()
            .map(|p| {
                let version = p.version.clone().unwrap_or_default();
                assert_eq!((p.kind.as_str(), p.namespace.as_str()), ("deb", "debian"), "{p}");
                assert_eq!(p.qualifiers.get("distro").map(String::as_str), Some(&*format!("debian-{number}")), "{p}");
                (p.name.clone(), version, p.qualifiers.get("arch").cloned().unwrap_or_default())
            })
            .collect();
        assert_eq!(found.len(), listed.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), listed);
        Ok(())
    })
}

/// Everything listed is found; what is found beyond it is at most one of 200, each named.
fn covers(listed: &BTreeSet<(String, String)>, found: &BTreeSet<(String, String)>, known: &[&str]) {
    let missing: Vec<_> = listed.difference(found).collect();
    assert!(missing.is_empty(), "listed and not found: {missing:?}");
    let surplus: Vec<_> = found.difference(listed).filter(|(name, _)| !known.contains(&name.as_str())).collect();
    assert!(surplus.len() * 200 <= listed.len(), "found and not listed: {surplus:?} beside {}", listed.len());
}

fn python() -> Result<(), Failed> {
    let folder = tempfile::tempdir().unwrap();
    let wanted = [
        "flask==3.1.1",
        "requests[socks]==2.32.4",
        "cryptography",
        "pydantic",
        "numpy",
        "ruamel.yaml",
        "zope.interface",
    ];
    let listed = roots::python(folder.path(), &wanted).map_err(|e| e.to_string())?;
    let found = purls(&format!("rootfs:{}", folder.path().display()));
    let normal = |name: &str| cleanbill_model::comparable_name("PyPI", name).into_owned();
    let listed: BTreeSet<_> = listed.into_iter().map(|(name, version)| (normal(&name), version)).collect();
    // pip carries copies of the libraries that it uses, which it does not list: they are aboard.
    let found: BTreeSet<_> = of_kind(&found, "pypi");
    covers(&listed, &found, &[]);
    Ok(())
}

fn node() -> Result<(), Failed> {
    let folder = tempfile::tempdir().unwrap();
    let wanted = ["express@4.21.2", "@babel/core@7.26.0", "lodash@4.17.21", "webpack@5.97.1", "uuid@8.3.2"];
    let listed = roots::node(folder.path(), &wanted).map_err(|e| e.to_string())?;
    let found = of_kind(&purls(&format!("rootfs:{}", folder.path().display())), "npm");
    let listed: BTreeSet<_> = listed.into_iter().collect();
    // The application itself is a package of its own file.
    covers(&listed, &found, &["app"]);
    Ok(())
}

fn ruby() -> Result<(), Failed> {
    let root = roots::debian("bookworm", &["ruby", "ruby-sinatra", "ruby-nokogiri"]).map_err(|e| e.to_string())?;
    let listed: BTreeSet<_> = roots::gem_list(&root).map_err(|e| e.to_string())?.into_iter().collect();
    assert!(listed.len() > 30, "{listed:?}");
    let found = of_kind(&purls(&format!("rootfs:{}", root.display())), "gem");
    covers(&listed, &found, &[]);
    Ok(())
}

/// Path → kind, size and link target, as far as both sides tell.
type Listing = BTreeMap<String, String>;

fn on_disk(root: &Path) -> Listing {
    let mut found = Listing::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let what = if meta.is_symlink() {
                format!("link to {}", std::fs::read_link(&path).unwrap().display())
            } else if meta.is_dir() {
                pending.push(path);
                "folder".to_owned()
            } else if meta.is_file() {
                format!("file of {}", meta.len())
            } else {
                "special".to_owned()
            };
            found.insert(name, what);
        }
    }
    found
}

fn in_tree(archive: &Path) -> Listing {
    let budget = Budget::default();
    let (image, blobs) = open_path(archive, None, &budget).unwrap();
    let wants = cleanbill_catalog::wants(cleanbill_catalog::Scope::Installed);
    let tree = read_tree(&image, blobs.as_ref(), &wants, &mut budget.clone()).unwrap();
    assert_eq!(tree.problems, [], "{}", archive.display());
    let mut found = Listing::new();
    for (path, node) in tree.iter() {
        let what = match node {
            Node::File(file) => format!("file of {}", file.size),
            Node::Directory { .. } => "folder".to_owned(),
            Node::Symlink { target, .. } => format!("link to {}", String::from_utf8_lossy(target)),
            Node::Special { .. } => "special".to_owned(),
        };
        let path = String::from_utf8_lossy(path).into_owned();
        // A folder on the way that no entry names is there all the same.
        let mut up = path.as_str();
        while let Some((folder, _)) = up.rsplit_once('/') {
            found.entry(folder.to_owned()).or_insert_with(|| "folder".to_owned());
            up = folder;
        }
        found.insert(path, what);
    }
    found
}

fn compare(layout: &Path, tag: &str, archive: &Path) -> Result<usize, Failed> {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = roots::umoci_unpack(layout, tag, &folder.path().join("bundle")).map_err(|e| e.to_string())?;
    let (theirs, ours) = (on_disk(&unpacked), in_tree(archive));
    let differ: Vec<_> = theirs
        .keys()
        .chain(ours.keys())
        .filter(|path| theirs.get(*path) != ours.get(*path))
        .map(|path| format!("{path}: unpacked {:?}, read {:?}", theirs.get(path), ours.get(path)))
        .collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    Ok(theirs.len())
}

fn unpacked_root() -> Result<(), Failed> {
    let root = roots::debian("bookworm", &[]).map_err(|e| e.to_string())?;
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("root.tar");
    // Devices cannot be made everywhere; what is under `dev` proves nothing here.
    let tar = Command::new("tar").arg("-C").arg(&root).args(["--exclude=./dev/*", "-cf"]).arg(&plain).arg(".").status();
    assert!(tar.unwrap().success());
    let entries =
        same_as_unpacked(&ImageBuilder::new().layer(Layer::from_tar(std::fs::read(&plain).unwrap())).build())?;
    assert!(entries > 5000, "{entries}");
    Ok(())
}

/// Reads an image and has it unpacked; gives the number of entries if both are the same.
fn same_as_unpacked(image: &BuiltImage) -> Result<usize, Failed> {
    let folder = tempfile::tempdir().unwrap();
    let layout = folder.path().join("layout");
    image.oci_layout(&layout);
    // umoci takes images of a layout by their names.
    let index_file = layout.join("index.json");
    let mut index: Value = serde_json::from_slice(&std::fs::read(&index_file).unwrap()).unwrap();
    index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] = json!("latest");
    std::fs::write(&index_file, index.to_string()).unwrap();
    compare(&layout, "latest", &layout)
}

fn unpacked_layers() -> Result<(), Failed> {
    let below = Layer::new()
        .directory("a")
        .file("a/kept", "1")
        .file("a/gone", "2")
        .directory("b")
        .file("b/one", "1")
        .file("b/two", "2")
        .file("usr/lib/x", "x")
        .symlink("lib", "usr/lib")
        .file("c", "file")
        .hardlink("c2", "c")
        .file("deep/er/file", "3")
        .symlink("loop", "loop");
    let above = Layer::new()
        .whiteout("a/gone")
        .opaque("b")
        .file("b/three", "3")
        .file("c", "another")
        .whiteout("deep")
        .file("usr/lib/y", "y")
        .symlink("a/link", "../c");
    assert!(same_as_unpacked(&ImageBuilder::new().layer(below).layer(above).build())? >= 10);
    Ok(())
}

fn advisories(folder: &Path) -> String {
    let records = [
        json!({"id": "GHSA-jfh8-c2jp-5v3q", "aliases": ["CVE-2021-44228"], "modified": "2026-01-01T00:00:00Z",
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}],
            "affected": [{"package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.13.0"}, {"fixed": "2.15.0"}]}]}]}),
        json!({"id": "CVE-2024-0001", "modified": "2026-01-01T00:00:00Z",
            "affected": [{"package": {"ecosystem": "Debian:12", "name": "glibc"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.36-9+deb12u7"}]}]}]}),
        json!({"id": "CVE-2024-0002", "modified": "2026-01-01T00:00:00Z",
            "affected": [{"package": {"ecosystem": "Debian:12", "name": "util-linux"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}),
    ];
    let file = folder.join("records.json");
    std::fs::write(&file, Value::from(records.to_vec()).to_string()).unwrap();
    build(folder, &[&file])
}

fn same_findings() -> Result<(), Failed> {
    let home = tempfile::tempdir().unwrap();
    let database = advisories(home.path());
    let archive = home.path().join("image.tar");
    let image = ImageBuilder::new()
        .layer(debian_layer(&[("libc6", "2.36-9+deb12u4", Some("glibc")), ("bash", "5.2.15-2", None)]))
        .layer(Layer::new().file("app/log4j-core.jar", log4j_core_jar("2.14.1")).file("app/broken.jar", "no zip"))
        .build();
    image.docker_archive(&archive);
    let of_image = same_in_every_format(home.path(), &archive.display().to_string(), &database);
    assert_eq!(of_image["findings"].as_array().unwrap().len(), 2, "{of_image}");
    assert_eq!(of_image["problems"].as_array().unwrap().len(), 1, "{of_image}");
    Ok(())
}

/// A real root as folder and as image of one layer, beside every SBOM of either.
fn same_findings_of_a_root() -> Result<(), Failed> {
    let root = roots::debian("bookworm", &[]).map_err(|e| e.to_string())?;
    let home = tempfile::tempdir().unwrap();
    let database = advisories(home.path());
    let of_folder = same_in_every_format(home.path(), &format!("rootfs:{}", root.display()), &database);
    let plain = home.path().join("root.tar");
    let tar = Command::new("tar").arg("-C").arg(&root).args(["--exclude=./dev/*", "-cf"]).arg(&plain).arg(".").status();
    assert!(tar.unwrap().success());
    let archive = home.path().join("image.tar");
    ImageBuilder::new().layer(Layer::from_tar(std::fs::read(&plain).unwrap())).build().docker_archive(&archive);
    let of_image = same_in_every_format(home.path(), &archive.display().to_string(), &database);
    let hit = |scan: &Value| listed(scan, |f| f["package"]["purl"].as_str().unwrap().to_owned());
    assert_eq!(hit(&of_image), hit(&of_folder));
    let names: BTreeSet<_> = hit(&of_image).into_iter().map(|(name, id, _)| (name, id)).collect();
    let expected =
        ["bsdutils", "libblkid1", "libmount1", "libsmartcols1", "libuuid1", "mount", "util-linux", "util-linux-extra"];
    assert_eq!(names, expected.map(|name| (name.to_owned(), "CVE-2024-0002".to_owned())).into());
    Ok(())
}

fn remembered() -> Result<(), Failed> {
    let home = tempfile::tempdir().unwrap();
    let archive = home.path().join("image.tar");
    let names = |home: &Path| output(cleanbill(home).arg("sbom").arg(&archive).args(["-o", "purls"]));
    ImageBuilder::new().layer(debian_layer(&[("bash", "5.2.15-2", None)])).build().docker_archive(&archive);
    let first = names(home.path());
    assert_eq!(names(home.path()), first);
    ImageBuilder::new().layer(debian_layer(&[("bash", "5.2.15-3", None)])).build().docker_archive(&archive);
    let second = names(home.path());
    assert!(second.contains("5.2.15-3") && first.contains("5.2.15-2"), "{first}{second}");
    Ok(())
}
