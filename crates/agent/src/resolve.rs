//! From what a runtime reports to the manifest it runs.

use cleanbill_image::{Descriptor, Document, Image};
use cleanbill_model::Reference;
use cleanbill_oci::{Client, ErrorKind, OciError};
use cleanbill_protocol::WantedImage;

/// Entries of an index that are opened to look for a configuration.
const CHILDREN: usize = 64;

/// Finds the image behind a reported digest, which may be of an index (the child for the node's platform
/// is taken), of a manifest (taken whatever platform its configuration states) or of a configuration.
///
/// No registry finds a manifest by its configuration. For one, what the specification's reference names
/// now is opened, and taken only if its configuration is the one that runs.
pub async fn resolve(client: &Client, wanted: &WantedImage) -> Result<Image, String> {
    let reference = Reference::parse(&wanted.reference)
        .map_err(|e| format!("the image name `{}` cannot be read: {e}", wanted.reference))?;
    let pinned = reference.with_digest(wanted.digest.clone());
    match client.image(&pinned, wanted.platform.as_ref()).await {
        Ok(image) => return Ok(image),
        Err(error) if error.kind == ErrorKind::NotFound => {}
        Err(error) => return Err(error.to_string()),
    }
    match by_configuration(client, &reference, wanted).await {
        Ok(Some(image)) => Ok(image),
        Ok(None) => Err(format!(
            "{} is not in the registry: {reference} now names another image than the one that runs",
            wanted.digest
        )),
        Err(error) => Err(error.to_string()),
    }
}

async fn by_configuration(
    client: &Client,
    reference: &Reference,
    wanted: &WantedImage,
) -> Result<Option<Image>, OciError> {
    // Asking again for a digest that was not found would find nothing; a tag beside it may.
    let named = match (reference.tag(), reference.digest()) {
        (Some(tag), Some(_)) => match reference.with_tag(tag) {
            Ok(named) => named,
            Err(_) => return Ok(None),
        },
        (None, Some(digest)) if *digest == wanted.digest => return Ok(None),
        _ => reference.clone(),
    };
    match client.document(&named).await? {
        Document::Manifest(manifest) => {
            if manifest.config.digest != wanted.digest {
                return Ok(None);
            }
            client.image(&named.with_digest(manifest.digest), wanted.platform.as_ref()).await.map(Some)
        }
        Document::Index(index) => {
            let serves = |child: &&Descriptor| match (&child.platform, &wanted.platform) {
                (Some(own), Some(node)) => own.serves(node),
                _ => true,
            };
            for child in index.manifests.iter().filter(serves).take(CHILDREN) {
                let pinned = named.with_digest(child.digest.clone());
                match client.document(&pinned).await {
                    Ok(Document::Manifest(manifest)) if manifest.config.digest == wanted.digest => {
                        let mut image = client.image(&pinned, wanted.platform.as_ref()).await?;
                        image.identity.index = Some(index.digest);
                        return Ok(Some(image));
                    }
                    Ok(_) => {}
                    // A child that was deleted is not the one that runs.
                    Err(error) if error.kind == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(None)
        }
    }
}
