//! `cleanbill conformance verify-bundle`: the client that the public conformance set for sigstore calls
//! (sigstore/sigstore-conformance `docs/cli_protocol.md`). 0 verified, 1 not and why, be it that something
//! could not be read; 2 only where the command line itself is wrong. Nothing is fetched.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use cleanbill_trust::offline::{Artifact, Demands, LIMIT, TrustedRoot, Verified, Who, verify_bundle};

use super::keys;
use crate::args::{Conformance, VerifyBundle};
use crate::{Outcome, output};

/// A file that is signed is read whole, because some keys sign it whole.
const ARTIFACT_LIMIT: u64 = 1 << 30;

pub(crate) async fn run(command: &Conformance) -> anyhow::Result<Outcome> {
    let Conformance::VerifyBundle(args) = command;
    match verified(args).await {
        Ok(verified) => {
            output::say(tell(&verified));
            Ok(Outcome::Done)
        }
        Err(why) => {
            output::say(format!("not verified: {why:#}"));
            Ok(Outcome::Refused(1))
        }
    }
}

async fn verified(args: &VerifyBundle) -> anyhow::Result<Verified> {
    let who = who(args).await?;
    let artifact = artifact(&args.artifact)?;
    let bundle = read(&args.bundle, LIMIT as u64)?;
    let root = match &args.trusted_root {
        Some(path) => TrustedRoot::from_json(&read(path, LIMIT as u64)?),
        None if args.staging => TrustedRoot::staging(),
        None => TrustedRoot::public_good(),
    };
    Ok(verify_bundle(&bundle, &artifact, &who, Demands::default(), Some(&root?))?)
}

fn tell(verified: &Verified) -> String {
    let who = match (&verified.key, &verified.subject) {
        (Some(key), _) => format!("the key {key}"),
        (None, Some(subject)) => subject.clone(),
        (None, None) => "nobody named".to_owned(),
    };
    let when = verified.times.first().map_or_else(String::new, |time| format!(" at {time}"));
    format!("verified: signed by {who}{when}; log entries checked: {}", verified.log_entries)
}

async fn who(args: &VerifyBundle) -> anyhow::Result<Who> {
    match (&args.key, &args.certificate_identity, &args.certificate_oidc_issuer) {
        (Some(key), ..) => {
            let key = keys::read_public(std::slice::from_ref(key)).await?;
            Ok(Who::Key(key.into_iter().next().context("no key is given")?))
        }
        (None, Some(subject), Some(issuer)) => Ok(Who::Identity { subject: subject.clone(), issuer: issuer.clone() }),
        _ => anyhow::bail!(
            "nobody is named who must have signed\nhint: --certificate-identity and --certificate-oidc-issuer, or --key"
        ),
    }
}

/// A digest, if it is one whole and no file is called so; else a file.
fn artifact(text: &str) -> anyhow::Result<Artifact> {
    if text.starts_with("sha256:")
        && !Path::new(text).exists()
        && let Ok(artifact) = Artifact::parse(text)
    {
        return Ok(artifact);
    }
    Ok(Artifact::of_bytes(read(Path::new(text), ARTIFACT_LIMIT)?))
}

fn read(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    let what = || format!("could not read {}", path.display());
    let mut bytes = Vec::new();
    File::open(path).with_context(what)?.take(limit + 1).read_to_end(&mut bytes).with_context(what)?;
    if bytes.len() as u64 > limit {
        anyhow::bail!("{} is larger than {limit} bytes", path.display());
    }
    Ok(bytes)
}
