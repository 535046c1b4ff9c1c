//! Manifests, configurations and indexes of test images (OCI image spec, `manifest.md`, `config.md`,
//! `image-index.md`).

use std::collections::BTreeMap;

use cleanbill_model::{Digest, Platform};
use serde_json::{Value, json};

use super::layer::{BuiltLayer, Layer};

/// Media types of manifests and configurations.
pub mod media_type {
    /// OCI image manifest.
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// OCI image index.
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// OCI image configuration.
    pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// The two bytes `{}`.
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
    /// Docker image manifest, schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker manifest list.
    pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// Docker image configuration.
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
}

/// An image in the making. Equal calls give equal digests.
#[derive(Debug, Clone)]
pub struct ImageBuilder {
    platform: Option<Platform>,
    layers: Vec<Layer>,
    annotations: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    docker: bool,
}

/// A finished image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// Manifest bytes.
    pub manifest: Vec<u8>,
    /// Media type of the manifest.
    pub media_type: String,
    /// Digest of the manifest.
    pub digest: Digest,
    /// Configuration bytes.
    pub config: Vec<u8>,
    /// Digest of the configuration.
    pub config_digest: Digest,
    /// Layers, lowest first.
    pub layers: Vec<BuiltLayer>,
    /// What the configuration states.
    pub platform: Option<Platform>,
}

/// A finished index over several images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltIndex {
    /// Index bytes.
    pub manifest: Vec<u8>,
    /// Media type of the index.
    pub media_type: String,
    /// Digest of the index.
    pub digest: Digest,
    /// The images it names, in its order.
    pub images: Vec<BuiltImage>,
}

impl Default for ImageBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ImageBuilder {
    /// An image for linux/amd64 without layers.
    pub fn new() -> Self {
        Self {
            platform: Some(Platform::new("linux", "amd64")),
            layers: Vec::new(),
            annotations: BTreeMap::new(),
            labels: BTreeMap::new(),
            docker: false,
        }
    }

    /// The platform that the configuration states: `linux/arm64/v8`.
    pub fn platform(mut self, text: &str) -> Self {
        self.platform = Some(Platform::parse(text).expect(text));
        self
    }

    /// A configuration whose platform is empty, as artifacts and odd builders write it.
    pub fn no_platform(mut self) -> Self {
        self.platform = None;
        self
    }

    /// Adds a layer above the others.
    pub fn layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Adds an annotation to the manifest.
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds a label to the configuration.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Writes Docker's media types instead of OCI's.
    pub fn docker_media_types(mut self) -> Self {
        self.docker = true;
        self
    }

    /// The finished image.
    pub fn build(&self) -> BuiltImage {
        let layers: Vec<BuiltLayer> = self
            .layers
            .iter()
            .map(Layer::build)
            .map(|mut layer| {
                if self.docker {
                    let suffix = if layer.media_type.ends_with("+gzip") { "tar.gzip" } else { "tar" };
                    layer.media_type = format!("application/vnd.docker.image.rootfs.diff.{suffix}");
                }
                layer
            })
            .collect();
        let mut config = json!({
            "created": "1970-01-01T00:00:00Z",
            "architecture": self.platform.as_ref().map_or("", |p| p.architecture.as_str()),
            "os": self.platform.as_ref().map_or("", |p| p.os.as_str()),
            "config": {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|l| l.diff_id.to_string()).collect::<Vec<_>>()},
            "history": layers
                .iter()
                .map(|l| json!({"created": "1970-01-01T00:00:00Z", "created_by": l.created_by}))
                .collect::<Vec<_>>(),
        });
        if let Some(variant) = self.platform.as_ref().and_then(|p| p.variant.as_ref()) {
            config["variant"] = json!(variant);
        }
        if !self.labels.is_empty() {
            config["config"]["Labels"] = json!(self.labels);
        }
        let config = serde_json::to_vec(&config).unwrap();
        let (manifest_type, config_type) = if self.docker {
            (media_type::DOCKER_MANIFEST, media_type::DOCKER_CONFIG)
        } else {
            (media_type::MANIFEST, media_type::CONFIG)
        };
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": manifest_type,
            "config": descriptor(config_type, &config),
            "layers": layers.iter().map(|l| descriptor(&l.media_type, &l.bytes)).collect::<Vec<_>>(),
        });
        if !self.annotations.is_empty() {
            manifest["annotations"] = json!(self.annotations);
        }
        BuiltImage::assemble(&manifest, manifest_type, config, layers, self.platform.clone())
    }
}

