//! Those who vouch for a signature beside its signer: certificate authorities, logs, timestamp
//! authorities. Their cryptography is that of `sigstore-verify`; the rules around it are in
//! [`super::rules`].

use cleanbill_model::Timestamp;
use sigstore_types::bundle::{CertificateContent, VerificationMaterialContent};
use sigstore_types::{ArtifactDigest, Bundle, DerCertificate, DerPublicKey, HashAlgorithm, KindVersion};
use sigstore_verify::{
    CertificateError, Error, Policy, PublicKeyVerificationPolicy, TimestampError, VerificationPolicy,
    VerificationResult, Verifier,
};

use super::{Artifact, Demands, NotVerified, TrustedRoot, Verified, Who, rules, token};
use crate::bundle::Read;
use crate::statement::shown;

/// Checks certificate, log entries and timestamps. Each log entry is checked by itself, against the one
/// log it names: a checkpoint of another log of the root does not count for it (A05).
pub(super) fn check(
    json: &[u8],
    read: &Read,
    artifact: &Artifact,
    who: &Who,
    demands: Demands,
    root: &TrustedRoot,
    verified: &mut Verified,
) -> Result<(), NotVerified> {
    let text = std::str::from_utf8(json).map_err(|_| NotVerified::Malformed("the bundle is not UTF-8".to_owned()))?;
    let mut bundle = Bundle::from_json(text)
        .map_err(|e| NotVerified::Malformed(format!("the bundle is malformed: {}", shown(&e.to_string()))))?;
    if let Some(certificate) = &read.certificate {
        // What a bundle brings along to certify itself with is not looked at: authorities come from the
        // root, with all their intermediates (A10).
        let leaf = CertificateContent::new(DerCertificate::from_bytes(certificate));
        bundle.verification_material.content = VerificationMaterialContent::Certificate(leaf);
    }
    for timestamp in &read.timestamps {
        token::certificates(timestamp, &root.known).map_err(NotVerified::Time)?;
    }
    let policy = policy(who, demands, !bundle.verification_material.tlog_entries.is_empty());
    let entries = std::mem::take(&mut bundle.verification_material.tlog_entries);
    let mut times: Vec<Timestamp> = Vec::new();
    let mut run = |bundle: &Bundle, root: &sigstore_trust_root::TrustedRoot| {
        let result = verify(bundle, root, artifact, policy.as_ref(), who)?;
        let result = match rules::authorities_at(root, result.verified_timestamps()) {
            None => result,
            Some(narrower) => verify(bundle, &narrower, artifact, policy.as_ref(), who)?,
        };
        times.extend(result.verified_timestamps());
        if let Some(identity) = result.identity() {
            verified.subject = Some(identity.as_str().to_owned());
        }
        if let Some(issuer) = result.issuer() {
            verified.issuer = Some(issuer.to_owned());
        }
        Ok::<_, NotVerified>(result)
    };
    if entries.is_empty() {
        run(&bundle, &root.known)?;
    }
    for entry in &entries {
        let (log, root) = rules::only_log(&root.known, &entry.log_id.key_id)?;
        rules::checkpoint(entry, &log)?;
        let mut one = bundle.clone();
        one.verification_material.tlog_entries = vec![entry.clone()];
        let result = run(&one, &root)?;
        if entry.kind_version == KindVersion::HashedRekordV002 {
            rules::log_at(&log, result.verified_timestamps())?;
        }
        rules::unvouched_time(entry, result.certificate())?;
    }
    times.sort();
    times.dedup();
    verified.times = times;
    Ok(())
}

fn policy(who: &Who, demands: Demands, logged: bool) -> Box<dyn Policy> {
    match who {
        Who::Key(key) => {
            let policy = PublicKeyVerificationPolicy::new(DerPublicKey::new(key.spki().to_vec()));
            Box::new(if logged { policy } else { policy.skip_tlog_unsafe() })
        }
        Who::Identity { .. } | Who::AnyIdentity => {
            let policy = match who {
                Who::Identity { subject, issuer } => VerificationPolicy::new(subject.as_str(), issuer.as_str()),
                _ => VerificationPolicy::any_identity(),
            };
            let policy = if logged { policy } else { policy.skip_tlog_unsafe() };
            Box::new(if demands.certificate_logged { policy } else { policy.skip_sct() })
        }
    }
}

fn verify(
    bundle: &Bundle,
    root: &sigstore_trust_root::TrustedRoot,
    artifact: &Artifact,
    policy: &dyn Policy,
    who: &Who,
) -> Result<VerificationResult, NotVerified> {
    let verifier = Verifier::new(root).map_err(|e| NotVerified::Root(shown(&e.to_string())))?;
    let result = match artifact.bytes() {
        Some(bytes) => verifier.verify(bytes, bundle, policy),
        None => verifier.verify(digest(artifact)?, bundle, policy),
    };
    result.map_err(|e| why(e, who))
}

fn digest(artifact: &Artifact) -> Result<ArtifactDigest, NotVerified> {
    let unusable = || NotVerified::Unsupported("the artifact's digest".to_owned());
    let digest = artifact.digests().first().ok_or_else(unusable)?;
    let algorithm = match digest.algorithm().name() {
        "sha256" => HashAlgorithm::Sha2256,
        "sha384" => HashAlgorithm::Sha2384,
        "sha512" => HashAlgorithm::Sha2512,
        _ => return Err(unusable()),
    };
    let value = hex::decode(digest.hex()).map_err(|_| unusable())?;
    ArtifactDigest::new(algorithm, value).map_err(|_| unusable())
}

/// The reason in our words.
fn why(error: Error, who: &Who) -> NotVerified {
    let text = shown(&error.to_string());
    match error {
        Error::IdentityMismatch { actual, .. } => {
            other_identity(who, actual.map_or_else(|| "nobody named".to_owned(), |a| shown(a.as_str())))
        }
        Error::IssuerMismatch { actual, .. } => other_identity(
            who,
            format!("one whom {} vouches for", actual.map_or_else(|| "nobody".to_owned(), |a| shown(&a))),
        ),
        Error::SignatureInvalid(_) => NotVerified::Signature(text),
        Error::ArtifactMismatch(_) => NotVerified::OtherArtifact(text),
        Error::Certificate(CertificateError::Sct(why)) => {
            NotVerified::Certificate(format!("no log of certificates vouches for it: {}", shown(&why)))
        }
        Error::Certificate(_) => NotVerified::Certificate(text),
        Error::TransparencyLog(_) => NotVerified::Log(text),
        Error::Timestamp(TimestampError::OutsideAuthorityValidity { time }) => {
            NotVerified::Time(format!("the authority that says {time} is not believed at that time"))
        }
        Error::Timestamp(_) => NotVerified::Time(text),
        Error::InvalidTrustRoot(_) | Error::TrustRoot(_) | Error::TrustedCertificate(_) => NotVerified::Root(text),
        Error::UnsupportedArtifact(_) | Error::UnsupportedBundle(_) => NotVerified::Unsupported(text),
        _ => NotVerified::Malformed(text),
    }
}

fn other_identity(who: &Who, found: String) -> NotVerified {
    let wanted = match who {
        Who::Identity { subject, issuer } => format!("{} (of {})", shown(subject), shown(issuer)),
        Who::AnyIdentity | Who::Key(_) => "whoever was asked for".to_owned(),
    };
    NotVerified::OtherIdentity { wanted, found }
}
