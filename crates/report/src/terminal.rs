//! The one encoder for terminals: outside text cannot move the cursor, colour, retitle, or turn the
//! direction of what stands around it (CVE-2021-42574 is about the last).

use std::borrow::Cow;

/// Whether a character does something else than to appear.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Direction: marks, embeddings, overrides, isolates.
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators, and what is not seen at all.
            | '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| acts(c) && !keep(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !acts(c) || keep(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    Cow::Owned(out)
}

/// A text as it may stand within a line on a terminal: whatever acts is written as an escape, line
/// breaks included.
pub fn clean(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// The same for texts of several lines of our own making: line feeds stay.
pub fn clean_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\n')
}

/// Writes what acts as JSON escapes. In JSON text such characters only stand within strings, so the value
/// stays the same, and the text can be shown on a terminal.
pub(crate) fn clean_json(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| acts(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut units = [0; 2];
    for c in text.chars() {
        if acts(c) && c != '\n' {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(clean(text), expect);
    }

    #[test]
    fn what_acts_is_written_as_an_escape() {
        check("plain — ünï 漢字", "plain — ünï 漢字");
        check("\u{1b}[2J", "\\u{1b}[2J");
        check("a\nb\tc\r", "a\\nb\\tc\\r");
        check("\u{9b}31m", "\\u{9b}31m");
        check("user\u{202e}txt.exe", "user\\u{202e}txt.exe");
        check("a\u{200b}b\u{2066}", "a\\u{200b}b\\u{2066}");
        check("\u{7}\u{7f}", "\\u{7}\\u{7f}");
    }

    #[test]
    fn lines_of_our_own_stay_lines() {
        assert_eq!(clean_lines("a\nb\u{1b}"), "a\nb\\u{1b}");
    }

    #[test]
    fn json_keeps_its_value() {
        let value = "a\u{202e}\u{9b}\u{e0041}b";
        let text = clean_json(&serde_json::to_string(value).unwrap()).into_owned();
        assert!(text.is_ascii(), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }
}
