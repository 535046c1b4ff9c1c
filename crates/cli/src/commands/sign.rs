//! `cleanbill sign --key KEY REF…`: a sigstore bundle as referrer, over the digest the reference names.

use std::collections::BTreeMap;

use anyhow::Context as _;
use cleanbill_model::Reference;

use super::keys;
use crate::args::{Common, Sign};
use crate::{Outcome, clock, credentials, output};

pub(crate) async fn run(args: &Sign, common: &Common) -> anyhow::Result<Outcome> {
    if args.tlog_upload {
        anyhow::bail!(
            "transparency-log entries cannot be written yet\nhint: leave --tlog-upload out; with a key none is needed to verify"
        );
    }
    let mut annotations = BTreeMap::new();
    for pair in &args.annotations {
        let (key, value) = pair.split_once('=').with_context(|| format!("annotation `{pair}` is not KEY=VALUE"))?;
        annotations.insert(key.to_owned(), value.to_owned());
    }
    let images = args.images.iter().map(|i| Reference::parse(i)).collect::<Result<Vec<_>, _>>()?;
    let key = keys::read_private(&args.key)?;
    let client = credentials::client(common)?;
    for image in images {
        if image.digest().is_none() {
            output::say(format!("{image} is named by tag: what it names now is signed"));
        }
        let signed = cleanbill_trust::sign(&client, &image, &key, &annotations, clock::stated_now()).await?;
        output::say(format!("signed {}@{} (bundle {})", image.name(), signed.subject, signed.manifest));
    }
    Ok(Outcome::Done)
}
