//! cosign 3 and 2, the counterparts that signatures are exchanged with. Everything is done with a key and
//! without a transparency log, so that no test asks the internet for anything.

use super::{Component, Missing, find};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The program, with a home folder of its own.
#[derive(Debug)]
pub struct Cosign {
    program: PathBuf,
    home: TempDir,
    password: String,
}

/// The cosign 3 of the cache; key files are protected with `password`.
pub fn cosign(password: &str) -> Result<Cosign, Missing> {
    counterpart(Component::Cosign, password)
}

/// The cosign 2 of the cache.
pub fn cosign2(password: &str) -> Result<Cosign, Missing> {
    counterpart(Component::Cosign2, password)
}

fn counterpart(component: Component, password: &str) -> Result<Cosign, Missing> {
    let program = find(component)?;
    let home =
        tempfile::tempdir().map_err(|error| Missing { component, why: format!("no temporary folder: {error}") })?;
    Ok(Cosign { program, home, password: password.to_owned() })
}

impl Cosign {
    /// Runs it in `folder` with these arguments.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> io::Result<Output> {
        Command::new(&self.program)
            .args(arguments)
            .current_dir(folder)
            .env("HOME", self.home.path())
            .env("DOCKER_CONFIG", self.home.path())
            .env("COSIGN_PASSWORD", &self.password)
            .stdin(Stdio::null())
            .output()
    }

    /// Writes `cosign.key` and `cosign.pub` into `folder`.
    pub fn generate_key_pair(&self, folder: &Path) -> io::Result<Output> {
        self.run(folder, &["generate-key-pair"])
    }

    /// Signs `reference` (with a digest) with the key file `key`: a sigstore bundle as a referrer.
    pub fn sign(&self, key: &Path, reference: &str) -> io::Result<Output> {
        let key = key.to_string_lossy();
        self.run(
            self.home.path(),
            &[
                "sign",
                "--yes",
                "--key",
                &key,
                "--tlog-upload=false",
                "--use-signing-config=false",
                "--allow-insecure-registry",
                reference,
            ],
        )
    }

    /// Verifies `reference` with the public key file `key`.
    pub fn verify(&self, key: &Path, reference: &str) -> io::Result<Output> {
        let key = key.to_string_lossy();
        self.run(
            self.home.path(),
            &["verify", "--key", &key, "--insecure-ignore-tlog", "--allow-insecure-registry", reference],
        )
    }
}
