//! From a request to its answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use cleanbill_model::{
    AdmissionAnswer, AdmissionRecord, AdmissionRequest, Decision, ImageField, ImageFieldKind, JsonPatch, ReasonCode,
    Reference, Timestamp, Unavailable, Verdict,
};
use cleanbill_oci::Client;
use cleanbill_policy::{Day, FailurePolicy, PolicySet};
use futures::StreamExt as _;
use tokio::time::Instant;

use crate::clock::{ClockBehind, Floor};
use crate::draft::Draft;
use crate::glass;
use crate::look::{Found, Known, Sources, verdict};
use crate::message;
use crate::metrics::Metrics;
use crate::others::{BreakGlass, Journal, Scans};

/// Images looked at together in one request.
const AT_ONCE: usize = 8;

/// Which of the two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Verify Pods and pin them.
    Mutate,
    /// Verify what is pinned, and templates.
    Validate,
}

impl Phase {
    /// The word of the path.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Mutate => "mutate",
            Phase::Validate => "validate",
        }
    }
}

/// Which hook was called: Kubernetes knows one failure policy a hook, so there is one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hook {
    /// Only policies with this failure policy are judged.
    pub failure: FailurePolicy,
    /// Refusals are warnings.
    pub audit: bool,
}

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Bounds of a request.
#[derive(Debug, Clone)]
pub struct AdmissionOptions {
    /// When an answer is given at the latest: half a second before the API server stops waiting.
    pub deadline: Duration,
    /// Images an object may have.
    pub max_images: usize,
    /// Looks at one registry host at once.
    pub per_host: usize,
    /// Images of one namespace looked at at once.
    pub per_namespace: usize,
}

impl Default for AdmissionOptions {
    fn default() -> Self {
        Self { deadline: Duration::from_millis(9500), max_images: 64, per_host: 8, per_namespace: 16 }
    }
}

/// Answers requests. Shared by all callers.
pub struct Admission {
    policies: RwLock<Arc<PolicySet>>,
    client: Client,
    options: AdmissionOptions,
    known: Known,
    journal: Option<Arc<dyn Journal>>,
    scans: Option<Arc<dyn Scans>>,
    glass: Option<Arc<dyn BreakGlass>>,
    clock: Clock,
    floor: Option<Floor>,
    metrics: Arc<Metrics>,
}

impl Admission {
    /// With `policies` in force.
    pub fn new(policies: PolicySet, client: Client, options: AdmissionOptions) -> Self {
        let metrics = Arc::new(Metrics::default());
        metrics.policies(policies.names().len());
        Self {
            policies: RwLock::new(Arc::new(policies)),
            client,
            known: Known::new(&options, metrics.clone()),
            options,
            journal: None,
            scans: None,
            glass: None,
            clock: Arc::new(Timestamp::now),
            floor: None,
            metrics,
        }
    }

    /// Asks `scans` what is wrong with images, where a policy wants to know. Without it nobody has looked
    /// into any.
    #[must_use]
    pub fn with_scans(self, scans: Arc<dyn Scans>) -> Self {
        Self { scans: Some(scans), ..self }
    }

    /// Lets in what somebody broke the glass for. Dry runs of proven callers are told the same.
    #[must_use]
    pub fn with_break_glass(self, glass: Arc<dyn BreakGlass>) -> Self {
        Self { glass: Some(glass), ..self }
    }

    /// Asks another clock than the system's.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Believes no clock that is behind `floor`.
    #[must_use]
    pub fn with_floor(self, floor: Floor) -> Self {
        Self { floor: Some(floor), ..self }
    }

    /// Its counts.
    pub fn metrics(&self) -> Arc<Metrics> {
        self.metrics.clone()
    }

    /// Who knows of broken glass, if anybody does.
    pub(crate) fn glass(&self) -> Option<&Arc<dyn BreakGlass>> {
        self.glass.as_ref()
    }

    /// The time, if it can be believed.
    pub(crate) fn time(&self) -> Result<Timestamp, ClockBehind> {
        let now = (self.clock)();
        let believed = self.floor.as_ref().map_or(Ok(()), |floor| floor.check(now));
        self.metrics.clock(believed.is_ok());
        believed.map(|()| now)
    }

