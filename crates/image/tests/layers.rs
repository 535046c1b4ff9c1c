//! Layers into one tree: what is read, what is hidden, and what a lie leads to.
#![allow(clippy::unwrap_used)]
mod build;

use std::sync::atomic::Ordering;

use build::{Tar, gzip, header, image, seal, stored};
use cleanbill_image::{Content, Node, Pattern, Tree, Wants, read_tree};
use cleanbill_model::Budget;

static MARKED: Content = Content { heads: &[b"\x7fELF"], marker: b"MARK", probe: None };

fn wants() -> Wants {
    Wants::new([Pattern::Path("etc/os-release"), Pattern::Folder("db.d"), Pattern::Extension("jar")], [MARKED])
}

fn tree(tars: &[Vec<u8>]) -> Tree {
    let (image, blobs) = image(tars);
    read_tree(&image, &blobs, &wants(), &mut Budget::default()).unwrap()
}

fn paths(tree: &Tree) -> Vec<String> {
    tree.iter().map(|(path, _)| String::from_utf8_lossy(path).into_owned()).collect()
}

fn codes(tree: &Tree) -> Vec<&str> {
    tree.problems.iter().map(|p| p.code.as_str()).collect()
}

fn text(tree: &Tree, path: &str) -> Option<String> {
    let (_, file) = tree.file(path.as_bytes())?;
    Some(String::from_utf8(file.bytes()?.to_vec(1 << 20).unwrap()?).unwrap())
}

#[track_caller]
fn check(tars: &[Tar], expect: &[&str]) {
    let tree = tree(&tars.iter().map(|t| t.clone().finish()).collect::<Vec<_>>());
    assert_eq!(paths(&tree), expect);
    assert!(tree.problems.is_empty(), "{:?}", tree.problems);
}

#[test]
fn a_whiteout_hides_a_file_and_a_folder_of_lower_layers() {
    let lower = Tar::new().file("a/x", "1").file("a/y", "1").file("b/c/z", "1").file("bc", "1");
    check(&[lower.clone(), Tar::new().file("a/.wh.x", "").file(".wh.b", "")], &["a/y", "bc"]);
    check(&[lower, Tar::new().file(".wh.a", "").file("a/new", "2")], &["a/new", "b/c/z", "bc"]);
}

#[test]
fn a_whiteout_hides_nothing_of_its_own_layer() {
    check(&[Tar::new().file("x", "1"), Tar::new().file("x", "2").file(".wh.x", "")], &["x"]);
}

#[test]
fn an_opaque_folder_hides_lower_layers_only() {
    let lower = Tar::new().file("a/x", "1").file("a/b/y", "1").file("c", "1");
    check(&[lower, Tar::new().file("a/new", "2").file("a/.wh..wh..opq", "")], &["a/new", "c"]);
    check(&[Tar::new().file("a/not.wh..wh..opq", "")], &["a/not.wh..wh..opq"]);
}

#[test]
fn the_topmost_layer_wins_and_is_named() {
    let tree = tree(&[
        Tar::new().file("etc/os-release", "ID=old").finish(),
        Tar::new().file("etc/os-release", "ID=new").finish(),
    ]);
    assert_eq!(text(&tree, "etc/os-release").as_deref(), Some("ID=new"));
    assert_eq!(tree.get(b"etc/os-release").map(Node::layer), Some(1));
}

#[test]
fn a_file_replaces_a_folder_and_a_folder_a_file() {
    check(&[Tar::new().file("a/x", "1"), Tar::new().file("a", "2")], &["a"]);
    check(&[Tar::new().file("a", "1"), Tar::new().file("a/x", "2")], &["a/x"]);
}

#[test]
fn entries_go_through_linked_folders_and_never_out_of_the_root() {
    check(&[Tar::new().symlink("lib", "usr/lib"), Tar::new().file("lib/x", "")], &["lib", "usr/lib/x"]);
    check(&[Tar::new().symlink("up", "../../.."), Tar::new().file("up/x", "")], &["up", "x"]);
    check(&[Tar::new().file("../../etc/x", "").file("/abs/./y", "")], &["abs/y", "etc/x"]);
    check(&[Tar::new().symlink("l", "/a").file("a/x", ""), Tar::new().file("l/.wh.x", "")], &["l"]);
}

