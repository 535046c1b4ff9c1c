//! Opening an image in a file or folder, told apart by what is in it.
//!
//! * A folder with `index.json` is an OCI layout.
//! * A tar archive (also packed with gzip or zstd) with `index.json` is an OCI archive; `docker save`
//!   since version 25 writes one and adds `manifest.json` for older readers. Where both are there they
//!   must speak of the same image.
//! * A tar archive with `manifest.json` alone is a docker archive. It has no image manifest; one is
//!   made from the configuration and the layers as they are stored, in the same bytes for the same
//!   archive: schema version, OCI media type, configuration, layers, in this order and without spaces.
//!   Its digest is the image's identity, which is therefore another than that of the pushed image.
//!
//! A path may be followed by `:NAME`, where several images are inside: a name as in the archive, or a
//! tag alone.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use cleanbill_model::{Budget, Digest, ImageIdentity, Platform};
use serde::Deserialize;

use crate::archive::Archive;
use crate::compression::Packing;
use crate::document::{Config, DOCUMENT_LIMIT, Descriptor, Document, OCI_MANIFEST};
use crate::evidence::Bytes;
use crate::layer::hash;
use crate::layout::{Layout, check_platform, is_layout, is_named, several_images};
use crate::{Blobs, Image, ImageError};

/// An image in a file or folder: docker archive, OCI archive or OCI layout, told apart by content.
pub fn open_path(
    path: &Path,
    wanted: Option<&Platform>,
    budget: &Budget,
) -> Result<(Image, Box<dyn Blobs>), ImageError> {
    let (path, reference) = split_reference(path);
    let name = path.display().to_string();
    if path.is_dir() {
        if !is_layout(&path) {
            let why = "it is a folder, but not an OCI image layout: there is no index.json in it";
            return Err(ImageError::malformed(name, why));
        }
        let layout = Layout::Folder(path);
        let image = layout.image(reference.as_deref(), wanted)?;
        return Ok((image, Box::new(layout)));
    }
    let archive = Archive::open(&path, &mut budget.clone())?;
    let docker = archive.member("manifest.json").is_some();
    if archive.member("index.json").is_some() {
        let named = if docker { Some(docker_images(&name, &archive)?) } else { None };
        let layout = Layout::Archive { name: name.clone(), archive };
        let image = layout.image(reference.as_deref(), wanted)?;
        if let Some(named) = named {
            let config = format!("blobs/{}/{}", image.config.digest.algorithm().name(), image.config.digest.hex());
            let same = |one: &DockerImage| one.config == config && one.layers.len() == image.manifest.layers.len();
            if !named.iter().any(same) {
                return Err(ImageError::malformed(
                    name,
                    "its manifest.json and its index.json speak of different images",
                ));
            }
        }
        return Ok((image, Box::new(layout)));
    }
    if docker {
        let (image, blobs) = docker_archive(&name, &archive, reference.as_deref(), wanted)?;
        return Ok((image, Box::new(blobs)));
    }
    let why = "it is no image archive: there is neither index.json nor manifest.json in it";
    Err(ImageError::malformed(name, why))
}

