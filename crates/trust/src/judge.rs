//! From what was fetched to evidence: each signature against each key, without any network.

use cleanbill_model::{Evidence, KeyId, SignatureFormat, SignatureRecord, WhyNot};

use crate::PublicKey;
use crate::bundle::{Bundle, Signer};
use crate::collect::{Collected, Content, Item};
use crate::dsse::{IN_TOTO, pae};
use crate::statement::{SIGN, Statement, shown};

/// What verification demands beside a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demands {
    /// A transparency-log entry. There is no trusted log to check one against yet, so that with this
    /// demand nothing counts; it is never waived in silence.
    pub log_entry: bool,
}

/// Judges each signature against each key. A record verifies only by the signed bytes: in-toto
/// payload, a signature of one of `keys`, our digest among the subjects, cosign's predicate type for
/// signatures. What the registry says about it (artifact type, annotations, hint) never counts for it.
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
        signatures: collected.items.iter().map(|item| record(collected, item, keys, &ids, demands)).collect(),
        keys: ids,
    }
}

fn record(collected: &Collected, item: &Item, keys: &[PublicKey], ids: &[KeyId], demands: Demands) -> SignatureRecord {
    let mut record = SignatureRecord {
        source: item.source.clone(),
        format: SignatureFormat::Bundle,
        predicate_type: None,
        verified_by: Vec::new(),
        why_not: Vec::new(),
    };
    let outcome = match &item.content {
        Content::Bundle(json) => bundle(collected, json, keys, ids, demands, &mut record.predicate_type),
        Content::Malformed(why) => Err(WhyNot::Malformed(why.clone())),
        Content::Other(kind) => {
            record.format = SignatureFormat::Other;
            Err(WhyNot::NotASignature(kind.clone()))
        }
        Content::Unread(why) => {
            record.format = SignatureFormat::Other;
            Err(WhyNot::Malformed(why.clone()))
        }
    };
    match outcome {
        Ok(verified_by) => record.verified_by = verified_by,
        Err(why) => record.why_not.push(why),
    }
    record
}

/// The keys that a bundle verifies with (at least one), or the one reason why it does not count.
fn bundle(
    collected: &Collected,
    json: &[u8],
    keys: &[PublicKey],
    ids: &[KeyId],
    demands: Demands,
    predicate_type: &mut Option<String>,
) -> Result<Vec<KeyId>, WhyNot> {
    let bundle = Bundle::parse(json).map_err(WhyNot::Malformed)?;
    let statement = Statement::parse(&bundle.payload);
    if let Ok(statement) = &statement {
        *predicate_type = Some(shown(&statement.predicate_type));
    }
    let mut verified: Vec<KeyId> = Vec::new();
    if let Signer::Key(_) = bundle.signer {
        let signed = pae(IN_TOTO, &bundle.payload);
        for key in keys {
            if !verified.contains(&key.id()) && key.verifies(&signed, &bundle.signature) {
                verified.push(key.id());
            }
        }
    }
    if verified.is_empty() {
        let named = matches!(&bundle.signer, Signer::Key(Some(id)) if ids.contains(id));
        return Err(match statement {
            _ if named => WhyNot::BrokenSignature,
            Err(why) => WhyNot::Malformed(why),
            Ok(statement) if statement.predicate_type != SIGN => {
                WhyNot::NotASignature(shown(&statement.predicate_type))
            }
            Ok(_) => WhyNot::OtherKey,
        });
    }
    let statement = statement.map_err(WhyNot::Malformed)?;
    if !statement.speaks_of(&collected.subject) {
        return Err(WhyNot::OtherSubject(statement.first_subject()));
    }
    if statement.predicate_type != SIGN {
        return Err(WhyNot::NotASignature(shown(&statement.predicate_type)));
    }
    if !statement.predicate_is_object {
        return Err(WhyNot::Malformed("the predicate of the signed statement is not an object".to_owned()));
    }
    if demands.log_entry {
        return Err(WhyNot::NoLogEntry(if bundle.log_entries == 0 {
            "the bundle has none".to_owned()
        } else {
            format!("the bundle has {}, but there is no trusted log to check against", bundle.log_entries)
        }));
    }
    Ok(verified)
}

#[cfg(test)]
mod tests;
