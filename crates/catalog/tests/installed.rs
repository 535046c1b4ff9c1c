//! Installed evidence beyond what cases can show: programs of every kind, licences, bounds, damage.
#![allow(clippy::unwrap_used)]
#[path = "../../image/tests/build/mod.rs"]
mod build;
mod fixture;

use build::{Tar, image, mutate};
use cleanbill_catalog::{ALL, Evidence, Found, inventory};
use cleanbill_image::Bytes;
use cleanbill_model::{Budget, Sbom};
use fixture::{inline_block, pointer_block, programs};

const CRATES: &str = r#"{"packages": [{"name": "ring", "version": "0.17.8", "source": "crates.io"}]}"#;
const MODULES: &str = "path\tx\nmod\texample.com/x\tv1.0.0\th1:\ndep\texample.com/y\tv2.0.0\th1:\n";

fn run(path: &str, bytes: Vec<u8>) -> Sbom {
    let (image, blobs) = image(&[Tar::new().file(path, bytes).finish()]);
    inventory(&image, &blobs, &Budget::default()).unwrap()
}

#[track_caller]
fn check(path: &str, bytes: Vec<u8>, packages: &[&str], problems: &[&str]) {
    let sbom = run(path, bytes);
    let purls: Vec<_> = sbom.packages.iter().map(|p| p.purl.to_string()).collect();
    let codes: Vec<_> = sbom.problems.iter().map(|p| p.code.as_str()).collect();
    assert_eq!((purls.as_slice(), codes.as_slice()), (packages.map_owned().as_slice(), problems));
}

trait Owned {
    fn map_owned(&self) -> Vec<String>;
}

impl Owned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|s| (*s).to_owned()).collect()
    }
}

const GO: [&str; 3] =
    ["pkg:golang/stdlib@1.22.1", "pkg:golang/example.com/x@v1.0.0", "pkg:golang/example.com/y@v2.0.0"];

#[test]
fn go_programs_of_every_kind_are_read() {
    let block = inline_block("go1.22.1", MODULES);
    check("a", programs::elf(&block, ".go.buildinfo"), &GO, &[]);
    check("a.exe", programs::pe(&block, ".data"), &GO, &[]);
    check("a", programs::macho(&block, "__go_buildinfo"), &GO, &[]);
    check("a", programs::macho(&block, "__data"), &GO, &[]);
}

#[test]
fn old_go_programs_of_every_kind_are_read_through_their_pointers() {
    check("a.exe", programs::pe(&pointer_block("go1.22.1", MODULES, 0x1_4000_1000), ".data"), &GO, &[]);
    check("a", programs::macho(&pointer_block("go1.22.1", MODULES, 0x1_0000_1000), "__go_buildinfo"), &GO, &[]);
}

#[test]
fn a_program_for_several_architectures_lists_what_any_of_them_has_once() {
    let one = programs::macho(&inline_block("go1.22.1", MODULES), "__go_buildinfo");
    let more = format!("{MODULES}dep\texample.com/z\tv3.0.0\th1:\n");
    let two = programs::macho(&pointer_block("go1.22.1", &more, 0x1_0000_1000), "__go_buildinfo");
    let all: Vec<_> = GO.into_iter().chain(["pkg:golang/example.com/z@v3.0.0"]).collect();
    check("a", programs::fat(&[one.clone(), two]), &all, &[]);
    let crates = programs::macho(&programs::auditable(CRATES), ".dep-v0");
    check("a", programs::fat(&[crates.clone(), crates]), &["pkg:cargo/ring@0.17.8"], &[]);
    // Damage in one architecture leaves the other.
    let mut cut = programs::fat(&[one.clone(), one]);
    cut[0x1000..0x1010].fill(0);
    check("a", cut, &GO, &["go-buildinfo"]);
}

#[test]
fn rust_programs_of_every_kind_are_read() {
    let list = programs::auditable(CRATES);
    check("a", programs::elf(&list, ".dep-v0"), &["pkg:cargo/ring@0.17.8"], &[]);
    check("a.exe", programs::pe(&list, ".dep-v0"), &["pkg:cargo/ring@0.17.8"], &[]);
    check("a", programs::macho(&list, ".dep-v0"), &["pkg:cargo/ring@0.17.8"], &[]);
}

