//! Inputs that somebody built to do harm: each ends in what could be read, a problem that names the place, bounded
//! memory. What one room alone can be made to do is tested there; here an image or folder goes the whole way.
//!
//! Memory is bounded by the budget these tests give: what a bomb would take is far more than the machine
//! they run on has, so that a reader that follows it does not end.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;

use cleanbill_catalog::{Scope, inventory, inventory_folder};
use cleanbill_fuzz::build::{GZIP, Tar, header, image, stored};
use cleanbill_fuzz::fixture;
use cleanbill_image::{Blobs, Config, Descriptor, Document, Image, ImageError};
use cleanbill_model::{Budget, Digest, ImageIdentity, Sbom};

const STATUS: &str = "Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\n";

/// A Debian system with one package, and whatever is added.
fn debian() -> Tar {
    Tar::new().file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n").file("var/lib/dpkg/status", STATUS)
}

fn packages(sbom: &Sbom) -> Vec<String> {
    sbom.packages.iter().map(|p| format!("{}@{}", p.name, p.version)).collect()
}

/// How often each problem, and the layer is named by each.
fn problems(sbom: &Sbom) -> BTreeMap<&str, usize> {
    let mut counted = BTreeMap::new();
    for problem in &sbom.problems {
        assert!(!problem.what.is_empty() && !problem.why.is_empty(), "{problem:?}");
        *counted.entry(problem.code.as_str()).or_default() += 1;
    }
    counted
}

#[track_caller]
fn check(tar: Vec<u8>, budget: &Budget, expect_packages: &[&str], expect_problems: &[(&str, usize)]) -> Sbom {
    let (image, blobs) = image(&[tar]);
    let sbom = inventory(&image, &blobs, budget).unwrap();
    assert_eq!(packages(&sbom), expect_packages);
    assert_eq!(problems(&sbom).into_iter().collect::<Vec<_>>(), expect_problems, "{:?}", sbom.problems);
    assert!(sbom.problems.iter().all(|p| p.layer.is_some()), "{:?}", sbom.problems);
    sbom
}

/// A blob that is made while it is read, for content that no memory holds. Its digest is not known before.
struct Made(fn() -> Box<dyn Read + Send>);

impl Blobs for Made {
    fn open<'a>(&'a self, _: &Descriptor) -> Result<Box<dyn Read + Send + 'a>, ImageError> {
        Ok((self.0)())
    }
}

/// An image of one layer whose digests are those of other bytes.
fn made() -> Image {
    let digest = Digest::sha256("something else");
    let config =
        format!(r#"{{"os":"linux","architecture":"amd64","rootfs":{{"type":"layers","diff_ids":["{digest}"]}}}}"#);
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},
        "layers":[{{"mediaType":"{GZIP}","digest":"{digest}","size":{}}}]}}"#,
        Digest::sha256(&config),
        config.len(),
        1u64 << 50
    );
    let Ok(Document::Manifest(manifest)) = Document::parse(manifest.into_bytes(), None) else { panic!("a manifest") };
    let config = Config::parse(config.into_bytes()).unwrap();
    let identity = ImageIdentity {
        index: None,
        manifest: manifest.digest.clone(),
        config: config.digest.clone(),
        platform: config.platform.clone(),
    };
    Image { name: "made".to_owned(), identity, manifest, config }
}

/// The header of a file of four gibibytes and none of its zeros, packed; then the same packed zeros for ever.
fn gzip_bomb() -> Box<dyn Read + Send> {
    let first = cleanbill_fuzz::build::gzip(&[debian().0, header(b"zeros", b'0', 1 << 32, b"").to_vec()].concat());
    let zeros = cleanbill_fuzz::build::gzip(&vec![0; 1 << 20]);
    Box::new(Cursor::new(first).chain(Again { bytes: zeros, at: 0 }))
}

fn zstd_bomb() -> Box<dyn Read + Send> {
    let first = [debian().0, header(b"zeros", b'0', 1 << 32, b"").to_vec()].concat();
    let first = zstd::encode_all(first.as_slice(), 1).unwrap();
    let zeros = zstd::encode_all(vec![0; 1 << 20].as_slice(), 1).unwrap();
    Box::new(Cursor::new(first).chain(Again { bytes: zeros, at: 0 }))
}

/// The same bytes without end.
struct Again {
    bytes: Vec<u8>,
    at: usize,
}

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = buffer.len().min(self.bytes.len() - self.at);
        buffer[..n].copy_from_slice(&self.bytes[self.at..self.at + n]);
        self.at = (self.at + n) % self.bytes.len();
        Ok(n)
    }
}