#[test]
fn a_link_that_changes_between_two_entries_is_followed_anew() {
    let tar = Tar::new().symlink("l", "a").file("l/x", "").symlink("l", "b").file("l/y", "");
    check(&[tar], &["a/x", "b/y", "l"]);
}

#[test]
fn a_circle_of_links_is_a_problem_of_the_entry() {
    let tree = tree(&[Tar::new().symlink("a", "b").symlink("b", "a").file("a/x", "").file("y", "").finish()]);
    assert_eq!((paths(&tree), codes(&tree)), (vec!["a".to_owned(), "b".to_owned(), "y".to_owned()], vec!["tar-entry"]));
    assert_eq!(tree.resolve(b"a/x"), None);
}

#[test]
fn links_to_wanted_paths_give_the_bytes_they_lead_to() {
    let tree = tree(&[
        Tar::new().file("usr/lib/os", "ID=x").file("opt/blob", "jar").file("plain", "p").finish(),
        Tar::new().symlink("etc", "conf").symlink("conf/os-release", "/usr/lib/os").symlink("db.d", "var/db").finish(),
        Tar::new().hardlink("app/a.jar", "opt/blob").symlink("app/b.jar", "../plain").file("var/db/one", "1").finish(),
    ]);
    assert!(tree.problems.is_empty(), "{:?}", tree.problems);
    assert_eq!(text(&tree, "etc/os-release").as_deref(), Some("ID=x"));
    assert_eq!(text(&tree, "app/a.jar").as_deref(), Some("jar"));
    assert_eq!(tree.get(b"app/a.jar").map(Node::layer), Some(2), "a hard link is brought by its own layer");
    assert_eq!(text(&tree, "app/b.jar").as_deref(), Some("p"));
    assert_eq!(text(&tree, "db.d/one").as_deref(), Some("1"));
    let wanted: Vec<String> =
        tree.wanted(&wants()).iter().map(|(by, _)| String::from_utf8_lossy(by).into_owned()).collect();
    assert_eq!(wanted, ["app/a.jar", "app/b.jar", "db.d/one", "etc/os-release"]);
}

#[test]
fn a_layer_is_opened_once_unless_a_link_asks_for_more() {
    let plain = [Tar::new().file("a.jar", "1").finish(), Tar::new().symlink("b.jar", "a.jar").finish()];
    let (image1, blobs) = image(&plain);
    read_tree(&image1, &blobs, &wants(), &mut Budget::default()).unwrap();
    assert_eq!(blobs.opened.load(Ordering::Relaxed), 2);
    let (image2, blobs) = image(&[Tar::new().file("a", "1").hardlink("b.jar", "a").finish()]);
    read_tree(&image2, &blobs, &wants(), &mut Budget::default()).unwrap();
    assert_eq!(blobs.opened.load(Ordering::Relaxed), 2);
}

#[test]
fn a_dangling_hard_link_is_a_problem() {
    assert_eq!(codes(&tree(&[Tar::new().hardlink("a.jar", "nowhere").finish()])), ["tar-entry"]);
}

#[test]
fn content_is_kept_by_head_and_marker_alone() {
    let tree = tree(&[Tar::new()
        .file("bin/marked", [b"\x7fELF".as_slice(), &vec![0; 100_000], b"MARK"].concat())
        .file("bin/other", b"\x7fELF nothing")
        .file("bin/text", b"MARK")
        .finish()]);
    let kept = |path: &[u8]| tree.file(path).unwrap().1.bytes().map(cleanbill_image::Bytes::len);
    assert_eq!((kept(b"bin/marked"), kept(b"bin/other"), kept(b"bin/text")), (Some(100_008), None, None));
}

#[test]
fn a_marker_across_two_reads_is_found() {
    for at in 65_530..65_540 {
        let mut data = b"\x7fELF".to_vec();
        data.resize(at, 0);
        data.extend_from_slice(b"MARK");
        let tree = tree(&[Tar::new().file("p", data).finish()]);
        assert!(tree.file(b"p").unwrap().1.bytes().is_some(), "{at}");
    }
}

