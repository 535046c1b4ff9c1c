//! The answer to a review.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_model::AdmissionAnswer;
use serde_json::{Value, json};

use super::{API_VERSION, KIND};

/// Characters of one warning: it travels in an HTTP header, and API servers cut longer ones.
const WARNING_LIMIT: usize = 256;

/// Characters of one audit annotation.
const ANNOTATION_LIMIT: usize = 4096;

/// The AdmissionReview that answers a request. Patches go out only with an admission: the API server
/// does not take them from a refusal.
pub fn respond(answer: &AdmissionAnswer) -> Vec<u8> {
    let mut response = json!({"uid": answer.uid, "allowed": answer.allowed});
    if !answer.allowed {
        let reason = match answer.code {
            403 => "Forbidden",
            400 => "BadRequest",
            _ => "InternalError",
        };
        response["status"] = json!({
            "status": "Failure",
            "message": printable(&answer.message, true),
            "reason": reason,
            "code": answer.code,
        });
    }
    let warnings: Vec<String> = answer.warnings.iter().map(|w| warning(w)).filter(|w| !w.is_empty()).collect();
    if !warnings.is_empty() {
        response["warnings"] = json!(warnings);
    }
    if !answer.audit_annotations.is_empty() {
        // The API server writes `NAME-OF-THE-WEBHOOK/KEY` into its log.
        let annotations: serde_json::Map<String, Value> =
            answer.audit_annotations.iter().map(|(key, text)| (key.clone(), json!(annotation(text)))).collect();
        response["auditAnnotations"] = Value::Object(annotations);
    }
    if answer.allowed && !answer.patches.is_empty() {
        let operations: Vec<Value> = answer
            .patches
            .iter()
            .map(|patch| json!({"op": "replace", "path": patch.pointer, "value": patch.value}))
            .collect();
        response["patchType"] = json!("JSONPatch");
        response["patch"] = json!(STANDARD.encode(Value::Array(operations).to_string()));
    }
    json!({"apiVersion": API_VERSION, "kind": KIND, "response": response}).to_string().into_bytes()
}

/// One line, safe for a header and a terminal, cut to what API servers pass on.
fn warning(text: &str) -> String {
    let line = printable(text, false);
    let line = line.trim();
    if line.chars().count() <= WARNING_LIMIT {
        return line.to_owned();
    }
    let cut: String = line.chars().take(WARNING_LIMIT - 3).collect();
    format!("{}...", cut.trim_end())
}

/// Several lines, safe for a log that is read on a terminal, cut to a size that no log minds.
fn annotation(text: &str) -> String {
    let text = printable(text, true);
    match text.char_indices().nth(ANNOTATION_LIMIT) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

/// Without control characters and without those that turn the direction of writing.
fn printable(text: &str, lines: bool) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' if lines => Some('\n'),
            '\n' | '\t' => Some(' '),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => {
                None
            }
            c if c.is_control() => None,
            c => Some(c),
        })
        .collect()
}
