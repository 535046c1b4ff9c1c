//! Finding out about one image: which digest it is, what is attached to exactly that digest, and what is
//! wrong with everything that could run of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cleanbill_image::Document;
use cleanbill_model::{
    AdmissionRequest, Decision, Digest, DigestKind, Evidence, KeyId, Platform, Reason, ReasonCode, Reference,
    Timestamp, Unavailable, Verdict,
};
use cleanbill_oci::{Client, ErrorKind, OciError};
use cleanbill_policy::{Demand, PolicySet, Scan, Scanned, Statement};
use cleanbill_trust::{Collected, Demands, Look, PublicKey, collect_from, judge, statements};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use tokio::time::Instant;

use crate::answer::AdmissionOptions;
use crate::children::{Built, Child, children};
use crate::clock::ClockBehind;
use crate::facts::{Facts, Key};
use crate::flights::Flights;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::others::Scans;

/// Manifests of one image looked into together.
const SCANS_AT_ONCE: usize = 4;
/// What is left of the deadline to say that something is not scanned yet.
const TO_SAY_SO: Duration = Duration::from_millis(200);

/// What is kept from one request for the next, and who may look.
pub(crate) struct Known {
    facts: Facts,
    built: Facts<Built>,
    tags: Flights<(String, Reference), Result<(Digest, DigestKind), OciError>>,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
}

impl Known {
    pub(crate) fn new(options: &AdmissionOptions, metrics: Arc<Metrics>) -> Self {
        let limits = Arc::new(Limits::new(options.per_host, options.per_namespace));
        Self { facts: Facts::default(), built: Facts::default(), tags: Flights::default(), limits, metrics }
    }
}

/// What came out.
pub(crate) enum Found {
    /// This is known.
    Looked(Box<Looked>),
    /// It could not be found out.
    Unknown(ReasonCode, Unavailable),
    /// It was found out that it may not run, whoever vouches for it.
    Refused(ReasonCode, Unavailable),
}