    /// Whether requests can be answered; why not.
    pub fn ready(&self) -> Result<(), String> {
        if self.policies().names().is_empty() {
            return Err("no policy is in force".to_owned());
        }
        self.time().map(|_| ()).map_err(|behind| format!("{behind}: set it right, or wait until it is"))
    }

    /// Tells `journal` of every answer that a proven caller got and that was no dry run.
    #[must_use]
    pub fn with_journal(self, journal: Arc<dyn Journal>) -> Self {
        Self { journal: Some(journal), ..self }
    }

    /// Puts other policies in force, from the next request on. What is known about images stays: it
    /// does not depend on policies.
    pub fn replace(&self, policies: PolicySet) {
        self.metrics.policies(policies.names().len());
        *self.policies.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policies);
    }

    /// The policies in force.
    pub fn policies(&self) -> Arc<PolicySet> {
        self.policies.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The longest that an answer takes.
    pub fn deadline(&self) -> Duration {
        self.options.deadline
    }

    /// The answer to one call. `proven`: the caller is known to be the API server; others, and dry
    /// runs, change nothing that is kept.
    pub async fn answer(&self, phase: Phase, hook: Hook, request: AdmissionRequest, proven: bool) -> AdmissionAnswer {
        self.answer_within(self.options.deadline, phase, hook, request, proven).await
    }

    /// The same for a caller that waits less long.
    pub async fn answer_within(
        &self,
        deadline: Duration,
        phase: Phase,
        hook: Hook,
        request: AdmissionRequest,
        proven: bool,
    ) -> AdmissionAnswer {
        let kept = proven && !request.dry_run;
        let started = Instant::now();
        let answer = self.judged(deadline, phase, hook, &request, proven).await;
        if proven {
            self.metrics.answered(phase, &answer, started.elapsed());
        }
        if let Some(journal) = &self.journal
            && kept
            && (!answer.verdicts.is_empty() || !answer.allowed)
        {
            journal.record(AdmissionRecord {
                at: (self.clock)(),
                phase: phase.name(),
                failure_policy: hook.failure.name(),
                audit: hook.audit,
                operation: request.operation,
                kind: request.kind,
                namespace: request.namespace,
                name: request.name,
                user: request.user,
                images: request.images,
                answer: answer.clone(),
            });
        }
        answer
    }

    async fn judged(
        &self,
        deadline: Duration,
        phase: Phase,
        hook: Hook,
        request: &AdmissionRequest,
        proven: bool,
    ) -> AdmissionAnswer {
        let started = Instant::now();
        let time = self.time();
        let mut policies = self.policies().with_failure_policy(hook.failure);
        if let Ok(now) = time {
            policies = policies.on(Day::of(SystemTime::from(now)));
        }
        let pod = request.kind == "Pod";
        if policies.names().is_empty() || request.images.is_empty() || (phase == Phase::Mutate && !pod) {
            return Draft::default().finish(request, hook);
        }
        let mut draft = Draft::default();
        if request.images.len() > self.options.max_images {
            draft.refuse(format!(
                "the object names {} images, more than the {} that are looked at in one request\n  hint: split it into several objects",
                request.images.len(),
                self.options.max_images
            ));
            return draft.finish(request, hook);
        }
        let sources = Sources {
            client: &self.client,
            known: &self.known,
            scans: self.scans.as_ref(),
            keep: proven && !request.dry_run,
            namespace: &request.namespace,
            platform: request.platform.as_ref(),
            time: &time,
            started,
            deadline: started + deadline.min(self.options.deadline),
        };

        let mut places: Vec<(&ImageField, Reference)> = Vec::new();
        for field in &request.images {
            match Reference::parse(&field.image) {
                Ok(reference) => places.push((field, reference)),
                // A text in a field we do not know need not be an image.
                Err(_) if field.kind == ImageFieldKind::Unknown => {}
                Err(error) => {
                    draft.refuse(format!("image {:?} at {} cannot be verified: {error}", field.image, field.pointer))
                }
            }
        }
        // One look an image, however often it is named: all its places get the same digest.
        let images: BTreeSet<&Reference> = places.iter().map(|(_, image)| image).collect();
        let mut looks = Vec::with_capacity(images.len());
        for image in images {
            let look = look(&policies, request, image, phase, pod, &sources);
            looks.push(async move { (image, look.await) });
        }
        let mut judged: BTreeMap<&Reference, Verdict> =
            futures::stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
        if let (Some(glass), Ok(now), true) = (&self.glass, &time, proven) {
            for verdict in judged.values_mut() {
                draft.glass.extend(glass::broken(glass, request, verdict, *now, sources.deadline).await);
            }
        }

        for (field, image) in &places {
            let Some(verdict) = judged.get(image) else { continue };
            draft.warnings.extend(verdict.warnings.iter().map(|reason| message::warning(field, reason)));
            match verdict.decision {
                Decision::Admit => {
                    if phase == Phase::Mutate
                        && image.digest().is_none()
                        && let Some(digest) = &verdict.digest
                        && (policies.pins(request, image) || glass::is_broken(verdict))
                    {
                        let value = format!("{}@{digest}", field.image);
                        draft.patches.push(JsonPatch { pointer: field.pointer.clone(), value });
                    }
                }
                Decision::Undecided if hook.failure == FailurePolicy::Ignore => {
                    draft.warnings.push(format!("{} (admitted: failurePolicy Ignore)", message::line(field, verdict)));
                }
                Decision::Refuse | Decision::Undecided => draft.open.push(((*field).clone(), verdict.clone())),
            }
        }
        draft.verdicts = judged.into_values().collect();
        draft.finish(request, hook)
    }

    /// What the API server would make of an object: both mutating hooks, then both validating hooks
    /// on what came out. Nothing is kept.
    pub async fn admit(&self, request: AdmissionRequest) -> AdmissionAnswer {
        let mut current = request.clone();
        let mut patches: Vec<JsonPatch> = Vec::new();
        let mut warnings: Vec<String> = Vec::new();
        let mut verdicts: Vec<Verdict> = Vec::new();
        for phase in [Phase::Mutate, Phase::Validate] {
            let mut refused: Option<AdmissionAnswer> = None;
            for failure in [FailurePolicy::Ignore, FailurePolicy::Fail] {
                let answer = self.answer(phase, Hook { failure, audit: false }, current.clone(), false).await;
                for patch in &answer.patches {
                    if let Some(field) = current.images.iter_mut().find(|f| f.pointer == patch.pointer) {
                        field.image.clone_from(&patch.value);
                    }
                }
                patches.extend(answer.patches.iter().cloned());
                for warning in &answer.warnings {
                    if !warnings.contains(warning) {
                        warnings.push(warning.clone());
                    }
                }
                for verdict in &answer.verdicts {
                    if !verdicts.contains(verdict) {
                        verdicts.push(verdict.clone());
                    }
                }
                if !answer.allowed {
                    refused = Some(match refused {
                        None => answer,
                        Some(first) => AdmissionAnswer {
                            message: format!("{}\n{}", first.message, answer.message),
                            code: first.code.min(answer.code),
                            ..first
                        },
                    });
                }
            }
            if let Some(refused) = refused {
                return AdmissionAnswer { warnings, verdicts, patches: Vec::new(), ..refused };
            }
        }
        AdmissionAnswer {
            uid: request.uid,
            audit_annotations: BTreeMap::new(),
            allowed: true,
            message: String::new(),
            code: 200,
            warnings,
            patches,
            verdicts,
        }
    }
}

async fn look(
    policies: &PolicySet,
    request: &AdmissionRequest,
    image: &Reference,
    phase: Phase,
    pod: bool,
    sources: &Sources<'_>,
) -> Verdict {
    let demand = policies.demand(request, image);
    if !demand.applies {
        // Nobody asks, so nothing is looked at; the policies say why: none speaks of it, or an exception.
        let unasked = Unavailable { what: format!("look at {image}"), why: "no policy asks".to_owned() };
        return policies.judge(request, image, image.digest(), Err(&unasked));
    }
    if let (true, Err(behind)) = (demand.time, sources.time) {
        let why = Unavailable { what: format!("judge {image}"), why: behind.to_string() };
        return verdict(policies, request, image, &Found::Unknown(ReasonCode::ClockBehind, why), sources);
    }
    let tag = image.digest().is_none() && policies.wants_digest(request, image);
    let found: Found = if phase == Phase::Validate && pod && tag {
        sources.no_digest(image).await
    } else {
        sources.evidence(image, &demand).await
    };
    verdict(policies, request, image, &found, sources)
}
