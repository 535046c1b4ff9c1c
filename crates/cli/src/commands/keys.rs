//! `cleanbill generate-key-pair`, `import-key-pair` and `public-key`, in cosign's formats; and keys for
//! all commands, from files, `env://` and `k8s://` (sigstore/cosign `pkg/cosign/kubernetes/secret.go`).

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cleanbill_cluster::Connection;
use cleanbill_trust::{PrivateKey, PublicKey};

use crate::args::{GenerateKeyPair, ImportKeyPair, PublicKeyArgs};
use crate::{Outcome, output, paths};

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
pub(crate) async fn public(args: &PublicKeyArgs) -> anyhow::Result<Outcome> {
    let pem = read_private(&args.key).await?.public().to_pem();
    match &args.outfile {
        None => output::data(pem)?,
        Some(file) => std::fs::write(file, pem).with_context(|| format!("could not write {}", file.display()))?,
    }
    Ok(Outcome::Done)
}

/// Reads a private key, asking for its password where it has one. A Secret has the password beside it.
pub(crate) async fn read_private(path: &Path) -> anyhow::Result<PrivateKey> {
    let unusable = || format!("could not use the key in {}", path.display());
    if let Some(secret) = named_secret(path)? {
        let mut found = secret.read().await?;
        let pem = secret.text(&mut found, "cosign.key")?;
        let password = found.remove("cosign.password").unwrap_or_default();
        return PrivateKey::from_pem(&pem, &password).with_context(unusable);
    }
    let pem = read_pem(path)?;
    let password = if is_sealed(&pem) { password("password of the private key", false)? } else { String::new() };
    PrivateKey::from_pem(&pem, password.as_bytes()).with_context(unusable)
}

/// Reads public keys.
pub(crate) async fn read_public(paths: &[PathBuf]) -> anyhow::Result<Vec<PublicKey>> {
    let mut keys = Vec::with_capacity(paths.len());
    for path in paths {
        let pem = match named_secret(path)? {
            Some(secret) => secret.text(&mut secret.read().await?, "cosign.pub")?,
            None => read_pem(path)?,
        };
        keys.push(PublicKey::from_pem(&pem).with_context(|| format!("could not use the key in {}", path.display()))?);
    }
    Ok(keys)
}

/// A Secret that holds a key pair, `k8s://NAMESPACE/NAME`.
struct NamedSecret {
    namespace: String,
    name: String,
}

fn named_secret(path: &Path) -> anyhow::Result<Option<NamedSecret>> {
    let text = path.display().to_string();
    let Some(rest) = text.strip_prefix("k8s://") else { return Ok(None) };
    let part = |text: &str| {
        !text.is_empty()
            && text.len() <= 253
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))
    };
    match rest.split_once('/') {
        Some((namespace, name)) if part(namespace) && part(name) => {
            Ok(Some(NamedSecret { namespace: namespace.to_owned(), name: name.to_owned() }))
        }
        _ => anyhow::bail!("`{text}` names no Secret\nhint: k8s://NAMESPACE/NAME"),
    }
}

impl NamedSecret {
    /// Reads it from the cluster of the current context.
    async fn read(&self) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
        let connection = Connection::open(&paths::kubeconfig(None)?, None).await?;
        Ok(connection.secret(&self.namespace, &self.name).await?)
    }

    fn text(&self, found: &mut BTreeMap<String, Vec<u8>>, field: &str) -> anyhow::Result<String> {
        let place = format!("the Secret {}/{}", self.namespace, self.name);
        let Some(bytes) = found.remove(field) else {
            let there: Vec<_> = found.keys().map(String::as_str).collect();
            anyhow::bail!(
                "{place} has no `{field}`; it has {}",
                if there.is_empty() { "nothing".to_owned() } else { there.join(", ") }
            );
        };
        String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("`{field}` in {place} is not text"))
    }
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
        anyhow::bail!(
            "keys from `{scheme}://` are not read\nhint: name a PEM file, env://VARIABLE or k8s://NAMESPACE/SECRET"
        );
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
