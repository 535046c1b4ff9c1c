//! What a command looks into: a reference, an archive, a layout folder, a folder, an SBOM.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cleanbill_catalog::Scope;
use cleanbill_model::{Budget, Digest, Platform, Reference, Sbom};

use crate::args::Common;
use crate::{credentials, output, remembered};

const SBOM_LIMIT: u64 = 256 << 20;

/// A target whose kind is known.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Registry(Reference),
    Image(PathBuf),
    /// A root file system: what is installed counts.
    RootFs(PathBuf),
    /// A source tree, or one file: lock files count too.
    Folder(PathBuf),
    SbomFile(PathBuf),
    Stdin,
}

/// Kinds that can be named before a colon.
const KINDS: &[&str] =
    &["registry", "docker-archive", "oci-archive", "oci-dir", "rootfs", "dir", "file", "sbom", "containerd"];

fn kind_of(text: &str) -> anyhow::Result<Target> {
    if text == "-" {
        return Ok(Target::Stdin);
    }
    if let Some((kind, rest)) = text.split_once(':')
        && KINDS.contains(&kind)
        && !Path::new(text).exists()
    {
        return Ok(match kind {
            "registry" => Target::Registry(Reference::parse(rest)?),
            "sbom" if rest == "-" => Target::Stdin,
            "sbom" => Target::SbomFile(rest.into()),
            "rootfs" => Target::RootFs(rest.into()),
            "dir" | "file" => Target::Folder(rest.into()),
            "containerd" => anyhow::bail!(
                "images in containerd's store are not read\nhint: `ctr images export image.tar NAME`, then name image.tar"
            ),
            _ => Target::Image(rest.into()),
        });
    }
    let path = Path::new(text);
    if path.is_dir() {
        let layout = path.join("oci-layout").exists() || path.join("index.json").exists();
        return Ok(if layout { Target::Image(path.to_owned()) } else { Target::Folder(path.to_owned()) });
    }
    if path.exists() {
        return Ok(match content_of(path)? {
            Content::Text => Target::SbomFile(path.to_owned()),
            Content::Archive => Target::Image(path.to_owned()),
            Content::Other => Target::Folder(path.to_owned()),
        });
    }
    // `image.tar:NAME` is one of several images in an archive.
    let inside = text.match_indices(':').any(|(at, _)| at > 0 && Path::new(&text[..at]).is_file());
    if inside {
        return Ok(Target::Image(path.to_owned()));
    }
    // What is written as a file is not looked for in a registry.
    let archive = [".tar", ".tgz", ".gz", ".zst", ".json", ".jar", ".spdx", ".cdx"].iter().any(|e| text.ends_with(e));
    if archive && !text.contains('@') || text.starts_with(['/', '.', '~']) {
        anyhow::bail!("there is no file or folder `{text}`\nhint: registry:{text} if it is an image reference");
    }
    Reference::parse(text)
        .map(Target::Registry)
        .with_context(|| format!("there is no file `{text}`, and it is no image reference either"))
}

/// The image that a target names in a registry; `None` for everything else.
pub(crate) fn registry(text: &str) -> anyhow::Result<Option<Reference>> {
    Ok(match kind_of(text)? {
        Target::Registry(reference) => Some(reference),
        _ => None,
    })
}

/// What a file begins like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// JSON, package URLs, or what other SBOMs begin with, to be refused by their names.
    Text,
    /// A tar archive, maybe packed.
    Archive,
    /// Anything else: a program, a jar.
    Other,
}

fn content_of(path: &Path) -> anyhow::Result<Content> {
    let mut file = std::fs::File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    let mut start = Vec::new();
    (&mut file).take(512).read_to_end(&mut start).with_context(|| format!("could not read {}", path.display()))?;
    Ok(content(&start))
}

fn content(start: &[u8]) -> Content {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let utf16 = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
    if utf16 || [&b"{"[..], b"pkg:", b"<?xml", b"SPDXVersion:", b"spdxVersion:"].iter().any(|s| text.starts_with(s)) {
        Content::Text
    } else if start.get(257..262) == Some(b"ustar")
        || start.starts_with(&[0x1f, 0x8b])
        || start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || start.is_empty()
    {
        Content::Archive
    } else {
        Content::Other
    }
}

