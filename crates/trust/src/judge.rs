//! From what was fetched to evidence: each signature against each key, without any network.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_model::{Digest, Evidence, KeyId, SignatureRecord, WhyNot};

use crate::bundle::{Bundle, Signer};
use crate::collect::{Collected, Content, Item};
use crate::dsse::{self, Envelope, IN_TOTO, pae};
use crate::statement::{SIGN, Statement, shown};
use crate::{PublicKey, predicate, simple};

/// What verification demands beside a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demands {
    /// A transparency-log entry. There is no trusted log to check one against yet, so that with this
    /// demand nothing counts; it is never waived in silence.
    pub log_entry: bool,
}

/// Judges each signature against each key. A record verifies only by the signed bytes: a payload of
/// cosign's older form or an in-toto statement, a signature of one of `keys`, our digest among the
/// subjects, cosign's predicate type for signatures. What the registry says about it (artifact type, annotations, hint) never counts for it.
pub fn judge(collected: &Collected, keys: &[PublicKey], demands: Demands) -> Evidence {
    let mut ids: Vec<KeyId> = Vec::new();
    for key in keys {
        if !ids.contains(&key.id()) {
            ids.push(key.id());
        }
    }
    Evidence {
        subject: collected.subject.clone(),
        kind: collected.kind,
        signatures: collected.items.iter().map(|item| record(collected, item, keys, demands)).collect(),
        keys: ids,
    }
}

/// What one attached thing must be to count.
#[derive(Clone, Copy)]
enum Purpose<'a> {
    /// A signature of the image.
    Signature,
    /// An attestation, of this predicate type where one is named.
    Attestation(Option<&'a str>),
}

/// An attestation, judged. What it says is to be had only where it verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Attestation {
    /// Where it is from, whose it is and why it does not count.
    pub record: SignatureRecord,
    /// What was signed; `None` unless it verified, so that nobody decides by what nobody vouches for.
    pub verified: Option<Verified>,
}

/// A verified statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The signed bytes.
    pub payload: Vec<u8>,
    /// A DSSE envelope around them, as cosign prints it.
    pub envelope: String,
    /// The predicate.
    pub predicate: serde_json::Value,
}

/// Judges each attached thing as an attestation of the subject, of predicate type `wanted` where one is
/// named. The type is that of the signed payload; what annotations say is not looked at (A02).
pub fn attestations(
    collected: &Collected,
    keys: &[PublicKey],
    wanted: Option<&str>,
    demands: Demands,
) -> Vec<Attestation> {
    let purpose = Purpose::Attestation(wanted);
    collected.items.iter().map(|item| judged(collected, item, keys, demands, purpose)).collect()
}

/// Demands that annotations stand in the signed payload: signatures without them no longer count. Each
/// signature is held against its own payload.
pub fn demand_annotations(evidence: &mut Evidence, wanted: &BTreeMap<String, String>) {
    for record in evidence.signatures.iter_mut().filter(|r| !r.verified_by.is_empty()) {
        let unmet = wanted.iter().find(|(key, value)| record.annotations.get(*key) != Some(value));
        if let Some((key, value)) = unmet {
            let found = record.annotations.get(key).map_or_else(|| "it is not there".to_owned(), |v| shown(v));
            let what = format!("`{}` is to be `{}`: {found}", shown(key), shown(value));
            record.verified_by.clear();
            record.why_not.push(WhyNot::OtherAnnotations(what));
        }
    }
}

fn record(collected: &Collected, item: &Item, keys: &[PublicKey], demands: Demands) -> SignatureRecord {
    judged(collected, item, keys, demands, Purpose::Signature).record
}

