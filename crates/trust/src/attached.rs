//! What belongs to an image: its manifests, and everything attached to them. For those who list it and
//! those who carry it elsewhere.

use std::collections::BTreeSet;

use cleanbill_image::{Descriptor, Document};
use cleanbill_model::{Digest, Reference};
use cleanbill_oci::{Client, ErrorKind, OciError};

use crate::collect::tag;

/// Manifests of an image and things attached that are followed.
const MANIFESTS: usize = 1000;
const DEPTH: usize = 4;
/// The suffixes of cosign's older tags.
const SUFFIXES: [&str; 3] = ["sig", "att", "sbom"];

/// One thing attached to a digest.
#[derive(Debug, Clone)]
pub struct Attached {
    /// What it is attached to.
    pub subject: Digest,
    /// `referrers`, `fallback tag`, or the tag's own name for older things.
    pub found_by: String,
    /// The tag it is under, for older things.
    pub tag: Option<String>,
    /// It, as fetched.
    pub document: Document,
}

/// The document that a reference names and, of an index, all documents within, parents after their
/// children.
pub async fn documents(client: &Client, image: &Reference) -> Result<Vec<Document>, OciError> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    let top = client.document(image).await?;
    seen.insert(top.digest().clone());
    let mut level = vec![top];
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for document in &level {
            for child in children(document) {
                if !seen.insert(child.digest.clone()) {
                    continue;
                }
                if seen.len() > MANIFESTS {
                    return Err(too_many(image));
                }
                next.push(client.document(&image.with_digest(child.digest.clone())).await?);
            }
        }
        out.extend(level);
        level = next;
        if level.is_empty() {
            out.reverse();
            return Ok(out);
        }
    }
    Err(OciError {
        kind: ErrorKind::Invalid,
        what: format!("read the platforms of {image}"),
        why: format!("more than {DEPTH} indexes are inside each other"),
    })
}

fn too_many(image: &Reference) -> OciError {
    OciError {
        kind: ErrorKind::Invalid,
        what: format!("read all of {image}"),
        why: format!("it has more than {MANIFESTS} manifests"),
    }
}

fn children(document: &Document) -> &[Descriptor] {
    match document {
        Document::Index(index) => &index.manifests,
        Document::Manifest(_) => &[],
    }
}

/// Everything attached to a digest, in both forms, and what is attached to that in turn. Each comes
/// after what it is attached to.
pub async fn attached(client: &Client, image: &Reference, subject: &Digest) -> Result<Vec<Attached>, OciError> {
    let mut seen = BTreeSet::from([subject.clone()]);
    let mut out: Vec<Attached> = Vec::new();
    let mut level = vec![subject.clone()];
    for depth in 0..=DEPTH {
        let mut next = Vec::new();
        for subject in std::mem::take(&mut level) {
            for found in directly(client, image, &subject).await? {
                if !seen.insert(found.document.digest().clone()) {
                    continue;
                }
                if seen.len() > MANIFESTS || depth == DEPTH {
                    return Err(too_many(image));
                }
                next.push(found.document.digest().clone());
                out.push(found);
            }
        }
        level = next;
        if level.is_empty() {
            break;
        }
    }
    Ok(out)
}

async fn directly(client: &Client, image: &Reference, subject: &Digest) -> Result<Vec<Attached>, OciError> {
    let mut out = Vec::new();
    let referrers = client.referrers(&image.with_digest(subject.clone())).await?;
    if referrers.truncated {
        return Err(too_many(image));
    }
    for referrer in referrers.list {
        let document = client.document(&image.with_digest(referrer.descriptor.digest)).await?;
        // A list may name what is attached to another image (A22).
        let about = match &document {
            Document::Manifest(manifest) => manifest.subject.as_ref().is_some_and(|s| s.digest == *subject),
            Document::Index(_) => false,
        };
        if about {
            let found_by = referrer.found_by.to_owned();
            out.push(Attached { subject: subject.clone(), found_by, tag: None, document });
        }
    }
    for suffix in SUFFIXES {
        let place = tag(image, subject, suffix)?;
        match client.document(&place).await {
            Ok(document) => out.push(Attached {
                subject: subject.clone(),
                found_by: format!("{suffix} tag"),
                tag: place.tag().map(str::to_owned),
                document,
            }),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(out)
}
