//! What the admission webhook answered, kept for those who ask why.
//!
//! [`Hub::note_admission`] is called while somebody waits for an answer: it puts the record into a
//! bounded queue and returns. [`Hub::keep_admissions`] writes what comes in to the store, many at once.
//! What was refused again is one entry that counts; what came in is one entry a namespace and digest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use cleanbill_model::{
    AdmissionRecord, Cancel, Decision, Digest, ImageField, ImageFieldKind, Operation, Reason, Timestamp, Verdict,
};
use cleanbill_store::{AdmissionEntry, AdmissionFilter, AdmissionOutcome, AdmissionReason, AdmittedImage};
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};

use crate::answer::count;
use crate::hub::{Hub, HubError};

/// Answers that wait to be written; more are counted as lost.
const QUEUE: usize = 4096;
/// Answers that are written at once.
const AT_ONCE: usize = 256;
/// How long answers are gathered before they are written.
const GATHER: std::time::Duration = std::time::Duration::from_millis(250);
/// Answers that are kept.
const KEPT: usize = 10_000;

/// The way from the webhook to the store.
pub(crate) struct Queue {
    to: mpsc::Sender<AdmissionRecord>,
    from: Mutex<mpsc::Receiver<AdmissionRecord>>,
    lost: AtomicU64,
}

impl Default for Queue {
    fn default() -> Self {
        let (to, from) = mpsc::channel(QUEUE);
        Self { to, from: Mutex::new(from), lost: AtomicU64::new(0) }
    }
}

/// A page of answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionPage {
    /// Newest first.
    pub entries: Vec<AdmissionEntry>,
    /// The cursor of the next page.
    pub next: Option<i64>,
    /// Answers that came faster than they could be written, since the hub was started.
    pub lost: u64,
}

