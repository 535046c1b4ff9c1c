//! `cleanbill verify --key KEY REF…`: is it signed by this key? 0 yes, 1 no and why, 2 could not be
//! found out.

use anyhow::Context as _;
use cleanbill_image::Document;
use cleanbill_model::{DigestKind, Evidence, Reference, WhyNot};
use cleanbill_trust::Demands;
use serde_json::{Value, json};

use super::keys;
use crate::args::{Common, Verify};
use crate::{Outcome, credentials, output};

pub(crate) async fn run(args: &Verify, common: &Common) -> anyhow::Result<Outcome> {
    if args.rekor_url.is_some() || !args.insecure_ignore_tlog {
        anyhow::bail!(
            "transparency-log entries cannot be checked yet\nhint: leave --rekor-url and --insecure-ignore-tlog=false out; with a key none is demanded"
        );
    }
    let images = args.images.iter().map(|i| Reference::parse(i)).collect::<Result<Vec<_>, _>>()?;
    let key = keys::read_public(&args.key)?;
    let client = credentials::client(common)?;
    let mut all = true;
    let mut documents = Vec::new();
    for image in images {
        let document = client.document(&image).await?;
        let kind = match document {
            Document::Index(_) => DigestKind::Index,
            Document::Manifest(_) => DigestKind::Manifest,
        };
        let pinned = image.with_digest(document.digest().clone());
        let collected = cleanbill_trust::collect(&client, &pinned, kind).await?;
        let evidence = cleanbill_trust::judge(&collected, std::slice::from_ref(&key), Demands::default());
        let verified = evidence.signatures.iter().any(|s| !s.verified_by.is_empty());
        all &= verified;
        tell(&image, &evidence, verified);
        documents.push((image, evidence, verified));
    }
    if args.output == "json" {
        let images: Vec<_> =
            documents.iter().map(|(image, evidence, verified)| as_json(image, evidence, *verified)).collect();
        let text =
            serde_json::to_string_pretty(&json!({"schema": "cleanbill/verify/v1", "verified": all, "images": images}))
                .context("could not write JSON")?;
        output::data(text + "\n")?;
    } else if all {
        let claims: Vec<_> = documents.iter().map(|(image, evidence, _)| claim(image, evidence)).collect();
        output::data(serde_json::to_string(&claims).context("could not write JSON")? + "\n")?;
    }
    Ok(if all { Outcome::Done } else { Outcome::Refused(1) })
}

/// The claim in the form cosign prints it.
fn claim(image: &Reference, evidence: &Evidence) -> Value {
    json!({
        "critical": {
            "identity": {"docker-reference": image.name()},
            "image": {"docker-manifest-digest": evidence.subject.to_string()},
            "type": "https://sigstore.dev/cosign/sign/v1",
        },
        "optional": {},
    })
}

/// The stable word for why an image is not verified: that of the signature that came closest.
fn reason(evidence: &Evidence) -> &'static str {
    let rank = |why: &WhyNot| match why {
        WhyNot::BrokenSignature => (0, "payload-changed"),
        WhyNot::OtherSubject(_) => (1, "signs-another-image"),
        WhyNot::NoLogEntry(_) => (2, "no-log-entry"),
        WhyNot::OtherKey => (3, "signed-by-another-key"),
        WhyNot::Malformed(_) => (4, "malformed"),
        WhyNot::NotASignature(_) => (5, "attestation-only"),
    };
    let reasons = evidence.signatures.iter().flat_map(|s| &s.why_not).map(rank);
    reasons.min().map_or("unsigned", |(_, word)| word)
}

fn tell(image: &Reference, evidence: &Evidence, verified: bool) {
    let name = format!("{}@{}", image.name(), evidence.subject);
    if verified {
        output::say(format!("verified: {name} is signed by key {}", evidence.keys[0]));
        return;
    }
    let mut text = format!("not verified ({}): {name}", reason(evidence));
    if evidence.signatures.is_empty() {
        text.push_str("\n  no signature is attached to it");
    }
    for signature in &evidence.signatures {
        for why in &signature.why_not {
            text.push_str(&format!("\n  {} ({}): {why}", signature.source.manifest, signature.source.found_by));
        }
    }
    text.push_str(&format!("\n  tried with key {}", evidence.keys[0]));
    text.push_str(&format!("\nhint: cleanbill sign --key KEY {name}"));
    output::say(text);
}

fn as_json(image: &Reference, evidence: &Evidence, verified: bool) -> Value {
    let signatures: Vec<_> = evidence
        .signatures
        .iter()
        .map(|s| {
            json!({
                "manifest": s.source.manifest.to_string(),
                "found_by": s.source.found_by,
                "predicate_type": s.predicate_type,
                "verified_by": s.verified_by.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "why_not": s.why_not.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "image": image.to_string(),
        "digest": evidence.subject.to_string(),
        "kind": evidence.kind.name(),
        "verified": verified,
        "reason": if verified { None } else { Some(reason(evidence)) },
        "signatures": signatures,
    })
}