/// What is known of one digest.
pub(crate) struct Looked {
    digest: Digest,
    evidence: Evidence,
    statements: Vec<Statement>,
    scanned: Option<Scanned>,
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
    pub(crate) known: &'a Known,
    pub(crate) scans: Option<&'a Arc<dyn Scans>>,
    /// Whether what is found may be kept for others.
    pub(crate) keep: bool,
    pub(crate) namespace: &'a str,
    /// Where the object is bound to run, if it says so.
    pub(crate) platform: Option<&'a Platform>,
    pub(crate) time: &'a Result<Timestamp, ClockBehind>,
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
            let _host = self.known.limits.hosts.enter(image.registry()).await;
            self.known.metrics.fetched("ping");
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
                        "{} did not answer in {}{}",
                        image.registry(),
                        seconds(self.deadline.saturating_duration_since(self.started)),
                        self.known.limits.said(image.registry(), self.namespace)
                    ),
                },
            ),
        }
    }

    async fn collected(&self, image: &Reference, demand: &Demand) -> Result<Found, Found> {
        let keys = keys(demand)?;
        let demands = Demands { log_entry: demand.log_entry };
        let (digest, kind) = match image.digest() {
            Some(digest) => (digest.clone(), None),
            None => {
                let (digest, kind) = self.resolved(image).await?;
                (digest, Some(kind))
            }
        };
        let pinned = image.with_digest(digest.clone());
        let attached = self.attached(&pinned, &digest, kind, demand, &keys);
        let scanned = async { if demand.scanned { Some(self.scanned(&pinned, &digest).await) } else { None } };
        let (collected, scanned) = futures::join!(attached, scanned);
        let collected = collected?;
        if *collected.subject() != digest {
            return Err(Found::Unknown(
                ReasonCode::Unreachable,
                Unavailable {
                    what: format!("verify {pinned}"),
                    why: format!("what was found belongs to {}", collected.subject()),
                },
            ));
        }
        let evidence = collected.judged(&keys, demands).as_ref().clone();
        let statements = stated(&collected, &keys, demand);
        Ok(Found::Looked(Box::new(Looked { digest, evidence, statements, scanned })))
    }

    /// The digest that a tag names now. Who asks for the same tag in the same namespace meanwhile gets the
    /// same answer; nothing is kept after it.
    async fn resolved(&self, image: &Reference) -> Result<(Digest, DigestKind), Found> {
        let (client, limits, metrics) = (self.client.clone(), self.known.limits.clone(), self.known.metrics.clone());
        let (asked, namespace) = (image.clone(), self.namespace.to_owned());
        let ask = || {
            async move {
                let _namespace = limits.namespaces.enter(&namespace).await;
                let _host = limits.hosts.enter(asked.registry()).await;
                metrics.fetched("tag");
                let document = client.document(&asked).await?;
                Ok((document.digest().clone(), kind_of(&document)))
            }
            .boxed()
        };
        let resolved = if self.keep {
            self.known.tags.join((self.namespace.to_owned(), image.clone()), ask).await
        } else {
            ask().await
        };
        Ok(resolved?)
    }

    /// What is attached to a digest.
    async fn attached(
        &self,
        pinned: &Reference,
        digest: &Digest,
        kind: Option<DigestKind>,
        demand: &Demand,
        keys: &[PublicKey],
    ) -> Result<Arc<Gathered>, Found> {
        let attestations = !demand.attestations.is_empty();
        let key = Key::new(pinned, digest, attestations);
        // Whether everything that is asked for is there, whatever it says: then nobody waits for more of it.
        let whole = |collected: &Gathered| {
            let demands = Demands { log_entry: demand.log_entry };
            let signed = || collected.judged(keys, demands).signatures.iter().any(|s| !s.verified_by.is_empty());
            let stated = stated(collected, keys, demand);
            (!demand.signatures || signed())
                && demand.attestations.iter().all(|of| stated.iter().any(|s| s.predicate_type == *of))
        };
        if let Some(known) = self.known.facts.read(&key, std::time::Instant::now(), whole) {
            self.known.metrics.cache_hits.inc();
            return Ok(known);
        }
        let limits = &self.known.limits;
        let _namespace = limits.namespaces.enter(self.namespace).await;
        let fetch = || async {
            let _host = limits.hosts.enter(pinned.registry()).await;
            self.known.metrics.fetched("evidence");
            let kind = match kind {
                Some(kind) => kind,
                None => kind_of(&self.client.document(pinned).await?),
            };
            let look = Look { attestations, ..Look::default() };
            Ok::<_, Found>(Gathered::new(collect_from(self.client, pinned, kind, &look).await?))
        };
        self.known.facts.get(key, self.keep, whole, fetch).await
    }

    /// What is wrong with everything that could run of a digest.
    async fn scanned(&self, pinned: &Reference, digest: &Digest) -> Scanned {
        let Some(scans) = self.scans else {
            return Scanned::NotYet("nobody looks into images here".to_owned());
        };
        let until = self.deadline.checked_sub(TO_SAY_SO).unwrap_or(self.deadline);
        let all = async {
            let built = match self.built(pinned, digest).await {
                Ok(built) => built,
                Err(error) => return Scanned::NotYet(error.to_string()),
            };
            let runs = match &*built {
                Built::Unreadable(why) => return Scanned::Unreadable(why.clone()),
                Built::Runs(runs) => runs.iter().filter(|child| child.could_run_on(self.platform)),
            };
            let _namespace = self.known.limits.namespaces.enter(self.namespace).await;
            let mut looks = Vec::new();
            for child in runs {
                looks.push(self.scan(scans, pinned, child, until));
            }
            let looked: Result<Vec<Scan>, String> =
                futures::stream::iter(looks).buffered(SCANS_AT_ONCE).try_collect().await;
            looked.map_or_else(Scanned::NotYet, Scanned::Known)
        };
        match tokio::time::timeout_at(until, all).await {
            Ok(scanned) => scanned,
            Err(_) => {
                let took = seconds(until.saturating_duration_since(self.started));
                let waited = self.known.limits.said(pinned.registry(), self.namespace);
                Scanned::NotYet(format!("looking into it took longer than {took}{waited}"))
            }
        }
    }

    async fn scan(
        &self,
        scans: &Arc<dyn Scans>,
        pinned: &Reference,
        child: &Child,
        until: Instant,
    ) -> Result<Scan, String> {
        let image = pinned.with_digest(child.digest.clone());
        scans.scanned(&image, child, until, self.keep).await.map_err(|why| format!("{}: {why}", child.what()))
    }

    /// What a digest comes to; it never changes.
    async fn built(&self, pinned: &Reference, digest: &Digest) -> Result<Arc<Built>, OciError> {
        let fetch = || async {
            let _host = self.known.limits.hosts.enter(pinned.registry()).await;
            self.known.metrics.fetched("index");
            children(self.client, pinned, digest).await
        };
        self.known.built.get(Key::new(pinned, digest, false), self.keep, |_| true, fetch).await
    }
}

