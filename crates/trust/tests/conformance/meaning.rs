//! An oracle that needs no other program: what a changed bundle that verifies may differ in is what
//! nobody vouches for. What is signed, by whom, what was logged and when is as in a case that verifies.

use std::collections::BTreeSet;

use cleanbill_trust::offline::Verified;
use serde_json::{Value, json};

use super::support::cases::Case;

/// What the cases that verify mean.
pub(crate) struct Known {
    /// Who signed what.
    signed: BTreeSet<String>,
    /// What was logged, and the timestamps.
    witnesses: BTreeSet<String>,
}

impl Known {
    pub(crate) fn of(cases: &[Case]) -> Self {
        let mut known = Self { signed: BTreeSet::new(), witnesses: BTreeSet::new() };
        let roots: BTreeSet<&Option<Vec<u8>>> = cases.iter().map(|case| &case.root).collect();
        for (case, root) in cases.iter().flat_map(|case| roots.iter().map(move |root| (case, *root))) {
            // What fails by its own root may be in order by another: it is of another instance.
            let case = Case { root: root.clone(), ..case.clone() };
            if let Ok(verified) = case.verdict() {
                let (signed, witnesses) = meaning(&case, &verified).unwrap();
                known.signed.insert(signed);
                known.witnesses.extend(witnesses);
            }
        }
        known
    }

    pub(crate) fn means_the_same(&self, mutant: &Case, verified: &Verified) -> Result<(), String> {
        let (signed, witnesses) = meaning(mutant, verified).ok_or("it is no bundle that can be read")?;
        if !self.signed.contains(&signed) {
            return Err(format!("nobody signed this: {signed}"));
        }
        match witnesses.iter().find(|witness| !self.witnesses.contains(*witness)) {
            Some(witness) => Err(format!("nobody says this: {witness}")),
            None => Ok(()),
        }
    }
}

fn meaning(case: &Case, verified: &Verified) -> Option<(String, Vec<String>)> {
    let bundle: Value = serde_json::from_slice(&case.bundle).ok()?;
    let material = &bundle["verificationMaterial"];
    let leaf = material
        .pointer("/certificate/rawBytes")
        .or_else(|| material.pointer("/x509CertificateChain/certificates/0/rawBytes"));
    let who = match (leaf, &case.key) {
        (Some(leaf), None) => json!([leaf, case.identity, case.issuer]),
        (None, Some(key)) => json!(key),
        _ => return None,
    };
    let what = match (&bundle["dsseEnvelope"], &bundle["messageSignature"]) {
        (Value::Null, file) => json!([file["messageDigest"], file["signature"]]),
        (envelope, _) => json!([envelope["payloadType"], envelope["payload"], envelope["signatures"][0]["sig"]]),
    };
    let signed = json!([who, what, case.artifact]).to_string();
    let none = Vec::new();
    let entries = material["tlogEntries"].as_array().unwrap_or(&none).iter().map(logged);
    // Of a timestamp's encoding parts are not signed; the time is.
    let times = verified.times.iter().map(|time| json!([what, time.to_string()]).to_string());
    Some((signed, entries.flatten().chain(times).collect()))
}

/// An entry, as one says it that says it all, and by its parts where one was left out.
fn logged(entry: &Value) -> Vec<String> {
    // What is left out is nothing: a number is 0, a list is empty.
    let number = |value: &Value| match value {
        Value::Null => "0".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let second = entry["kindVersion"]["version"] == "0.0.2" && entry["kindVersion"]["kind"] == "hashedrekord";
    let place = json!([entry["logId"], entry["kindVersion"], entry["canonicalizedBody"]]);
    let mut said = vec![place.to_string()];
    if let Some(promise) = entry.get("inclusionPromise").filter(|promise| !promise.is_null()) {
        let time = number(&entry["integratedTime"]);
        said.push(json!([place, promise, time, number(&entry["logIndex"])]).to_string());
    }
    if let Some(proof) = entry.get("inclusionProof").filter(|proof| !proof.is_null()) {
        let note = proof["checkpoint"]["envelope"].as_str().unwrap_or_default();
        let tree = note.split_once("\n\n").map_or(note, |(tree, _)| tree);
        let index = if second { number(&entry["logIndex"]) } else { number(&proof["logIndex"]) };
        said.push(
            json!([place, proof.get("hashes").filter(|hashes| !hashes.is_null()).unwrap_or(&json!([])), tree, index])
                .to_string(),
        );
    }
    said
}