impl Hub {
    /// Takes an answer down. Never waits.
    pub fn note_admission(&self, record: AdmissionRecord) {
        let queue = &self.0.admissions;
        if queue.to.try_send(record).is_err() {
            queue.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes answers as they come, until cancelled; then what is left.
    pub async fn keep_admissions(&self, cancel: Cancel) {
        let queue = &self.0.admissions;
        let mut from = queue.from.lock().await;
        let mut records = Vec::with_capacity(AT_ONCE);
        while !cancel.is_cancelled() {
            // Looks up now and then, so that it notices the end.
            let wait = std::time::Duration::from_millis(200);
            match tokio::time::timeout(wait, from.recv_many(&mut records, AT_ONCE)).await {
                Ok(0) => return,
                Ok(_) => {
                    // Each write waits for the disk: what comes in the same moment goes with it.
                    tokio::time::sleep(GATHER).await;
                    while records.len() < QUEUE
                        && let Ok(record) = from.try_recv()
                    {
                        records.push(record);
                    }
                    self.write_admissions(&mut records).await;
                }
                Err(_) => {}
            }
        }
        while let Ok(record) = from.try_recv() {
            records.push(record);
        }
        self.write_admissions(&mut records).await;
    }

    /// Writes what waits now; for those who must see it at once.
    pub async fn flush_admissions(&self) {
        let mut from = self.0.admissions.from.lock().await;
        let mut records = Vec::new();
        while let Ok(record) = from.try_recv() {
            records.push(record);
        }
        self.write_admissions(&mut records).await;
    }

    async fn write_admissions(&self, records: &mut Vec<AdmissionRecord>) {
        let mut entries: BTreeMap<String, AdmissionEntry> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        for record in records.drain(..) {
            let Some(entry) = entry(&record) else { continue };
            match entries.get_mut(&entry.key) {
                Some(known) => {
                    known.times += 1;
                    known.last = entry.last;
                }
                None => {
                    order.push(entry.key.clone());
                    entries.insert(entry.key.clone(), entry);
                }
            }
        }
        if order.is_empty() {
            return;
        }
        let written: Vec<AdmissionEntry> = order.iter().filter_map(|key| entries.remove(key)).collect();
        if let Err(error) = self.0.store.put_admissions(&written, KEPT).await {
            self.0.admissions.lost.fetch_add(written.len() as u64, Ordering::Relaxed);
            tracing::error!("answers to admission requests could not be kept: {error}");
        }
    }

    /// Answers, newest first.
    pub async fn admissions(
        &self,
        filter: &AdmissionFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<AdmissionPage, HubError> {
        let limit = limit.clamp(1, 1000);
        let mut entries = self.0.store.admissions(filter, before, limit + 1).await?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = if more { entries.last().map(|entry| entry.cursor) } else { None };
        Ok(AdmissionPage { entries, next, lost: self.0.admissions.lost.load(Ordering::Relaxed) })
    }

    /// One answer by its key.
    pub async fn admission(&self, key: &str) -> Result<Option<AdmissionEntry>, HubError> {
        Ok(self.0.store.admission(key).await?)
    }
}

/// What is kept of an answer; `None`: nobody asked anything of it.
fn entry(record: &AdmissionRecord) -> Option<AdmissionEntry> {
    let answer = &record.answer;
    let outcome = outcome(record)?;
    let places = |verdict: &Verdict| -> Vec<String> {
        let same = |field: &&ImageField| {
            cleanbill_model::Reference::parse(&field.image).is_ok_and(|reference| reference == verdict.image)
        };
        record.images.iter().filter(same).map(place).collect()
    };
    let mut images: Vec<AdmittedImage> = answer
        .verdicts
        .iter()
        .map(|verdict| AdmittedImage {
            image: verdict.image.to_string(),
            places: places(verdict),
            digest: verdict.digest.as_ref().map(ToString::to_string),
            decision: verdict.decision.name().to_owned(),
            reasons: verdict.reasons.iter().map(reason).collect(),
            warnings: verdict.warnings.iter().map(reason).collect(),
        })
        .collect();
    // Those that keep the object out first.
    images.sort_by_key(|image| (image.decision == Decision::Admit.name(), image.image.clone()));
    // Nothing here is told more exactly than to the second.
    let at = Timestamp::from_second(record.at.as_second()).unwrap_or(record.at);
    Some(AdmissionEntry {
        key: key(record, outcome, &images),
        cursor: 0,
        times: 1,
        first: at,
        last: at,
        outcome,
        phase: record.phase.to_owned(),
        failure_policy: record.failure_policy.to_owned(),
        operation: match record.operation {
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Other => "other",
        }
        .to_owned(),
        kind: record.kind.clone(),
        namespace: record.namespace.clone(),
        name: record.name.clone(),
        user: record.user.clone(),
        message: answer.message.clone(),
        warnings: answer.warnings.clone(),
        images,
    })
}

fn outcome(record: &AdmissionRecord) -> Option<AdmissionOutcome> {
    let answer = &record.answer;
    if !answer.allowed {
        return Some(if answer.code == 403 { AdmissionOutcome::Refused } else { AdmissionOutcome::Undecided });
    }
    let open = answer.verdicts.iter().any(|v| v.decision != Decision::Admit || !v.warnings.is_empty());
    let asked = |v: &Verdict| v.reasons.iter().any(|reason| !reason.policy.is_empty());
    if open || answer.audit_annotations.contains_key("would-be-refused") {
        Some(AdmissionOutcome::WouldBeRefused)
    } else if answer.verdicts.iter().any(asked) {
        Some(AdmissionOutcome::Admitted)
    } else {
        None
    }
}

/// The same thing again has the same key. What came in is told apart by namespace and digests alone;
/// what did not, by what it was and which rules spoke against it. Whether one hook or the other refused
/// is no difference.
fn key(record: &AdmissionRecord, outcome: AdmissionOutcome, images: &[AdmittedImage]) -> String {
    let mut text = format!("{}\0{}\0{}", outcome.name(), record.namespace, record.kind);
    let admitted = outcome == AdmissionOutcome::Admitted;
    if !admitted {
        text.push_str(&format!("\0{}\0{}", record.name, record.audit));
    }
    for image in images {
        text.push_str(&format!("\n{}", image.digest.as_deref().unwrap_or(&image.image)));
        if !admitted {
            let said = image.reasons.iter().chain(&image.warnings);
            text.extend(said.map(|r| format!("\0{}/{} {}", r.policy, r.rule, r.code)));
        }
    }
    if images.is_empty() {
        text.push_str(&record.answer.message);
    }
    Digest::sha256(text.as_bytes()).hex()[..32].to_owned()
}

fn reason(reason: &Reason) -> AdmissionReason {
    AdmissionReason {
        code: reason.code.name().to_owned(),
        policy: reason.policy.clone(),
        rule: reason.rule.clone(),
        message: reason.message.clone(),
        hint: reason.hint.clone(),
        attempts: reason.attempts.iter().map(|a| (a.what.clone(), a.outcome.clone())).collect(),
    }
}

fn place(field: &ImageField) -> String {
    let what = match field.kind {
        ImageFieldKind::Container => "container",
        ImageFieldKind::Init => "init container",
        ImageFieldKind::Ephemeral => "ephemeral container",
        ImageFieldKind::Volume => "volume",
        ImageFieldKind::Unknown => return field.pointer.clone(),
    };
    if field.container.is_empty() { what.to_owned() } else { format!("{what} {}", field.container) }
}

impl AdmissionPage {
    /// The page in one sentence.
    pub fn sentence(&self) -> String {
        let of = |outcome| self.entries.iter().filter(|e| e.outcome == outcome).map(|e| e.times).sum::<u64>();
        let parts: Vec<String> = [
            (AdmissionOutcome::Refused, "refused"),
            (AdmissionOutcome::Undecided, "kept out because it could not be found out"),
            (AdmissionOutcome::WouldBeRefused, "let in although a rule was not met"),
            (AdmissionOutcome::Admitted, "admitted"),
        ]
        .into_iter()
        .filter(|(outcome, _)| of(*outcome) > 0)
        .map(|(outcome, words)| format!("{} {words}", count(of(outcome), "request")))
        .collect();
        match parts.as_slice() {
            [] => "Nothing was asked for that is of this kind.".to_owned(),
            parts => format!("{}.", parts.join(", ")),
        }
    }

    /// `cleanbill/admissions/v1`.
    pub fn to_json(&self) -> Value {
        let entries: Vec<Value> = self.entries.iter().map(to_json).collect();
        json!({"schema": "cleanbill/admissions/v1", "admissions": entries,
               "next": self.next.map(|n| n.to_string()), "lost": self.lost})
    }
}

/// One answer, as in `cleanbill/admissions/v1`.
pub(crate) fn to_json(entry: &AdmissionEntry) -> Value {
    let reasons = |reasons: &[AdmissionReason]| -> Vec<Value> {
        let attempts = |r: &AdmissionReason| -> Vec<Value> {
            r.attempts.iter().map(|(what, outcome)| json!({"what": what, "outcome": outcome})).collect()
        };
        let one = |r: &AdmissionReason| {
            json!({"code": r.code, "policy": r.policy, "rule": r.rule, "message": r.message, "hint": r.hint,
                   "attempts": attempts(r)})
        };
        reasons.iter().map(one).collect()
    };
    let images: Vec<Value> = entry
        .images
        .iter()
        .map(|image| {
            json!({"image": image.image, "places": image.places, "digest": image.digest, "decision": image.decision,
                   "reasons": reasons(&image.reasons), "warnings": reasons(&image.warnings)})
        })
        .collect();
    json!({
        "id": entry.key, "outcome": entry.outcome.name(), "times": entry.times, "first": entry.first.to_string(),
        "last": entry.last.to_string(), "phase": entry.phase, "failure_policy": entry.failure_policy,
        "operation": entry.operation, "kind": entry.kind, "namespace": entry.namespace, "name": entry.name,
        "user": entry.user, "message": entry.message, "warnings": entry.warnings, "images": images,
    })
}

/// `Pod web-0 in shop`, `a Pod in shop`.
pub(crate) fn thing(entry: &AdmissionEntry) -> String {
    let kind = match entry.name.as_str() {
        "" => format!("A {}", entry.kind),
        name => format!("{} {name}", entry.kind),
    };
    if entry.namespace.is_empty() { kind } else { format!("{kind} in {}", entry.namespace) }
}

/// What is known of who vouches for a digest: the newest word of each rule that was asked.
pub(crate) fn words_of_rules(entries: &[AdmissionEntry], digest: &str) -> Vec<(Timestamp, bool, AdmissionReason)> {
    let mut newest: BTreeMap<(String, String), (Timestamp, bool, AdmissionReason)> = BTreeMap::new();
    for entry in entries {
        for image in entry.images.iter().filter(|image| image.digest.as_deref() == Some(digest)) {
            let said = image.reasons.iter().map(|r| (false, r)).chain(image.warnings.iter().map(|r| (true, r)));
            for (audits, reason) in said.filter(|(_, reason)| !reason.policy.is_empty()) {
                let slot = newest.entry((reason.policy.clone(), reason.rule.clone()));
                let word = (entry.last, audits, reason.clone());
                slot.and_modify(|known| {
                    if known.0 < entry.last {
                        *known = word.clone();
                    }
                })
                .or_insert(word);
            }
        }
    }
    newest.into_values().collect()
}
