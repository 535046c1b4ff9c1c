//! The databases of rpm in all formats, whole, wrong and damaged.
#![allow(clippy::unwrap_used)]
#[path = "../../image/tests/build/mod.rs"]
mod build;
mod rpmdb;

use build::{Tar, image, mutate};
use cleanbill_catalog::{ALL, Evidence, Found, inventory};
use cleanbill_image::Bytes;
use cleanbill_model::{Budget, DistroState};
use rpmdb::{Sqlite, Value, bdb, header, ndb, package, wal};

const SQLITE: &str = "var/lib/rpm/rpmdb.sqlite";
const NDB: &str = "usr/lib/sysimage/rpm/Packages.db";
const BDB: &str = "var/lib/rpm/Packages";

fn read_with(path: &str, bytes: Vec<u8>, log: Option<Vec<u8>>) -> Found {
    let cataloger = ALL.iter().find(|c| c.id == "rpm").unwrap();
    let mut evidence = Evidence::new(path, Bytes::from(bytes));
    evidence.siblings.extend(log.map(|log| ("rpmdb.sqlite-wal", Bytes::from(log))));
    let mut found = Found::new(Budget::default());
    (cataloger.read)(&evidence, &mut found);
    found
}

fn read(path: &str, bytes: Vec<u8>) -> Found {
    read_with(path, bytes, None)
}

fn names(found: &Found) -> Vec<&str> {
    found.packages.iter().map(|p| p.name.as_str()).collect()
}

/// Names of packages, and part of the first problem.
#[track_caller]
fn check(found: &Found, expect: &[&str], problem: &str) {
    assert_eq!(names(found), expect, "{:?}", found.problems);
    match found.problems.first() {
        Some(p) => assert!(!problem.is_empty() && format!("{}: {}", p.code, p.why).contains(problem), "{p:?}"),
        None => assert_eq!(problem, ""),
    }
}

fn three() -> Vec<Vec<u8>> {
    vec![package("a", "1.0", 20), package("b", "2.0", 3000), package("c", "3.0", 500)]
}

/// Every format, with the same three packages.
fn databases() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![(NDB, ndb(&three()))];
    all.extend([512, 4096, 65536].map(|size| (SQLITE, Sqlite::new(size, &three()).bytes())));
    for size in [512, 4096] {
        all.extend([false, true].map(|big| (BDB, bdb(size, big, 13, &three()))));
    }
    all.push((BDB, bdb(1024, false, 2, &three())));
    all
}

#[test]
fn every_format_gives_the_same_packages_and_files() {
    for (path, bytes) in databases() {
        let found = read(path, bytes);
        check(&found, &["a", "b", "c"], "");
        let first = &found.packages[0];
        assert_eq!(first.purl.to_string(), "pkg:rpm/a@1.0-1?arch=x86_64&upstream=a-src-1.0-1.src.rpm");
        let source = first.source.as_ref().unwrap();
        assert_eq!(
            (source.name.as_str(), source.version.as_str(), first.version.as_str()),
            ("a-src", "1.0-1", "1.0-1")
        );
        assert_eq!(first.licenses, ["MIT"]);
        assert_eq!(found.owned[0].paths, ["usr/bin/a", "usr/share/doc/README"]);
        assert_eq!(found.owners[0], (found.owned[0].key.clone(), first.purl.clone()));
    }
}

#[test]
fn epoch_module_and_keys_are_told() {
    let (name, version, release) = ((1000, Value::Text("n")), (1001, Value::Text("1")), (1002, Value::Text("2.el8")));
    let module = (5096, Value::Text("nodejs:18:8090020230828:a75119d5"));
    let source = (1044, Value::Text("nodejs-1-2.el8.src.rpm"));
    let full = header(&[name, version, release, (1003, Value::Numbers(&[1])), source, module]);
    let key = header(&[(1000, Value::Text("gpg-pubkey")), (1001, Value::Text("1")), (1002, Value::Text("2"))]);
    let found = read(NDB, ndb(&[full, key]));
    check(&found, &["n"], "");
    let package = &found.packages[0];
    let purl = "pkg:rpm/n@1-2.el8?epoch=1&rpmmod=nodejs:18:8090020230828:a75119d5&upstream=nodejs-1-2.el8.src.rpm";
    assert_eq!((package.purl.to_string().as_str(), package.version.as_str()), (purl, "1:1-2.el8"));
    assert_eq!(package.source.as_ref().unwrap().version, "1:1-2.el8");
}