#[test]
fn a_list_of_crates_that_unpacks_to_too_much_is_a_problem() {
    let bomb = format!("{{\"packages\": [], \"x\": \"{}\"}}", "x".repeat(17 << 20));
    check("a", programs::elf(&programs::auditable(&bomb), ".dep-v0"), &[], &["cargo-auditable"]);
    check("a", programs::elf(b"not packed", ".dep-v0"), &[], &["cargo-auditable"]);
}

#[test]
fn a_packed_program_is_told_and_one_that_speaks_of_packing_is_not() {
    let mut packed = programs::elf(b"", ".text");
    packed[0xec..0xf0].copy_from_slice(b"UPX!");
    check("a", packed, &[], &["executable-packed"]);
    let speaks = [programs::elf(b"", ".text"), b"UPX!".to_vec()].concat();
    check("a", speaks, &[], &[]);
}

#[track_caller]
fn licenses(path: &str, text: &str, expect: &[&str]) {
    assert_eq!(run(path, text.as_bytes().to_vec()).packages[0].licenses, expect, "{text}");
}

#[test]
fn licences_are_read_in_every_form() {
    let npm = |license: &str| format!("{{\"name\": \"a\", \"version\": \"1.0.0\", {license}}}");
    licenses("package.json", &npm("\"license\": \"MIT\""), &["MIT"]);
    licenses("package.json", &npm("\"license\": {\"type\": \"MIT\"}"), &["MIT"]);
    licenses("package.json", &npm("\"licenses\": [{\"type\": \"MIT\"}, \"ISC\", \"MIT\"]"), &["ISC", "MIT"]);
    licenses("package.json", &npm("\"license\": 5"), &[]);
    let python = |lines: &str| format!("Name: a\nVersion: 1\n{lines}\n");
    let path = "a-1.dist-info/METADATA";
    licenses(path, &python("License-Expression: MIT OR Apache-2.0\nLicense: other"), &["MIT OR Apache-2.0"]);
    licenses(path, &python("License: MIT\nClassifier: License :: OSI Approved :: BSD License"), &["MIT"]);
    let text = "License: a text\n        of several lines\nClassifier: License :: OSI Approved :: BSD License";
    licenses(path, &python(text), &["BSD License"]);
    licenses(path, &python("License: UNKNOWN"), &[]);
    let gem = |line: &str| format!("Gem::Specification.new do |s|\ns.name = 'a'\ns.version = '1'\n{line}\nend\n");
    licenses("specifications/a-1.gemspec", &gem("s.licenses = [\"MIT\".freeze, \"Ruby\".freeze]"), &["MIT", "Ruby"]);
    licenses("specifications/a-1.gemspec", &gem("s.license = 'MIT'"), &["MIT"]);
    licenses(
        "vendor/composer/installed.json",
        "[{\"name\": \"a/b\", \"version\": \"1\", \"license\": [\"MIT\"]}]",
        &["MIT"],
    );
}

/// Every text file is bounded: one that is too large is a problem and is not loaded.
#[test]
fn files_that_are_too_large_are_told() {
    for path in [
        "package.json",
        "a-1.dist-info/METADATA",
        "a-1.dist-info/sboms/a.json",
        "specifications/a-1.gemspec",
        "vendor/composer/installed.json",
        ".registry/a.reg",
        "a.deps.json",
    ] {
        let sbom = run(path, vec![b' '; (64 << 20) + 1]);
        let codes: Vec<_> = sbom.problems.iter().map(|p| (p.code.as_str(), p.path.as_str())).collect();
        assert_eq!((sbom.packages.len(), codes), (0, vec![("file-too-large", path)]));
    }
}