fn judged(
    collected: &Collected,
    item: &Item,
    keys: &[PublicKey],
    demands: Demands,
    purpose: Purpose<'_>,
) -> Attestation {
    let mut record = SignatureRecord {
        source: item.source.clone(),
        format: item.format,
        predicate_type: None,
        annotations: BTreeMap::new(),
        verified_by: Vec::new(),
        why_not: Vec::new(),
    };
    let mut verified = None;
    match claim(&item.content) {
        Err(why) => record.why_not.push(why),
        Ok(claim) => {
            record.predicate_type = claim.kind();
            match verify(&claim, &collected.subject, keys, demands, purpose) {
                Err(why) => record.why_not.push(why),
                Ok(by) => {
                    record.verified_by = by;
                    record.annotations = claim.annotations(&collected.subject);
                    verified = claim.verified();
                }
            }
        }
    }
    Attestation { record, verified }
}

/// What something attached claims, before anybody vouched for it.
struct Claim {
    /// The signed bytes, as they travel.
    payload: Vec<u8>,
    /// What the signature is over.
    message: Vec<u8>,
    signatures: Vec<Vec<u8>>,
    /// Whether a key, and not a certificate, is said to have signed, and which.
    keyed: bool,
    hint: Option<KeyId>,
    log_entries: usize,
    body: Result<Body, String>,
}

enum Body {
    Statement(Statement),
    Simple(simple::Claim),
}

fn claim(content: &Content) -> Result<Claim, WhyNot> {
    let statement = |payload: Vec<u8>, signatures, signer: Signer, log_entries| {
        let (keyed, hint) = match signer {
            Signer::Key(hint) => (true, hint),
            Signer::Certificate => (false, None),
        };
        let body = Statement::parse(&payload).map(Body::Statement);
        Claim { message: pae(IN_TOTO, &payload), payload, signatures, keyed, hint, log_entries, body }
    };
    match content {
        Content::Bundle(json) => {
            let bundle = Bundle::parse(json).map_err(WhyNot::Malformed)?;
            Ok(statement(bundle.payload, vec![bundle.signature], bundle.signer, bundle.log_entries))
        }
        Content::Envelope(json) => {
            let envelope = Envelope::parse(json).map_err(WhyNot::Malformed)?;
            Ok(statement(envelope.payload, envelope.signatures, Signer::Key(None), 0))
        }
        Content::Simple { payload, signature, log_entry } => {
            let signature = STANDARD
                .decode(signature)
                .map_err(|e| WhyNot::Malformed(format!("the signature is not base64: {e}")))?;
            Ok(Claim {
                message: payload.clone(),
                payload: payload.clone(),
                signatures: vec![signature],
                keyed: true,
                hint: None,
                log_entries: usize::from(*log_entry),
                body: simple::Claim::parse(payload).map(Body::Simple),
            })
        }
        Content::Malformed(why) | Content::Unread(why) => Err(WhyNot::Malformed(why.clone())),
        Content::Other(kind) => Err(WhyNot::NotASignature(kind.clone())),
    }
}

impl Claim {
    /// The predicate type of a statement, for people.
    fn kind(&self) -> Option<String> {
        match &self.body {
            Ok(Body::Statement(statement)) => Some(shown(&statement.predicate_type)),
            Ok(Body::Simple(_)) | Err(_) => None,
        }
    }

    fn annotations(&self, subject: &Digest) -> BTreeMap<String, String> {
        match &self.body {
            Ok(Body::Statement(statement)) => statement.annotations(subject),
            Ok(Body::Simple(claim)) => claim.annotations.clone(),
            Err(_) => BTreeMap::new(),
        }
    }

    /// What was verified, for those who read it.
    fn verified(self) -> Option<Verified> {
        let Ok(Body::Statement(statement)) = self.body else { return None };
        let envelope = dsse::write(&self.payload, self.signatures.first()?).ok()?;
        Some(Verified {
            payload: self.payload,
            envelope: String::from_utf8(envelope).ok()?,
            predicate: statement.predicate.unwrap_or_default(),
        })
    }
}