#[test]
fn layers_that_unpack_without_end_meet_the_budget_and_keep_what_came_before() {
    for bomb in [gzip_bomb as fn() -> Box<dyn Read + Send>, zstd_bomb] {
        let budget = Budget { bytes: 64 << 20, ..Budget::default() };
        let sbom = inventory(&made(), &Made(bomb), &budget).unwrap();
        assert_eq!(packages(&sbom), ["bash@5.2"]);
        assert_eq!(sbom.problems.iter().filter(|p| p.code == "budget").count(), 1, "{:?}", sbom.problems);
    }
}

#[test]
fn a_window_of_zstd_that_needs_gigabytes_is_refused() {
    // A frame that asks for a window of 2^40 bytes, then a block of a byte repeated.
    let frame = [&b"\x28\xb5\x2f\xfd"[..], &[0x00, 30 << 3], &[0x03, 0x00, 0x10, b'x']].concat();
    let (image, blobs) = stored(&[(frame.clone(), frame), (debian().finish(), debian().finish())]);
    let sbom = inventory(&image, &blobs, &Budget::default()).unwrap();
    assert_eq!(packages(&sbom), ["bash@5.2"]);
    assert_eq!(sbom.problems.iter().filter(|p| p.code == "layer-unreadable").count(), 1, "{:?}", sbom.problems);
}

#[test]
fn a_million_entries_are_read_or_cut_by_the_budget() {
    let mut tar = debian().0;
    // Checksums differ by those of the names.
    let mut empty = header(b"000/000", b'0', 0, b"");
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let rest = sum(&empty) - sum(&empty[148..156]) + 8 * u32::from(b' ') - sum(b"000/000");
    for number in 0..1_000_000 {
        let name = format!("{:03}/{:03}", number / 1000, number % 1000);
        empty[..7].copy_from_slice(name.as_bytes());
        empty[148..154].copy_from_slice(format!("{:06o}", rest + sum(name.as_bytes())).as_bytes());
        tar.extend_from_slice(&empty);
    }
    tar.extend_from_slice(&[0; 1024]);
    let (image, blobs) = stored(&[(tar.clone(), tar)]);
    let sbom = inventory(&image, &blobs, &Budget::default()).unwrap();
    assert_eq!((packages(&sbom), problems(&sbom).len()), (vec!["bash@5.2".to_owned()], 0));
    let few = Budget { entries: 1000, ..Budget::default() };
    let sbom = inventory(&image, &blobs, &few).unwrap();
    assert_eq!((packages(&sbom), problems(&sbom)), (vec!["bash@5.2".to_owned()], BTreeMap::from([("budget", 1)])));
}

/// A jar whose one entry unpacks to `size` zeros.
fn zip_of_zeros(size: usize) -> Vec<u8> {
    fixture::zip(&[("META-INF/MANIFEST.MF", vec![0; size])], true)
}

#[test]
fn a_zip_bomb_in_a_jar_is_told_and_nothing_else_is_lost() {
    let pom = ("META-INF/maven/g/a/pom.properties", b"groupId=g\nartifactId=a\nversion=1\n".to_vec());
    let inner = zip_of_zeros(16 << 20);
    let many: Vec<(String, Vec<u8>)> = (0..40).map(|n| (format!("lib/{n}.jar"), inner.clone())).collect();
    let mut entries: Vec<(&str, Vec<u8>)> = many.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    entries.push(pom.clone());
    let bomb = fixture::zip(&entries, true);
    let tar = debian().file("bomb.jar", bomb).file("good.jar", fixture::zip(&[pom], true)).finish();
    let budget = Budget { file_bytes: 8 << 20, ..Budget::default() };
    let (image, blobs) = image(&[tar]);
    let sbom = inventory(&image, &blobs, &budget).unwrap();
    assert!(sbom.packages.iter().any(|p| p.locations.iter().any(|l| l.path == "good.jar")), "{:?}", sbom.packages);
    assert!(sbom.problems.iter().any(|p| p.code == "budget" && p.path.starts_with("bomb.jar")), "{:?}", sbom.problems);
    assert!(packages(&sbom).contains(&"bash@5.2".to_owned()));
}