#[test]
fn damaged_evidence_gives_problems_and_never_a_panic() {
    let block = inline_block("go1.22.1", MODULES);
    let list = programs::auditable(CRATES);
    let pom = b"<project><parent><groupId>g</groupId><version>1</version></parent><artifactId>a</artifactId></project>";
    let manifest = b"Bundle-SymbolicName: org.x.lib;a:=b\nSpring-Boot-Version: 1\nPlugin-Version: 1 (x)\n\nName: x\nImplementation-Version: 1\n";
    let jar = fixture::zip(
        &[
            ("META-INF/maven/g/a/pom.xml", pom.to_vec()),
            ("META-INF/MANIFEST.MF", manifest.to_vec()),
            ("a/b/C.class", vec![]),
        ],
        false,
    );
    let flags = "path\tx\nmod\tx/y\t(devel)\t\ndep\ta\tv1\n=>\t./b\t(devel)\nbuild\t-ldflags=\"-X 'main.version=1.2.3-4-gabc'\"\nbuild\tvcs.revision=0123456789abcdef\nbuild\tvcs.time=2024-01-02T03:04:05Z\n";
    let inputs: Vec<(&str, Vec<u8>)> = vec![
        ("a.exe", programs::pe(&block, ".data")),
        ("a", programs::macho(&block, "__go_buildinfo")),
        ("a", programs::fat(&[programs::macho(&list, ".dep-v0"), programs::macho(&block, "__go_buildinfo")])),
        ("a", programs::elf(&list, ".dep-v0")),
        ("a", programs::elf(&inline_block("devel go1.22-x", flags), ".go.buildinfo")),
        ("lib-1.jar", jar.clone()),
        ("lib.hpi", jar),
        ("META-INF/maven/g/a/pom.properties", b"version=1\ngroupId=g\n".to_vec()),
        ("node_modules/@a/b/package.json", br#"{"name": "@a/b", "version": "v1.0.0", "licenses": [{"type": "MIT"}]}"#.to_vec()),
        ("a-1.dist-info/METADATA", b"Name: a\nVersion: 1\nLicense: x\n y\nClassifier: License :: OSI Approved :: z\n\nx".to_vec()),
        ("a-1-py3.egg", fixture::zip(&[("EGG-INFO/PKG-INFO", b"Name: a\n".to_vec())], true)),
        ("a-1.dist-info/sboms/a.json", br#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"type": "library", "name": "a", "purl": "pkg:rpm/x/a@1"}]}"#.to_vec()),
        ("specifications/a-1.gemspec", b"# stub: a 1 ruby lib\nGem::Specification.new do |s|\n s.name = \"a\".freeze\n s.version = Gem::Version.new('1')\n s.licenses = ['\\\"', \"b\"]\nend\n".to_vec()),
        ("vendor/composer/installed.json", br#"{"packages": [{"name": "a/b", "version": "v1", "license": ["MIT"]}]}"#.to_vec()),
        (".registry/a.reg", br#"a:2:{s:4:"name";s:1:"a";s:7:"version";a:1:{s:7:"release";s:1:"1";}}"#.to_vec()),
        ("a.deps.json", br#"{"runtimeTarget": {"name": "t"}, "targets": {"t": {"a/1": {"runtime": {"x": {}}}}}, "libraries": {"a/1": {"type": "package"}}}"#.to_vec()),
    ];
    let budget = Budget { file_bytes: 1 << 20, entries: 10_000, ..Budget::default() };
    for (path, whole) in &inputs {
        let packages = |bytes: Vec<u8>| {
            let mut packages = 0;
            for cataloger in ALL.iter().filter(|c| c.id != "dpkg") {
                let mut found = Found::new(budget.clone());
                (cataloger.read)(&Evidence::new(path, Bytes::from(bytes.clone())), &mut found);
                packages += found.packages.len();
            }
            packages
        };
        assert!(packages(whole.clone()) > 0, "{path} gives nothing while it is whole");
        for seed in 0..400 {
            // Programs are mostly padding: damage the ends, where their headers and data are.
            let bytes = if seed % 2 == 0 || whole.len() < 4096 {
                mutate(whole, seed)
            } else {
                let middle = whole.len().min(0x1000);
                [mutate(&whole[..256], seed).as_slice(), &whole[256..middle], &mutate(&whole[middle..], seed)].concat()
            };
            packages(bytes);
        }
    }
}
