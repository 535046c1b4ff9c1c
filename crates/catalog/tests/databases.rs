//! Real package databases: what is read from them is what plain readings of the same files say.
//!
//! They are no part of the project. `CLEANBILL_DATABASES` names a folder with them, unpacked:
//! `alpine-minirootfs-*` (metadata of the root file systems of Alpine), and from the tests of
//! knqyf263/go-rpmdb `cbl-mariner-2.0_rpmdb.sqlite`, `sle15-bci_Packages.db` and `libuuid_Packages`. Each
//! may have a list of packages beside it, `FILE.list`, as `rpm -qa --qf
//! '%{NAME}\t%{EVR}\t%{ARCH}\t%{SOURCERPM}\t%{LICENSE}\n'` prints them.
#![allow(clippy::unwrap_used)]
#[path = "../../image/tests/build/mod.rs"]
mod build;

use std::path::{Path, PathBuf};

use build::mutate;
use cleanbill_catalog::{ALL, Evidence, Found, Scope, inventory_folder};
use cleanbill_image::Bytes;
use cleanbill_model::{Budget, DistroState};

fn folder() -> PathBuf {
    PathBuf::from(std::env::var("CLEANBILL_DATABASES").unwrap())
}

fn read(cataloger: &str, path: &str, bytes: Vec<u8>) -> Found {
    let cataloger = ALL.iter().find(|c| c.id == cataloger).unwrap();
    let mut found = Found::new(Budget::default());
    (cataloger.read)(&Evidence::new(path, Bytes::from(bytes)), &mut found);
    found
}

const RPM: [(&str, &str, usize); 3] = [
    ("cbl-mariner-2.0_rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite", 129),
    ("sle15-bci_Packages.db", "usr/lib/sysimage/rpm/Packages.db", 35),
    ("libuuid_Packages", "var/lib/rpm/Packages", 1),
];

#[test]
#[ignore = "needs CLEANBILL_DATABASES, a folder with package databases"]
fn databases_of_rpm_are_read_whole() {
    for (file, path, expect) in RPM {
        let found = read("rpm", path, std::fs::read(folder().join(file)).unwrap());
        assert!(found.problems.is_empty(), "{file}: {:?}", found.problems);
        assert_eq!(found.packages.len(), expect, "{file}");
        assert!(found.owned.iter().all(|o| found.owners.iter().any(|(key, _)| *key == o.key)), "{file}");
        let Ok(list) = std::fs::read_to_string(folder().join(format!("{file}.list"))) else { continue };
        let mut list: Vec<&str> = list.lines().filter(|line| !line.starts_with("gpg-pubkey\t")).collect();
        let mut lines: Vec<String> = Vec::new();
        for p in &found.packages {
            let of = |key: &str| p.purl.qualifiers.get(key).map_or("(none)", String::as_str);
            lines.push(format!(
                "{}\t{}\t{}\t{}\t{}",
                p.name,
                p.version,
                of("arch"),
                of("upstream"),
                p.licenses.concat()
            ));
        }
        list.sort_unstable();
        lines.sort();
        assert_eq!(lines, list, "{file}");
        println!("{file}: {} lines as rpm prints them", list.len());
    }
}

#[test]
#[ignore = "needs CLEANBILL_DATABASES, a folder with package databases"]
fn cut_and_damaged_databases_do_no_harm() {
    for (file, path, expect) in RPM {
        let bytes = std::fs::read(folder().join(file)).unwrap();
        for cut in 0..200 {
            let found = read("rpm", path, bytes[..bytes.len() * cut / 200].to_vec());
            assert!(found.packages.len() <= expect, "{file} cut at {cut}");
            assert!(found.packages.len() == expect || !found.problems.is_empty(), "{file} cut at {cut}");
        }
        let mut told = 0;
        for seed in 0..2000 {
            let found = read("rpm", path, mutate(&bytes, seed));
            told += usize::from(!found.problems.is_empty());
        }
        println!("{file}: {told} of 2000 damages told");
    }
}

#[test]
#[ignore = "needs CLEANBILL_DATABASES, a folder with package databases"]
fn databases_of_apk_are_read_line_by_line() {
    let (mut databases, mut packages) = (0, 0);
    for root in std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()) {
        let path = root.join("lib/apk/db/installed");
        if !path.exists() {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut expect: Vec<[String; 5]> = Vec::new();
        let (mut files, mut listed) = (0, 0);
        for stanza in text.split("\n\n").filter(|s| !s.trim().is_empty()) {
            let of = |key: &str| stanza.lines().find_map(|l| l.strip_prefix(key)).unwrap_or_default().to_owned();
            expect.push([of("P:"), of("V:"), of("A:"), of("o:"), of("L:")]);
            files += stanza.lines().filter(|l| l.starts_with("R:")).count();
        }
        let found = read("apk", "lib/apk/db/installed", text.into_bytes());
        let mut actual = Vec::new();
        for p in &found.packages {
            let (source, arch) = (p.source.clone().unwrap(), p.purl.qualifiers["arch"].clone());
            actual.push([p.name.clone(), p.version.clone(), arch, source.name, p.licenses.concat()]);
        }
        found.owned.iter().for_each(|owned| listed += owned.paths.len());
        assert_eq!((actual, listed), (expect, files), "{}", path.display());
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        let sbom = inventory_folder(&root, "root", Scope::Installed, &Budget::default()).unwrap();
        assert_eq!((sbom.distro.id.as_str(), &sbom.distro.state), ("alpine", &DistroState::Confirmed), "{root:?}");
        assert_eq!((sbom.packages.len(), sbom.problems), (found.packages.len(), Vec::new()), "{root:?}");
        databases += 1;
        packages += found.packages.len();
    }
    println!("{databases} databases, {packages} packages");
    assert!(databases > 0, "no alpine-minirootfs in {}", Path::display(&folder()));
}