#[test]
fn entries_of_a_zip_that_overlap_are_not_unpacked_again_and_again() {
    // One local entry, which the directory names ten thousand times.
    let name = |number: u32| format!("META-INF/maven/g/{number:05}/pom.properties");
    let mut zip = fixture::zip(&[(&name(0), [b"#".repeat(1 << 19).as_slice(), b"\nversion=1\n"].concat())], true);
    let mut end = zip.split_off(zip.len() - 22);
    let start = u32::from_le_bytes(end[16..20].try_into().unwrap()) as usize;
    let record = zip.split_off(start);
    for number in 0..10_000 {
        let mut copy = record.clone();
        copy[46..46 + name(0).len()].copy_from_slice(name(number).as_bytes());
        zip.extend_from_slice(&copy);
    }
    let size = (zip.len() - start) as u32;
    end[8..10].copy_from_slice(&10_000u16.to_le_bytes());
    end[10..12].copy_from_slice(&10_000u16.to_le_bytes());
    end[12..16].copy_from_slice(&size.to_le_bytes());
    zip.extend_from_slice(&end);
    let (image, blobs) = image(&[debian().file("app.jar", zip).finish()]);
    let sbom = inventory(&image, &blobs, &Budget { file_bytes: 8 << 20, ..Budget::default() }).unwrap();
    // What is read counts each time, so that it is a bomb as any other; and it is said once.
    let told: Vec<_> = sbom.problems.iter().map(|p| (p.code.as_str(), p.path.as_str())).collect();
    assert_eq!(told, [("budget", format!("app.jar!/{}", name(15)).as_str())]);
    assert_eq!(sbom.packages.len(), 1 + 15, "{:?}", sbom.packages);
}

#[test]
fn an_archive_of_many_packages_is_read_in_time_that_its_size_explains() {
    let pom = |n: u32| format!("groupId=g\nartifactId=a{n}\nversion=1\n").into_bytes();
    let names: Vec<String> = (0..20_000).map(|n| format!("META-INF/maven/g/a{n}/pom.properties")).collect();
    let entries: Vec<_> = names.iter().zip(0..).map(|(name, n)| (name.as_str(), pom(n))).collect();
    let (image, blobs) = image(&[debian().file("app.jar", fixture::zip(&entries, false)).finish()]);
    let sbom = inventory(&image, &blobs, &Budget::default()).unwrap();
    assert_eq!((sbom.packages.len(), sbom.problems.len()), (20_001, 0));
}

/// Threads have two megabytes of stack, this one too.
#[test]
fn values_inside_values_do_not_fill_the_stack() {
    let depth = 5000;
    for (open, close) in [("{a: ", "}"), ("[", "]"), ("- ", ""), ("a:\n- ", ""), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        for target in cleanbill_fuzz::targets() {
            if target.words.iter().any(|word| ["{", "- "].contains(word)) {
                target.run(deep.as_bytes());
                target.run(format!("kind: x\nspec: {deep}\n").as_bytes());
                target.run(format!("{{\"spec\":{deep}}}").as_bytes());
            }
        }
    }
}

#[test]
fn links_in_circles_end() {
    let mut tar = debian()
        .symlink("a", "b")
        .symlink("b", "a")
        .symlink("self", "self")
        .symlink("app.jar", "app.jar")
        .symlink("in", "in/in/in")
        .symlink("usr/lib/sysimage", "../lib/sysimage");
    // A chain as long as none that a system follows, and one that doubles with every step.
    for number in 0..200 {
        tar = tar.symlink(&format!("l{number}"), &format!("l{}/l{}", number + 1, number + 1));
    }
    let sbom = check(
        tar.symlink("l200", ".").file("a/x.jar", "").finish(),
        &Budget::default(),
        &["bash@5.2"],
        &[("tar-entry", 1)],
    );
    assert_eq!(sbom.problems[0].path, "a/x.jar");
}

#[test]
fn links_in_circles_end_in_folders_too() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "etc/os-release", b"ID=debian\nVERSION_ID=\"12\"\n");
    write(root, "var/lib/dpkg/status", STATUS.as_bytes());
    symlink("loop", root.join("loop")).unwrap();
    symlink("..", root.join("var/up")).unwrap();
    symlink("/", root.join("out")).unwrap();
    symlink("package.json", root.join("package.json")).unwrap();
    let sbom = inventory_folder(root, "x", Scope::Source, &Budget::default()).unwrap();
    assert_eq!((packages(&sbom), problems(&sbom).len()), (vec!["bash@5.2".to_owned()], 0), "{:?}", sbom.problems);
}

