//! `cleanbill verify-attestation --key KEY --type TYPE REF…`: is there an attestation of this type about
//! the image, signed by this key? 0 yes, 1 no and why, 2 could not be found out. Type and subject are
//! those of the signed payload.

use anyhow::Context as _;
use cleanbill_model::{Digest, KeyId, Reference, WhyNot};
use cleanbill_trust::{Attestation, Demands, Look};
use serde_json::{Value, json};

use super::{keys, sign, verify};
use crate::args::{Common, VerifyAttestation};
use crate::{Outcome, credentials, output};

struct Judged {
    image: Reference,
    subject: Digest,
    attestations: Vec<Attestation>,
}

pub(crate) async fn run(args: &VerifyAttestation, common: &Common) -> anyhow::Result<Outcome> {
    verify::no_log(args.insecure_ignore_tlog)?;
    let images = args.images.iter().map(|i| Reference::parse(i)).collect::<Result<Vec<_>, _>>()?;
    let wanted = cleanbill_trust::predicate_type(&args.kind)?;
    let keys = keys::read_public(&args.key).await?;
    let look = Look { repository: sign::repository(&args.form)?, attestations: true };
    let client = credentials::client(common)?;
    let tried: Vec<KeyId> = keys.iter().map(cleanbill_trust::PublicKey::id).collect();
    let mut all = true;
    let mut judged = Vec::new();
    for image in images {
        let document = client.document(&image).await?;
        let pinned = image.with_digest(document.digest().clone());
        let collected = cleanbill_trust::collect_from(&client, &pinned, sign::kind_of(&document), &look).await?;
        let attestations = cleanbill_trust::attestations(&collected, &keys, Some(&wanted), Demands::default());
        let found = Judged { image, subject: document.digest().clone(), attestations };
        all &= found.verified();
        found.tell(&wanted, &tried);
        judged.push(found);
    }
    if args.output == "json" {
        let images: Vec<_> = judged.iter().map(Judged::as_json).collect();
        let tried: Vec<_> = tried.iter().map(ToString::to_string).collect();
        let document = json!({
            "schema": "cleanbill/verify-attestation/v1",
            "verified": all, "predicate_type": wanted, "keys": tried, "images": images,
        });
        output::data(serde_json::to_string_pretty(&document).context("could not write JSON")? + "\n")?;
    } else if all {
        for verified in judged.iter().flat_map(|j| &j.attestations).filter_map(|a| a.verified.as_ref()) {
            output::data(format!("{}\n", verified.envelope))?;
        }
    }
    Ok(if all { Outcome::Done } else { Outcome::Refused(1) })
}

impl Judged {
    fn verified(&self) -> bool {
        self.attestations.iter().any(|a| a.verified.is_some())
    }

    fn tell(&self, wanted: &str, tried: &[KeyId]) {
        let name = format!("{}@{}", self.image.name(), self.subject);
        let mut text = if self.verified() {
            format!("verified: {name} has an attestation of type {wanted}")
        } else {
            format!("not verified ({}): {name} has no attestation of type {wanted} that counts", self.reason())
        };
        if self.attestations.is_empty() {
            text.push_str("\n  nothing is attached to it");
        }
        for attestation in &self.attestations {
            text.push_str(&verify::line(&attestation.record));
        }
        for key in tried {
            text.push_str(&format!("\n  tried with key {key}"));
        }
        output::say(text);
    }

    /// The stable word for why there is none: that of the one that came closest.
    fn reason(&self) -> &'static str {
        let rank = |why: &WhyNot| match why {
            WhyNot::OtherType(_) | WhyNot::NotASignature(_) => (6, "other-type"),
            other => verify::rank(other),
        };
        let reasons = self.attestations.iter().flat_map(|a| &a.record.why_not).map(rank);
        reasons.min().map_or("unattested", |(_, word)| word)
    }

    fn as_json(&self) -> Value {
        let attestations: Vec<_> = self
            .attestations
            .iter()
            .map(|a| {
                let mut json = verify::record_json(&a.record);
                json["predicate"] = a.verified.as_ref().map_or(Value::Null, |v| v.predicate.clone());
                json
            })
            .collect();
        json!({
            "image": self.image.to_string(),
            "digest": self.subject.to_string(),
            "verified": self.verified(),
            "reason": if self.verified() { None } else { Some(self.reason()) },
            "attestations": attestations,
        })
    }
}
