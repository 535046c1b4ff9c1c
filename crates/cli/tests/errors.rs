//! Wrong input of every kind: a clear error that names the thing, exit code 2, and what was stored stays.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use cleanbill_testkit::{ImageBuilder, Layer, debian_layer, log4j_core_jar};
use serde_json::Value;
use support::{cleanbill, expect, text};

const RECORD: &str = r#"{"id": "GHSA-jfh8-c2jp-5v3q", "aliases": ["CVE-2021-44228"], "modified": "2025-05-09T13:13:16Z",
 "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}],
 "affected": [{"package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"},
               "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.13.0"}, {"fixed": "2.15.0"}]}]}]}"#;

fn build_db(home: &Path) {
    std::fs::write(home.join("log4shell.json"), RECORD).unwrap();
    expect(home, 0, &["db", "build", "--from", "log4shell.json", "--to", "a.db"]);
}

fn archive(home: &Path) {
    let image = ImageBuilder::new()
        .platform("linux/amd64")
        .layer(Layer::new().file("app/log4j-core-2.14.1.jar", log4j_core_jar("2.14.1")))
        .build();
    image.docker_archive(&home.join("image.tar"));
}

#[test]
fn a_database_that_is_cut_damaged_or_foreign_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    build_db(home);
    archive(home);
    let whole = std::fs::read(home.join("a.db")).unwrap();
    let mut flipped = whole.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    for (name, bytes) in [
        ("cut.db", &whole[..whole.len() / 2]),
        ("flipped.db", &flipped),
        ("empty.db", b""),
        ("foreign.db", b"SQLite format 3\0 and so on, far more than a header needs to be told apart"),
    ] {
        std::fs::write(home.join(name), bytes).unwrap();
        let (_, err) = expect(home, 2, &["scan", "image.tar", "--db", name]);
        assert!(err.contains(name), "{err}");
    }
    let (_, err) = expect(home, 2, &["scan", "image.tar", "--db", "missing.db"]);
    assert!(err.contains("missing.db") && err.contains("cleanbill db build"), "{err}");
}

#[test]
fn a_build_from_nothing_leaves_the_old_database() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    build_db(home);
    let before = std::fs::read(home.join("a.db")).unwrap();
    std::fs::write(home.join("page.json"), "<!doctype html><title>sign in</title>").unwrap();
    let (_, err) = expect(home, 2, &["db", "build", "--from", "page.json", "--to", "a.db"]);
    assert!(err.contains("page.json") && err.contains("no advisory could be read"), "{err}");
    expect(home, 2, &["db", "build", "--from", "no-such-folder", "--to", "a.db"]);
    assert_eq!(std::fs::read(home.join("a.db")).unwrap(), before);
    // One good file beside a bad one: built, and the bad one is named.
    let (_, err) = expect(home, 0, &["db", "build", "--from", "page.json", "log4shell.json", "--to", "b.db"]);
    assert!(err.contains("page.json") && err.contains("1 problems"), "{err}");
}

#[test]
fn the_database_is_kept_in_the_cache_folder_where_none_is_named() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    std::fs::write(home.join("log4shell.json"), RECORD).unwrap();
    archive(home);
    expect(home, 0, &["db", "build", "--from", "log4shell.json", "--cache-dir", "cache"]);
    assert!(home.join("cache/advisories.db").exists());
    let flags = ["--offline", "--color", "never", "--no-progress", "-q"];
    expect(home, 0, &[&["scan", "image.tar", "--cache-dir", "cache"], &flags[..]].concat());
    let (_, err) = expect(home, 2, &["scan", "image.tar", "--offline"]);
    assert!(err.contains(".cache/cleanbill/advisories.db"), "{err}");
}

#[test]
fn a_build_gives_the_same_bytes_again() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    std::fs::write(home.join("log4shell.json"), RECORD).unwrap();
    for name in ["a.db", "b.db"] {
        let mut command = cleanbill(home);
        command.args(["db", "build", "--from", "log4shell.json", "--to", name]).env("SOURCE_DATE_EPOCH", "1700000000");
        assert!(command.status().unwrap().success());
    }
    assert_eq!(std::fs::read(home.join("a.db")).unwrap(), std::fs::read(home.join("b.db")).unwrap());
}

