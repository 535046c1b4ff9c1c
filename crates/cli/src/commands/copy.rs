//! `cleanbill copy FROM TO`: an image with all platforms and with everything attached to it. Digests do
//! not change, so signatures stay true. With `--key` of what is attached only that comes along which
//! verifies, so that nobody who may write to a staging repository gets something into the other (A77).

use cleanbill_model::Reference;
use cleanbill_oci::ErrorKind;

use super::keys;
use crate::args::{Common, Copy};
use crate::{Outcome, credentials, output};

pub(crate) async fn run(args: &Copy, common: &Common) -> anyhow::Result<Outcome> {
    let (from, to) = (Reference::parse(&args.from)?, Reference::parse(&args.to)?);
    if to.digest().is_some() {
        anyhow::bail!("{to} names a digest; what a copy is called is for you to say, its digest is the source's");
    }
    let keys = keys::read_public(&args.key).await?;
    let client = credentials::client(common)?;
    let _busy = output::busy(format!("copying {from} to {to}"));
    let source = client.resolve(&from).await?;
    if to.tag().is_some() && !args.force {
        match client.resolve(&to).await {
            Ok(there) if there.digest != source.digest => {
                anyhow::bail!("{to} names another image already: {}\nhint: --force overwrites it", there.digest)
            }
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    // What was compared is what is copied, wherever the tag points meanwhile.
    let source = from.with_digest(source.digest);
    let carried = if keys.is_empty() {
        cleanbill_trust::carry(&client, &source, &to).await?
    } else {
        cleanbill_trust::carry_verified(&client, &source, &to, &keys).await?
    };
    let left = match carried.foreign {
        0 => String::new(),
        n => format!("; {n} layers that are not to be distributed stay where they are"),
    };
    let unvouched = match carried.unvouched {
        0 => String::new(),
        n => format!("; {n} that no key of these vouches for were left behind"),
    };
    output::say(format!(
        "copied {}@{} to {to}: {} manifests, {} things attached{unvouched}{left}",
        from.name(),
        carried.digest,
        carried.manifests,
        carried.attached
    ));
    Ok(Outcome::Done)
}