fn write(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Files of holes, which take no room on disk: whoever reads one as a whole takes its size.
#[test]
fn files_of_a_terabyte_are_refused_by_their_size() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "etc/os-release", b"ID=debian\nVERSION_ID=\"12\"\n");
    write(root, "var/lib/dpkg/status", STATUS.as_bytes());
    let huge = [
        "app/node_modules/x/package.json",
        "app/package-lock.json",
        "app/Cargo.lock",
        "app/pom.xml",
        "app/yarn.lock",
        "app/requirements.txt",
        "lib/apk/db/installed",
        "usr/lib/python3/x-1.dist-info/METADATA",
    ];
    for path in huge {
        write(root, path, b"{");
        // A gibibyte passes the bound of the whole reading, a tebibyte does not even that.
        for size in [1 << 30, 1 << 40] {
            let file = std::fs::OpenOptions::new().write(true).open(root.join(path)).unwrap();
            if file.set_len(size).is_err() {
                continue; // a file system that has no such sizes
            }
            let sbom = inventory_folder(root, "x", Scope::Source, &Budget::default()).unwrap();
            assert_eq!(packages(&sbom), ["bash@5.2"], "{path}");
            let told: Vec<_> = sbom.problems.iter().map(|p| (p.code.as_str(), p.path.as_str())).collect();
            assert_eq!(told, [("file-too-large", path)]);
        }
        std::fs::remove_file(root.join(path)).unwrap();
    }
}

/// An ELF file of 64 bits with these numbers in its header: offset, size of an entry and number, of
/// segments and of sections.
fn elf(segments: (u64, u16, u16), sections: (u64, u16, u16), names: u16) -> Vec<u8> {
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(16, 0);
    elf.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    elf.extend([0; 8]);
    elf.extend(segments.0.to_le_bytes());
    elf.extend(sections.0.to_le_bytes());
    elf.extend([0; 4]);
    for number in [64, segments.1, segments.2, sections.1, sections.2, names] {
        elf.extend(number.to_le_bytes());
    }
    // What the catalogers look for, so that they look on.
    elf.resize(4096, 0);
    elf.extend_from_slice(b"\xff Go buildinf:\x08\x02 .dep-v0 UPX!");
    elf.resize(70_000, 0xff);
    elf
}

#[test]
fn programs_with_tables_that_cannot_be_are_told() {
    let many = u16::MAX;
    let programs = [
        elf((u64::MAX, 56, many), (u64::MAX, 64, many), many),
        elf((64, 56, many), (64, 64, many), 0),
        elf((64, 0, 1), (64, 0, 1), 0),
        elf((64, 1, many), (1 << 63, 64, 0), 1),
        // The number of sections stands in the first section, and is all ones there.
        elf((0, 56, 0), (8192, 64, 0), many),
        elf((8192, 56, many), (8192, 64, 1000), 7),
    ];
    for (number, program) in programs.into_iter().enumerate() {
        let (image, blobs) = image(&[debian().file("bin/p", program).finish()]);
        let sbom = inventory(&image, &blobs, &Budget::default()).unwrap();
        assert_eq!(packages(&sbom), ["bash@5.2"], "program {number}");
        assert!(sbom.problems.iter().all(|p| p.path == "bin/p"), "{:?}", sbom.problems);
        assert!(!sbom.problems.is_empty(), "program {number} is passed over in silence");
    }
}

#[test]
fn a_layer_whose_digest_lies_is_told_with_what_is_in_it() {
    let (mut image, blobs) = image(&[debian().finish(), Tar::new().file("opt/a", "1").finish()]);
    // The registry gives the bytes of another layer.
    let mut other = blobs;
    let first = image.manifest.layers[0].digest.clone();
    let bytes = other.blobs[&image.manifest.layers[1].digest].clone();
    image.manifest.layers[1].digest = Digest::sha256("what was promised");
    other.blobs.insert(image.manifest.layers[1].digest.clone(), bytes);
    let sbom = inventory(&image, &other, &Budget::default()).unwrap();
    assert_eq!(packages(&sbom), ["bash@5.2"]);
    let told: Vec<_> = sbom.problems.iter().filter(|p| p.code == "layer-digest").collect();
    assert_eq!(told.len(), 1, "{:?}", sbom.problems);
    assert_ne!(told[0].layer, Some(first));
}

