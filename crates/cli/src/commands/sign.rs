//! `cleanbill sign --key KEY REF…`: a sigstore bundle as referrer, or cosign's older form under a tag,
//! over the digest the reference names.

use std::collections::BTreeMap;

use anyhow::Context as _;
use cleanbill_image::Document;
use cleanbill_model::{DigestKind, Reference};
use cleanbill_oci::Client;
use cleanbill_trust::{Demands, Form as Written, How, Look, PrivateKey};

use super::keys;
use crate::args::{Common, Form, Sign};
use crate::{Outcome, clock, credentials, output};

pub(crate) async fn run(args: &Sign, common: &Common) -> anyhow::Result<Outcome> {
    no_log(args.tlog_upload)?;
    let annotations = annotations(&args.annotations)?;
    let images = args.images.iter().map(|i| Reference::parse(i)).collect::<Result<Vec<_>, _>>()?;
    let how = how(&args.form)?;
    let key = keys::read_private(&args.key).await?;
    let client = credentials::client(common)?;
    for image in images {
        if image.digest().is_none() {
            output::say(format!("{image} is named by tag: what it names now is signed"));
        }
        let documents = if args.recursive {
            cleanbill_trust::documents(&client, &image).await?
        } else {
            vec![client.document(&image).await?]
        };
        for document in documents {
            let pinned = image.with_digest(document.digest().clone());
            let name = format!("{}@{}", image.name(), document.digest());
            if args.if_needed && is_signed(&client, &pinned, &document, &key, &annotations, &how).await? {
                output::say(format!("{name} is signed by this key already"));
                continue;
            }
            let now = clock::stated_now();
            let signed = cleanbill_trust::sign_as(&client, &pinned, &key, &annotations, now, &how).await?;
            output::say(format!("signed {name} ({} {})", written(&how), signed.manifest));
        }
    }
    Ok(Outcome::Done)
}

/// Whether there is a signature already that says all that this one would.
async fn is_signed(
    client: &Client,
    image: &Reference,
    document: &Document,
    key: &PrivateKey,
    annotations: &BTreeMap<String, String>,
    how: &How,
) -> anyhow::Result<bool> {
    let look = Look { repository: how.repository.clone(), attestations: false };
    let collected = cleanbill_trust::collect_from(client, image, kind_of(document), &look).await?;
    let mut evidence = cleanbill_trust::judge(&collected, &[key.public()], Demands::default());
    cleanbill_trust::demand_annotations(&mut evidence, annotations);
    Ok(evidence.signatures.iter().any(|s| !s.verified_by.is_empty() && s.format == how.form.signature_format()))
}

pub(super) fn kind_of(document: &Document) -> DigestKind {
    match document {
        Document::Index(_) => DigestKind::Index,
        Document::Manifest(_) => DigestKind::Manifest,
    }
}

/// Refuses what cannot be done yet.
pub(super) fn no_log(asked: bool) -> anyhow::Result<()> {
    if asked {
        anyhow::bail!(
            "transparency-log entries cannot be written yet\nhint: leave --tlog-upload out; with a key none is needed to verify"
        );
    }
    Ok(())
}

/// `KEY=VALUE` pairs.
pub(super) fn annotations(pairs: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let parse = |pair: &String| {
        let (key, value) = pair.split_once('=').with_context(|| format!("annotation `{pair}` is not KEY=VALUE"))?;
        Ok((key.to_owned(), value.to_owned()))
    };
    pairs.iter().map(parse).collect()
}

/// The other repository that is named, if one is.
pub(super) fn repository(form: &Form) -> anyhow::Result<Option<Reference>> {
    let named = form.signature_repository.as_deref().filter(|name| !name.is_empty());
    let Some(name) = named else { return Ok(None) };
    let repository = Reference::parse(name).with_context(|| format!("`{name}` is no repository for signatures"))?;
    if repository.tag().is_some() || repository.digest().is_some() {
        anyhow::bail!("`{name}` names an image; COSIGN_REPOSITORY and --signature-repository take a repository");
    }
    Ok(Some(repository))
}

/// Form and place as the flags ask for them.
pub(super) fn how(form: &Form) -> anyhow::Result<How> {
    let written = if form.new_bundle_format { Written::Bundle } else { Written::Tag };
    Ok(How { form: written, repository: repository(form)? })
}

pub(super) fn written(how: &How) -> &'static str {
    match how.form {
        Written::Bundle => "bundle",
        Written::Tag => "under a tag, manifest",
    }
}
