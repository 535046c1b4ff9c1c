//! What an index comes to: every manifest that could run of it (A56).
//!
//! A runtime takes one child for its platform; which one, it alone knows. So every child is taken that any
//! node could run: two for one platform are two, indexes within indexes are opened three deep. What is
//! built in another way is not guessed about, it is [`Built::Unreadable`]. A signature on an index counts
//! for the index's digest, which names every child by digest; this list is for those who look inside.

use cleanbill_image::Document;
use cleanbill_model::{Digest, Platform, Reference};
use cleanbill_oci::{Client, ErrorKind, OciError};

/// Indexes within indexes.
const DEPTH: usize = 3;
/// Manifests of one image.
const MOST: usize = 64;
/// Indexes opened for one image.
const MOST_INDEXES: usize = 16;

const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
const MANIFESTS: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];

/// One manifest that could run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its digest.
    pub digest: Digest,
    /// The platform that the index says; `None`: it says none, or there is no index.
    pub platform: Option<Platform>,
}

impl Child {
    /// What people call it: `linux/amd64`, else its digest.
    pub fn what(&self) -> String {
        match &self.platform {
            Some(platform) => format!("{platform} ({})", self.digest),
            None => self.digest.to_string(),
        }
    }

    /// Whether a node of this platform could run it. Processors run what their older kin run, and images
    /// are told apart by what the index says of them: in doubt it could.
    pub(crate) fn could_run_on(&self, node: Option<&Platform>) -> bool {
        let (Some(own), Some(node)) = (&self.platform, node) else { return true };
        let kin = |architecture: &str| match architecture {
            "amd64" | "386" => "x86".to_owned(),
            "arm64" | "arm" => "arm".to_owned(),
            other => other.to_owned(),
        };
        own.os.is_empty()
            || own.architecture.is_empty()
            || own.os == node.os && kin(&own.architecture) == kin(&node.architecture)
    }
}

/// What a digest comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Built {
    Runs(Vec<Child>),
    /// Nobody can say what would run: why.
    Unreadable(String),
}

/// Opens what a digest names.
pub(crate) async fn children(client: &Client, image: &Reference, digest: &Digest) -> Result<Built, OciError> {
    let mut found: Vec<Child> = Vec::new();
    let mut open = vec![(digest.clone(), None, 0)];
    let mut seen = vec![digest.clone()];
    while let Some((digest, platform, depth)) = open.pop() {
        let index = match client.document(&image.with_digest(digest.clone())).await {
            Ok(Document::Index(index)) => index,
            Ok(Document::Manifest(_)) => {
                found.push(Child { digest, platform });
                continue;
            }
            Err(error) if depth > 0 && matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid) => {
                return Ok(Built::Unreadable(format!("it names {digest}, which cannot be read: {}", error.why)));
            }
            Err(error) => return Err(error),
        };
        if depth == DEPTH {
            return Ok(Built::Unreadable(format!("it has indexes within indexes, more than {DEPTH} deep")));
        }
        for entry in index.manifests {
            let nobody = entry.platform.as_ref().is_some_and(|p| p.os == "unknown" && p.architecture == "unknown");
            let kind = entry.media_type.as_str();
            if nobody && MANIFESTS.contains(&kind) {
                // A statement beside an image: no node is of this platform.
                continue;
            }
            if MANIFESTS.contains(&kind) {
                let child = Child { digest: entry.digest, platform: entry.platform };
                if !found.contains(&child) {
                    found.push(child);
                }
            } else if INDEXES.contains(&kind) {
                if !seen.contains(&entry.digest) {
                    seen.push(entry.digest.clone());
                    open.push((entry.digest, entry.platform, depth + 1));
                }
            } else {
                let kind = kind.escape_debug();
                return Ok(Built::Unreadable(format!("it names {} of type `{kind}`, which is no image", entry.digest)));
            }
        }
        if found.len() > MOST || seen.len() > MOST_INDEXES {
            return Ok(Built::Unreadable(format!("it names more than {MOST} images or {MOST_INDEXES} indexes")));
        }
    }
    Ok(Built::Runs(found))
}
