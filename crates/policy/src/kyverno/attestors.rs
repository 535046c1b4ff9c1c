//! One entry of `verifyImages`, and who must have signed.

use cleanbill_diag::Diagnostic;

use super::{Context, action};
use crate::read::{Said, need, patterns, public_keys};
use crate::rules::{Attestation, AttestorSet, Check, Entry, Key};
use crate::yaml::Place;
use crate::{conditions, lint};

const DEPTH: usize = 8;

pub(super) fn check(
    place: &Place<'_>,
    rule: &str,
    context: &Context<'_>,
    said: &mut Said,
) -> Result<Check, Diagnostic> {
    let mut object = place.object()?;
    if let Some(kind) = object.take("type")
        && !matches!(kind.text()?, "Cosign" | "SigstoreBundle")
    {
        return Err(
            kind.error("policy-field-unsupported", format!("`{}` is not supported yet", kind.text()?.escape_debug()))
        );
    }
    let image_references = need(&mut object, "imageReferences", place)?;
    let images = patterns(&image_references, said)?;
    lint::images(&image_references, &images, said)?;
    let mut skip = Vec::new();
    if let Some(list) = object.take("skipImageReferences") {
        skip = patterns(&list, said)?;
        lint::exceptions(&list, &skip, said)?;
    }
    let (enforce, overrides) = match object.take("failureAction") {
        Some(place) => (action(&place)?, Vec::new()),
        None => (context.enforce, context.overrides.to_vec()),
    };
    let mut flag = |name: &str| object.take(name).map(|p| p.bool().map(|value| (p, value))).transpose();
    let mutate = flag("mutateDigest")?;
    let mutate_digest = mutate.as_ref().is_none_or(|(_, value)| *value);
    let verify_digest = flag("verifyDigest")?.is_none_or(|(_, value)| value);
    let required = flag("required")?;
    if let Some((place, _)) = flag("useCache")? {
        said.push(lint::without_effect(&place, "facts are kept by digest and never verdicts"));
    }
    if let Some((place, true)) = &mutate
        && !enforce
        && overrides.is_empty()
    {
        said.push(lint::without_effect(place, "a rule that only audits pins nothing"));
    }
    if let Some(oci11) = object.take("cosignOCI11")
        && oci11.bool()?
    {
        said.push(oci11.unsupported());
    }
    let attestors_place = object.take("attestors");
    let attestations_place = object.take("attestations");
    let refused = object.fields.len();
    object.refuse_rest(said);
    // Nothing may be asked for only where it is said: `required: false`, and the digest is dealt with.
    let names = (context.policy, rule);
    let attestations = match &attestations_place {
        Some(list) => {
            let attestations: Vec<Attestation> =
                list.list()?.iter().map(|p| attestation(p, names, said)).collect::<Result<_, _>>()?;
            if attestations.is_empty() {
                return Err(list.error("policy-empty", "there are no attestations, so every image would pass"));
            }
            attestations
        }
        None => Vec::new(),
    };
    let open = required.as_ref().is_some_and(|(_, value)| !*value) && (mutate_digest || verify_digest) && refused == 0;
    let list = match &attestors_place {
        None if open || !attestations.is_empty() => Vec::new(),
        None if refused > 0 => return Err(said.pop().unwrap_or_else(|| place.unsupported())),
        None => return Err(place.error("policy-empty", "there are no attestors, so every image would pass")),
        Some(attestors) => attestors.list()?,
    };
    if let Some(place) = attestors_place.as_ref().filter(|_| list.is_empty()) {
        return Err(place.error("policy-empty", "there are no attestors, so every image would pass"));
    }
    if let Some((place, false)) = &required
        && !(list.is_empty() && attestations.is_empty())
    {
        said.push(lint::without_effect(place, "what the attestors ask for is demanded anyway"));
    }
    let attestors = list.iter().map(|p| attestor_set(p, names, DEPTH, said)).collect::<Result<_, _>>()?;
    Ok(Check {
        images,
        skip,
        registries: Vec::new(),
        attestors,
        attestations,
        findings: None,
        enforce,
        overrides,
        mutate_digest,
        verify_digest,
    })
}

