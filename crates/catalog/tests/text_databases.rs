//! Package databases that are text, damaged and without end.
#![allow(clippy::unwrap_used)]
#[path = "../../image/tests/build/mod.rs"]
mod build;

use build::mutate;
use cleanbill_catalog::{ALL, Evidence, Found};
use cleanbill_image::Bytes;
use cleanbill_model::Budget;

const APK: (&str, &str) = ("apk", "lib/apk/db/installed");
const DPKG: (&str, &str) = ("dpkg", "var/lib/dpkg/status");
const OPKG: (&str, &str) = ("opkg", "usr/lib/opkg/status");
const PACMAN: (&str, &str) = ("pacman", "var/lib/pacman/local/a-1/desc");
const MANIFEST: (&str, &str) = ("rpm", "var/lib/rpmmanifest/container-manifest-2");

fn read((cataloger, path): (&str, &str), bytes: Vec<u8>) -> Found {
    let cataloger = ALL.iter().find(|c| c.id == cataloger).unwrap();
    let mut found = Found::new(Budget::default());
    (cataloger.read)(&Evidence::new(path, Bytes::from(bytes)), &mut found);
    found
}

#[test]
fn damage_is_borne() {
    let inputs = [
        (APK, "C:Q1x=\nP:a\nV:1-r0\nA:x86_64\no:b\nL:MIT\nF:usr/bin\nM:0:0:755\nR:sh\nR:x\n\nP:c\nV:2\n\n"),
        (DPKG, "Package: a\nStatus: install ok installed\nVersion: 1\nBuilt-Using: b (= 2),\n c (= 3)\n\nPackage: d\n"),
        (OPKG, "Package: a\nVersion: 1\nStatus: install user installed\nArchitecture: all\n\nPackage: b\n"),
        (PACMAN, "%NAME%\na\n\n%VERSION%\n1:2-3\n\n%BASE%\nb\n\n%LICENSE%\nMIT\nGPL\n\n"),
        (("pacman", "var/lib/pacman/local/a-1/files"), "%FILES%\nusr/\nusr/bin/a\n\n%BACKUP%\netc/a\tx\n"),
        (
            MANIFEST,
            "a\t1-2\t0\t0\tv\t(none)\t9\tx86_64\t0\ta-1-2.src.rpm\nb\t1-2\t0\t0\tv\t7\t9\tnoarch\t7\ta-1-2.src.rpm\n",
        ),
    ];
    for (of, text) in inputs {
        assert!(!read(of, text.into()).packages.is_empty() || of.1.ends_with("files"), "{of:?}");
        for seed in 0..1500 {
            for package in read(of, mutate(text.as_bytes(), seed)).packages {
                assert!(!package.name.is_empty() && !package.version.is_empty(), "{of:?} {seed}");
            }
        }
    }
}

#[test]
fn a_database_that_names_packages_without_end_is_cut() {
    for (of, paragraph) in [
        (APK, "P:a\nV:1\n\n"),
        (DPKG, "Package: a\nVersion: 1\nStatus: install ok installed\n\n"),
        (OPKG, "Package: a\nVersion: 1\nStatus: install ok installed\n\n"),
        (MANIFEST, "a\t1-2\t0\t0\tv\t0\t9\tx86_64\t0\ta-1-2.src.rpm\n"),
    ] {
        let found = read(of, paragraph.repeat(100_001).into());
        let codes: Vec<_> = found.problems.iter().map(|p| p.code.as_str()).collect();
        assert_eq!((found.packages.len(), codes), (100_000, vec!["too-many-packages"]), "{of:?}");
    }
}

#[test]
fn lists_of_files_that_unfold_without_end_are_cut() {
    let text = format!("P:a\nV:1\nF:{}\n{}", "d".repeat(3000), "R:x\n".repeat(100_000));
    let found = read(APK, text.into());
    assert_eq!((found.packages.len(), found.problems[0].code.as_str()), (1, "apk-files"));
    assert!(found.owned[0].paths.len() < 100_000);
}
