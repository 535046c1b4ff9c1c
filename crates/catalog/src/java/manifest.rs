//! The two small text formats inside Java archives: `META-INF/MANIFEST.MF` (JAR file specification,
//! "JAR Manifest") and Java properties (`java.util.Properties`, "load").

use std::collections::BTreeMap;

/// The main section of a manifest, keys in lower case; a repeated key counts the last time.
pub(crate) fn main_section(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut out = BTreeMap::new();
    let mut last: Option<String> = None;
    for line in text.split('\n').flat_map(|l| l.strip_suffix('\r').unwrap_or(l).split('\r')) {
        if line.is_empty() {
            if out.is_empty() {
                continue;
            }
            break;
        }
        if let Some(more) = line.strip_prefix(' ') {
            if let Some(value) = last.as_ref().and_then(|key| out.get_mut(key)) {
                let value: &mut String = value;
                value.push_str(more);
            }
            continue;
        }
        if let Some((key, value)) = line.split_once(':') {
            let key = key.trim().to_ascii_lowercase();
            out.insert(key.clone(), value.strip_prefix(' ').unwrap_or(value).to_owned());
            last = Some(key);
        }
    }
    out.into_iter().map(|(key, value)| (key, value.trim().to_owned())).collect()
}

/// The first section about a part of the archive, where libraries of Ant's time say what they are.
pub(crate) fn first_named_section(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
    let sections = text.split("\n\n").skip(1).map(|section| main_section(section.as_bytes()));
    sections.into_iter().find(|section| section.contains_key("implementation-version")).unwrap_or_default()
}

/// Java properties.
pub(crate) fn properties(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut out = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim_start().to_owned();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        while line.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1 {
            line.pop();
            match lines.next() {
                Some(more) => line.push_str(more.trim_start()),
                None => break,
            }
        }
        let (key, value) = split_property(&line);
        out.insert(key, value);
    }
    out
}

/// Key and value at the first separator that is not escaped, escapes undone.
fn split_property(line: &str) -> (String, String) {
    let mut escaped = false;
    let end = line.char_indices().find(|(_, c)| {
        if escaped {
            escaped = false;
            return false;
        }
        escaped = *c == '\\';
        matches!(c, '=' | ':' | ' ' | '\t')
    });
    let Some((end, _)) = end else { return (unescape(line), String::new()) };
    let rest = line[end..].trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (unescape(&line[..end]), unescape(rest.trim_start_matches([' ', '\t'])).trim_end().to_owned())
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                out.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn property(line: &str, key: &str, value: &str) {
        assert_eq!(properties(line.as_bytes()).into_iter().next(), Some((key.to_owned(), value.to_owned())), "{line}");
    }

    #[test]
    fn properties_have_three_separators_escapes_and_continuations() {
        property("version=1.2", "version", "1.2");
        property("  version : 1.2 ", "version", "1.2");
        property("version 1.2", "version", "1.2");
        property("a\\=b=c", "a=b", "c");
        property("version=1.\\\n   2", "version", "1.2");
        property("v=\\u0031.2", "v", "1.2");
        assert!(properties(b"# version=1\n! version=2\n").is_empty());
    }

    #[test]
    fn manifest_lines_continue_and_only_the_main_section_counts() {
        let text = b"Manifest-Version: 1.0\r\nImplementation-Title: a very lo\r\n ng name\r\n\r\nName: x/\r\nImplementation-Version: 9\r\n";
        let section = main_section(text);
        assert_eq!(section.get("implementation-title").map(String::as_str), Some("a very long name"));
        assert_eq!(section.get("implementation-version"), None);
    }
}
