//! The tar reader sees what the runtimes see.
#![allow(clippy::unwrap_used)]
mod build;

use build::{Tar, header, seal};
use cleanbill_image::{Entry, EntryKind, TarError, TarReader};

fn read(bytes: &[u8]) -> (Vec<Entry>, Option<TarError>, usize) {
    let mut tar = TarReader::new(bytes);
    let mut entries = Vec::new();
    let error = loop {
        match tar.next_entry() {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    (entries, error, tar.ambiguities().len())
}

#[track_caller]
fn check(tar: Tar, expect: &[&str]) -> usize {
    let (entries, error, ambiguities) = read(&tar.finish());
    assert!(error.is_none(), "{error:?}");
    let names: Vec<_> = entries.iter().map(|e| String::from_utf8_lossy(&e.name).into_owned()).collect();
    assert_eq!(names, expect);
    ambiguities
}

#[track_caller]
fn refuse(bytes: &[u8], part: &str) {
    let error = read(bytes).1.expect(part).to_string();
    assert!(error.contains(part), "{error}");
}

#[test]
fn long_names_come_in_every_form() {
    let long = "d/".repeat(100) + "name";
    check(Tar::new().gnu(b'L', long.as_bytes()).file("short", "x").file("z", ""), &[&long, "z"]);
    check(Tar::new().pax(b'x', &[("path", &long)]).file("short", "x").file("z", ""), &[&long, "z"]);
    let mut prefixed = header(b"name", b'0', 0, b"");
    prefixed[345..348].copy_from_slice(b"pre");
    seal(&mut prefixed);
    check(Tar::new().entry(prefixed, b""), &["pre/name"]);
    let entry = &read(&Tar::new().gnu(b'K', long.as_bytes()).symlink("s", "short").finish()).0[0];
    assert_eq!(entry.link, long.as_bytes());
    let entry = &read(&Tar::new().pax(b'x', &[("linkpath", &long)]).symlink("s", "short").finish()).0[0];
    assert_eq!(entry.link, long.as_bytes());
}

// Attack A57: a PAX size in front of another extension header is that of the file. A reader that takes
// it for the extension header goes on in the middle of the data and sees a hidden header there.
#[test]
fn a_pax_size_is_that_of_the_file_and_not_of_the_headers_before_it() {
    let hidden = Tar::new().file("hidden", "x").0;
    let tar = Tar::new()
        .pax(b'x', &[("size", &hidden.len().to_string())])
        .gnu(b'L', b"long")
        .entry(header(b"short", b'0', 0, b""), &hidden)
        .file("after", "");
    check(tar, &["long", "after"]);
    let tar = Tar::new().pax(b'x', &[("size", "1024")]).pax(b'x', &[("path", "p")]).file("f", "x").file("after", "");
    check(tar, &["p", "after"]);
}

#[test]
fn a_pax_size_outranks_the_header_and_is_told_where_they_differ() {
    let tar = Tar::new().pax(b'x', &[("size", "600")]).entry(header(b"f", b'0', 0, b""), &[7; 600]).file("z", "");
    assert_eq!(check(tar, &["f", "z"]), 0);
    let tar = Tar::new().pax(b'x', &[("size", "600")]).entry(header(b"f", b'0', 5, b""), &[7; 600]).file("z", "");
    assert_eq!(check(tar, &["f", "z"]), 1);
}

#[test]
fn links_and_folders_have_no_data_whatever_their_size_says() {
    for kind in [b'1', b'2', b'5', b'3'] {
        let tar = Tar::new().entry(header(b"l", kind, 512, b"t"), b"").file("after", "");
        assert_eq!(check(tar, &["l", "after"]), 1);
    }
}

#[test]
fn a_global_header_changes_nothing_and_is_told() {
    let tar = Tar::new().pax(b'g', &[("path", "evil")]).file("good", "").file("too", "");
    assert_eq!(check(tar, &["pax", "good", "too"]), 1);
    assert_eq!(check(Tar::new().pax(b'g', &[("comment", "x")]).file("good", ""), &["pax", "good"]), 0);
}

#[test]
fn pax_sparse_files_are_told_from_others() {
    let records = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "real")];
    let (entries, _, _) = read(&Tar::new().pax(b'x', &records).file("fake", vec![b'0'; 600]).file("z", "").finish());
    assert_eq!((entries[0].name.as_slice(), entries[0].kind), (b"real".as_slice(), EntryKind::Sparse));
    assert_eq!(entries[1].name, b"z");
}

#[test]
fn numbers_are_octal_or_binary() {
    let mut h = header(b"f", b'0', 0, b"");
    h[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x58]);
    seal(&mut h);
    check(Tar::new().entry(h, &[7; 600]).file("z", ""), &["f", "z"]);
    h[124] = 0xff;
    seal(&mut h);
    refuse(&Tar::new().entry(h, b"").finish(), "not a number");
}

#[test]
fn damaged_archives_are_refused_where_they_are() {
    let mut bytes = Tar::new().file("a", "x").file("b", "y").finish();
    bytes[1024] ^= 1;
    refuse(&bytes, "wrong checksum at byte 1024");
    refuse(&Tar::new().file("a", vec![1; 600]).0[..1000], "ends inside a file");
    refuse(&Tar::new().file("a", "x").0[..300], "inside a header");
    refuse(&[vec![0; 512], Tar::new().file("a", "x").finish()].concat(), "one block of zeros");
    refuse(&Tar::new().entry(header(b"pax", b'x', 5, b""), b"9 a=b").finish(), "PAX record");
    refuse(&Tar::new().pax(b'x', &[("size", "-1")]).file("a", "").finish(), "PAX size");
    refuse(&Tar::new().pax(b'x', &[("path", "p")]).finish(), "without an entry");
    refuse(&Tar::new().entry(header(b"l", b'L', 2 << 20, b""), b"").finish(), "1 MiB");
}

#[test]
fn names_need_not_be_text() {
    let (entries, _, _) = read(&Tar::new().entry(header(b"bad\xfdname", b'0', 0, b""), b"").finish());
    assert_eq!(entries[0].name, b"bad\xfdname");
}