/// A57: whatever a scanner skips and a runtime unpacks, or the other way round, hides packages.
#[test]
fn a57_names_that_lead_out_of_the_root_stay_inside() {
    let check_name = |name: &str| {
        let long = name.len() > 100;
        let tar =
            if long { Tar::new().gnu(b'L', name.as_bytes()).file("x", STATUS) } else { Tar::new().file(name, STATUS) };
        let tar = tar.file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n").finish();
        let (image, blobs) = image(&[tar]);
        let sbom = inventory(&image, &blobs, &Budget::default()).unwrap();
        // Runtimes clean the name against the root, or refuse the layer: found is right, as is told.
        let found = packages(&sbom) == ["bash@5.2"];
        assert!(found || !sbom.problems.is_empty(), "{name}: {:?}", sbom.problems);
        found
    };
    assert!(check_name("/var/lib/dpkg/status"));
    assert!(check_name("./var/lib/dpkg/status"));
    assert!(check_name("var//lib/./dpkg/status"));
    assert!(check_name(&format!("{}var/lib/dpkg/status", "./".repeat(80))));
    check_name("../var/lib/dpkg/status");
    check_name("var/lib/x/../dpkg/status");
    check_name("../../../../var/lib/dpkg/status");
}

#[test]
fn a57_extension_headers_say_the_same_to_us_as_to_a_runtime() {
    let release = |tar: Tar| tar.file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n").finish();
    // A PAX path is the name; that of a global header is none.
    check(
        release(Tar::new().pax(b'x', &[("path", "var/lib/dpkg/status")]).file("x", STATUS)),
        &Budget::default(),
        &["bash@5.2"],
        &[],
    );
    let (image1, blobs) = image(&[release(Tar::new().pax(b'g', &[("path", "x")]).file("var/lib/dpkg/status", STATUS))]);
    let sbom = inventory(&image1, &blobs, &Budget::default()).unwrap();
    assert_eq!(packages(&sbom), ["bash@5.2"]);
    assert_eq!(problems(&sbom).into_iter().collect::<Vec<_>>(), [("tar-ambiguous", 1)], "{:?}", sbom.problems);
    // Data of a link would hide the entry behind it from whoever skips it.
    let hidden = Tar::new().file("var/lib/dpkg/status", STATUS).0;
    let mut tar = Tar::new().entry(header(b"l", b'2', hidden.len() as u64, b"x"), b"");
    tar.0.extend_from_slice(&hidden);
    let (image2, blobs) = image(&[release(tar)]);
    let sbom = inventory(&image2, &blobs, &Budget::default()).unwrap();
    assert_eq!(packages(&sbom), ["bash@5.2"]);
    assert_eq!(problems(&sbom).into_iter().collect::<Vec<_>>(), [("tar-ambiguous", 1)], "{:?}", sbom.problems);
}

#[test]
fn a57_devices_and_sparse_files_in_the_place_of_evidence_are_no_evidence() {
    for kind in [b'3', b'4', b'6'] {
        let tar = debian().entry(header(b"usr/lib/os-release", kind, 0, b""), b"").finish();
        check(tar, &Budget::default(), &["bash@5.2"], &[]);
    }
    let sparse = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "app.jar")];
    let tar = debian().pax(b'x', &sparse).file("GNUSparseFile.0/app.jar", "1\n0\n1\nx").finish();
    let sbom = check(tar, &Budget::default(), &["bash@5.2"], &[("file-sparse", 1)]);
    assert_eq!(sbom.problems[0].path, "app.jar");
}

#[test]
fn a_name_that_is_none_is_told() {
    let text = r#"{"packages":[{"name":"twig/","version":"1"},{"name":"twig/twig","version":"2"}]}"#;
    for path in ["app/vendor/composer/installed.json", "app/composer.lock"] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), path, text.as_bytes());
        let sbom = inventory_folder(folder.path(), "x", Scope::Source, &Budget::default()).unwrap();
        let told = sbom.problems.iter().filter(|p| p.path == path).count();
        assert_eq!((packages(&sbom), told), (vec!["twig/twig@2".to_owned()], 1), "{:?}", sbom.problems);
    }
}

#[test]
fn a_feed_that_is_an_html_page_is_told() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"<!DOCTYPE html>\n<html><body>Service unavailable</body></html>\n").unwrap();
    let import = cleanbill_advisory::import(&[file.path().to_owned()]).unwrap();
    assert_eq!((import.advisories.len(), import.problems.len()), (0, 1));
    assert!(import.problems[0].why.contains("HTML"), "{:?}", import.problems);
}
