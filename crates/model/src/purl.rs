//! Package URLs (purl-spec, `PURL-SPECIFICATION.rst`): one name for a package everywhere.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays unescaped in every part: the unreserved characters and the colon.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b':');
const LIMIT: usize = 4096;

/// `pkg:type/namespace/name@version?qualifiers#subpath`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Purl {
    /// Type, in lower case: `deb`, `maven`, `golang`, `npm`, …
    pub kind: String,
    /// Namespace, its segments joined by `/`; empty if there is none.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Version.
    pub version: Option<String>,
    /// Qualifiers, sorted by key.
    pub qualifiers: BTreeMap<String, String>,
    /// Path inside the package.
    pub subpath: Option<String>,
}

/// Why a text is not a package URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    /// It does not start with `pkg:`.
    #[error("`{0}` is not a package URL: it must start with `pkg:`")]
    Scheme(String),
    /// No type, or one with characters that types do not have.
    #[error("package URL `{0}` has no valid type")]
    Type(String),
    /// No name.
    #[error("package URL `{0}` has no name")]
    Name(String),
    /// Escapes that are not UTF-8.
    #[error("package URL `{0}` holds escapes that are not UTF-8")]
    Escape(String),
    /// Longer than any real one.
    #[error("package URL is longer than {LIMIT} bytes")]
    TooLong,
}

impl Purl {
    /// A package URL from its main parts, without qualifiers.
    pub fn new(kind: &str, namespace: &str, name: &str, version: &str) -> Self {
        Self {
            kind: kind.to_ascii_lowercase(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            version: (!version.is_empty()).then(|| version.to_owned()),
            qualifiers: BTreeMap::new(),
            subpath: None,
        }
    }

    /// The same with one more qualifier; an empty value adds none.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.qualifiers.insert(key.to_ascii_lowercase(), value.to_owned());
        }
        self
    }

    /// Parses a package URL.
    pub fn parse(text: &str) -> Result<Self, PurlError> {
        if text.len() > LIMIT {
            return Err(PurlError::TooLong);
        }
        let escape = || PurlError::Escape(text.to_owned());
        let decode = |part: &str| percent_decode_str(part).decode_utf8().map(|s| s.into_owned()).map_err(|_| escape());
        let rest = text.strip_prefix("pkg:").ok_or_else(|| PurlError::Scheme(text.to_owned()))?;
        let rest = rest.trim_start_matches('/');
        let (rest, subpath) = match rest.split_once('#') {
            Some((rest, sub)) => {
                // Segments are told apart after decoding too: an escaped slash is none inside a segment.
                let decoded = sub.split('/').map(decode).collect::<Result<Vec<_>, _>>()?.join("/");
                let segments: Vec<_> = decoded.split('/').filter(|s| !matches!(*s, "" | "." | "..")).collect();
                (rest, Some(segments.join("/")).filter(|s| !s.is_empty()))
            }
            None => (rest, None),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut qualifiers = BTreeMap::new();
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value)?;
            if !value.is_empty() {
                qualifiers.insert(key.to_ascii_lowercase(), value);
            }
        }
        let (kind, path) = rest.split_once('/').ok_or_else(|| PurlError::Name(text.to_owned()))?;
        let kind_good = kind.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
            && kind.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-'));
        if !kind_good {
            return Err(PurlError::Type(text.to_owned()));
        }
        // The version starts at the last `@` after the last slash: npm scopes may be unescaped.
        let last_slash = path.rfind('/').map_or(0, |i| i + 1);
        let (path, version) = match path[last_slash..].rfind('@') {
            Some(at) if last_slash + at > 0 && at > 0 => {
                (&path[..last_slash + at], Some(decode(&path[last_slash + at + 1..])?).filter(|v| !v.is_empty()))
            }
            _ => (path, None),
        };
        let mut segments = path.split('/').filter(|s| !s.is_empty()).map(decode).collect::<Result<Vec<_>, _>>()?;
        let name = segments.pop().filter(|n| !n.is_empty()).ok_or_else(|| PurlError::Name(text.to_owned()))?;
        let namespace = segments.join("/");
        let namespace = namespace.split('/').filter(|s| !s.is_empty()).collect::<Vec<_>>().join("/");
        Ok(Self { kind: kind.to_ascii_lowercase(), namespace, name, version, qualifiers, subpath })
    }

    /// Whether its text is longer than [`Purl::parse`] takes.
    pub fn is_too_long(&self) -> bool {
        let parts = [&self.kind, &self.namespace, &self.name];
        let others = self.version.iter().chain(&self.subpath).chain(self.qualifiers.iter().flat_map(|(k, v)| [k, v]));
        let bytes: usize = parts.into_iter().chain(others).map(|part| part.len() + 1).sum();
        // An escape has three characters for a byte; few are so long that they must be written to be known.
        bytes + "pkg:".len() > LIMIT / 3 && self.to_string().len() > LIMIT
    }

    /// The same package in any version: without version, qualifiers and subpath.
    pub fn without_version(&self) -> Self {
        Self { version: None, qualifiers: BTreeMap::new(), subpath: None, ..self.clone() }
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        for segment in self.namespace.split('/').filter(|s| !s.is_empty()) {
            write!(f, "{}/", utf8_percent_encode(segment, PART))?;
        }
        write!(f, "{}", utf8_percent_encode(&self.name, PART))?;
        if let Some(version) = &self.version {
            write!(f, "@{}", utf8_percent_encode(version, PART))?;
        }
        let mut sign = '?';
        for (key, value) in &self.qualifiers {
            // A slash needs no escape in a qualifier's value.
            let value: Vec<_> = value.split('/').map(|v| utf8_percent_encode(v, PART).to_string()).collect();
            write!(f, "{sign}{key}={}", value.join("/"))?;
            sign = '&';
        }
        if let Some(subpath) = &self.subpath {
            let segments = subpath.split('/').filter(|s| !matches!(*s, "" | "." | ".."));
            let segments: Vec<_> = segments.map(|s| utf8_percent_encode(s, PART).to_string()).collect();
            if !segments.is_empty() {
                write!(f, "#{}", segments.join("/"))?;
            }
        }
        Ok(())
    }
}

