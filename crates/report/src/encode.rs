//! The encoders for HTML, XML, Markdown and CSV, one each: outside text stays text wherever it stands.
//!
//! What could drive a terminal is gone before, as every output may be shown on one.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::terminal::clean;

/// What stays as it is in a path of a URL.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// Text in HTML and in XML, within elements and within quoted attributes.
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not characters of XML.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Text in a line or a table cell of Markdown: no emphasis, link, image, tag or mention can begin in it.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '~' | '$' | ':' => {
                out.push('\\');
                out.push(c);
            }
            // Hosts make links of people and teams out of it; within an element of its own they do not.
            '@' => out.push_str("<span>@</span>"),
            c => out.push(c),
        }
    }
    out
}

/// Text as code within a line or a table cell of Markdown: nothing in it is markup, and nobody is mentioned.
pub fn markdown_code(text: &str) -> String {
    let text = clean(text);
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 || text.trim().is_empty() { " " } else { "" };
    // A table ends a cell at a bar even within code.
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// A field of CSV (RFC 4180): always quoted, one line, and never a formula where a spreadsheet opens it.
pub fn csv(text: &str) -> String {
    let text = clean(text);
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

/// A text as the path of a URL.
pub fn path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_stays_text() {
        assert_eq!(markup("<b a='x'>&\"\u{1b}\u{202e}"), "&lt;b a=&#39;x&#39;&gt;&amp;&quot;\\u{1b}\\u{202e}");
    }

    #[test]
    fn markdown_stays_text() {
        assert_eq!(markdown("a|b*c_d`e"), "a\\|b\\*c\\_d\\`e");
        assert_eq!(markdown("<img src=x>[l](u)\n# h"), "&lt;img src=x&gt;\\[l\\]\\(u\\)\\\\n\\# h");
        assert_eq!(markdown("@team https://x"), "<span>@</span>team https\\://x");
    }

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(markdown_code("@a/b"), "`@a/b`");
        assert_eq!(markdown_code("a`b``c"), "``` a`b``c ```");
        assert_eq!(markdown_code("a|b\nc"), "`a\\|b\\nc`");
        assert_eq!(markdown_code(""), "`  `");
    }

    #[test]
    fn a80_fields_are_no_formulas() {
        for (text, expect) in [
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            (" =1", "\"' =1\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("a\"b,c", "\"a\"\"b,c\""),
            ("a\r\nb", "\"a\\r\\nb\""),
            ("2.15.0", "\"2.15.0\""),
        ] {
            assert_eq!(csv(text), expect);
        }
        // A tab or line break in front is written as an escape, which begins no formula.
        assert_eq!(csv("\t=1"), "\"\\t=1\"");
    }
}