#[test]
fn big_evidence_comes_back_from_disk_as_it_was() {
    let big: Vec<u8> = (0..3_000_000u32).map(|i| ((i * 7) >> 3) as u8).collect();
    let tree = tree(&[Tar::new().file("a.jar", &big).file("b.jar", "small").file("c.jar", &big).finish()]);
    for path in ["a.jar", "c.jar"] {
        let bytes = tree.file(path.as_bytes()).unwrap().1.bytes().unwrap();
        assert!(bytes.to_vec(u64::MAX).unwrap().unwrap() == big, "{path}");
    }
    assert_eq!(text(&tree, "b.jar").as_deref(), Some("small"));
}

#[test]
fn all_packings_of_layers_are_read() {
    let tar = Tar::new().file("a.jar", "1").finish();
    let (front, back) = tar.split_at(700);
    let zstd = |b: &[u8]| zstd::encode_all(b, 1).unwrap();
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9][..], &zstd(&tar)].concat();
    for blob in [
        tar.clone(),
        gzip(&tar),
        [gzip(front), gzip(back)].concat(),
        zstd(&tar),
        [zstd(front), zstd(back)].concat(),
        skippable.clone(),
        [zstd(&tar), skippable[..11].to_vec()].concat(),
    ] {
        let (image, blobs) = stored(&[(blob, tar.clone())]);
        let tree = read_tree(&image, &blobs, &wants(), &mut Budget::default()).unwrap();
        assert!(tree.problems.is_empty(), "{:?}", tree.problems);
        assert_eq!(text(&tree, "a.jar").as_deref(), Some("1"));
    }
}

#[test]
fn a_layer_that_is_not_what_its_digest_says_is_told() {
    let tar = Tar::new().file("a.jar", "1").finish();
    let (image1, mut blobs) = image(std::slice::from_ref(&tar));
    let other = Tar::new().file("b.jar", "2").finish();
    // Same length on the wire, so that only the digest can tell.
    let lie = stored(&[(tar.clone(), tar.clone())]);
    let mut same_length = lie.1;
    same_length.blobs.values_mut().for_each(|b| b.clone_from(&other));
    let tree = read_tree(&lie.0, &same_length, &wants(), &mut Budget::default()).unwrap();
    assert_eq!((paths(&tree), codes(&tree)), (vec!["b.jar".to_owned()], vec!["layer-diff-id", "layer-digest"]));
    blobs.blobs.values_mut().for_each(|b| b.push(0));
    let tree = read_tree(&image1, &blobs, &wants(), &mut Budget::default()).unwrap();
    assert!(codes(&tree).contains(&"layer-digest"), "{:?}", tree.problems);
}

#[test]
fn a_diff_id_that_lies_is_told() {
    let (tar, other) = (Tar::new().file("a", "1").finish(), Tar::new().file("a", "2").finish());
    let (image, blobs) = stored(&[(gzip(&tar), other)]);
    assert_eq!(codes(&read_tree(&image, &blobs, &wants(), &mut Budget::default()).unwrap()), ["layer-diff-id"]);
}

#[test]
fn a_cut_layer_keeps_what_was_read() {
    let tar = Tar::new().file("a.jar", "1").file("b", vec![7; 5000]).finish();
    let whole = gzip(&tar);
    let cut = whole[..whole.len() - 12].to_vec();
    let (image, blobs) = stored(&[(cut, tar.clone())]);
    let tree = read_tree(&image, &blobs, &wants(), &mut Budget::default()).unwrap();
    assert_eq!((text(&tree, "a.jar").as_deref(), codes(&tree)), (Some("1"), vec!["layer-truncated"]));
    let (image, blobs) = stored(&[(tar[..2000].to_vec(), tar[..2000].to_vec())]);
    let tree = read_tree(&image, &blobs, &wants(), &mut Budget::default()).unwrap();
    assert_eq!((text(&tree, "a.jar").as_deref(), codes(&tree)), (Some("1"), vec!["layer-truncated"]));
}

#[test]
fn what_is_no_tar_is_told() {
    let json = b"{}".repeat(600);
    let (image, blobs) = stored(&[(json.clone(), json)]);
    assert_eq!(codes(&read_tree(&image, &blobs, &wants(), &mut Budget::default()).unwrap()), ["layer-unreadable"]);
}

