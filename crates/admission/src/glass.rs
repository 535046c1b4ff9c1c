//! Break-glass: one digest, one namespace, a few hours, said by somebody with the right to say so. It is
//! an object of the cluster; nothing on a workload, a template or a namespace is one (A74).

use std::sync::Arc;

use cleanbill_model::{AdmissionRequest, Decision, Reason, ReasonCode, Timestamp, Verdict};
use tokio::time::Instant;

use crate::others::BreakGlass;

/// Lets an image in that was refused or could not be looked at, if somebody broke the glass for it; gives
/// the line for the audit log. What cannot be asked in time is not broken.
pub(crate) async fn broken(
    glass: &Arc<dyn BreakGlass>,
    request: &AdmissionRequest,
    verdict: &mut Verdict,
    now: Timestamp,
    until: Instant,
) -> Option<String> {
    if verdict.decision == Decision::Admit || request.namespace.is_empty() {
        return None;
    }
    let digest = verdict.digest.clone().or_else(|| verdict.image.digest().cloned())?;
    let asked = glass.open(&request.namespace, &digest, now);
    let open = tokio::time::timeout_at(until, asked).await.ok().flatten()?;
    // Whatever they say who know it: what has ended has ended.
    if open.expires <= now {
        return None;
    }
    let line = format!(
        "{digest} runs in {} until {} by break-glass {} of {}: {}",
        request.namespace, open.expires, open.name, open.requested_by, open.reason
    );
    let reason = Reason {
        code: ReasonCode::BreakGlass,
        policy: String::new(),
        rule: String::new(),
        message: line.clone(),
        hint: "make the image pass before that".to_owned(),
        attempts: Vec::new(),
    };
    verdict.decision = Decision::Admit;
    verdict.digest = Some(digest);
    verdict.reasons.push(reason.clone());
    verdict.warnings.push(reason);
    Some(line)
}

/// Whether break-glass let it in.
pub(crate) fn is_broken(verdict: &Verdict) -> bool {
    verdict.reasons.iter().any(|reason| reason.code == ReasonCode::BreakGlass)
}
