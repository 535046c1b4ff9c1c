//! What is stated about a digest by those who may: the verified in-toto statements, for policies that
//! decide by what they say (in-toto/attestation `spec/v1/statement.md`).

use cleanbill_model::{KeyId, SignatureSource};
use serde_json::Value;

use super::{Body, Claim, Demands, Purpose, claim, verify};
use crate::PublicKey;
use crate::collect::Collected;
use crate::statement::SIGN;

/// A predicate is read up to this size, as signed.
const LIMIT: usize = 16 << 20;

/// A statement about the digest that verified with at least one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    /// Where it was found.
    pub source: SignatureSource,
    /// Its predicate type, as signed; annotations are not looked at (A02).
    pub predicate_type: String,
    /// The keys that it verified with; never empty.
    pub keys: Vec<KeyId>,
    /// What is stated: an object, or a text where SPDX is attested in its tag-value form (A03).
    pub predicate: Value,
}

/// Every statement about the collected digest that verified with one of `keys`, of one of the predicate
/// types `types`; of any but cosign's own for signatures where `types` is empty. A type is matched
/// exactly ([`crate::predicate_type`] gives the URI of a name). In the order in which they are attached;
/// larger than 16 MiB is none.
pub fn statements(collected: &Collected, keys: &[PublicKey], types: &[String]) -> Vec<Stated> {
    let asked = |kind: &str| if types.is_empty() { kind != SIGN } else { types.iter().any(|t| t == kind) };
    let mut stated = Vec::new();
    for item in &collected.items {
        let Ok(claim) = claim(&item.content) else { continue };
        let Ok(Body::Statement(statement)) = &claim.body else { continue };
        let kind = statement.predicate_type.clone();
        if !asked(&kind) || claim.payload.len() > LIMIT {
            continue;
        }
        let purpose = Purpose::Attestation(Some(&kind));
        let Ok(by) = verify(&claim, &collected.subject, keys, Demands::default(), purpose) else { continue };
        let Claim { body: Ok(Body::Statement(statement)), .. } = claim else { continue };
        stated.push(Stated {
            source: item.source.clone(),
            predicate_type: kind,
            keys: by,
            predicate: statement.predicate.unwrap_or_default(),
        });
    }
    stated
}