#[test]
fn a_bomb_meets_the_budget() {
    let tar = Tar::new().file("a.jar", "1").file("zeros", vec![0; 4 << 20]).finish();
    let (image1, blobs) = image(std::slice::from_ref(&tar));
    let mut small = Budget { bytes: 1 << 20, ..Budget::default() };
    let tree = read_tree(&image1, &blobs, &wants(), &mut small).unwrap();
    assert_eq!((text(&tree, "a.jar").as_deref(), codes(&tree)), (Some("1"), vec!["budget"]));
    // Behind the end of the archive too.
    let mut behind = Tar::new().file("a", "1").finish();
    behind.resize(4 << 20, 0);
    let (image2, blobs) = image(&[behind]);
    let mut small = Budget { bytes: 1 << 20, ..Budget::default() };
    assert_eq!(codes(&read_tree(&image2, &blobs, &wants(), &mut small).unwrap()), ["budget"]);
    let many = (0..50).fold(Tar::new(), |tar, i| tar.file(&format!("f{i}"), "")).finish();
    let (image3, blobs) = image(&[many]);
    let mut few = Budget { entries: 10, ..Budget::default() };
    let tree = read_tree(&image3, &blobs, &wants(), &mut few).unwrap();
    assert_eq!((paths(&tree).len(), codes(&tree)), (10, vec!["budget"]));
    let mut one = Budget { file_bytes: 10, ..Budget::default() };
    let (image4, blobs) = image(&[Tar::new().file("a.jar", "more than ten bytes").finish()]);
    assert_eq!(codes(&read_tree(&image4, &blobs, &wants(), &mut one).unwrap()), ["file-too-large"]);
}

#[test]
fn a_cancelled_reading_stops() {
    let (image, blobs) = image(&[Tar::new().file("a", "1").finish()]);
    let mut budget = Budget::default();
    budget.cancel.cancel();
    assert!(read_tree(&image, &blobs, &wants(), &mut budget).is_err());
}

#[test]
fn a82_foreign_and_encrypted_layers_are_never_opened() {
    let (mut image, blobs) = image(&[Tar::new().file("a", "1").finish(), Tar::new().file("b", "1").finish()]);
    image.manifest.layers[0].media_type = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip".to_owned();
    image.manifest.layers[0].urls = vec!["http://127.0.0.1:1/secret".to_owned()];
    image.manifest.layers[1].media_type = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted".to_owned();
    let tree = read_tree(&image, &blobs, &wants(), &mut Budget::default()).unwrap();
    assert_eq!((codes(&tree), blobs.opened.load(Ordering::Relaxed)), (vec!["layer-encrypted", "layer-foreign"], 0));
}

#[test]
fn only_when_no_layer_can_be_opened_is_it_an_error() {
    let tars = [Tar::new().file("a", "1").finish(), Tar::new().file("b", "1").finish()];
    let (image, mut blobs) = image(&tars);
    blobs.blobs.remove(&image.manifest.layers[0].digest);
    let tree = read_tree(&image, &blobs, &wants(), &mut Budget::default()).unwrap();
    assert_eq!((paths(&tree), codes(&tree)), (vec!["b".to_owned()], vec!["layer-unavailable"]));
    blobs.blobs.clear();
    assert!(read_tree(&image, &blobs, &wants(), &mut Budget::default()).is_err());
}

#[test]
fn a_sparse_file_is_skipped_by_its_stored_size_and_told() {
    let mut sparse = header(b"a.jar", b'S', 512, b"");
    sparse[257..265].copy_from_slice(b"ustar  \0");
    sparse[482] = 1; // one more block of map
    sparse[345..483].fill(0);
    sparse[482] = 1;
    seal(&mut sparse);
    let mut tar = Tar::new();
    tar.0.extend_from_slice(&sparse);
    tar.0.extend_from_slice(&[0; 512]);
    tar.0.extend_from_slice(&[1; 512]);
    let tree = tree(&[tar.file("b.jar", "after").finish()]);
    assert_eq!((text(&tree, "b.jar").as_deref(), codes(&tree)), (Some("after"), vec!["file-sparse"]));
}
