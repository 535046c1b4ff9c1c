//! `conformance verify-bundle` against bundles of a small sigstore that is made here, by its exit code.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(unreachable_pub)]
#[path = "../../trust/tests/instance/mod.rs"]
mod instance;
mod support;

use instance::{FILE, ISSUER, Instance, Key, SUBJECT, sha256};
use support::expect;
use tempfile::TempDir;

struct Stage {
    home: TempDir,
}

impl Stage {
    fn new() -> Self {
        let (home, instance) = (tempfile::tempdir().unwrap(), Instance::new());
        let write = |name: &str, bytes: &[u8]| std::fs::write(home.path().join(name), bytes).unwrap();
        let signer = instance.signer();
        write("file", FILE);
        write("other", b"other");
        write("root.json", instance.root().to_string().as_bytes());
        write("old.json", instance.bundle(&signer).to_string().as_bytes());
        write("new.json", instance.bundle_of_tiles(&signer).to_string().as_bytes());
        write("broken.json", b"{");
        let key = Key::new();
        write("key.json", instance.bundle_by_key(&key).to_string().as_bytes());
        write("key.pub", instance::pki::pem("PUBLIC KEY", &key.spki()).as_bytes());
        Self { home }
    }

    #[track_caller]
    fn check(&self, code: i32, bundle: &str, subject: &str, artifact: &str, part: &str) {
        let mut args = vec!["conformance", "verify-bundle", "--bundle", bundle, "--certificate-identity", subject];
        args.extend(["--certificate-oidc-issuer", ISSUER, "--trusted-root", "root.json", artifact]);
        let (out, err) = expect(self.home.path(), code, &args);
        assert!(err.contains(part), "{err}");
        assert_eq!(out, "");
    }
}

#[test]
fn the_protocol_is_kept() {
    let stage = Stage::new();
    let hex: String = sha256(FILE).iter().map(|b| format!("{b:02x}")).collect();
    for bundle in ["old.json", "new.json"] {
        stage.check(0, bundle, SUBJECT, "file", "verified: signed by https://ci.example/build");
        stage.check(0, bundle, SUBJECT, &format!("sha256:{hex}"), "at 2025-06-02T12:00:00Z");
        stage.check(1, bundle, SUBJECT, "other", "it signs something else");
        stage.check(1, bundle, SUBJECT, &format!("sha256:{}", hex.replace(['1', 'a'], "0")), "it signs something else");
        stage.check(1, bundle, "https://ci.example/other", "file", "not by https://ci.example/other");
        stage.check(1, bundle, SUBJECT, "missing", "could not read missing");
    }
    stage.check(1, "broken.json", SUBJECT, "file", "the bundle is malformed");
    stage.check(1, "key.json", SUBJECT, "file", "signed by a key");
}

#[test]
fn keys_and_the_public_root() {
    let (stage, verify) = (Stage::new(), ["conformance", "verify-bundle", "--bundle"]);
    let run = |code: i32, args: &[&str]| expect(stage.home.path(), code, &[&verify, args].concat()).1;
    // No time that anybody vouches for: keys need none, but the set wants one.
    let err = run(1, &["key.json", "--key", "key.pub", "--trusted-root", "root.json", "file"]);
    assert!(err.contains("time of signing is not vouched for"), "{err}");
    let err = run(1, &["key.json", "--key", "file", "--trusted-root", "root.json", "file"]);
    assert!(err.contains("could not use the key"), "{err}");
    let identity = ["--certificate-identity", SUBJECT, "--certificate-oidc-issuer", ISSUER];
    let err = run(1, &[&["old.json"], &identity[..], &["file"]].concat());
    assert!(err.contains("is not in the trusted root"), "{err}");
    let err = run(1, &[&["old.json", "--staging"], &identity[..], &["file"]].concat());
    assert!(err.contains("is not in the trusted root"), "{err}");
    run(2, &["old.json", "file"]);
    run(2, &["old.json", "--certificate-identity", SUBJECT, "file"]);
}
