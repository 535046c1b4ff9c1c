//! What people read: which image, which rule, what was found and tried, what to do.

use cleanbill_model::{Decision, ImageField, Reason, ReasonCode, Verdict};

/// Lines of attempts shown of one rule.
const ATTEMPTS: usize = 12;

/// One image of a request that may not come in, or could not be looked at.
pub(crate) struct Open<'a> {
    pub(crate) field: &'a ImageField,
    pub(crate) verdict: &'a Verdict,
}

/// The first in full, the others one line each; refusals before what could not be found out.
pub(crate) fn refusal(open: &[Open<'_>]) -> String {
    let mut order: Vec<&Open<'_>> = open.iter().collect();
    order.sort_by_key(|o| o.verdict.decision == Decision::Undecided);
    let Some((first, rest)) = order.split_first() else { return String::new() };
    let mut out = full(first);
    for other in rest {
        out.push_str("\nalso: ");
        out.push_str(&line(other.field, other.verdict));
    }
    out
}

/// `image nginx:1 (container web) refused`, then a block for each rule that is not satisfied.
fn full(open: &Open<'_>) -> String {
    let mut out = head(open.field, open.verdict);
    for reason in against(open.verdict) {
        out.push_str(&format!("\n  {}{}", of(reason), reason.message));
        for attempt in reason.attempts.iter().take(ATTEMPTS) {
            out.push_str(&format!("\n    tried {}: {}", attempt.what, attempt.outcome));
        }
        if reason.attempts.len() > ATTEMPTS {
            out.push_str(&format!("\n    and {} more", reason.attempts.len() - ATTEMPTS));
        }
        if !reason.hint.is_empty() {
            out.push_str(&format!("\n  hint: {}", reason.hint));
        }
    }
    out
}

/// All of it in one line.
pub(crate) fn line(field: &ImageField, verdict: &Verdict) -> String {
    let reasons: Vec<String> = against(verdict).map(|reason| format!("{}{}", of(reason), reason.message)).collect();
    format!("{}: {}", head(field, verdict), reasons.join("; "))
}

/// A rule that only audits and is not satisfied.
pub(crate) fn warning(field: &ImageField, reason: &Reason) -> String {
    format!("image {}{}: {}{}", field.image, place(field), of(reason), reason.message)
}

fn head(field: &ImageField, verdict: &Verdict) -> String {
    match verdict.decision {
        Decision::Undecided => format!("could not verify image {}{}", field.image, place(field)),
        Decision::Admit | Decision::Refuse => {
            format!("image {}{} {}", field.image, place(field), verdict.decision.name())
        }
    }
}

fn place(field: &ImageField) -> String {
    let what = match field.kind {
        cleanbill_model::ImageFieldKind::Container => "container",
        cleanbill_model::ImageFieldKind::Init => "init container",
        cleanbill_model::ImageFieldKind::Ephemeral => "ephemeral container",
        cleanbill_model::ImageFieldKind::Volume => "volume",
        cleanbill_model::ImageFieldKind::Unknown => return format!(" ({})", field.pointer),
    };
    if field.container.is_empty() { format!(" ({what})") } else { format!(" ({what} {})", field.container) }
}

/// The reasons that speak against it.
fn against(verdict: &Verdict) -> impl Iterator<Item = &Reason> {
    verdict.reasons.iter().filter(|reason| {
        !matches!(reason.code, ReasonCode::Signed | ReasonCode::Allowed | ReasonCode::NoPolicy | ReasonCode::Skipped)
    })
}

fn of(reason: &Reason) -> String {
    match (reason.policy.as_str(), reason.rule.as_str()) {
        ("", _) => String::new(),
        (policy, "") => format!("policy {policy}: "),
        (policy, rule) => format!("policy {policy}/{rule}: "),
    }
}