fn platform_of(text: Option<&str>) -> anyhow::Result<Option<Platform>> {
    text.map(|p| {
        Platform::parse(p)
            .with_context(|| format!("`{p}` is not a platform\nhint: os/architecture[/variant], as in linux/arm64"))
    })
    .transpose()
}

/// Looks into a target and says what is aboard.
pub(crate) async fn inventory(text: &str, platform: Option<&str>, common: &Common) -> anyhow::Result<Sbom> {
    let wanted = platform_of(platform)?;
    let _busy = output::busy(format!("looking into {text}"));
    match kind_of(text)? {
        Target::Stdin => {
            let (bytes, rest) = start_of_stdin()?;
            if content(&bytes) == Content::Archive {
                let file = spool(&bytes, rest)?;
                let path = file.path().to_owned();
                let mut sbom = blocking(move || archive(&path, wanted.as_ref())).await?;
                "standard input".clone_into(&mut sbom.subject.name);
                return Ok(sbom);
            }
            read_sbom("standard input", std::io::Cursor::new(bytes).chain(rest))
        }
        Target::SbomFile(path) => {
            let file = std::fs::File::open(&path).with_context(|| format!("could not open {}", path.display()))?;
            read_sbom(&path.display().to_string(), file)
        }
        Target::Image(path) => {
            let key = remembered::key(&path, platform);
            if let Some(sbom) = key.as_ref().and_then(remembered::load) {
                return Ok(sbom);
            }
            let again = path.clone();
            let sbom = blocking(move || archive(&path, wanted.as_ref())).await?;
            // Only what did not change while it was read is known by its file.
            if let Some(key) = key.filter(|key| remembered::key(&again, platform).as_ref() == Some(key)) {
                remembered::store(&key, &sbom);
            }
            Ok(sbom)
        }
        Target::RootFs(path) => folder(path, text, Scope::Installed).await,
        Target::Folder(path) => folder(path, text, Scope::Source).await,
        Target::Registry(reference) => {
            let client = credentials::client(common)?;
            let image = client.image(&reference, wanted.as_ref()).await?;
            let blobs = client.blobs(&reference);
            blocking(move || Ok(cleanbill_catalog::inventory(&image, &blobs, &Budget::default())?)).await
        }
    }
}

async fn blocking(work: impl FnOnce() -> anyhow::Result<Sbom> + Send + 'static) -> anyhow::Result<Sbom> {
    tokio::task::spawn_blocking(work).await.context("the reader ended")?
}

fn archive(path: &Path, platform: Option<&Platform>) -> anyhow::Result<Sbom> {
    let budget = Budget::default();
    let (image, blobs) = cleanbill_image::open_path(path, platform, &budget)?;
    Ok(cleanbill_catalog::inventory(&image, blobs.as_ref(), &budget)?)
}

async fn folder(path: PathBuf, name: &str, scope: Scope) -> anyhow::Result<Sbom> {
    let name = name.to_owned();
    blocking(move || {
        let sbom = cleanbill_catalog::inventory_folder(&path, &name, scope, &Budget::default())?;
        if path.is_file() && sbom.packages.is_empty() && sbom.problems.is_empty() {
            anyhow::bail!(
                "{name} is no image, no SBOM and nothing else that packages are found in\nhint: archives are read as `docker save` and OCI tools write them; single files can be programs, jars and lock files"
            );
        }
        Ok(sbom)
    })
    .await
}

/// The layers of a base image that the operator names, as manifests of images above it name them: by
/// digest, and by the digests of what they unpack to.
pub(crate) async fn base_layers(text: &str, platform: Option<&str>, common: &Common) -> anyhow::Result<BaseLayers> {
    let wanted = platform_of(platform)?;
    let image = match kind_of(text)? {
        Target::Registry(reference) => credentials::client(common)?.image(&reference, wanted.as_ref()).await?,
        Target::Image(path) => cleanbill_image::open_path(&path, wanted.as_ref(), &Budget::default())?.0,
        _ => anyhow::bail!("`{text}` is no image\nhint: --base takes an image reference or an archive"),
    };
    Ok(BaseLayers { diff_ids: image.config.diff_ids })
}

