//! Lines of a width: wrapping, cutting, counting.

/// `1 package`, `2 packages`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// Number of characters.
pub(crate) fn length(text: &str) -> usize {
    text.chars().count()
}

/// Adds a text as lines of at most `width` characters, broken between words; a word that is longer has a
/// line of its own and is not cut.
pub(crate) fn wrap(out: &mut String, text: &str, width: usize) {
    wrap_after(out, text, width, "  ");
}

/// The same; further lines start with `indent`.
pub(crate) fn wrap_after(out: &mut String, text: &str, width: usize, indent: &str) {
    let mut at = 0;
    let mut fresh = true;
    for word in text.split(' ') {
        let size = length(word);
        if !fresh && at + 1 + size > width {
            out.push('\n');
            out.push_str(indent);
            at = length(indent);
        } else if !fresh {
            out.push(' ');
            at += 1;
        }
        fresh = false;
        out.push_str(word);
        at += size;
    }
    out.push('\n');
}

/// Pads to a width; longer texts stay whole.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(length(text));
    format!("{text}{:missing$}", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        let mut out = String::new();
        wrap(&mut out, "one two three four", 9);
        assert_eq!(out, "one two\n  three\n  four\n");
        let mut out = String::new();
        wrap(&mut out, "a-word-that-is-long x", 9);
        assert_eq!(out, "a-word-that-is-long\n  x\n");
    }
}
