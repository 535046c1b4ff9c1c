//! An answer in the making: what it says, and what it leaves in the API server's audit log.

use std::collections::BTreeMap;

use cleanbill_model::{AdmissionAnswer, AdmissionRequest, Decision, ImageField, JsonPatch, Verdict};

use crate::Hook;
use crate::message::{self, Open};

/// An answer in the making.
#[derive(Default)]
pub(crate) struct Draft {
    /// Refusals that are not about one image's evidence.
    refusals: Vec<String>,
    /// Images that may not come in.
    pub(crate) open: Vec<(ImageField, Verdict)>,
    pub(crate) warnings: Vec<String>,
    pub(crate) patches: Vec<JsonPatch>,
    pub(crate) verdicts: Vec<Verdict>,
    /// What let an image in that policies refuse.
    pub(crate) glass: Vec<String>,
}

impl Draft {
    pub(crate) fn refuse(&mut self, message: String) {
        self.refusals.push(message);
    }

    pub(crate) fn finish(mut self, request: &AdmissionRequest, hook: Hook) -> AdmissionAnswer {
        let open: Vec<Open<'_>> = self.open.iter().map(|(field, verdict)| Open { field, verdict }).collect();
        let mut message = self.refusals.join("\n");
        if !open.is_empty() {
            if !message.is_empty() {
                message.push('\n');
            }
            message.push_str(&message::refusal(&open));
        }
        let allowed = message.is_empty();
        let certain = !self.refusals.is_empty() || open.iter().any(|o| o.verdict.decision == Decision::Refuse);
        let code = match (allowed, certain) {
            (true, _) => 200,
            (false, true) => 403,
            (false, false) => 500,
        };
        if !allowed && hook.audit {
            self.warnings.extend(self.refusals.iter().map(|refusal| format!("would be refused: {refusal}")));
            self.warnings
                .extend(open.iter().map(|o| format!("would be refused: {}", message::line(o.field, o.verdict))));
        }
        let refused = !allowed && !hook.audit;
        let mut audit_annotations = BTreeMap::new();
        if !allowed {
            let key = if refused { "refused" } else { "would-be-refused" };
            audit_annotations.insert(key.to_owned(), message.clone());
        }
        if !refused && !self.patches.is_empty() {
            let pinned: Vec<&str> = self.patches.iter().map(|patch| patch.value.as_str()).collect();
            audit_annotations.insert("pinned".to_owned(), pinned.join("\n"));
        }
        if !refused && !self.glass.is_empty() {
            audit_annotations.insert("break-glass".to_owned(), self.glass.join("\n"));
        }
        if !self.warnings.is_empty() {
            audit_annotations.insert("warnings".to_owned(), self.warnings.join("\n"));
        }
        AdmissionAnswer {
            uid: request.uid.clone(),
            audit_annotations,
            allowed: !refused,
            message: if refused { message } else { String::new() },
            code: if refused { code } else { 200 },
            warnings: self.warnings,
            patches: if refused { Vec::new() } else { self.patches },
            verdicts: self.verdicts,
        }
    }
}
