//! Whole inventories: bounds, layers, observation, damage.
#![allow(clippy::unwrap_used)]
#[path = "../../image/tests/build/mod.rs"]
mod build;
mod fixture;

use build::{Tar, image, mutate};
use cleanbill_catalog::{ALL, Evidence, Found, Want, catalogers, inventory};
use cleanbill_image::{Bytes, Pattern, Wants};
use cleanbill_model::{Budget, Sbom};

const STATUS: &str = "Package: a\nStatus: install ok installed\nVersion: 1\nSource: s (2)\n\n";

fn run(tars: &[Vec<u8>], budget: &Budget) -> Sbom {
    let (image, blobs) = image(tars);
    inventory(&image, &blobs, budget).unwrap()
}

fn codes(sbom: &Sbom) -> Vec<&str> {
    sbom.problems.iter().map(|p| p.code.as_str()).collect()
}

fn pom(version: &str) -> (&'static str, Vec<u8>) {
    ("META-INF/maven/g/a/pom.properties", format!("version={version}\n").into_bytes())
}

#[test]
fn a_location_names_the_compressed_layer_that_brought_the_file() {
    let tars = [
        Tar::new().file("var/lib/dpkg/status", STATUS).finish(),
        Tar::new().file("x.jar", fixture::zip(&[pom("1")], false)).finish(),
    ];
    let (image, blobs) = image(&tars);
    let sbom = inventory(&image, &blobs, &Budget::default()).unwrap();
    let layer = |name: &str| sbom.packages.iter().find(|p| p.name == name).unwrap().locations[0].layer.clone();
    assert_eq!(layer("a"), Some(image.manifest.layers[0].digest.clone()));
    assert_eq!(layer("g:a"), Some(image.manifest.layers[1].digest.clone()));
    assert_eq!(sbom.layers.len(), 2);
    assert_eq!(sbom.layers[1].diff_id.as_ref(), image.config.diff_ids.get(1));
    assert_eq!(sbom.catalogers, catalogers());
    assert_eq!(sbom.subject.identity, Some(image.identity));
}

#[test]
fn a_jar_behind_a_hard_link_and_a_symbolic_link_is_found_once_by_each_file() {
    let jar = fixture::zip(&[pom("1")], true);
    let tar = Tar::new().file("blob", jar).hardlink("app/x.jar", "blob").symlink("app/y.jar", "x.jar").finish();
    let sbom = run(&[tar], &Budget::default());
    let places: Vec<_> = sbom.packages[0].locations.iter().map(|l| l.path.as_str()).collect();
    assert_eq!((sbom.packages.len(), places), (1, vec!["app/x.jar"]));
}

#[test]
fn a_whiteout_of_the_database_leaves_an_unknown_distribution() {
    let tars = [
        Tar::new().file("etc/os-release", "ID=debian").file("var/lib/dpkg/status", STATUS).finish(),
        Tar::new().file("var/lib/dpkg/.wh.status", "").finish(),
    ];
    let sbom = run(&tars, &Budget::default());
    assert!(sbom.packages.is_empty());
    assert!(
        matches!(&sbom.distro.state, cleanbill_model::DistroState::Unknown(why) if why.contains("no package database"))
    );
}

#[test]
fn a_zip_bomb_meets_the_budget_and_the_rest_is_read() {
    let bomb = fixture::zip(&[("META-INF/MANIFEST.MF", vec![b'x'; 8 << 20])], true);
    let nested = fixture::zip(&[("WEB-INF/lib/in.jar", vec![0; 6 << 20]), pom("2")], true);
    let tar =
        Tar::new().file("a.jar", bomb).file("b.jar", nested).file("c.jar", fixture::zip(&[pom("1")], true)).finish();
    let sbom = run(&[tar], &Budget { file_bytes: 4 << 20, ..Budget::default() });
    let found: Vec<_> = sbom.packages.iter().map(|p| (p.version.as_str(), p.locations[0].path.as_str())).collect();
    assert_eq!(found, [("1", "c.jar"), ("2", "b.jar")]);
    assert_eq!(codes(&sbom), ["budget", "budget"]);
    assert_eq!(sbom.problems[1].path, "b.jar!/WEB-INF/lib/in.jar");
}

#[test]
fn archives_inside_archives_have_an_end() {
    let mut jar = fixture::zip(&[pom("1")], false);
    for _ in 0..12 {
        jar = fixture::zip(&[("x.jar", jar)], true);
    }
    let sbom = run(&[Tar::new().file("x.jar", jar).finish()], &Budget::default());
    assert_eq!((sbom.packages.len(), codes(&sbom)), (0, vec!["archive-depth"]));
}

