//! `cleanbill verify --key KEY REF…`: is it signed by this key? 0 yes, 1 no and why, 2 could not be
//! found out. Every signature that is found is listed, in whichever form it is, with the reason why it
//! does not count.

use std::collections::BTreeMap;

use anyhow::Context as _;
use cleanbill_model::{Evidence, KeyId, Reference, SignatureFormat, SignatureRecord, WhyNot};
use cleanbill_trust::{Demands, Look};
use serde_json::{Value, json};

use super::{keys, sign};
use crate::args::{Common, Verify};
use crate::{Outcome, credentials, output};

pub(crate) async fn run(args: &Verify, common: &Common) -> anyhow::Result<Outcome> {
    no_log(args.insecure_ignore_tlog && args.rekor_url.is_none())?;
    let images = args.images.iter().map(|i| Reference::parse(i)).collect::<Result<Vec<_>, _>>()?;
    let annotations = sign::annotations(&args.annotations)?;
    let keys = keys::read_public(&args.key).await?;
    let look = Look { repository: sign::repository(&args.form)?, attestations: false };
    let client = credentials::client(common)?;
    let mut all = true;
    let mut documents = Vec::new();
    for image in images {
        let document = client.document(&image).await?;
        let pinned = image.with_digest(document.digest().clone());
        let collected = cleanbill_trust::collect_from(&client, &pinned, sign::kind_of(&document), &look).await?;
        let mut evidence = cleanbill_trust::judge(&collected, &keys, Demands::default());
        cleanbill_trust::demand_annotations(&mut evidence, &annotations);
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
        let claims: Vec<_> = documents.iter().flat_map(|(image, evidence, _)| claims(image, evidence)).collect();
        output::data(serde_json::to_string(&claims).context("could not write JSON")? + "\n")?;
    }
    Ok(if all { Outcome::Done } else { Outcome::Refused(1) })
}

/// Refuses what cannot be done yet.
pub(super) fn no_log(ignored: bool) -> anyhow::Result<()> {
    if !ignored {
        anyhow::bail!(
            "transparency-log entries cannot be checked yet\nhint: leave --rekor-url and --insecure-ignore-tlog=false out; with a key none is demanded"
        );
    }
    Ok(())
}

/// The claims in the form cosign prints them: one a signature that counts, without repetition.
fn claims(image: &Reference, evidence: &Evidence) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for record in evidence.signatures.iter().filter(|s| !s.verified_by.is_empty()) {
        let kind = match record.format {
            SignatureFormat::SimpleSigning => "cosign container image signature",
            _ => "https://sigstore.dev/cosign/sign/v1",
        };
        let claim = json!({
            "critical": {
                "identity": {"docker-reference": image.name()},
                "image": {"docker-manifest-digest": evidence.subject.to_string()},
                "type": kind,
            },
            "optional": record.annotations,
        });
        if !out.contains(&claim) {
            out.push(claim);
        }
    }
    out
}

/// The stable word for one reason, and how close it came.
pub(super) fn rank(why: &WhyNot) -> (u8, &'static str) {
    match why {
        WhyNot::OtherAnnotations(_) => (0, "other-annotations"),
        WhyNot::BrokenSignature => (1, "payload-changed"),
        WhyNot::OtherSubject(_) => (2, "signs-another-image"),
        WhyNot::NoLogEntry(_) => (3, "no-log-entry"),
        WhyNot::OtherKey => (4, "signed-by-another-key"),
        WhyNot::Malformed(_) => (5, "malformed"),
        WhyNot::NotASignature(_) | WhyNot::OtherType(_) => (6, "attestation-only"),
    }
}

/// The stable word for why an image is not verified: that of the signature that came closest.
fn reason(evidence: &Evidence) -> &'static str {
    let reasons = evidence.signatures.iter().flat_map(|s| &s.why_not).map(rank);
    reasons.min().map_or("unsigned", |(_, word)| word)
}

fn tell(image: &Reference, evidence: &Evidence, verified: bool) {
    let name = format!("{}@{}", image.name(), evidence.subject);
    let mut text = if verified {
        let mut by: Vec<&KeyId> = evidence.signatures.iter().flat_map(|s| &s.verified_by).collect();
        by.sort();
        by.dedup();
        let by: Vec<String> = by.into_iter().map(ToString::to_string).collect();
        format!("verified: {name} is signed by key {}", by.join(", "))
    } else {
        format!("not verified ({}): {name}", reason(evidence))
    };
    if evidence.signatures.is_empty() {
        text.push_str("\n  no signature is attached to it");
    }
    for signature in &evidence.signatures {
        text.push_str(&line(signature));
    }
    if !verified {
        for key in &evidence.keys {
            text.push_str(&format!("\n  tried with key {key}"));
        }
        text.push_str(&format!("\nhint: cleanbill sign --key KEY {name}"));
    }
    output::say(text);
}

/// One signature or attestation for people: where it is, what it is, why it counts or not.
pub(super) fn line(record: &SignatureRecord) -> String {
    let place = format!("\n  {} ({}, {})", record.source.manifest, record.source.found_by, record.format.name());
    let texts = |list: &[String]| list.join("; ");
    if record.verified_by.is_empty() {
        place + ": " + &texts(&record.why_not.iter().map(ToString::to_string).collect::<Vec<_>>())
    } else {
        place + ": counts, key " + &texts(&record.verified_by.iter().map(ToString::to_string).collect::<Vec<_>>())
    }
}

/// One signature or attestation for programs.
pub(super) fn record_json(record: &SignatureRecord) -> Value {
    let annotations: &BTreeMap<String, String> = &record.annotations;
    json!({
        "manifest": record.source.manifest.to_string(),
        "found_by": record.source.found_by,
        "format": record.format.name(),
        "predicate_type": record.predicate_type,
        "annotations": annotations,
        "verified_by": record.verified_by.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "why_not": record.why_not.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn as_json(image: &Reference, evidence: &Evidence, verified: bool) -> Value {
    json!({
        "image": image.to_string(),
        "digest": evidence.subject.to_string(),
        "kind": evidence.kind.name(),
        "verified": verified,
        "reason": if verified { None } else { Some(reason(evidence)) },
        "keys": evidence.keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "signatures": evidence.signatures.iter().map(record_json).collect::<Vec<_>>(),
    })
}