#[test]
fn archives_that_are_cut_or_foreign_are_refused_or_told() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    build_db(home);
    archive(home);
    let whole = std::fs::read(home.join("image.tar")).unwrap();
    std::fs::write(home.join("cut.tar"), &whole[..700]).unwrap();
    std::fs::write(home.join("text.tar"), b"not an archive").unwrap();
    for name in ["cut.tar", "text.tar"] {
        let (_, err) = expect(home, 2, &["scan", name, "--db", "a.db"]);
        assert!(err.contains(name), "{err}");
    }
    std::fs::create_dir(home.join("folder")).unwrap();
    // A folder in which nothing is found passes no gate.
    expect(home, 0, &["scan", "folder", "--db", "a.db"]);
    let (_, err) = expect(home, 1, &["scan", "folder", "--db", "a.db", "--fail-on", "critical"]);
    assert!(err.contains("it lists no package") && err.contains("--allow uncovered"), "{err}");
    let (_, err) = expect(home, 2, &["scan", "oci-dir:folder", "--db", "a.db"]);
    assert!(err.contains("index.json"), "{err}");
}

#[test]
fn gates_and_exit_codes() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    build_db(home);
    archive(home);
    let scan = |code: i32, flags: &[&str]| {
        let mut args = vec!["scan", "image.tar", "--db", "a.db", "--max-age", "36500"];
        args.extend(flags);
        expect(home, code, &args)
    };
    scan(0, &[]);
    scan(0, &["--fail-on", "none"]);
    scan(1, &["--fail-on", "critical"]);
    scan(1, &["--fail-on", "high,fixable"]);
    scan(1, &["--exit-code", "1", "--severity", "CRITICAL,HIGH"]);
    scan(7, &["--exit-code", "7"]);
    scan(0, &["--exit-code", "1", "--severity", "LOW"]);
    scan(2, &["--fail-on", "awful"]);
    scan(2, &["--severity", "awful"]);
    scan(2, &["--allow", "everything"]);
    scan(2, &["-o", "yaml"]);
    scan(2, &["--no-such-flag"]);
    scan(2, &["--platform", "amd64"]);
    let (out, _) = scan(1, &["--fail-on", "critical", "-o", "json"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["schema"], "cleanbill/scan/v1");
    assert_eq!(document["findings"][0]["id"], "CVE-2021-44228");
    assert_eq!(document["findings"][0]["aliases"][0], "GHSA-jfh8-c2jp-5v3q");
}

#[test]
fn ignorance_does_not_pass_a_gate() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    build_db(home);
    // A Debian image; the database speaks for Maven alone.
    let image =
        ImageBuilder::new().platform("linux/amd64").layer(debian_layer(&[("libc6", "2.36-9", Some("glibc"))])).build();
    image.docker_archive(&home.join("debian.tar"));
    let base = ["scan", "debian.tar", "--db", "a.db", "--max-age", "36500"];
    let with = |more: &[&'static str]| base.iter().chain(more).copied().collect::<Vec<_>>();
    expect(home, 0, &base);
    let (_, err) = expect(home, 1, &with(&["--fail-on", "critical"]));
    assert!(err.contains("--allow uncovered"), "{err}");
    expect(home, 1, &with(&["--exit-code", "1"]));
    expect(home, 0, &with(&["--fail-on", "critical", "--allow", "uncovered"]));
    // An old database.
    let mut command = cleanbill(home);
    command.args(["db", "build", "--from", "log4shell.json", "--to", "old.db"]).env("SOURCE_DATE_EPOCH", "1500000000");
    assert!(command.status().unwrap().success());
    let (_, err) =
        expect(home, 1, &["scan", "debian.tar", "--db", "old.db", "--fail-on", "critical", "--allow", "uncovered"]);
    assert!(err.contains("--allow stale"), "{err}");
    expect(home, 0, &["scan", "debian.tar", "--db", "old.db", "--fail-on", "critical", "--allow", "uncovered,stale"]);
}

#[test]
fn an_sbom_goes_out_and_in_and_is_the_same_from_run_to_run() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    build_db(home);
    archive(home);
    let (first, _) = expect(home, 0, &["sbom", "image.tar", "-o", "cyclonedx-json"]);
    let (second, _) = expect(home, 0, &["sbom", "image.tar", "-o", "cyclonedx-json"]);
    assert_eq!(first, second);
    std::fs::write(home.join("sbom.json"), &first).unwrap();
    let (out, _) = expect(home, 0, &["scan", "sbom.json", "--db", "a.db", "-o", "json"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["findings"][0]["id"], "CVE-2021-44228");
    let (purls, _) = expect(home, 0, &["sbom", "image.tar", "-o", "purls"]);
    assert_eq!(purls.trim(), "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1");
}

