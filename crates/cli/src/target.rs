//! What a command looks into: a reference, an archive, a layout folder, an SBOM.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cleanbill_image::ImageError;
use cleanbill_model::{Budget, Platform, Reference, Sbom};

use crate::args::Common;
use crate::credentials;

const SBOM_LIMIT: u64 = 256 << 20;

/// A target whose kind is known.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Registry(Reference),
    Image(PathBuf),
    SbomFile(PathBuf),
    SbomStdin,
}

/// Kinds that can be named before a colon, and whether they are read yet.
const KINDS: &[(&str, bool)] = &[
    ("registry", true),
    ("docker-archive", true),
    ("oci-archive", true),
    ("oci-dir", true),
    ("sbom", true),
    ("rootfs", false),
    ("dir", false),
    ("containerd", false),
];

fn kind_of(text: &str) -> anyhow::Result<Target> {
    if text == "-" {
        return Ok(Target::SbomStdin);
    }
    if let Some((kind, rest)) = text.split_once(':')
        && let Some((_, read)) = KINDS.iter().find(|(name, _)| *name == kind)
        && !Path::new(text).exists()
    {
        if !read {
            anyhow::bail!(
                "targets of kind `{kind}:` are not read yet\nhint: name an image reference, an archive, an OCI layout or an SBOM"
            );
        }
        return Ok(match kind {
            "registry" => Target::Registry(Reference::parse(rest)?),
            "sbom" if rest == "-" => Target::SbomStdin,
            "sbom" => Target::SbomFile(rest.into()),
            _ => Target::Image(rest.into()),
        });
    }
    let path = Path::new(text);
    if path.exists() {
        if path.is_file() && is_json(path)? {
            return Ok(Target::SbomFile(path.to_owned()));
        }
        if path.is_dir() && !path.join("oci-layout").exists() && !path.join("index.json").exists() {
            anyhow::bail!(
                "{text} is a folder, but no OCI layout (it has no index.json)\nhint: folders as source trees are not read yet"
            );
        }
        return Ok(Target::Image(path.to_owned()));
    }
    Reference::parse(text)
        .map(Target::Registry)
        .with_context(|| format!("there is no file `{text}`, and it is no image reference either"))
}

fn is_json(path: &Path) -> anyhow::Result<bool> {
    let mut start = [0_u8; 64];
    let mut file = std::fs::File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    let read = file.read(&mut start).with_context(|| format!("could not read {}", path.display()))?;
    let text = start[..read].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start[..read]);
    Ok(text.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{'))
}

/// Looks into a target and says what is aboard.
pub(crate) async fn inventory(text: &str, platform: Option<&str>, common: &Common) -> anyhow::Result<Sbom> {
    let platform =
        match platform {
            None => None,
            Some(p) => Some(Platform::parse(p).with_context(|| {
                format!("`{p}` is not a platform\nhint: os/architecture[/variant], as in linux/arm64")
            })?),
        };
    match kind_of(text)? {
        Target::SbomStdin => read_sbom("standard input", std::io::stdin().lock()),
        Target::SbomFile(path) => {
            let file = std::fs::File::open(&path).with_context(|| format!("could not open {}", path.display()))?;
            read_sbom(&path.display().to_string(), file)
        }
        Target::Image(path) => {
            let sbom = tokio::task::spawn_blocking(move || -> Result<Sbom, ImageError> {
                let budget = Budget::default();
                let (image, blobs) = cleanbill_image::open_path(&path, platform.as_ref(), &budget)?;
                cleanbill_catalog::inventory(&image, blobs.as_ref(), &budget)
            });
            Ok(sbom.await.context("the reader ended")??)
        }
        Target::Registry(reference) => {
            let client = credentials::client(common)?;
            let image = client.image(&reference, platform.as_ref()).await?;
            let blobs = client.blobs(&reference);
            let sbom =
                tokio::task::spawn_blocking(move || cleanbill_catalog::inventory(&image, &blobs, &Budget::default()));
            Ok(sbom.await.context("the reader ended")??)
        }
    }
}

fn read_sbom(name: &str, from: impl std::io::Read) -> anyhow::Result<Sbom> {
    let mut bytes = Vec::new();
    from.take(SBOM_LIMIT + 1).read_to_end(&mut bytes).with_context(|| format!("could not read {name}"))?;
    if bytes.len() as u64 > SBOM_LIMIT {
        anyhow::bail!("{name} is larger than {} MiB", SBOM_LIMIT >> 20);
    }
    let mut sbom =
        cleanbill_sbom::cyclonedx::read(&bytes).with_context(|| format!("could not read {name} as an SBOM"))?;
    if sbom.subject.name.is_empty() {
        name.clone_into(&mut sbom.subject.name);
    }
    Ok(sbom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_names() {
        assert_eq!(kind_of("-").unwrap(), Target::SbomStdin);
        assert_eq!(kind_of("docker-archive:x.tar").unwrap(), Target::Image("x.tar".into()));
        assert_eq!(kind_of("sbom:x.json").unwrap(), Target::SbomFile("x.json".into()));
        assert_eq!(kind_of("registry:nginx:1").unwrap(), Target::Registry(Reference::parse("nginx:1").unwrap()));
        assert_eq!(kind_of("nginx:1").unwrap(), Target::Registry(Reference::parse("nginx:1").unwrap()));
    }

    #[test]
    fn a_kind_that_is_not_read_yet_says_so() {
        assert!(kind_of("containerd:x").unwrap_err().to_string().contains("not read yet"));
        assert!(format!("{:#}", kind_of("no such file.tar").unwrap_err()).contains("no file"));
    }
}
