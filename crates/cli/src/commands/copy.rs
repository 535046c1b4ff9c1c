//! `cleanbill copy FROM TO`: an image with all platforms and with everything attached to it. Digests do
//! not change, so signatures stay true.

use cleanbill_model::Reference;
use cleanbill_oci::ErrorKind;

use crate::args::{Common, Copy};
use crate::{Outcome, credentials, output};

pub(crate) async fn run(args: &Copy, common: &Common) -> anyhow::Result<Outcome> {
    let (from, to) = (Reference::parse(&args.from)?, Reference::parse(&args.to)?);
    if to.digest().is_some() {
        anyhow::bail!("{to} names a digest; what a copy is called is for you to say, its digest is the source's");
    }
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
    let carried = cleanbill_trust::carry(&client, &from.with_digest(source.digest), &to).await?;
    let left = match carried.foreign {
        0 => String::new(),
        n => format!("; {n} layers that are not to be distributed stay where they are"),
    };
    output::say(format!(
        "copied {}@{} to {to}: {} manifests, {} things attached{left}",
        from.name(),
        carried.digest,
        carried.manifests,
        carried.attached
    ));
    Ok(Outcome::Done)
}
