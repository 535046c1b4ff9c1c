//! `cleanbill attest --key KEY --predicate FILE --type TYPE REF…`: a statement about the digest that the
//! reference names, as a bundle or in cosign's older form under a tag.

use std::io::Read as _;

use anyhow::Context as _;
use cleanbill_model::Reference;
use cleanbill_trust::Predicate;

use super::{keys, sign};
use crate::args::{Attest, Common};
use crate::{Outcome, clock, credentials, output};

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
