//! Rules that `sigstore-verify` leaves to its caller or does not know; each closes an attack that others
//! had to close (numbers are those of the attack list).

use cleanbill_model::Timestamp;
use sigstore_crypto::{CertificateInfo, VerificationKey, parse_certificate_info};
use sigstore_trust_root::{TransparencyLog, TrustedRoot};
use sigstore_types::{KindVersion, LogKeyId, SignatureBytes, TransparencyLogEntry};
use sigstore_verify::crypto as sigstore_crypto;

use super::NotVerified;
use super::note::{Note, Signature};
use crate::bundle::Read;
use crate::statement::shown;

/// The same entry or timestamp twice vouches once; whoever writes it twice has something in mind (A07).
pub(super) fn no_duplicates(read: &Read) -> Result<(), NotVerified> {
    for (n, entry) in read.entries.iter().enumerate() {
        if read.entries[..n].contains(entry) {
            return Err(NotVerified::Log("one log entry stands twice".to_owned()));
        }
    }
    for (n, timestamp) in read.timestamps.iter().enumerate() {
        if read.timestamps[..n].contains(timestamp) {
            return Err(NotVerified::Time("one timestamp stands twice".to_owned()));
        }
    }
    Ok(())
}

/// The log that an entry names, and the root with no other log in it (A05).
pub(super) fn only_log(root: &TrustedRoot, id: &LogKeyId) -> Result<(TransparencyLog, TrustedRoot), NotVerified> {
    let log = root.tlogs.iter().find(|log| log.log_id.key_id == *id);
    let Some(log) = log.cloned() else {
        return Err(NotVerified::Log(format!("the log {} is not in the trusted root", shown(&id.to_string()))));
    };
    let mut narrow = root.clone();
    narrow.tlogs = vec![log.clone()];
    Ok((log, narrow))
}

/// What a proof says of the tree is what the signed checkpoint says (A06), and the checkpoint is the
/// log's: one of the second generation is signed in the log's name and by others beside it, one of the
/// first by the log alone (C2SP `tlog-checkpoint.md`; sigstore/rekor `pkg/util/signed_note.go`).
pub(super) fn checkpoint(entry: &TransparencyLogEntry, log: &TransparencyLog) -> Result<(), NotVerified> {
    let second = entry.kind_version == KindVersion::HashedRekordV002;
    let missing = |what: &str| if second { Err(NotVerified::Log(format!("there is no {what}"))) } else { Ok(()) };
    let Some(proof) = &entry.inclusion_proof else { return missing("inclusion proof") };
    if proof.checkpoint.is_empty() {
        return missing("checkpoint");
    }
    let note = Note::parse(proof.checkpoint.envelope())
        .map_err(|why| NotVerified::Log(format!("the checkpoint is malformed: {why}")))?;
    if note.size != proof.tree_size || note.root != proof.root_hash.as_bytes() {
        return Err(NotVerified::Log("the proof is of another tree than the checkpoint".to_owned()));
    }
    let rest = log.base_url.split_once("://").map_or(log.base_url.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    if second && (host.is_empty() || note.origin != host) {
        let (found, wanted) = (shown(note.origin), shown(host));
        return Err(NotVerified::Log(format!("the checkpoint is of {found}, not of {wanted}")));
    }
    let hint = log.log_id.key_id.as_bytes().get(..4).unwrap_or_default();
    let ours: Vec<_> = note.signatures.iter().filter(|s| !second || (s.name == host && s.hint == *hint)).collect();
    let key = VerificationKey::from_spki(&log.public_key.raw_bytes)
        .map_err(|_| NotVerified::Unsupported("the log's kind of key".to_owned()))?;
    let good =
        |s: &&Signature<'_>| s.hint == *hint && key.verify(note.text, &SignatureBytes::new(s.bytes.clone())).is_ok();
    match (ours.is_empty(), ours.iter().all(good)) {
        (false, true) => Ok(()),
        (true, _) => Err(NotVerified::Log(format!("the checkpoint is not signed by {}", shown(host)))),
        (false, false) => Err(NotVerified::Log("a signature of the checkpoint is not the log's".to_owned())),
    }
}

/// A log is believed only while the root says so; entries of the second generation say no time, so that
/// the times that others vouch for count (A12).
pub(super) fn log_at(log: &TransparencyLog, times: &[Timestamp]) -> Result<(), NotVerified> {
    match (&log.public_key.valid_for, times) {
        (Some(period), times) => match times.iter().find(|time| !period.contains(**time)) {
            Some(time) => Err(NotVerified::Log(format!("the log is not believed at {time}"))),
            None => Ok(()),
        },
        (None, _) => Ok(()),
    }
}

/// A time in an entry that no promise vouches for must at least not contradict the certificate.
pub(super) fn unvouched_time(
    entry: &TransparencyLogEntry,
    certificate: Option<&CertificateInfo>,
) -> Result<(), NotVerified> {
    let (None, Some(time), Some(certificate)) = (&entry.inclusion_promise, entry.integrated_time, certificate) else {
        return Ok(());
    };
    if time.as_second() != 0 && (time < certificate.not_before || time > certificate.not_after) {
        return Err(NotVerified::Log(format!("the entry says {time}, when the certificate was not valid")));
    }
    Ok(())
}

/// The root without the authorities of which a certificate, be it an intermediate one, was not valid at
/// one of the times; `None` where that is no other root (A10).
pub(super) fn authorities_at(root: &TrustedRoot, times: &[Timestamp]) -> Option<TrustedRoot> {
    let valid = |authority: &&sigstore_trust_root::CertificateAuthority| {
        authority.cert_chain.certificates.iter().all(|certificate| {
            parse_certificate_info(&certificate.raw_bytes)
                .is_ok_and(|info| times.iter().all(|time| *time >= info.not_before && *time <= info.not_after))
        })
    };
    let kept: Vec<_> = root.certificate_authorities.iter().filter(valid).cloned().collect();
    if kept.len() == root.certificate_authorities.len() {
        return None;
    }
    let mut narrower = root.clone();
    narrower.certificate_authorities = kept;
    Some(narrower)
}