/// The statements of the types that are asked for, by a key of the policies.
fn stated(collected: &Collected, keys: &[PublicKey], demand: &Demand) -> Vec<Statement> {
    if demand.attestations.is_empty() {
        return Vec::new();
    }
    statements(collected, keys, &demand.attestations)
        .into_iter()
        .map(|s| Statement { predicate_type: s.predicate_type, verified_by: s.keys, predicate: s.predicate })
        .collect()
}

/// What is attached to a digest, with what was made of it for the keys that were asked about lately.
/// Signatures do not change, and neither does what a key says of them: only rules do, and they are judged
/// anew each time.
pub(crate) struct Gathered {
    collected: Collected,
    judged: Mutex<Vec<Judged>>,
}

struct Judged {
    keys: Vec<KeyId>,
    log_entry: bool,
    evidence: Arc<Evidence>,
}

/// Sets of keys that are remembered of one digest; policies of one cluster have few.
const JUDGED: usize = 8;

impl Gathered {
    fn new(collected: Collected) -> Self {
        Self { collected, judged: Mutex::default() }
    }

    fn judged(&self, keys: &[PublicKey], demands: Demands) -> Arc<Evidence> {
        let ids: Vec<KeyId> = keys.iter().map(PublicKey::id).collect();
        let known = |judged: &&Judged| judged.keys == ids && judged.log_entry == demands.log_entry;
        let lock = || self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(judged) = lock().iter().find(known) {
            return judged.evidence.clone();
        }
        let evidence = Arc::new(judge(&self.collected, keys, demands));
        let mut judged = lock();
        if judged.len() >= JUDGED {
            judged.remove(0);
        }
        judged.push(Judged { keys: ids, log_entry: demands.log_entry, evidence: evidence.clone() });
        evidence
    }
}

impl std::ops::Deref for Gathered {
    type Target = Collected;

    fn deref(&self) -> &Collected {
        &self.collected
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
pub(crate) fn verdict(
    policies: &PolicySet,
    request: &AdmissionRequest,
    image: &Reference,
    found: &Found,
    sources: &Sources<'_>,
) -> Verdict {
    match found {
        Found::Looked(looked) => {
            let facts = cleanbill_policy::Facts {
                evidence: Ok(&looked.evidence),
                statements: &looked.statements,
                scanned: looked.scanned.as_ref(),
                // Nothing that depends on the time is judged where the time is not believed.
                now: sources.time.as_ref().map_or(Timestamp::UNIX_EPOCH, |now| *now),
            };
            policies.judge_with(request, image, Some(&looked.digest), &facts)
        }
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
            ReasonCode::ClockBehind => "set the clock of the machine that runs the webhook right",
            _ => continue,
        };
        hint.clone_into(&mut reason.hint);
    }
}
