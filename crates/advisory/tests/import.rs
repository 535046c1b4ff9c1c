//! Reading what publishers give out, in every wrapping.
#![allow(clippy::unwrap_used)]

use cleanbill_advisory::{Import, import};
use std::io::Write as _;
use std::path::PathBuf;

const ONE: &str =
    r#"{"id":"X-1","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Go","name":"m"}}]}"#;
const TWO: &str = r#"{"id":"X-2","modified":"2024-02-01T00:00:00Z","affected":[]}"#;
const TRACKER: &str = r#"{"openssl":{"CVE-2024-1":{"releases":{"bookworm":{"status":"open"}}}},
"zlib":{"CVE-2024-1":{"releases":{"sid":{"status":"resolved","fixed_version":"0"}}},"CVE-2024-2":{"releases":{"trixie":{"status":"open"}}}}}"#;

/// Imports one file; gives the ids, and the problems as `code: what: why`.
fn read(name: &str, content: &[u8]) -> (Import, Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    read_path(path)
}

fn read_path(path: PathBuf) -> (Import, Vec<String>, Vec<String>) {
    let import = import(&[path]).unwrap();
    let ids = import.advisories.iter().map(|a| a.id.clone()).collect();
    let problems = import.problems.iter().map(|p| format!("{}: {}: {}", p.code, p.what, p.why)).collect();
    (import, ids, problems)
}

fn check(content: impl AsRef<[u8]>, expect: &[&str]) {
    let (import, ids, problems) = read("feed", content.as_ref());
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(ids, expect);
    assert_eq!(import.files, 1);
}

fn refused(content: impl AsRef<[u8]>, why: &str) {
    let (import, ids, problems) = read("feed", content.as_ref());
    assert_eq!((ids.len(), import.files, problems.len()), (0, 0, 1), "{problems:?}");
    assert!(problems[0].starts_with("advisory-unknown-format: ") && problems[0].contains(why), "{}", problems[0]);
    assert!(import.problems[0].path.ends_with("feed"));
}

#[test]
fn every_shape_of_osv() {
    check(ONE, &["X-1"]);
    check(format!("\u{feff}{ONE}"), &["X-1"]);
    check(ONE.replace(',', ",\n"), &["X-1"]);
    check(format!("[{ONE},\n{TWO}]"), &["X-1", "X-2"]);
    check(format!("[{ONE},{TWO}]"), &["X-1", "X-2"]);
    check(format!("{ONE}\n\n{TWO}\n"), &["X-1", "X-2"]);
    check(format!("{{\"vulns\":[{ONE},{TWO}]}}"), &["X-1", "X-2"]);
    check(format!("{{\n\"vulns\": [\n{ONE},\n{TWO}\n]\n}}"), &["X-1", "X-2"]);
    check("{\"vulns\":[]}", &[]);
}

#[test]
fn the_export_of_the_debian_tracker() {
    check(TRACKER, &["CVE-2024-1", "CVE-2024-2"]);
    check(TRACKER.replace('\n', ""), &["CVE-2024-1", "CVE-2024-2"]);
    let (import, ..) = read("feed", TRACKER.as_bytes());
    let names: Vec<_> = import.advisories[0].affected.iter().map(|a| format!("{} {}", a.ecosystem, a.name)).collect();
    assert_eq!(names, ["Debian:12 openssl", "Debian:sid zlib"]);
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn every_wrapping() {
    check(gzip(ONE.as_bytes()), &["X-1"]);
    check(zstd(TRACKER.as_bytes()), &["CVE-2024-1", "CVE-2024-2"]);
    let inside = tar(&[("a/x-1.json", ONE.as_bytes()), ("./b.json.gz", &gzip(TWO.as_bytes())), (".git/junk", b"junk")]);
    for wrapped in [inside.clone(), gzip(&inside), zstd(&inside)] {
        let (import, ids, problems) = read("feed", &wrapped);
        assert_eq!((ids, problems, import.files), (vec!["X-1".to_owned(), "X-2".to_owned()], vec![], 2));
    }
    assert_eq!(read("feed", ONE.as_bytes()).0.as_of["osv"].to_string(), "2024-01-01T00:00:00Z");
}

fn zip(members: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut out);
    for (name, content, deflated) in members {
        let method = if *deflated { rawzip::CompressionMethod::DEFLATE } else { rawzip::CompressionMethod::STORE };
        let (mut entry, config) = archive.new_file(name).compression_method(method).start().unwrap();
        let descriptor = if *deflated {
            let mut writer = config.wrap(flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast()));
            writer.write_all(content).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            descriptor
        } else {
            let mut writer = config.wrap(&mut entry);
            writer.write_all(content).unwrap();
            writer.finish().unwrap().1
        };
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    out
}