/// Takes `:NAME` off a path that is not there with it.
fn split_reference(path: &Path) -> (PathBuf, Option<String>) {
    if path.exists() {
        return (path.to_owned(), None);
    }
    let text = path.to_string_lossy();
    for (at, _) in text.match_indices(':') {
        let file = Path::new(&text[..at]);
        if at > 0 && file.exists() {
            return (file.to_owned(), Some(text[at + 1..].to_owned()));
        }
    }
    (path.to_owned(), None)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

fn small(name: &str, archive: &Archive, member: &str) -> Result<Vec<u8>, ImageError> {
    let bytes = archive.member(member).ok_or_else(|| {
        ImageError::malformed(name, format!("there is no `{member}` in it, which its manifest.json names"))
    })?;
    bytes
        .to_vec(DOCUMENT_LIMIT as u64)
        .map_err(|e| ImageError::io(name, e))?
        .ok_or_else(|| ImageError::malformed(format!("{name}: {member}"), format!("more than {DOCUMENT_LIMIT} bytes")))
}

fn docker_images(name: &str, archive: &Archive) -> Result<Vec<DockerImage>, ImageError> {
    let raw = small(name, archive, "manifest.json")?;
    let images: Option<Vec<DockerImage>> = serde_json::from_slice(&raw)
        .map_err(|e| ImageError::malformed(format!("{name}: manifest.json"), e.to_string()))?;
    images
        .filter(|i| !i.is_empty())
        .ok_or_else(|| ImageError::malformed(format!("{name}: manifest.json"), "it names no image"))
}

/// The digest that a member is named by, as in `<64 hexadecimal digits>.tar.gz`.
fn named_digest(member: &str) -> Option<Digest> {
    let name = member.rsplit('/').next().unwrap_or(member);
    let hex = name.split('.').next().filter(|hex| hex.len() == 64)?;
    Digest::parse(&format!("sha256:{hex}")).ok()
}

struct DockerBlobs {
    name: String,
    layers: HashMap<Digest, Bytes>,
}

impl Blobs for DockerBlobs {
    fn open<'a>(&'a self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + 'a>, ImageError> {
        match self.layers.get(&descriptor.digest) {
            Some(bytes) => Ok(Box::new(bytes.reader())),
            None => Err(ImageError::malformed(&self.name, format!("there is no layer {} in it", descriptor.digest))),
        }
    }
}

fn docker_archive(
    name: &str,
    archive: &Archive,
    reference: Option<&str>,
    wanted: Option<&Platform>,
) -> Result<(Image, DockerBlobs), ImageError> {
    let mut images = docker_images(name, archive)?;
    if let Some(reference) = reference {
        images.retain(|i| i.repo_tags.iter().flatten().any(|tag| is_named(tag, reference)));
    }
    let tags = images.iter().flat_map(|i| i.repo_tags.clone().unwrap_or_default()).collect::<Vec<_>>();
    images.dedup_by(|a, b| a.config == b.config && a.layers == b.layers);
    if images.len() > 1 {
        return Err(several_images(name, &tags));
    }
    let Some(chosen) = images.pop() else {
        return Err(ImageError::malformed(
            name,
            format!("it holds no image named `{}`", reference.unwrap_or_default()),
        ));
    };
    let config = Config::parse(small(name, archive, &chosen.config)?)?;
    check_platform(config.platform.as_ref(), wanted)?;
    let mut blobs = DockerBlobs { name: name.to_owned(), layers: HashMap::new() };
    let mut layers = Vec::new();
    for (index, member) in chosen.layers.iter().enumerate() {
        let bytes = archive.member(member).ok_or_else(|| {
            ImageError::malformed(name, format!("there is no `{member}` in it, which its manifest.json names"))
        })?;
        let mut head = [0u8; 10];
        let n = bytes.read_at(&mut head, 0).map_err(|e| ImageError::io(name, e))?;
        let packing = Packing::of(&head[..n]);
        // What is not packed is named by its diff id, what is named by a digest by that: either is checked
        // when the layer is read. Anything else is hashed here.
        let digest = match (config.diff_ids.get(index), named_digest(member)) {
            (Some(diff_id), _) if packing == Packing::Plain => diff_id.clone(),
            (_, Some(digest)) if packing != Packing::Plain => digest,
            _ => hash(bytes.reader()).map_err(|e| ImageError::io(format!("{name}: {member}"), e))?.0,
        };
        let kind = match packing {
            Packing::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Packing::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
            Packing::Plain | Packing::Foreign(_) => "application/vnd.oci.image.layer.v1.tar",
        };
        layers.push(format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":{}}}"#, bytes.len()));
        blobs.layers.insert(digest, bytes);
    }
    let raw = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"layers":[{}]}}"#,
        config.digest,
        config.raw.len(),
        layers.join(",")
    );
    let Document::Manifest(manifest) = Document::parse(raw.into_bytes(), Some(OCI_MANIFEST))? else {
        return Err(ImageError::malformed(name, "it holds no image"));
    };
    let identity = ImageIdentity {
        index: None,
        manifest: manifest.digest.clone(),
        config: config.digest.clone(),
        platform: config.platform.clone(),
    };
    Ok((Image { name: name.to_owned(), identity, manifest, config }, blobs))
}