#[test]
fn packages_of_old_rpm_list_whole_paths() {
    let base = [(1000, Value::Text("n")), (1001, Value::Text("1")), (1002, Value::Text("2"))];
    let old = base.into_iter().chain([(1027, Value::Texts(&["/bin/sh", "/etc/x"]))]).collect::<Vec<_>>();
    assert_eq!(read(NDB, ndb(&[header(&old)])).owned[0].paths, ["bin/sh", "etc/x"]);
}

#[test]
fn headers_that_lack_something_are_told() {
    let (name, version, release) =
        (|| (1000, Value::Text("n")), || (1001, Value::Text("1")), || (1002, Value::Text("2")));
    let one = |entries: &[(u32, Value<'_>)]| read(NDB, ndb(&[header(entries), package("good", "1", 0)]));
    check(&one(&[version(), release()]), &["good"], "rpm-header: a header names no package");
    check(&one(&[name(), release()]), &["good"], "rpm-header: the header of n has no version");
    check(&one(&[name(), version()]), &["n", "good"], "rpm-header: the header of n has no release");
    let long = "x".repeat(5000);
    check(&one(&[(1000, Value::Text(&long)), version(), release()]), &["good"], "more than 4096 bytes");
    let files = [(1117, Value::Texts(&["a", "b"])), (1118, Value::Texts(&["/x/"]))];
    let files = [name(), version(), release(), (1116, Value::Numbers(&[0, 7]))].into_iter().chain(files);
    check(&one(&files.collect::<Vec<_>>()), &["n", "good"], "lists 1 of 2 files");
}

#[test]
fn file_lists_that_unfold_without_end_are_cut() {
    let folder = format!("/{}/", "d".repeat(3000));
    let (names, numbers) = (vec!["x"; 100_000], vec![0; 100_000]);
    let bomb = header(&[
        (1000, Value::Text("n")),
        (1001, Value::Text("1")),
        (1002, Value::Text("2")),
        (1116, Value::Numbers(&numbers)),
        (1117, Value::Texts(&names)),
        (1118, Value::Texts(&[&folder])),
    ]);
    let found = read(NDB, ndb(&[bomb]));
    check(&found, &["n"], "rpm-files");
    assert!(found.owned[0].paths.iter().map(String::len).sum::<usize>() <= 128 << 20);
}

#[test]
fn what_is_in_the_log_alone_is_read() {
    let (old, new) = (Sqlite::new(1024, &[package("old", "1", 0)]), Sqlite::new(1024, &three()));
    let frames: Vec<_> = new.pages.iter().zip(1..).map(|(page, number)| (number, 0, page.clone())).collect();
    let mut whole = frames.clone();
    whole.last_mut().unwrap().1 = new.pages.len() as u32;
    let names = ["a", "b", "c"];
    check(&read_with(SQLITE, old.bytes(), Some(wal(1024, 1, &whole))), &names, "");
    check(&read_with(SQLITE, Vec::new(), Some(wal(1024, 1, &whole))), &names, "");
    check(&read_with(SQLITE, old.bytes(), Some(Vec::new())), &["old"], "");
    check(&read_with(SQLITE, old.bytes(), Some(wal(1024, 1, &frames))), &["old"], "ends within a transaction");
    // Frames of a log before this one, behind it.
    let twice = [wal(1024, 2, &whole), wal(1024, 1, &whole)[32..].to_vec()].concat();
    check(&read_with(SQLITE, old.bytes(), Some(twice)), &names, "");
}

#[test]
fn an_image_is_read_through_its_links_with_the_log() {
    let (old, new) = (Sqlite::new(1024, &[package("old", "1", 0)]), Sqlite::new(1024, &three()));
    let mut frames: Vec<_> = new.pages.iter().zip(1..).map(|(page, number)| (number, 0, page.clone())).collect();
    frames.last_mut().unwrap().1 = new.pages.len() as u32;
    let layers = [Tar::new()
        .file("etc/os-release", "ID=fedora\nVERSION_ID=41\n")
        .file("usr/lib/sysimage/rpm/rpmdb.sqlite", old.bytes())
        .file("usr/lib/sysimage/rpm/rpmdb.sqlite-wal", wal(1024, 1, &frames))
        .symlink("var/lib/rpm", "../../usr/lib/sysimage/rpm")
        .finish()];
    let (image, blobs) = image(&layers);
    let sbom = inventory(&image, &blobs, &Budget::default()).unwrap();
    let found: Vec<_> = sbom.packages.iter().map(|p| p.purl.to_string()).collect();
    let purl = |name: &str, version: &str| {
        format!(
            "pkg:rpm/fedora/{name}@{version}-1?arch=x86_64&distro=fedora-41&upstream={name}-src-{version}-1.src.rpm"
        )
    };
    assert_eq!(found, [purl("a", "1.0"), purl("b", "2.0"), purl("c", "3.0")]);
    assert_eq!((sbom.distro.state, sbom.problems), (DistroState::Confirmed, Vec::new()));
    let places: Vec<_> = sbom.packages[0].locations.iter().map(|l| l.path.as_str()).collect();
    assert_eq!(places, ["usr/lib/sysimage/rpm/rpmdb.sqlite"]);
}

#[test]
fn a_log_that_is_damaged_is_told() {
    let (old, new) = (Sqlite::new(1024, &[package("old", "1", 0)]), Sqlite::new(1024, &three()));
    let mut frames: Vec<_> = new.pages.iter().zip(1..).map(|(page, number)| (number, 0, page.clone())).collect();
    frames.last_mut().unwrap().1 = new.pages.len() as u32;
    let whole = wal(1024, 1, &frames);
    let mut flipped = whole.clone();
    flipped[32 + 24 + 500] ^= 1;
    check(&read_with(SQLITE, old.bytes(), Some(flipped)), &["old"], "does not agree with its checksum");
    let mut head = whole.clone();
    head[20] ^= 1;
    check(&read_with(SQLITE, old.bytes(), Some(head)), &["old"], "the head of its write-ahead log does not agree");
    check(&read_with(SQLITE, old.bytes(), Some(vec![7; 40])), &["old"], "does not start as one does");
    let cut = whole[..whole.len() - 1].to_vec();
    check(&read_with(SQLITE, old.bytes(), Some(cut)), &["old"], "beyond the end");
    let other = wal(512, 1, &[(2, 2, vec![0; 512])]);
    check(&read_with(SQLITE, old.bytes(), Some(other)), &[], "pages of another size");
}

#[test]
fn pages_that_lead_back_are_told() {
    let good = Sqlite::new(512, &three());
    // The last leaf is the root again.
    let mut tree = Sqlite::new(512, &three());
    tree.pages[1][8..12].copy_from_slice(&2u32.to_be_bytes());
    check(&read(SQLITE, tree.bytes()), &["a", "b"], "leads to pages that are elsewhere too");
    // Every overflow page leads to itself.
    let mut chain = Sqlite::new(512, &three());
    for number in 3..=chain.pages.len() as u32 {
        let page = &mut chain.pages[number as usize - 1];
        if page[0] != 13 {
            page[..4].copy_from_slice(&number.to_be_bytes());
        }
    }
    check(&read(SQLITE, chain.bytes()), &["a", "c"], "is in two places");
    assert_eq!(names(&read(SQLITE, good.bytes())), ["a", "b", "c"]);
    let mut table = bdb(512, false, 13, &three());
    for number in 2..table.len() / 512 {
        let at = number * 512 + 16;
        if table[at..at + 4] != [0; 4] {
            table[at..at + 4].copy_from_slice(&(number as u32).to_le_bytes());
        }
    }
    check(&read(BDB, table), &["a"], "belongs to two headers");
    // Every slot leads to one header: no more is read than the file holds.
    let mut slots = ndb(&[package("b", "2.0", 3000)]);
    let slot = slots[32..48].to_vec();
    (3..256).for_each(|at| slots[16 * at..16 * at + 16].copy_from_slice(&slot));
    check(&read(NDB, slots), &["b", "b"], "overlaps others");
}

#[test]
fn parts_that_overlap_are_told() {
    // Every cell of a leaf is the same one.
    let mut database = Sqlite::new(65536, &[package("a", "1", 600)]);
    let leaf = database.pages.iter_mut().find(|page| page[0] == 13).unwrap();
    leaf[3..5].copy_from_slice(&500u16.to_be_bytes());
    let cell = [leaf[8], leaf[9]];
    (1..500).for_each(|at| leaf[8 + 2 * at..10 + 2 * at].copy_from_slice(&cell));
    let found = read(SQLITE, database.bytes());
    assert!(found.packages.len() < 100 && found.problems[0].why.contains("overlap"), "{:?}", found.problems);
    // Every item of a page of pairs is the same one.
    let mut table = bdb(512, false, 13, &three());
    let item = [table[512 + 28], table[512 + 29]];
    (2..8).for_each(|at| table[512 + 26 + 2 * at..512 + 28 + 2 * at].copy_from_slice(&item));
    check(&read(BDB, table), &[], "lies where it cannot");
}

#[test]
fn what_claims_too_much_is_told() {
    let good = ndb(&three());
    let head = good.windows(4).position(|w| w == b"BlbS").unwrap();
    for length in [0u32, 1 << 20, u32::MAX] {
        let mut bytes = good.clone();
        bytes[head + 12..head + 16].copy_from_slice(&length.to_le_bytes());
        check(&read(NDB, bytes), &["b", "c"], "the header of package 1 claims");
    }
    let mut table = bdb(512, false, 13, &three());
    let item = 512 + usize::from(u16::from_le_bytes([table[512 + 32], table[512 + 33]]));
    table[item + 8..item + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    check(&read(BDB, table), &["b", "c"], "a header claims 4294967295 bytes");
    let mut database = Sqlite::new(512, &three());
    let leaf = database.pages.iter_mut().find(|page| page[0] == 13).unwrap();
    let cell = usize::from(u16::from_be_bytes([leaf[8], leaf[9]]));
    leaf[cell..cell + 5].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x7f]);
    check(&read(SQLITE, database.bytes()), &["b", "c"], "claims 34359738367 bytes");
}

#[test]
fn heads_that_cannot_be_are_told() {
    let patched = |whole: &[u8], at: usize, bytes: &[u8]| {
        let mut whole = whole.to_vec();
        whole[at..at + bytes.len()].copy_from_slice(bytes);
        whole
    };
    let sqlite = Sqlite::new(512, &three()).bytes();
    check(&read(SQLITE, patched(&sqlite, 16, &[2, 1])), &[], "it claims pages of 513 bytes");
    check(&read(SQLITE, patched(&sqlite, 20, &[200])), &[], "it reserves 200 bytes of each page");
    check(&read(SQLITE, patched(&sqlite, 59, &[2])), &[], "its texts have the encoding 2");
    let table = bdb(512, false, 13, &three());
    check(&read(BDB, patched(&table, 20, &[0, 0, 0, 0])), &[], "it claims pages of 0 bytes");
    check(&read(BDB, patched(&table, 24, &[1])), &[], "it is encrypted");
    let slots = ndb(&three());
    check(&read(NDB, patched(&slots, 4, &[1])), &[], "its format has version 1");
    check(&read(NDB, patched(&slots, 12, &[0])), &[], "it has no slots");
    check(&read(NDB, patched(&slots, 32, b"Slip")), &["b", "c"], "a slot does not start as slots do");
    check(&read(NDB, patched(&slots, 41, &[0])), &["b", "c"], "is something else");
}

#[test]
fn a_checksum_that_is_wrong_is_told_and_the_header_read() {
    let mut bytes = ndb(&three());
    let at = bytes.windows(20).position(|w| w == [b'x'; 20]).unwrap();
    bytes[at] = b'y';
    check(&read(NDB, bytes), &["a", "b", "c"], "package 1 does not agree with its checksum");
}

#[test]
fn what_is_no_database_is_told() {
    for path in [SQLITE, NDB, BDB] {
        for bytes in [Vec::new(), vec![0; 10], vec![0; 10_000], b"<html>".repeat(1000)] {
            check(&read(path, bytes), &[], "rpm-database");
        }
    }
}

#[test]
fn cuts_and_damage_are_told_and_harm_nothing() {
    for (path, whole) in databases() {
        for cut in 0..200 {
            let found = read(path, whole[..whole.len() * cut / 200].to_vec());
            assert!(!found.problems.is_empty() || found.packages.len() == 3, "{path} cut at {cut} of 200");
        }
        for seed in 0..400 {
            read(path, mutate(&whole, seed));
        }
    }
    let database = Sqlite::new(512, &three());
    let frames = [(1, 0, database.pages[0].clone()), (2, 2, database.pages[1].clone())];
    let log = wal(512, 1, &frames);
    for seed in 0..400 {
        read_with(SQLITE, database.bytes(), Some(mutate(&log, seed)));
    }
}
