//! What makes one image the same image: the digests it goes by, and how runtimes write them.

use crate::{Digest, Platform, Reference};

/// The digests of one image for one platform. Findings and SBOMs hang on `manifest`; signatures on
/// whichever digest was signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageIdentity {
    /// The index the manifest was chosen from, if there was one.
    pub index: Option<Digest>,
    /// The image manifest: the identity proper.
    pub manifest: Digest,
    /// The image configuration (Docker's "image id").
    pub config: Digest,
    /// What the configuration states; `None` where it is empty.
    pub platform: Option<Platform>,
}

/// Which of an image's digests one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestKind {
    /// An index over several platforms.
    Index,
    /// An image manifest.
    Manifest,
    /// An image configuration.
    Config,
}

impl DigestKind {
    /// One word for people and formats.
    pub fn name(self) -> &'static str {
        match self {
            DigestKind::Index => "index",
            DigestKind::Manifest => "manifest",
            DigestKind::Config => "config",
        }
    }
}

impl ImageIdentity {
    /// Which of this image's digests `digest` is, if any.
    pub fn kind_of(&self, digest: &Digest) -> Option<DigestKind> {
        if *digest == self.manifest {
            Some(DigestKind::Manifest)
        } else if *digest == self.config {
            Some(DigestKind::Config)
        } else if self.index.as_ref() == Some(digest) {
            Some(DigestKind::Index)
        } else {
            None
        }
    }

    /// Whether a container that a node reports with `digest` runs this image. By manifest or config
    /// digest always: what runs is what was named. By index digest only where the image serves the
    /// node's platform; an image that states no platform joins any node, and a node whose platform
    /// is not known is joined by any.
    pub fn runs_as(&self, digest: &Digest, node: Option<&Platform>) -> bool {
        match self.kind_of(digest) {
            Some(DigestKind::Manifest | DigestKind::Config) => true,
            Some(DigestKind::Index) => match (&self.platform, node) {
                (Some(own), Some(node)) => own.serves(node),
                _ => true,
            },
            None => false,
        }
    }
}

/// How a container runtime wrote an `imageID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuntimeForm {
    /// `docker-pullable://REPOSITORY@DIGEST` (dockershim, cri-dockerd).
    DockerPullable,
    /// `REPOSITORY@DIGEST` (containerd, CRI-O).
    Repository,
    /// A bare digest, or `docker://DIGEST`: usually of the configuration.
    Bare,
}

/// The `imageID` of a container status.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RuntimeImageId {
    /// The digest it names.
    pub digest: Digest,
    /// The repository it names; runtimes behind a mirror name the mirror.
    pub repository: Option<Reference>,
    /// The way it was written.
    pub form: RuntimeForm,
}

impl RuntimeImageId {
    /// Reads every form a runtime writes; `None` for an empty or foreign text.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, pullable) = match text.strip_prefix("docker-pullable://") {
            Some(rest) => (rest, true),
            None => (text.strip_prefix("docker://").unwrap_or(text), false),
        };
        if let Ok(digest) = Digest::parse(rest) {
            return Some(Self { digest, repository: None, form: RuntimeForm::Bare });
        }
        // CRI-O may give the configuration's 64 characters without algorithm.
        if let Ok(digest) = Digest::parse(&format!("sha256:{rest}")) {
            return Some(Self { digest, repository: None, form: RuntimeForm::Bare });
        }
        let reference = Reference::parse(rest).ok()?;
        let digest = reference.digest()?.clone();
        let form = if pullable { RuntimeForm::DockerPullable } else { RuntimeForm::Repository };
        Some(Self { digest, repository: Some(reference), form })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Digest {
        Digest::sha256(text)
    }

    #[test]
    fn every_form_of_image_id_is_read() {
        let digest = d("x");
        for (text, form) in [
            (format!("docker-pullable://ghcr.io/o/x@{digest}"), RuntimeForm::DockerPullable),
            (format!("ghcr.io/o/x@{digest}"), RuntimeForm::Repository),
            (digest.to_string(), RuntimeForm::Bare),
            (format!("docker://{digest}"), RuntimeForm::Bare),
            (digest.hex().to_owned(), RuntimeForm::Bare),
        ] {
            let id = RuntimeImageId::parse(&text).expect(&text);
            assert_eq!((id.digest, id.form), (digest.clone(), form), "{text}");
        }
        for text in ["", "ghcr.io/o/x:1", "docker-pullable://x", "sha256:12"] {
            assert_eq!(RuntimeImageId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_index_joins_only_the_nodes_its_image_serves() {
        let image = ImageIdentity {
            index: Some(d("index")),
            manifest: d("manifest"),
            config: d("config"),
            platform: Platform::parse("linux/arm64/v8"),
        };
        let amd = Platform::parse("linux/amd64");
        let arm = Platform::parse("linux/arm64");
        assert!(!image.runs_as(&d("index"), amd.as_ref()));
        assert!(image.runs_as(&d("index"), arm.as_ref()));
        assert!(image.runs_as(&d("index"), None));
        assert!(image.runs_as(&d("manifest"), amd.as_ref()), "a named manifest runs wherever it was named");
        assert!(image.runs_as(&d("config"), amd.as_ref()));
        let bare = ImageIdentity { platform: None, ..image };
        assert!(bare.runs_as(&d("index"), amd.as_ref()), "an empty platform joins any node");
    }
}