#[test]
fn zips_in_place_and_inside_others() {
    let inner = zip(&[("all/x-1.json", ONE.as_bytes(), true), ("all/x-2.json", TWO.as_bytes(), false)]);
    let other = gzip(TWO.as_bytes());
    let outer = zip(&[("a.zip", &inner, true), ("b.json.gz", &other, false), (".git/x", b"junk", true)]);
    for (wrapped, expect) in [
        (inner.clone(), vec!["X-1", "X-2"]),
        (zstd(&inner), vec!["X-1", "X-2"]),
        (tar(&[("a.zip", &inner)]), vec!["X-1", "X-2"]),
        (outer, vec!["X-1", "X-2", "X-2"]),
        (zip(&[]), vec![]),
    ] {
        let (_, ids, problems) = read("feed", &wrapped);
        assert_eq!((ids.iter().map(String::as_str).collect::<Vec<_>>(), problems), (expect, vec![]));
    }
    let (_, ids, problems) = read("feed", &inner[..inner.len() - 30]);
    assert!(ids.is_empty() && problems[0].starts_with("advisory-unreadable: read the archive: "), "{problems:?}");
}

#[test]
fn a_document_too_large_to_hand_on_is_read_as_a_stream() {
    let filler = format!(r#"{{"id":"F","modified":"2024-01-01T00:00:00Z","details":"{}"}}"#, "x".repeat(100_000));
    let lines: String =
        std::iter::once(ONE).chain(std::iter::repeat_n(filler.as_str(), 11)).map(|l| format!("{l}\n")).collect();
    let list = format!("[{ONE},\n{}]", [filler.as_str(); 11].join(",\n"));
    let packages: Vec<String> = (0..11)
        .map(|i| {
            format!(
                r#"{{"pkg":{{"name":"p{i}","secfixes":{{"1":["CVE-2024-{i:04}"]}},"x":"{}"}}}}"#,
                "x".repeat(100_000)
            )
        })
        .collect();
    let secdb =
        format!("{{\n\"packages\":[{}],\"reponame\":\"main\",\"distroversion\":\"v3.20\"}}", packages.join(","));
    let csv: String = std::iter::once("cve,epss,percentile\n".to_owned())
        .chain((0..60_000).map(|i| format!("CVE-2024-{:05},0.5,0.5\n", i + 10_000)))
        .collect();
    for (text, records, entries) in [(lines, 12, 0), (list, 12, 0), (secdb, 11, 0), (csv, 0, 60_000)] {
        assert!(text.len() > 1 << 20);
        let (import, ids, problems) = read("feed", text.as_bytes());
        assert_eq!((ids.len(), import.exploit_prediction.len(), problems), (records, entries, vec![]));
    }
}

#[test]
fn the_same_input_gives_the_same_output() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..900 {
        let record = format!(r#"{{"id":"X-{i}","affected":[{{"package":{{"ecosystem":"Go","name":"m"}}}}]}}"#);
        let text = if i % 50 == 7 { "# no feed".to_owned() } else { record };
        std::fs::write(folder.path().join(format!("{i:04}.json")), text).unwrap();
    }
    let (first, ids, problems) = read_path(folder.path().to_owned());
    assert_eq!((ids.len(), problems.len()), (882, 18));
    assert!(ids.is_sorted_by_key(|id| id[2..].parse::<u32>().unwrap()));
    let second = read_path(folder.path().to_owned()).0;
    assert_eq!((first.advisories, first.problems), (second.advisories, second.problems));
}

#[test]
fn a_wrapping_that_never_ends_is_a_problem() {
    let deep = (0..6).fold(ONE.as_bytes().to_vec(), |inner, _| gzip(&inner));
    refused(deep, "nested too deep");
}

#[test]
fn what_is_not_known_is_a_problem() {
    refused("", "it is empty");
    refused(" \n\n ", "it is empty");
    refused("<!DOCTYPE html><html></html>", "it is an HTML page");
    refused("# readme", "it is not JSON");
    refused("BZh91AY", "compressed with bzip2; gzip, zstd, zip and tar are read");
    refused([0xff, 0xfe, 0x00], "it is not JSON");
    refused("{\"a\":1}", "JSON of no known format");
    refused("{\"a\":\n1}", "JSON of no known format");
    refused("[1,\n2]", "does not begin with an OSV record");
    refused("{\"id\":\"X\",", "malformed");
    refused("{\"a\":".repeat(5000), "malformed");
    let large: String = (0..100).map(|i| format!("\"k{i}\":{{}}")).collect::<Vec<_>>().join(",\n") + ",\n";
    refused(format!("{{{large}\"end\":1}}"), "JSON of no known format");
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_the_others_are_kept() {
    let (_, ids, problems) = read("feed", format!("{ONE}\n{{broken\n{TWO}\n").as_bytes());
    assert_eq!(ids, ["X-1", "X-2"]);
    assert!(problems.len() == 1 && problems[0].starts_with("advisory-record: read line 2: "), "{problems:?}");
    let (_, ids, problems) = read("feed", format!("[{ONE},7,{TWO}]").as_bytes());
    assert_eq!(ids, ["X-1", "X-2"]);
    assert!(problems.len() == 1 && problems[0].starts_with("advisory-record: read record 2: "), "{problems:?}");
    let (import, ids, problems) = read("feed", format!("[{ONE},{{\"id\":").as_bytes());
    assert_eq!((ids, import.files), (vec!["X-1".to_owned()], 1));
    assert!(problems.len() == 1 && problems[0].starts_with("advisory-record: read on after X-1: "), "{problems:?}");
    let (_, ids, problems) = read("feed", TRACKER.strip_suffix("}}}}").unwrap().as_bytes());
    assert_eq!(ids, ["CVE-2024-1"]);
    assert!(problems[0].starts_with("advisory-record: read on after source package openssl: "), "{problems:?}");
}

#[test]
fn a_cut_archive_keeps_what_was_read() {
    let whole = gzip(&tar(&[("a.json", ONE.as_bytes()), ("b.json", &[b' '; 4000])]));
    let (_, ids, problems) = read("feed", &whole[..whole.len() - 20]);
    assert_eq!(ids, ["X-1"]);
    assert!(!problems.is_empty());
}

#[test]
fn folders_are_read_in_order_without_hidden_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("b/c")).unwrap();
    std::fs::create_dir_all(at(".git")).unwrap();
    std::fs::write(at("b/c/2.json"), TWO).unwrap();
    std::fs::write(at("a.json"), ONE).unwrap();
    std::fs::write(at(".git/x"), "junk").unwrap();
    std::fs::write(at("b/README.md"), "# x").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), at("b/circle")).unwrap();
    let (import, ids, problems) = read_path(folder.path().to_owned());
    assert_eq!((ids, import.files), (vec!["X-1".to_owned(), "X-2".to_owned()], 2));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(import.problems[0].path.ends_with("b/README.md"));
    assert_eq!(import.problems[0].code, "advisory-documentation");
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    let error = import(&[PathBuf::from("/nowhere/feed.json")]).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/feed.json: "), "{error}");
}