/// The keys that a claim verifies with (at least one), or the one reason why it does not count.
fn verify(
    claim: &Claim,
    subject: &Digest,
    keys: &[PublicKey],
    demands: Demands,
    purpose: Purpose<'_>,
) -> Result<Vec<KeyId>, WhyNot> {
    let mut verified: Vec<KeyId> = Vec::new();
    if claim.keyed {
        for key in keys {
            let known = verified.contains(&key.id());
            if !known && claim.signatures.iter().any(|signature| key.verifies(&claim.message, signature)) {
                verified.push(key.id());
            }
        }
    }
    if verified.is_empty() {
        let named = claim.hint.as_ref().is_some_and(|id| keys.iter().any(|key| key.id() == *id));
        return Err(match &claim.body {
            _ if named => WhyNot::BrokenSignature,
            Err(why) => WhyNot::Malformed(why.clone()),
            Ok(body) => body.fits(purpose).err().unwrap_or(WhyNot::OtherKey),
        });
    }
    let body = claim.body.as_ref().map_err(|why| WhyNot::Malformed(why.clone()))?;
    let (speaks, of) = match body {
        Body::Statement(statement) => (statement.speaks_of(subject), statement.first_subject()),
        Body::Simple(claim) => (claim.speaks_of(subject), claim.subject()),
    };
    if !speaks {
        return Err(WhyNot::OtherSubject(of));
    }
    body.fits(purpose)?;
    body.has_predicate(purpose)?;
    if demands.log_entry {
        return Err(WhyNot::NoLogEntry(match claim.log_entries {
            0 => "there is none beside it".to_owned(),
            n => format!("there are {n} beside it, but there is no trusted log to check against"),
        }));
    }
    Ok(verified)
}

impl Body {
    /// Whether it is the kind of claim that is asked for.
    fn fits(&self, purpose: Purpose<'_>) -> Result<(), WhyNot> {
        match (self, purpose) {
            (Body::Simple(_), Purpose::Signature) => Ok(()),
            (Body::Simple(_), Purpose::Attestation(_)) => Err(WhyNot::OtherType("a signature".to_owned())),
            (Body::Statement(s), Purpose::Signature) if s.predicate_type == SIGN => Ok(()),
            (Body::Statement(s), Purpose::Signature) => Err(WhyNot::NotASignature(shown(&s.predicate_type))),
            (Body::Statement(s), Purpose::Attestation(Some(wanted))) if s.predicate_type == wanted => Ok(()),
            (Body::Statement(s), Purpose::Attestation(None)) if s.predicate_type != SIGN => Ok(()),
            (Body::Statement(s), Purpose::Attestation(_)) => Err(WhyNot::OtherType(shown(&s.predicate_type))),
        }
    }

    /// A signature's predicate may be absent; an attestation says nothing without one (A03). SPDX in its
    /// tag-value form is no JSON, and cosign attests it as a text.
    fn has_predicate(&self, purpose: Purpose<'_>) -> Result<(), WhyNot> {
        let Body::Statement(statement) = self else { return Ok(()) };
        let tag_value = statement.predicate_type == predicate::SPDX
            && statement.predicate.as_ref().and_then(|p| p.as_str()).is_some_and(|t| t.starts_with("SPDXVersion:"));
        match purpose {
            Purpose::Signature if statement.predicate_is_object => Ok(()),
            Purpose::Attestation(_) if tag_value => Ok(()),
            Purpose::Attestation(_) if statement.predicate.is_none() => {
                Err(WhyNot::Malformed("the signed statement has no predicate".to_owned()))
            }
            Purpose::Attestation(_) if statement.predicate_is_object => Ok(()),
            Purpose::Signature | Purpose::Attestation(_) => {
                Err(WhyNot::Malformed("the predicate of the signed statement is not an object".to_owned()))
            }
        }
    }
}

mod stated;
#[cfg(test)]
mod tests;

pub use stated::{Stated, statements};
