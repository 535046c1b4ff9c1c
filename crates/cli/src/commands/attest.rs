//! `cleanbill attest --key KEY --predicate FILE --type TYPE REF…`: a statement about the digest that the
//! reference names, as a bundle or in cosign's older form under a tag.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use cleanbill_model::{Reference, Sbom};
use cleanbill_trust::Predicate;

use super::{keys, sign};
use crate::args::{Attest, Common, Form};
use crate::{Outcome, clock, credentials, output, target};

const LIMIT: u64 = 64 << 20;

pub(crate) async fn run(args: &Attest, common: &Common) -> anyhow::Result<Outcome> {
    sign::no_log(args.tlog_upload)?;
    let images = args.images.iter().map(|i| Reference::parse(i)).collect::<Result<Vec<_>, _>>()?;
    let how = sign::how(&args.form)?;
    let name = if args.predicate == "-" { "standard input" } else { &args.predicate };
    let now = clock::stated_now();
    let predicate = Predicate::new(&args.kind, &read(&args.predicate, name)?, now)
        .with_context(|| format!("could not attest {name} as {}", args.kind))?;
    let key = keys::read_private(&args.key).await?;
    let client = credentials::client(common)?;
    for image in images {
        if image.digest().is_none() {
            output::say(format!("{image} is named by tag: the attestation is about what it names now"));
        }
        let signed = cleanbill_trust::attest(&client, &image, &key, &predicate, now, &how).await?;
        output::say(format!(
            "attested {} of {}@{} ({} {})",
            predicate.kind(),
            image.name(),
            signed.subject,
            sign::written(&how),
            signed.manifest
        ));
    }
    Ok(Outcome::Done)
}

/// Attests what was found in an image of a registry: about the manifest that was looked into, which an
/// index names for one platform.
pub(crate) async fn found(
    target: &str,
    sbom: &Sbom,
    kind: &str,
    document: &[u8],
    key: &Path,
    common: &Common,
) -> anyhow::Result<()> {
    let image = image_of(target)?;
    let identity = sbom.subject.identity.as_ref().with_context(|| format!("{target} has no digest to attest"))?;
    let predicate = Predicate::new(kind, document, clock::stated_now())
        .with_context(|| format!("could not attest what is in {target} as {kind}"))?;
    let key = keys::read_private(key).await?;
    let pinned = image.with_digest(identity.manifest.clone());
    let client = credentials::client(common)?;
    let kept_in = std::env::var("COSIGN_REPOSITORY").ok().filter(|name| !name.is_empty());
    let how = sign::how(&Form { new_bundle_format: true, signature_repository: kept_in })?;
    let signed = cleanbill_trust::attest(&client, &pinned, &key, &predicate, clock::stated_now(), &how).await?;
    output::say(format!(
        "attested {} of {}@{} ({} {})",
        predicate.kind(),
        image.name(),
        signed.subject,
        sign::written(&how),
        signed.manifest
    ));
    Ok(())
}

/// The image that a target is, where it lies in a registry: an attestation is attached to it there.
pub(crate) fn image_of(target: &str) -> anyhow::Result<Reference> {
    target::registry(target)?.with_context(|| {
        format!(
            "{target} does not lie in a registry, so nothing can be attached to it\nhint: write the document by -o, and attest it once the image is pushed: cleanbill attest --predicate FILE REF"
        )
    })
}

fn read(file: &str, name: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let result = if file == "-" {
        std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|f| f.take(LIMIT).read_to_end(&mut bytes))
    };
    result.with_context(|| format!("could not read {name}"))?;
    Ok(bytes)
}
