//! `cleanbill generate-key-pair` and `public-key`, in cosign's formats.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use cleanbill_trust::{PrivateKey, PublicKey};

use crate::args::{GenerateKeyPair, PublicKeyArgs};
use crate::{Outcome, output};

const KEY_LIMIT: u64 = 1 << 20;

/// Writes PREFIX.key (0600) and PREFIX.pub; neither may be there already.
pub(crate) fn generate(args: &GenerateKeyPair) -> anyhow::Result<Outcome> {
    let (private, public) = (format!("{}.key", args.output_key_prefix), format!("{}.pub", args.output_key_prefix));
    for file in [&private, &public] {
        if Path::new(file).exists() {
            anyhow::bail!("{file} is there already\nhint: move it away, or choose another name by --output-key-prefix");
        }
    }
    let password = password("password for the private key", true)?;
    let key = PrivateKey::generate()?;
    write_new(&private, key.to_encrypted_pem(password.as_bytes())?.as_bytes(), 0o600)?;
    write_new(&public, key.public().to_pem().as_bytes(), 0o644)?;
    output::say(format!("private key written to {private}\npublic key written to {public}"));
    Ok(Outcome::Done)
}

/// Prints the public half of a private key.
pub(crate) fn public(args: &PublicKeyArgs) -> anyhow::Result<Outcome> {
    let pem = read_private(&args.key)?.public().to_pem();
    match &args.outfile {
        None => output::data(pem)?,
        Some(file) => std::fs::write(file, pem).with_context(|| format!("could not write {}", file.display()))?,
    }
    Ok(Outcome::Done)
}

/// Reads a private key file, asking for its password where it has one.
pub(crate) fn read_private(path: &Path) -> anyhow::Result<PrivateKey> {
    let pem = read_key_file(path)?;
    let password =
        if pem.contains("ENCRYPTED") { password("password of the private key", false)? } else { String::new() };
    PrivateKey::from_pem(&pem, password.as_bytes())
        .with_context(|| format!("could not use the key in {}", path.display()))
}

/// Reads a public key file.
pub(crate) fn read_public(path: &Path) -> anyhow::Result<PublicKey> {
    let pem = read_key_file(path)?;
    PublicKey::from_pem(&pem).with_context(|| format!("could not use the key in {}", path.display()))
}

fn read_key_file(path: &Path) -> anyhow::Result<String> {
    let text = path.display().to_string();
    if let Some((scheme, _)) = text.split_once("://") {
        anyhow::bail!("keys from `{scheme}://` are not read yet\nhint: name a PEM file");
    }
    let size = std::fs::metadata(path).with_context(|| format!("could not read the key {text}"))?.len();
    if size > KEY_LIMIT {
        anyhow::bail!("{text} is too large to be a key");
    }
    std::fs::read_to_string(path).with_context(|| format!("could not read the key {text}"))
}

/// The password: `COSIGN_PASSWORD`, else asked for on a terminal, else the first line of stdin.
fn password(what: &str, twice: bool) -> anyhow::Result<String> {
    if let Ok(password) = std::env::var("COSIGN_PASSWORD") {
        return Ok(password);
    }
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).context("could not read the password from standard input")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let first = rpassword::prompt_password(format!("{what}: ")).context("could not ask for the password")?;
    if twice && first != rpassword::prompt_password("once more: ").context("could not ask for the password")? {
        anyhow::bail!("the passwords differ");
    }
    Ok(first)
}

/// Writes a file that must not be there yet, with these permissions from the first moment on.
fn write_new(path: &str, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .with_context(|| format!("could not make {path}"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(|| format!("could not write {path}"))
}