impl FromStr for Purl {
    type Err = PurlError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn round(text: &str) {
        assert_eq!(Purl::parse(text).map(|p| p.to_string()), Ok(text.to_owned()));
    }

    #[test]
    fn usual_package_urls_come_back_as_they_were() {
        round("pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12");
        round("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1");
        round("pkg:golang/github.com/gorilla/mux@v1.8.0#middleware");
        round("pkg:npm/%40angular/core@12.3.1");
        round("pkg:deb/debian/perl@1:5.36.0-7");
    }

    #[test]
    fn loose_forms_are_read() {
        assert_eq!(Purl::parse("pkg://npm/@angular/core@1").unwrap().to_string(), "pkg:npm/%40angular/core@1");
        assert_eq!(Purl::parse("pkg:NPM/a").unwrap().to_string(), "pkg:npm/a");
        assert_eq!(Purl::parse("pkg:npm/@scope").unwrap().name, "@scope");
        assert_eq!(Purl::parse("pkg:npm/a%2F/b#/c%2F./%2e%2e").unwrap().to_string(), "pkg:npm/a/b#c");
    }

    #[test]
    fn what_is_not_a_package_url_is_refused() {
        for (text, part) in [
            ("npm/a", "pkg:"),
            ("pkg:npm", "no name"),
            ("pkg:npm/", "no name"),
            ("pkg:1x/a", "type"),
            ("pkg:npm/%ff", "UTF-8"),
        ] {
            assert!(Purl::parse(text).expect_err(text).to_string().contains(part), "{text}");
        }
    }

    #[test]
    fn a_path_is_written_as_it_is_read() {
        let purl = |path: &str| Purl { subpath: Some(path.to_owned()), ..Purl::new("npm", "", "a", "1") }.to_string();
        assert_eq!(purl("/b//../c/"), "pkg:npm/a@1#b/c");
        assert_eq!(purl("/"), "pkg:npm/a@1");
    }

    #[test]
    fn a_length_that_is_not_read_is_told_before() {
        let check = |version: &str| {
            let purl = Purl::new("npm", "", "a", version);
            assert_eq!(
                purl.is_too_long(),
                Purl::parse(&purl.to_string()) == Err(PurlError::TooLong),
                "{}",
                version.len()
            );
            purl.is_too_long()
        };
        let room = LIMIT - "pkg:npm/a@".len();
        assert!(!check(&"1".repeat(room)) && check(&"1".repeat(room + 1)));
        assert!(!check(&"(".repeat(room / 3)) && check(&"(".repeat(room / 3 + 1)));
    }

    proptest::proptest! {
        #[test]
        fn printing_and_parsing_changes_nothing(text in "pkg:[a-z]{1,4}/[ -~é]{0,40}") {
            if let Ok(once) = Purl::parse(&text) {
                proptest::prop_assert_eq!(Purl::parse(&once.to_string()), Ok(once));
            }
        }
    }
}
