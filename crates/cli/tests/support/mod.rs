//! What the tests of the binary share: running it, pushing images, making keys.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

pub mod data;
pub mod fleet;
pub mod scans;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cleanbill_model::{Digest, Reference};
use cleanbill_oci::{Client, ClientOptions};
use cleanbill_testkit::BuiltImage;

/// The binary under test, shielded from the user's own configuration.
pub fn cleanbill(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cleanbill"));
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("COSIGN_PASSWORD", "").env("NO_COLOR", "1").current_dir(home);
    command
}

/// Runs it to its end.
pub fn run(home: &Path, args: &[&str]) -> Output {
    cleanbill(home).args(args).output().expect("the binary starts")
}

/// Runs it and wants this exit code; gives stdout and stderr.
#[track_caller]
pub fn expect(home: &Path, code: i32, args: &[&str]) -> (String, String) {
    let output = run(home, args);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "cleanbill {}\nstdout: {out}\nstderr: {err}", args.join(" "));
    (out, err)
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A registry client for tests: everything they speak to is on the loopback.
pub fn client() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::new(ClientOptions::default()).unwrap()
}

/// Pushes an image over the network and gives its digest.
pub async fn push(reference: &str, image: &BuiltImage) -> Digest {
    let client = client();
    let reference = Reference::parse(reference).unwrap();
    for (digest, bytes) in image.blobs() {
        let pushed = client.push_blob(&reference, "application/octet-stream", bytes.to_vec()).await.unwrap();
        assert_eq!(pushed.digest, *digest);
    }
    let pushed = client.push_manifest(&reference, &image.media_type, image.manifest.clone()).await.unwrap();
    assert_eq!(pushed.digest, image.digest);
    pushed.digest
}

/// Makes PREFIX.key and PREFIX.pub in `home`.
pub fn key_pair(home: &Path, prefix: &str) -> (PathBuf, PathBuf) {
    expect(home, 0, &["generate-key-pair", "--output-key-prefix", prefix]);
    (home.join(format!("{prefix}.key")), home.join(format!("{prefix}.pub")))
}

/// The policy people start with, for one registry and one key.
pub fn policy(registry: &str, public_key: &Path, extra: &str) -> String {
    let pem = std::fs::read_to_string(public_key).unwrap();
    let indented: String = pem.lines().map(|l| format!("                      {l}\n")).collect();
    format!(
        "apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: verify-image-signature
spec:
  validationFailureAction: enforce
{extra}  rules:
    - name: verify-signature
      match:
        resources:
          kinds:
            - Pod
      verifyImages:
        - imageReferences:
            - \"{registry}/*\"
          attestors:
            - entries:
                - keys:
                    publicKeys: |-
{indented}"
    )
}