#[test]
fn a_program_of_old_go_is_read_through_its_pointers_with_and_without_sections() {
    let modules = "path\tx\nmod\texample.com/x\tv1.0.0\th1:\n";
    for section in [true, false] {
        for block in
            [fixture::pointer_block("go1.16.5", modules, fixture::DATA), fixture::inline_block("go1.16.5", modules)]
        {
            let sbom = run(&[Tar::new().file("p", fixture::elf(&block, section)).finish()], &Budget::default());
            let purls: Vec<_> = sbom.packages.iter().map(|p| p.purl.to_string()).collect();
            assert_eq!(purls, ["pkg:golang/stdlib@1.16.5", "pkg:golang/example.com/x@v1.0.0"], "{section}");
        }
    }
}

#[test]
fn a_program_whose_block_is_cut_is_told() {
    let mut block = fixture::inline_block("go1.22.1", "path\tx\n");
    block[32] = 0xff;
    block[33] = 0xff;
    block[34] = 0x7f;
    let sbom = run(&[Tar::new().file("p", fixture::elf(&block, true)).finish()], &Budget::default());
    assert_eq!((sbom.packages.len(), codes(&sbom)), (0, vec!["go-buildinfo"]));
}

/// A cataloger is a pure function of the files it asked for: what it is given decides all, and given
/// another's file it is never called. Here every want is watched in a tree full of files.
#[test]
fn a_cataloger_is_given_only_what_it_asked_for() {
    let jar = fixture::zip(&[pom("1")], true);
    let elf = fixture::elf(&fixture::inline_block("go1.22.1", "path\tx\n"), true);
    let tar = Tar::new()
        .file("var/lib/dpkg/status", STATUS)
        .file("var/lib/dpkg/status.d/b", "Package: b\nVersion: 1\n")
        .file("var/lib/dpkg/status-old", "Package: old\nVersion: 1\nStatus: install ok installed\n")
        .file("var/lib/dpkg/status.d/deep/er", "Package: deep\nVersion: 1\n")
        .file("x.jar", &jar)
        .file("x.zip", &jar)
        .file("tool", &elf)
        .finish();
    let sbom = run(&[tar], &Budget::default());
    for package in &sbom.packages {
        let cataloger = ALL.iter().find(|c| Some(c.id()) == package.cataloger).unwrap();
        for location in &package.locations {
            let path = location.path.split("!/").next().unwrap();
            let asked = cataloger.wants.iter().any(|want| match want {
                Want::Path(pattern) | Want::With(pattern, _) => match pattern {
                    Pattern::Path(p) => *p == path,
                    Pattern::Folder(f) => path.rsplit_once('/').is_some_and(|(folder, _)| folder == *f),
                    Pattern::Extension(e) => path.ends_with(&format!(".{e}")),
                    glob @ Pattern::Glob(_) => Wants::new([*glob], []).path(path.as_bytes()),
                },
                Want::Content(_) => path == "tool",
            });
            assert!(asked, "{} read {path}", cataloger.id);
        }
    }
    let names: Vec<_> = sbom.packages.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "stdlib", "g:a"]);
}

#[test]
fn the_same_image_gives_the_same_sbom() {
    let tars = [Tar::new()
        .file("var/lib/dpkg/status", STATUS.repeat(3))
        .file("x.jar", fixture::zip(&[pom("1")], true))
        .finish()];
    assert_eq!(run(&tars, &Budget::default()), run(&tars, &Budget::default()));
}

#[test]
fn damaged_evidence_gives_problems_and_never_a_panic() {
    let inner = fixture::zip(&[pom("1"), ("META-INF/MANIFEST.MF", b"A: b\n c\n".to_vec())], true);
    let block = fixture::pointer_block("go1.16", "path\tx\nmod\ta/b\tv1\n=>\tc/d\tv2\n", fixture::DATA);
    let inputs: [(&str, Vec<u8>); 5] = [
        ("var/lib/dpkg/status", STATUS.repeat(3).into_bytes()),
        ("x.jar", fixture::zip(&[pom("1"), ("lib/in-1.jar", inner)], false)),
        ("p", fixture::elf(&block, true)[..].to_vec()),
        ("p", fixture::elf(&fixture::inline_block("go1.22", "path\tx\ndep\ta\tv1\n"), true)),
        ("p", fixture::elf(&block, false)),
    ];
    let budget = Budget { file_bytes: 1 << 20, entries: 10_000, ..Budget::default() };
    for (path, whole) in &inputs {
        for seed in 0..1500 {
            // Programs are mostly padding: damage the ends, where their headers and data are.
            let bytes = if seed % 2 == 0 || whole.len() < 4096 {
                mutate(whole, seed)
            } else {
                [mutate(&whole[..128], seed).as_slice(), &whole[128..4096], &mutate(&whole[4096..], seed)].concat()
            };
            for cataloger in ALL {
                let mut found = Found::new(budget.clone());
                (cataloger.read)(&Evidence::new(path, Bytes::from(bytes.clone())), &mut found);
            }
        }
    }
}
