//! Finding out about one image: which digest it is, and what is attached to exactly that digest.

use std::time::Duration;

use cleanbill_image::Document;
use cleanbill_model::{
    AdmissionRequest, Decision, Digest, DigestKind, Evidence, Reason, ReasonCode, Reference, Unavailable, Verdict,
};
use cleanbill_oci::{Client, ErrorKind, OciError};
use cleanbill_policy::{Demand, PolicySet};
use cleanbill_trust::{Collected, Demands, PublicKey, collect, judge};
use tokio::time::Instant;

use crate::facts::{Facts, Key};

/// What came out.
pub(crate) enum Found {
    /// This is its digest, and this is attached to it.
    Evidence(Digest, Evidence),
    /// It could not be found out.
    Unknown(ReasonCode, Unavailable),
    /// It was found out that it may not run, whoever vouches for it.
    Refused(ReasonCode, Unavailable),
}

impl Found {
    fn registry(error: OciError) -> Self {
        let unavailable = Unavailable { what: error.what, why: error.why };
        match error.kind {
            ErrorKind::NotFound => Found::Refused(ReasonCode::NotFound, unavailable),
            // It will never be asked: no failure policy may admit what nobody can look at (A42).
            ErrorKind::Forbidden => Found::Refused(ReasonCode::Unreachable, unavailable),
            ErrorKind::Unauthorized | ErrorKind::Unreachable | ErrorKind::Invalid => {
                Found::Unknown(ReasonCode::Unreachable, unavailable)
            }
        }
    }
}

impl From<OciError> for Found {
    fn from(error: OciError) -> Self {
        Found::registry(error)
    }
}

impl From<Unavailable> for Found {
    fn from(unavailable: Unavailable) -> Self {
        Found::Unknown(ReasonCode::Unreachable, unavailable)
    }
}

/// Where to look.
pub(crate) struct Sources<'a> {
    pub(crate) client: &'a Client,
    pub(crate) facts: &'a Facts,
    /// Whether what is found may be kept for others.
    pub(crate) keep: bool,
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
}

impl Sources<'_> {
    /// The digest that `image` names now, and the evidence for that digest. The tag is asked for once.
    pub(crate) async fn evidence(&self, image: &Reference, demand: &Demand) -> Found {
        let found = async { self.collected(image, demand).await.unwrap_or_else(|found| found) };
        self.in_time(image, found).await
    }

    /// For a Pod that is not pinned: only whether there is a registry that could have been asked.
    pub(crate) async fn no_digest(&self, image: &Reference) -> Found {
        let ask = async {
            match self.client.ping(image).await {
                Err(error) if matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Forbidden) => error.into(),
                Ok(()) | Err(_) => Found::Refused(
                    ReasonCode::NoDigest,
                    Unavailable {
                        what: format!("verify {image}"),
                        why: "it is not pinned to a digest, and a tag may name something else when the image is pulled"
                            .to_owned(),
                    },
                ),
            }
        };
        self.in_time(image, ask).await
    }

    async fn in_time(&self, image: &Reference, look: impl Future<Output = Found>) -> Found {
        match tokio::time::timeout_at(self.deadline, look).await {
            Ok(found) => found,
            Err(_) => Found::Unknown(
                ReasonCode::Deadline,
                Unavailable {
                    what: format!("verify {image}"),
                    why: format!(
                        "{} did not answer in {}",
                        image.registry(),
                        seconds(self.deadline.saturating_duration_since(self.started))
                    ),
                },
            ),
        }
    }

    async fn collected(&self, image: &Reference, demand: &Demand) -> Result<Found, Found> {
        let keys = keys(demand)?;
        let demands = Demands { log_entry: demand.log_entry };
        let signed = |collected: &Collected| {
            judge(collected, &keys, demands).signatures.iter().any(|record| !record.verified_by.is_empty())
        };
        let (digest, kind) = match image.digest() {
            Some(digest) => (digest.clone(), None),
            None => {
                let document = self.client.document(image).await?;
                (document.digest().clone(), Some(kind_of(&document)))
            }
        };
        let pinned = image.with_digest(digest.clone());
        let collected = self
            .facts
            .get(Key::new(image, &digest), self.keep, signed, || async {
                let kind = match kind {
                    Some(kind) => kind,
                    None => kind_of(&self.client.document(&pinned).await?),
                };
                Ok::<_, Found>(collect(self.client, &pinned, kind).await?)
            })
            .await?;
        if *collected.subject() != digest {
            return Err(Found::Unknown(
                ReasonCode::Unreachable,
                Unavailable {
                    what: format!("verify {pinned}"),
                    why: format!("what was found belongs to {}", collected.subject()),
                },
            ));
        }
        Ok(Found::Evidence(digest, judge(&collected, &keys, demands)))
    }
}

fn keys(demand: &Demand) -> Result<Vec<PublicKey>, Found> {
    demand
        .keys
        .iter()
        .map(|(id, pem)| {
            PublicKey::from_pem(pem).map_err(|error| {
                Found::from(Unavailable { what: format!("use the policy's key {id}"), why: error.to_string() })
            })
        })
        .collect()
}

fn kind_of(document: &Document) -> DigestKind {
    match document {
        Document::Manifest(_) => DigestKind::Manifest,
        Document::Index(_) => DigestKind::Index,
    }
}

/// `9.5 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// What the policies say to what was found.
pub(crate) fn verdict(policies: &PolicySet, request: &AdmissionRequest, image: &Reference, found: &Found) -> Verdict {
    match found {
        Found::Evidence(digest, evidence) => policies.judge(request, image, Some(digest), Ok(evidence)),
        Found::Unknown(code, unavailable) => {
            let mut verdict = policies.judge(request, image, image.digest(), Err(unavailable));
            name(&mut verdict, *code, None);
            verdict
        }
        Found::Refused(code, unavailable) => {
            let mut verdict = policies.judge(request, image, image.digest(), Err(unavailable));
            let message = match code {
                ReasonCode::NoDigest => Some(unavailable.why.clone()),
                ReasonCode::NotFound => Some(format!("there is no such image: {unavailable}")),
                _ => None,
            };
            name(&mut verdict, *code, message);
            if verdict.decision == Decision::Undecided {
                verdict.decision = Decision::Refuse;
            }
            verdict
        }
    }
}

/// Policies know evidence and its absence; which absence it is, is known here.
fn name(verdict: &mut Verdict, code: ReasonCode, message: Option<String>) {
    let open = |reason: &&mut Reason| reason.code == ReasonCode::Unreachable;
    for reason in verdict.reasons.iter_mut().filter(open).chain(verdict.warnings.iter_mut().filter(open)) {
        reason.code = code;
        if let Some(message) = &message {
            reason.message.clone_from(message);
        }
        let hint = match code {
            ReasonCode::NoDigest => {
                "check that the mutating webhook of cleanbill is installed and answers, or write NAME@sha256:… yourself"
            }
            ReasonCode::NotFound => "check the name and the tag, and push the image first",
            ReasonCode::Deadline => "try again, and look why the registry is slow",
            _ => continue,
        };
        hint.clone_into(&mut reason.hint);
    }
}
