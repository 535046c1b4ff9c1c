//! `cleanbill generate-key-pair`, `import-key-pair` and `public-key`, in cosign's formats; and keys for
//! all commands, from files and `env://`.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cleanbill_trust::{PrivateKey, PublicKey};

use crate::args::{GenerateKeyPair, ImportKeyPair, PublicKeyArgs};
use crate::{Outcome, output};

const KEY_LIMIT: u64 = 1 << 20;

/// Writes PREFIX.key (0600) and PREFIX.pub; neither may be there already.
pub(crate) fn generate(args: &GenerateKeyPair) -> anyhow::Result<Outcome> {
    not_there(&args.output_key_prefix)?;
    let password = password("password for the private key", true)?;
    write_pair(&args.output_key_prefix, &PrivateKey::generate()?, &password)
}

/// Writes a key pair from a private key in another form. Where that has a password, it is kept.
pub(crate) fn import(args: &ImportKeyPair) -> anyhow::Result<Outcome> {
    not_there(&args.output_key_prefix)?;
    let pem = read_pem(&args.key)?;
    let sealed = is_sealed(&pem);
    let what = if sealed { "password of the private key" } else { "password for the private key" };
    let password = password(what, !sealed)?;
    let key = PrivateKey::from_pem(&pem, password.as_bytes())
        .with_context(|| format!("could not use the key in {}", args.key.display()))?;
    write_pair(&args.output_key_prefix, &key, &password)
}

fn not_there(prefix: &str) -> anyhow::Result<()> {
    for file in [format!("{prefix}.key"), format!("{prefix}.pub")] {
        if Path::new(&file).exists() {
            anyhow::bail!("{file} is there already\nhint: move it away, or choose another name by --output-key-prefix");
        }
    }
    Ok(())
}

fn write_pair(prefix: &str, key: &PrivateKey, password: &str) -> anyhow::Result<Outcome> {
    let (private, public) = (format!("{prefix}.key"), format!("{prefix}.pub"));
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

/// Reads a private key, asking for its password where it has one.
pub(crate) fn read_private(path: &Path) -> anyhow::Result<PrivateKey> {
    let pem = read_pem(path)?;
    let password = if is_sealed(&pem) { password("password of the private key", false)? } else { String::new() };
    PrivateKey::from_pem(&pem, password.as_bytes())
        .with_context(|| format!("could not use the key in {}", path.display()))
}

/// Reads public keys.
pub(crate) fn read_public(paths: &[PathBuf]) -> anyhow::Result<Vec<PublicKey>> {
    let read = |path: &PathBuf| {
        PublicKey::from_pem(&read_pem(path)?).with_context(|| format!("could not use the key in {}", path.display()))
    };
    paths.iter().map(read).collect()
}

/// Whether it is a form whose password we can use.
fn is_sealed(pem: &str) -> bool {
    pem.contains("ENCRYPTED SIGSTORE PRIVATE KEY") || pem.contains("ENCRYPTED COSIGN PRIVATE KEY")
}

fn read_pem(path: &Path) -> anyhow::Result<String> {
    let text = path.display().to_string();
    if let Some((scheme, rest)) = text.split_once("://") {
        if scheme == "env" {
            return std::env::var(rest).with_context(|| format!("could not read the key in the variable `{rest}`"));
        }
        anyhow::bail!("keys from `{scheme}://` are not read yet\nhint: name a PEM file, or env://VARIABLE");
    }
    let file = std::fs::File::open(path).with_context(|| format!("could not read the key {text}"))?;
    let mut pem = String::new();
    file.take(KEY_LIMIT + 1).read_to_string(&mut pem).with_context(|| format!("could not read the key {text}"))?;
    if pem.len() as u64 > KEY_LIMIT {
        anyhow::bail!("{text} is too large to be a key");
    }
    Ok(pem)
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
