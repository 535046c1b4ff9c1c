//! Paragraphs of `Field: value` lines (`deb-control(5)`), as dpkg and opkg write them.
//!
//! A paragraph ends at an empty line. A line that starts with a blank continues the field before it.

/// The fields of one paragraph that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paragraph {
    /// Line it starts at, from 1.
    pub(super) line: usize,
    /// Whether a field was stated twice; the last value counts.
    pub(super) repeated: bool,
    fields: Vec<(&'static str, String)>,
}

impl Paragraph {
    /// The value of a field; `None` where it is not stated.
    pub(super) fn stated(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str())
    }

    /// The value of a field; empty where it is not stated.
    pub(super) fn get(&self, field: &str) -> &str {
        self.stated(field).unwrap_or_default()
    }
}

/// Reads paragraphs in order; the number of a line that has no colon comes as an error between them.
pub(super) struct Paragraphs<'a> {
    lines: std::iter::Enumerate<std::slice::Split<'a, u8, fn(&u8) -> bool>>,
    wanted: &'static [&'static str],
    open: Option<Paragraph>,
    last: Option<&'static str>,
}

impl<'a> Paragraphs<'a> {
    /// Reads `wanted` fields, which are in lower case, of every paragraph.
    pub(super) fn new(bytes: &'a [u8], wanted: &'static [&'static str]) -> Self {
        let newline: fn(&u8) -> bool = |b| *b == b'\n';
        Self { lines: bytes.split(newline).enumerate(), wanted, open: None, last: None }
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), usize> {
        if line.starts_with([' ', '\t']) {
            if let (Some(last), Some(open)) = (self.last, &mut self.open)
                && let Some((_, value)) = open.fields.iter_mut().find(|(name, _)| *name == last)
            {
                value.push(' ');
                value.push_str(line.trim());
            }
            return Ok(());
        }
        self.last = None;
        let (field, value) = line.split_once(':').ok_or(number)?;
        let empty = || Paragraph { line: number, repeated: false, fields: Vec::new() };
        let open = self.open.get_or_insert_with(empty);
        let Some(name) = self.wanted.iter().find(|name| name.eq_ignore_ascii_case(field.trim_end())) else {
            return Ok(());
        };
        let value = value.trim().to_owned();
        self.last = Some(name);
        match open.fields.iter_mut().find(|(n, _)| n == name) {
            Some((_, slot)) => {
                open.repeated = true;
                *slot = value;
            }
            None => open.fields.push((name, value)),
        }
        Ok(())
    }
}

impl Iterator for Paragraphs<'_> {
    type Item = Result<Paragraph, usize>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((number, line)) = self.lines.next() {
            let line = String::from_utf8_lossy(line);
            let line = line.trim_end();
            if line.is_empty() {
                self.last = None;
                match self.open.take() {
                    Some(paragraph) => return Some(Ok(paragraph)),
                    None => continue,
                }
            }
            if let Err(number) = self.line(number + 1, line) {
                return Some(Err(number));
            }
        }
        self.open.take().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[Result<(usize, &str, &str), usize>]) {
        let read: Vec<_> = Paragraphs::new(text.as_bytes(), &["a", "b"]).collect();
        let read: Vec<_> = read.iter().map(|p| p.as_ref().map(|p| (p.line, p.get("a"), p.get("b")))).collect();
        let expect: Vec<_> = expect.iter().map(|e| e.as_ref().copied()).collect();
        assert_eq!(read, expect, "{text:?}");
    }

    #[test]
    fn fields_are_read_and_continued() {
        check("A: 1\nB: x,\n y\n\ty2\nC: z\n no\n", &[Ok((1, "1", "x, y y2"))]);
        check("\n\nA: 1\n\n\nb : 2", &[Ok((3, "1", "")), Ok((6, "", "2"))]);
        check("A: 1\r\nB: 2\r\n\r\nA: 3\r\n", &[Ok((1, "1", "2")), Ok((4, "3", ""))]);
        check(" alone\nA: 1\n", &[Ok((2, "1", ""))]);
    }

    #[test]
    fn a_line_without_colon_is_told_and_the_rest_read() {
        check("A: 1\nwhat\n more\nB: 2\n", &[Err(2), Ok((1, "1", "2"))]);
        check("", &[]);
    }

    #[test]
    fn a_field_stated_twice_is_marked() {
        let read = Paragraphs::new(b"A: 1\nA:\n", &["a"]).next();
        assert!(read.is_some_and(|p| p.is_ok_and(|p| p.repeated && p.stated("a") == Some(""))));
    }
}
