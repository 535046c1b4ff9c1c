//! Why a registry operation failed, in words for people and a kind for programs.

use serde_json::Value;

/// What an error means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The registry answers: there is no such thing.
    NotFound,
    /// The registry wants other credentials.
    Unauthorized,
    /// No answer: connection, TLS, timeout, 5xx, rate limit that did not end in time.
    Unreachable,
    /// The answer breaks the specification, lies about digests or is too big.
    Invalid,
    /// We do not ask this host.
    Forbidden,
}

/// Why a registry operation failed. Its text names host, repository and what was tried, and holds no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("could not {what}: {why}")]
pub struct OciError {
    /// What it means.
    pub kind: ErrorKind,
    /// What was tried: `read the manifest of ghcr.io/o/x:1`.
    pub what: String,
    /// Why it failed.
    pub why: String,
}

impl OciError {
    pub(crate) fn new(kind: ErrorKind, what: &str, why: impl Into<String>) -> Self {
        Self { kind, what: what.to_owned(), why: why.into() }
    }

    pub(crate) fn invalid(what: &str, why: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, what, why)
    }
}

/// At most this many characters of what a registry says are shown.
const SHOWN: usize = 200;

/// Text from outside, fit for a terminal: one line, bounded, without control or direction characters.
pub(crate) fn plain(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut out: String = text.chars().filter(|c| !hidden(*c)).take(SHOWN).collect();
    if text.chars().filter(|c| !hidden(*c)).nth(SHOWN).is_some() {
        out.push('…');
    }
    out
}

/// The messages of an error body (distribution spec, "Error Codes"), if it is one.
pub(crate) fn messages(body: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let texts: Vec<&str> = json
        .get("errors")?
        .as_array()?
        .iter()
        .filter_map(|e| e.get("message").and_then(Value::as_str).or_else(|| e.get("code").and_then(Value::as_str)))
        .filter(|text| !text.is_empty())
        .take(4)
        .collect();
    (!texts.is_empty()).then(|| plain(&texts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_shown_without_what_a_terminal_would_obey() {
        let body = r#"{"errors":[{"code":"DENIED","message":"no \u001b[31mway\u202e"},{"code":"X"}]}"#;
        assert_eq!(messages(body.as_bytes()).as_deref(), Some("no [31mway; X"));
        assert_eq!(messages(b"<html>"), None);
        assert_eq!(messages(br#"{"errors":[]}"#), None);
    }

    #[test]
    fn long_messages_are_cut() {
        assert_eq!(plain(&"é".repeat(500)).chars().count(), SHOWN + 1);
    }
}
