//! Saving test images: `docker save` archives, and OCI layouts (OCI image spec, `image-layout.md`) as
//! folder or archive.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::builder::{BuiltImage, BuiltIndex, descriptor};
use super::tar::{self, Entry, EntryKind};

fn file(path: String, bytes: &[u8]) -> Entry {
    Entry { path, mode: 0o644, kind: EntryKind::File(bytes.to_vec()) }
}

impl BuiltImage {
    /// Writes the image as `docker save` does, without a tag.
    pub fn docker_archive(&self, path: &Path) {
        self.docker_archive_tagged(path, &[]);
    }

    /// Writes the image as `docker save NAME:TAG` does.
    pub fn docker_archive_tagged(&self, path: &Path, tags: &[&str]) {
        let config = format!("{}.json", self.config_digest.hex());
        let mut entries = vec![file(config.clone(), &self.config)];
        let mut layers: Vec<String> = Vec::new();
        for layer in &self.layers {
            let name = format!("{}/layer.tar", layer.diff_id.hex());
            if !layers.contains(&name) {
                entries.push(file(name.clone(), &layer.tar));
            }
            layers.push(name);
        }
        let tags = if tags.is_empty() { Value::Null } else { json!(tags) };
        let manifest = json!([{"Config": config, "RepoTags": tags, "Layers": layers}]);
        entries.push(file("manifest.json".to_owned(), &serde_json::to_vec(&manifest).unwrap()));
        fs::write(path, tar::write(&entries)).unwrap();
    }

    /// Writes the image as an OCI layout into the folder `path`, which is made.
    pub fn oci_layout(&self, path: &Path) {
        save_folder(path, &layout(descriptor(&self.media_type, &self.manifest), None, &[self]));
    }

    /// Writes the image as a tar of an OCI layout.
    pub fn oci_archive(&self, path: &Path) {
        let files = layout(descriptor(&self.media_type, &self.manifest), None, &[self]);
        fs::write(path, tar::write(&files)).unwrap();
    }
}

impl BuiltIndex {
    /// Writes the index and its images as an OCI layout into the folder `path`, which is made.
    pub fn oci_layout(&self, path: &Path) {
        let images: Vec<&BuiltImage> = self.images.iter().collect();
        save_folder(path, &layout(descriptor(&self.media_type, &self.manifest), Some(self), &images));
    }
}

fn layout(top: Value, index: Option<&BuiltIndex>, images: &[&BuiltImage]) -> Vec<Entry> {
    let mut files = vec![
        file("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#),
        file("index.json".to_owned(), &serde_json::to_vec(&json!({"schemaVersion": 2, "manifests": [top]})).unwrap()),
    ];
    let mut add = |digest: &cleanbill_model::Digest, bytes: &[u8]| {
        let path = format!("blobs/{}/{}", digest.algorithm().name(), digest.hex());
        if !files.iter().any(|f| f.path == path) {
            files.push(file(path, bytes));
        }
    };
    if let Some(index) = index {
        add(&index.digest, &index.manifest);
    }
    for image in images {
        add(&image.digest, &image.manifest);
        for (digest, bytes) in image.blobs() {
            add(digest, bytes);
        }
    }
    files
}

fn save_folder(root: &Path, files: &[Entry]) {
    for entry in files {
        let EntryKind::File(bytes) = &entry.kind else { continue };
        let path = root.join(&entry.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{ImageBuilder, Layer};

    #[test]
    fn a_layout_holds_every_blob_under_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let image = ImageBuilder::new().layer(Layer::new().file("a", "x")).build();
        BuiltIndex::new([image.clone()]).oci_layout(folder.path());
        for (digest, bytes) in image.blobs() {
            assert_eq!(fs::read(folder.path().join("blobs/sha256").join(digest.hex())).unwrap(), bytes);
        }
        image.docker_archive_tagged(&folder.path().join("image.tar"), &["app:1"]);
        let bytes = fs::read(folder.path().join("image.tar")).unwrap();
        assert!(bytes.windows(7).any(|w| w == b"\"app:1\""));
    }
}