/// One entry of `attestations`. Without attestors anybody's word would count.
fn attestation(place: &Place<'_>, names: (&str, &str), said: &mut Said) -> Result<Attestation, Diagnostic> {
    let mut object = place.object()?;
    object.take("name").map(|p| p.text().map(str::to_owned)).transpose()?;
    let (of, older) = (object.take("type"), object.take("predicateType"));
    let attestors = need(&mut object, "attestors", place)?;
    let conditions = match object.take("conditions") {
        Some(place) => conditions::read(&place, said)?,
        None => Vec::new(),
    };
    object.refuse_rest(said);
    let predicate_type = match (of, older) {
        (Some(place), None) | (None, Some(place)) if !place.text()?.is_empty() => place.text()?.to_owned(),
        _ => return Err(place.error("policy-field-missing", "one of type and predicateType must be there")),
    };
    let sets = attestors.list()?;
    if sets.is_empty() {
        return Err(attestors.error("policy-empty", "there are no attestors, so anybody's word would count"));
    }
    let attestors = sets.iter().map(|p| attestor_set(p, names, DEPTH, said)).collect::<Result<_, _>>()?;
    Ok(Attestation { predicate_type, attestors, conditions })
}

fn attestor_set(
    place: &Place<'_>,
    names: (&str, &str),
    depth: usize,
    said: &mut Said,
) -> Result<AttestorSet, Diagnostic> {
    if depth == 0 {
        return Err(place.error("policy-depth", format!("attestors are nested more than {DEPTH} deep")));
    }
    let mut object = place.object()?;
    let count = object.take("count");
    let entries_place = need(&mut object, "entries", place)?;
    object.refuse_rest(said);
    let list = entries_place.list()?;
    let mut entries = Vec::new();
    for place in &list {
        entries.extend(entry(place, names, depth, said)?);
    }
    AttestorSet::new(entries, count.as_ref(), &entries_place)
}

fn entry(place: &Place<'_>, names: (&str, &str), depth: usize, said: &mut Said) -> Result<Vec<Entry>, Diagnostic> {
    let mut object = place.object()?;
    let (keys_place, nested) = (object.take("keys"), object.take("attestor"));
    for (name, place) in &object.fields {
        if *name == "keyless" {
            lint::expressions(place, said);
        }
    }
    let refused = object.fields.len();
    object.refuse_rest(said);
    match (keys_place, nested) {
        (Some(place), None) => keys(&place, names, said),
        (None, Some(nested)) => Ok(vec![Entry::Set(attestor_set(&nested, names, depth - 1, said)?)]),
        (Some(_), Some(_)) => Err(place.error("policy-field-value", "keys and attestor exclude each other")),
        // The reason has been said; an entry must come out so that it is not said twice.
        (None, None) if refused > 0 => Err(said.pop().unwrap_or_else(|| place.unsupported())),
        (None, None) => Err(place.error("policy-empty", "it names no key")),
    }
}

fn keys(place: &Place<'_>, names: (&str, &str), said: &mut Said) -> Result<Vec<Entry>, Diagnostic> {
    let mut object = place.object()?;
    let public = object.take("publicKeys");
    if let Some(algorithm) = object.take("signatureAlgorithm")
        && algorithm.text()? != "sha256"
    {
        said.push(algorithm.error("policy-field-unsupported", "only `sha256` is supported yet"));
    }
    let mut log_entry = false;
    if let Some(rekor) = object.take("rekor") {
        let mut rekor_object = rekor.object()?;
        let ignore = rekor_object.take("ignoreTlog").map(|p| p.bool()).transpose()?;
        let url = rekor_object.take("url").map(|p| p.text().map(str::to_owned)).transpose()?;
        rekor_object.refuse_rest(said);
        log_entry = ignore == Some(false) || (ignore.is_none() && url.is_some_and(|u| !u.is_empty()));
        if log_entry {
            said.push(
                rekor
                    .warning(
                        "log-entry-unchecked",
                        "it demands a transparency-log entry, which cannot be checked yet: no signature will count",
                    )
                    .hint("rekor: {ignoreTlog: true}"),
            );
        }
    }
    if let Some(ctlog) = object.take("ctlog") {
        // Speaks of certificates alone; keys have none.
        let mut object = ctlog.object()?;
        object.take("ignoreSCT").map(|p| p.bool()).transpose()?;
        object.refuse_rest(said);
        said.push(lint::without_effect(&ctlog, "it speaks of certificates, and a key has none"));
    }
    let refused = object.fields.len();
    object.refuse_rest(said);
    let Some(public) = public else {
        return Err(if refused > 0 {
            said.pop().unwrap_or_else(|| place.unsupported())
        } else {
            place.error("policy-empty", "it names no key")
        });
    };
    let keys = public_keys(&public, names)?;
    Ok(keys.into_iter().map(|(id, pem)| Entry::Key(Key { id, pem, log_entry })).collect())
}