/// A base image, told by what its layers unpack to: these stay the same however they are packed.
pub(crate) struct BaseLayers {
    diff_ids: Vec<Digest>,
}

impl BaseLayers {
    /// The layers of an image that are the base's: those at its bottom, if they are all of the base.
    pub(crate) fn of(&self, sbom: &Sbom) -> Vec<Digest> {
        let is = |(layer, diff_id): (&cleanbill_model::LayerInfo, &Digest)| layer.diff_id.as_ref() == Some(diff_id);
        let whole = sbom.layers.len() >= self.diff_ids.len() && sbom.layers.iter().zip(&self.diff_ids).all(is);
        let layers = sbom.layers.iter().take(self.diff_ids.len()).map(|layer| layer.digest.clone());
        if whole { layers.collect() } else { Vec::new() }
    }
}

fn start_of_stdin() -> anyhow::Result<(Vec<u8>, std::io::StdinLock<'static>)> {
    let mut input = std::io::stdin().lock();
    let mut start = Vec::new();
    (&mut input).take(512).read_to_end(&mut start).context("could not read standard input")?;
    if start.is_empty() {
        anyhow::bail!("standard input is empty\nhint: `-` reads an SBOM or an image archive");
    }
    Ok((start, input))
}

/// Keeps an archive that comes through a pipe where it can be read by position.
fn spool(start: &[u8], mut rest: impl std::io::Read) -> anyhow::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new().context("could not make a temporary file")?;
    let copied = file.write_all(start).and_then(|()| std::io::copy(&mut rest, &mut file)).and_then(|_| file.flush());
    copied.context("could not keep standard input in a temporary file")?;
    Ok(file)
}

fn read_sbom(name: &str, from: impl std::io::Read) -> anyhow::Result<Sbom> {
    let mut bytes = Vec::new();
    from.take(SBOM_LIMIT + 1).read_to_end(&mut bytes).with_context(|| format!("could not read {name}"))?;
    if bytes.len() as u64 > SBOM_LIMIT {
        anyhow::bail!("{name} is larger than {} MiB", SBOM_LIMIT >> 20);
    }
    let mut sbom = cleanbill_sbom::read(&bytes).with_context(|| format!("could not read {name} as an SBOM"))?;
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
        assert_eq!(kind_of("-").unwrap(), Target::Stdin);
        assert_eq!(kind_of("docker-archive:x.tar").unwrap(), Target::Image("x.tar".into()));
        assert_eq!(kind_of("sbom:x.json").unwrap(), Target::SbomFile("x.json".into()));
        assert_eq!(kind_of("rootfs:/mnt").unwrap(), Target::RootFs("/mnt".into()));
        assert_eq!(kind_of("dir:.").unwrap(), Target::Folder(".".into()));
        assert_eq!(kind_of("registry:nginx:1").unwrap(), Target::Registry(Reference::parse("nginx:1").unwrap()));
        assert_eq!(kind_of("nginx:1").unwrap(), Target::Registry(Reference::parse("nginx:1").unwrap()));
        assert_eq!(kind_of("src").unwrap(), Target::Folder("src".into()));
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        assert!(kind_of("containerd:x").unwrap_err().to_string().contains("hint: `ctr images export"));
        assert!(format!("{:#}", kind_of("no such file.tar").unwrap_err()).contains("no file"));
    }

    #[test]
    fn contents_are_told_by_their_beginning() {
        assert_eq!(content(b" {\"bomFormat\""), Content::Text);
        assert_eq!(content(b"pkg:npm/a@1\n"), Content::Text);
        assert_eq!(content(&[0x1f, 0x8b, 8]), Content::Archive);
        assert_eq!(content(b"\x7fELF"), Content::Other);
        assert_eq!(content(b"PK\x03\x04"), Content::Other);
    }
}