impl BuiltImage {
    fn assemble(
        manifest: &Value,
        media_type: &str,
        config: Vec<u8>,
        layers: Vec<BuiltLayer>,
        platform: Option<Platform>,
    ) -> Self {
        let manifest = serde_json::to_vec(manifest).unwrap();
        Self {
            digest: Digest::sha256(&manifest),
            manifest,
            media_type: media_type.to_owned(),
            config_digest: Digest::sha256(&config),
            config,
            layers,
            platform,
        }
    }

    /// An artifact with one blob, attached to `subject` (OCI image spec, `manifest.md`, "Guidelines
    /// for Artifact Usage").
    pub fn artifact(subject: &BuiltImage, artifact_type: &str, payload: &[u8]) -> Self {
        Self::artifact_on(&subject.media_type, &subject.digest, subject.manifest.len(), artifact_type, payload)
    }

    /// As [`BuiltImage::artifact`], on a subject given by its descriptor.
    pub fn artifact_on(media_type: &str, digest: &Digest, size: usize, artifact_type: &str, payload: &[u8]) -> Self {
        let config = b"{}".to_vec();
        let layer = BuiltLayer {
            media_type: artifact_type.to_owned(),
            bytes: payload.to_vec(),
            digest: Digest::sha256(payload),
            tar: payload.to_vec(),
            diff_id: Digest::sha256(payload),
            created_by: String::new(),
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": self::media_type::MANIFEST,
            "artifactType": artifact_type,
            "config": descriptor(self::media_type::EMPTY, &config),
            "layers": [descriptor(artifact_type, payload)],
            "subject": {"mediaType": media_type, "digest": digest.to_string(), "size": size},
        });
        Self::assemble(&manifest, self::media_type::MANIFEST, config, vec![layer], None)
    }

    /// Digest of the manifest.
    pub fn digest(&self) -> Digest {
        self.digest.clone()
    }

    /// Digest of the configuration.
    pub fn config_digest(&self) -> Digest {
        self.config_digest.clone()
    }

    /// Configuration and layers by digest.
    pub fn blobs(&self) -> impl Iterator<Item = (&Digest, &[u8])> {
        std::iter::once((&self.config_digest, self.config.as_slice()))
            .chain(self.layers.iter().map(|l| (&l.digest, l.bytes.as_slice())))
    }
}

impl BuiltIndex {
    /// An index over `images`, each with the platform its configuration states.
    pub fn new(images: impl IntoIterator<Item = BuiltImage>) -> Self {
        let images: Vec<BuiltImage> = images.into_iter().collect();
        let manifests: Vec<Value> = images
            .iter()
            .map(|image| {
                let mut entry = descriptor(&image.media_type, &image.manifest);
                if let Some(platform) = &image.platform {
                    entry["platform"] = json!({"os": platform.os, "architecture": platform.architecture});
                    if let Some(variant) = &platform.variant {
                        entry["platform"]["variant"] = json!(variant);
                    }
                }
                entry
            })
            .collect();
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": media_type::INDEX,
            "manifests": manifests,
        }))
        .unwrap();
        Self { digest: Digest::sha256(&manifest), manifest, media_type: media_type::INDEX.to_owned(), images }
    }

    /// Digest of the index.
    pub fn digest(&self) -> Digest {
        self.digest.clone()
    }
}

/// A descriptor of `bytes`.
pub(super) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::sha256(bytes).to_string(), "size": bytes.len()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Compression;

    #[test]
    fn equal_calls_give_equal_digests_and_other_content_another() {
        let image = |text: &str| {
            ImageBuilder::new().layer(Layer::new().file("a", text).compression(Compression::Zstd)).build().digest()
        };
        assert_eq!(image("x"), image("x"));
        assert_ne!(image("x"), image("y"));
    }

    #[test]
    fn a_manifest_names_its_blobs_by_digest_and_size() {
        let image = ImageBuilder::new().platform("linux/arm64/v8").layer(Layer::new().file("a", "x")).build();
        let manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
        assert_eq!(manifest["config"]["digest"], image.config_digest.to_string());
        assert_eq!(manifest["layers"][0]["size"], image.layers[0].bytes.len());
        let config: Value = serde_json::from_slice(&image.config).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], image.layers[0].diff_id.to_string());
        assert_eq!(config["variant"], "v8");
        let index = BuiltIndex::new([image]);
        let index: Value = serde_json::from_slice(&index.manifest).unwrap();
        assert_eq!(index["manifests"][0]["platform"]["architecture"], "arm64");
    }
}
