//! The file `os-release` (`os-release(5)`): `etc/os-release`, and `usr/lib/os-release` where that
//! one is not there. Assignments as in a shell, without expansion.

/// What os-release says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OsRelease {
    /// `ID`, lower case.
    pub id: String,
    /// `ID_LIKE`, split.
    pub id_like: Vec<String>,
    /// `VERSION_ID`.
    pub version: String,
    /// `VERSION_CODENAME`.
    pub codename: String,
    /// `PRETTY_NAME`.
    pub pretty_name: String,
}

impl OsRelease {
    /// Reads the assignments; a later one of the same key counts, as in a shell. Lines that are none
    /// are passed over.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut out = Self::default();
        for line in bytes.split(|b| *b == b'\n') {
            let line = String::from_utf8_lossy(line);
            let line = line.trim();
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = unquote(value);
            match key {
                "ID" => out.id = value.to_ascii_lowercase(),
                "ID_LIKE" => out.id_like = value.split_whitespace().map(str::to_ascii_lowercase).collect(),
                "VERSION_ID" => out.version = value,
                "VERSION_CODENAME" => out.codename = value,
                "PRETTY_NAME" => out.pretty_name = value,
                _ => {}
            }
        }
        out
    }
}

/// The value of a shell word: quotes taken off, escapes undone.
fn unquote(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut quote = None;
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (_, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => out.extend(chars.next()),
            (' ' | '\t' | '#', None) => break,
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expect: &str) {
        assert_eq!(OsRelease::parse(format!("VERSION_ID={value}\n").as_bytes()).version, expect, "{value}");
    }

    #[test]
    fn values_are_shell_words() {
        check("12", "12");
        check("\"12\"", "12");
        check("'12'", "12");
        check("\"a \\\"b\\\" \\$c\"", "a \"b\" $c");
        check("12 # twelve", "12");
        check("", "");
    }

    #[test]
    fn id_is_lower_case_and_likes_are_split() {
        let os = OsRelease::parse(b"# comment\nID=Pop\nID_LIKE=\"ubuntu debian\"\nno assignment\n");
        assert_eq!((os.id.as_str(), os.id_like), ("pop", vec!["ubuntu".to_owned(), "debian".to_owned()]));
    }
}