#[test]
fn kubeconfigs_that_cannot_be_used_are_named() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    std::fs::write(home.join("damaged"), "apiVersion: v1\nclusters: [{").unwrap();
    std::fs::write(home.join("foreign"), "%PDF-1.4").unwrap();
    std::fs::write(
        home.join("good"),
        "apiVersion: v1\nkind: Config\ncontexts: [{name: prod, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {token: secret-token}}]\n",
    )
    .unwrap();
    let up = |kubeconfig: &str, context: &str| {
        let (out, err) = expect(
            home,
            2,
            &["up", "--kubeconfig", kubeconfig, "--context", context, "--data-dir", "data", "--listen", "127.0.0.1:0"],
        );
        assert_eq!(out, "");
        err
    };
    assert!(up("damaged", "prod").contains("damaged"));
    assert!(up("foreign", "prod").contains("foreign"));
    assert!(up("missing", "prod").contains("missing"));
    let err = up("good", "stage");
    assert!(err.contains("stage") && err.contains("prod"), "names the one there is: {err}");
}

#[test]
fn addresses_that_others_can_reach_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let (_, err) = expect(home.path(), 2, &["up", "--listen", "0.0.0.0:0", "--data-dir", "data"]);
    assert!(err.contains("refused") && err.contains("127.0.0.1"), "{err}");
    assert!(!home.path().join("data").exists(), "nothing was made");
}

#[test]
fn asking_without_a_hub_says_how_to_start_one() {
    let home = tempfile::tempdir().unwrap();
    let (_, err) = expect(home.path(), 2, &["where", "CVE-2021-44228"]);
    assert!(err.contains("cleanbill up"), "{err}");
}

#[test]
fn versions_are_compared_by_the_order_of_their_ecosystem() {
    let home = tempfile::tempdir().unwrap();
    for (scheme, a, b, sign) in [
        ("dpkg", "1.0~rc1-1", "1.0-1", "<"),
        ("maven", "1.0-alpha-1", "1.0", "<"),
        ("go", "v1.2.3", "v1.2.3-0.20200101000000-abcdefabcdef", ">"),
        ("semver", "1.0.0+build", "1.0.0", "="),
    ] {
        assert_eq!(expect(home.path(), 0, &["vercmp", scheme, a, b]).0.trim(), sign, "{scheme} {a} {b}");
    }
    let (_, err) = expect(home.path(), 2, &["vercmp", "roman", "i", "v"]);
    assert!(err.contains("dpkg"), "{err}");
}

#[test]
fn a_reader_that_goes_away_ends_it_in_peace() {
    use std::process::Stdio;
    let home = tempfile::tempdir().unwrap();
    let mut child = cleanbill(home.path()).arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!text(&output.stderr).contains("panicked"), "{}", text(&output.stderr));
}

#[test]
fn outputs_that_would_lose_something_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    build_db(home);
    archive(home);
    let scan = |code: i32, flags: &[&str]| expect(home, code, &[&["scan", "--db", "a.db"], flags].concat());
    let (_, err) = scan(2, &["image.tar", "image.tar", "-o", "json=x.json"]);
    assert!(err.contains("takes one target") && !home.join("x.json").exists(), "{err}");
    let (out, _) = scan(0, &["image.tar", "image.tar"]);
    assert_eq!(out.matches("image.tar:").count(), 2, "{out}");
    let (_, err) = scan(2, &["image.tar", "-o", "json=x", "-o", "csv=x"]);
    assert!(err.contains("same file x"), "{err}");
    let (_, err) = scan(2, &["image.tar", "-o", "json="]);
    assert!(err.contains("names no file"), "{err}");
    let (_, err) = scan(2, &["image.tar", "--explain", "CVE-2021-44228", "--fail-on", "high"]);
    assert!(err.contains("cannot be used with"), "{err}");
}

#[test]
fn what_is_shown_does_not_narrow_what_is_judged() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    build_db(home);
    archive(home);
    let flags = ["--fail-on", "low", "--severity", "MEDIUM", "--allow", "stale,uncovered,unreadable"];
    let (out, err) = expect(home, 1, &[&["scan", "image.tar", "--db", "a.db"], &flags[..]].concat());
    assert!(err.contains("1 finding counts against it") && !out.contains("Gate: passed"), "{out}{err}");
}

#[test]
fn a_file_that_is_not_there_is_not_looked_for_in_a_registry() {
    let home = tempfile::tempdir().unwrap();
    let (_, err) = expect(home.path(), 2, &["sbom", "nofile.tar"]);
    assert!(err.contains("no file or folder `nofile.tar`") && err.contains("registry:nofile.tar"), "{err}");
    let (_, err) = expect(home.path(), 2, &["sbom", "./app"]);
    assert!(err.contains("`./app`"), "{err}");
}
