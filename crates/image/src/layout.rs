//! OCI image layouts (OCI image spec, `image-layout.md`), as folders and inside archives.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cleanbill_model::{Digest, ImageIdentity, Platform};

use crate::archive::Archive;
use crate::document::{Config, DOCUMENT_LIMIT, Descriptor, Document, Index, default_platform};
use crate::{Blobs, Image, ImageError};

/// Indexes inside indexes.
const DEPTH_LIMIT: u32 = 4;
const REF_NAMES: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/// The files of a layout.
#[derive(Debug)]
pub(crate) enum Layout {
    Folder(PathBuf),
    Archive { name: String, archive: Archive },
}

impl Layout {
    fn name(&self) -> String {
        match self {
            Layout::Folder(path) => path.display().to_string(),
            Layout::Archive { name, .. } => name.clone(),
        }
    }

    fn open(&self, file: &str) -> Result<Box<dyn Read + Send + '_>, ImageError> {
        match self {
            Layout::Folder(path) => {
                let path = path.join(file);
                let error = |e| ImageError::io(path.display().to_string(), e);
                let file = fs::File::open(&path).map_err(error)?;
                if !file.metadata().map_err(error)?.is_file() {
                    return Err(error(io::Error::other("not a regular file")));
                }
                Ok(Box::new(file))
            }
            Layout::Archive { name, archive } => match archive.member(file) {
                Some(bytes) => Ok(Box::new(bytes.reader())),
                None => Err(ImageError::malformed(name, format!("there is no `{file}` in it"))),
            },
        }
    }

    /// A whole file, if it is no bigger than a manifest may be.
    pub(crate) fn read(&self, file: &str) -> Result<Vec<u8>, ImageError> {
        let mut out = Vec::new();
        let what = || format!("{}: {file}", self.name());
        let limit = DOCUMENT_LIMIT as u64 + 1;
        self.open(file)?.take(limit).read_to_end(&mut out).map_err(|e| ImageError::io(what(), e))?;
        if out.len() > DOCUMENT_LIMIT {
            return Err(ImageError::malformed(what(), format!("more than {DOCUMENT_LIMIT} bytes")));
        }
        Ok(out)
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        let raw = self.read(&blob(&descriptor.digest))?;
        if !descriptor.digest.matches(&raw) {
            return Err(ImageError::Digest {
                what: format!("{}: {}", self.name(), blob(&descriptor.digest)),
                expected: descriptor.digest.clone(),
                actual: Digest::sha256(&raw),
            });
        }
        Ok(raw)
    }

    /// The image for a platform, by the name `reference` if the layout holds several.
    pub(crate) fn image(&self, reference: Option<&str>, wanted: Option<&Platform>) -> Result<Image, ImageError> {
        let what = format!("{}: index.json", self.name());
        let Document::Index(top) =
            Document::parse(self.read("index.json")?, None).map_err(|e| ImageError::malformed(&what, e.to_string()))?
        else {
            return Err(ImageError::malformed(what, "it is not an image index"));
        };
        let mut descriptor = self.choose(&top, reference, wanted)?;
        let mut index = None;
        for _ in 0..DEPTH_LIMIT {
            let raw = self.document(&descriptor)?;
            let media_type = Some(descriptor.media_type.as_str()).filter(|t| !t.is_empty());
            match Document::parse(raw, media_type)? {
                Document::Index(inner) => {
                    index.get_or_insert_with(|| inner.digest.clone());
                    descriptor = inner.select(wanted)?.clone();
                }
                Document::Manifest(manifest) => {
                    let config = Config::parse(self.document(&manifest.config)?)?;
                    check_platform(config.platform.as_ref(), wanted)?;
                    let identity = ImageIdentity {
                        index,
                        manifest: descriptor.digest.clone(),
                        config: config.digest.clone(),
                        platform: config.platform.clone(),
                    };
                    return Ok(Image { name: self.name(), identity, manifest, config });
                }
            }
        }
        Err(ImageError::malformed(self.name(), format!("indexes inside indexes, more than {DEPTH_LIMIT} deep")))
    }

    fn choose(
        &self,
        top: &Index,
        reference: Option<&str>,
        wanted: Option<&Platform>,
    ) -> Result<Descriptor, ImageError> {
        let mut images: Vec<&Descriptor> =
            top.manifests.iter().filter(|d| d.is_document() && !d.is_attestation()).collect();
        let names =
            |d: &Descriptor| REF_NAMES.iter().filter_map(|k| d.annotations.get(*k)).cloned().collect::<Vec<_>>();
        if let Some(reference) = reference {
            images.retain(|d| names(d).iter().any(|n| is_named(n, reference)) || d.digest.to_string() == reference);
            if images.is_empty() {
                return Err(ImageError::malformed(self.name(), format!("it holds no image named `{reference}`")));
            }
        }
        images.dedup_by(|a, b| a.digest == b.digest);
        if images.is_empty() {
            return Err(ImageError::malformed(self.name(), "it holds no image"));
        }
        if images.len() > 1 && images.iter().all(|d| d.platform.is_some()) {
            let serves = |d: &&Descriptor| match (&d.platform, wanted.cloned().unwrap_or_else(default_platform)) {
                (Some(own), wanted) => own.serves(&wanted),
                (None, _) => true,
            };
            let served: Vec<_> = images.iter().copied().filter(serves).collect();
            if served.is_empty() {
                return top.select(wanted).cloned();
            }
            images = served;
        }
        match images.as_slice() {
            [one] => Ok((*one).clone()),
            several => {
                let mut all: Vec<String> = several.iter().flat_map(|d| names(d)).collect();
                if all.is_empty() {
                    all = several.iter().map(|d| d.digest.to_string()).collect();
                }
                Err(several_images(&self.name(), &all))
            }
        }
    }
}

/// The refusal of a place that holds several images.
pub(crate) fn several_images(place: &str, names: &[String]) -> ImageError {
    let why = format!("it holds several images ({})\nhint: name one, as in `{place}:NAME`", names.join(", "));
    ImageError::malformed(place, why)
}

/// Whether an image named `name` is meant by `reference`: the whole name, or the tag alone.
pub(crate) fn is_named(name: &str, reference: &str) -> bool {
    name == reference || name.strip_suffix(reference).is_some_and(|rest| rest.ends_with(':'))
}

/// Refuses an image for another platform than was asked for.
pub(crate) fn check_platform(own: Option<&Platform>, wanted: Option<&Platform>) -> Result<(), ImageError> {
    match (own, wanted) {
        (Some(own), Some(wanted)) if !own.serves(wanted) => {
            Err(ImageError::Platform { wanted: wanted.to_string(), available: own.to_string() })
        }
        _ => Ok(()),
    }
}

/// Path of a blob in a layout.
fn blob(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}

impl Blobs for Layout {
    fn open<'a>(&'a self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + 'a>, ImageError> {
        Layout::open(self, &blob(&descriptor.digest))
    }
}

/// Whether a folder is a layout.
pub(crate) fn is_layout(path: &Path) -> bool {
    path.join("index.json").exists() || path.join("oci-layout").exists()
}
