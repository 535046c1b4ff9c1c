//! What people ask: an id, `name < version`, a package URL, a digest.
//!
//! The grammar (see the command line's contract): `CVE-…`, `GHSA-…` or any other id; `name` alone,
//! `name@version`, `name OP version[, OP version]…` with `< <= = == > >=`; `pkg:…`; a digest, alone
//! or after a reference.

use cleanbill_model::{Digest, Purl};

/// Longest query taken, in bytes.
pub(crate) const LONGEST: usize = 1024;
const MOST_CONSTRAINTS: usize = 16;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// An advisory's id or alias.
    Id(String),
    /// Packages of this name; all versions that meet every constraint.
    Range {
        /// The last component of the name, or the whole of it.
        name: String,
        /// None: every version.
        constraints: Vec<Constraint>,
    },
    /// A package URL, with or without version.
    Purl(Purl),
    /// An index, a manifest or a configuration.
    Digest(Digest),
    /// One word that is an id if the database knows it, else a package's name.
    Word(String),
}

/// One bound of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// The comparison.
    pub op: Op,
    /// With what.
    pub version: String,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `=` or `==`
    Equal,
    /// `>=`
    GreaterEqual,
    /// `>`
    Greater,
}

impl Op {
    /// Longer signs first, so that none is taken for the start of another.
    const ALL: [(&str, Op); 6] = [
        ("<=", Op::LessEqual),
        (">=", Op::GreaterEqual),
        ("==", Op::Equal),
        ("<", Op::Less),
        (">", Op::Greater),
        ("=", Op::Equal),
    ];

    /// The sign.
    pub fn sign(self) -> &'static str {
        match self {
            Op::Less => "<",
            Op::LessEqual => "<=",
            Op::Equal => "=",
            Op::GreaterEqual => ">=",
            Op::Greater => ">",
        }
    }
}

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QuerySyntax {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

fn wrong(message: impl Into<String>, hint: impl Into<String>) -> QuerySyntax {
    QuerySyntax { message: message.into(), hint: hint.into() }
}

const FORMS: &str = "ask for CVE-2021-44228, 'log4j-core < 2.17.1', a package URL (pkg:…) or a digest (sha256:…)";

impl Query {
    /// Reads a query.
    pub fn parse(text: &str) -> Result<Self, QuerySyntax> {
        let text = text.trim();
        if text.is_empty() {
            return Err(wrong("the query is empty", FORMS));
        }
        if text.len() > LONGEST {
            return Err(wrong(format!("the query is longer than {LONGEST} bytes"), FORMS));
        }
        if text.starts_with("pkg:") {
            return Purl::parse(text).map(Query::Purl).map_err(|e| {
                wrong(e.to_string(), "write pkg:TYPE/NAMESPACE/NAME[@VERSION], as in pkg:maven/org.example/lib@1.2")
            });
        }
        if let Some(query) = digest(text)? {
            return Ok(query);
        }
        if let Some(at) = text.find(['<', '>', '=']) {
            return range(text[..at].trim(), &text[at..]);
        }
        if text.contains(char::is_whitespace) {
            return Err(wrong(format!("`{text}` is not a query"), FORMS));
        }
        if let Some(id) = id(text) {
            return Ok(Query::Id(id));
        }
        match text.rfind('@') {
            Some(at) if at > 0 && at + 1 < text.len() => Ok(Query::Range {
                name: text[..at].to_owned(),
                constraints: vec![Constraint { op: Op::Equal, version: text[at + 1..].to_owned() }],
            }),
            _ => Ok(Query::Word(text.to_owned())),
        }
    }
}

fn digest(text: &str) -> Result<Option<Query>, QuerySyntax> {
    let candidate = text.rsplit_once('@').map_or(text, |(_, after)| after);
    if candidate.starts_with("sha256:") || candidate.starts_with("sha512:") {
        let hint = "a digest is sha256: and 64 lower-case hexadecimal characters; copy it whole";
        return Digest::parse(candidate).map(|d| Some(Query::Digest(d))).map_err(|e| wrong(e.to_string(), hint));
    }
    Ok(Digest::parse(&format!("sha256:{text}")).ok().map(Query::Digest))
}

fn range(name: &str, mut rest: &str) -> Result<Query, QuerySyntax> {
    let hint = "write a range as 'NAME < VERSION' or 'NAME >= VERSION, < VERSION'";
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == ',') {
        return Err(wrong(format!("`{name}` is not a package name"), hint));
    }
    let mut constraints = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some((sign, op)) = Op::ALL.into_iter().find(|(sign, _)| rest.starts_with(sign)) else {
            return Err(wrong(format!("`{rest}` does not start with <, <=, =, >= or >"), hint));
        };
        let after = &rest[sign.len()..];
        let (version, more) = after.split_once(',').map_or((after, None), |(v, more)| (v, Some(more)));
        let version = version.trim();
        if version.is_empty() || version.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '=')) {
            return Err(wrong(format!("`{version}` after {sign} is not a version"), hint));
        }
        constraints.push(Constraint { op, version: version.to_owned() });
        if constraints.len() > MOST_CONSTRAINTS {
            return Err(wrong(format!("more than {MOST_CONSTRAINTS} bounds in one range"), hint));
        }
        match more {
            Some(more) => rest = more,
            None => return Ok(Query::Range { name: name.to_owned(), constraints }),
        }
    }
}

/// Ids of the families everybody knows, in the letters they are written in.
fn id(text: &str) -> Option<String> {
    let (family, rest) = text.split_once('-')?;
    let family = family.to_ascii_uppercase();
    let year = rest.bytes().take_while(|b| b.is_ascii_digit()).count();
    match family.as_str() {
        "GHSA" if !rest.is_empty() => Some(format!("GHSA-{}", rest.to_ascii_lowercase())),
        "CVE" | "GO" | "DSA" | "DLA" | "RUSTSEC" | "PYSEC" | "OSV" | "MAL" | "USN" | "RHSA" | "ALAS" | "TEMP"
            if year > 0 =>
        {
            Some(format!("{family}-{}", rest.to_ascii_uppercase()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn range_is(text: &str, name: &str, bounds: &[(&str, &str)]) {
        let Ok(Query::Range { name: found, constraints }) = Query::parse(text) else { panic!("{text}") };
        let found_bounds: Vec<_> = constraints.iter().map(|c| (c.op.sign(), c.version.as_str())).collect();
        assert_eq!((found.as_str(), &found_bounds[..]), (name, bounds), "{text}");
    }

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let error = Query::parse(text).unwrap_err();
        assert!(error.message.contains(part), "{text}: {}", error.message);
        assert!(!error.hint.is_empty());
    }

    #[test]
    fn ranges() {
        range_is("log4j-core < 2.17.1", "log4j-core", &[("<", "2.17.1")]);
        range_is("log4j-core<2.17.1", "log4j-core", &[("<", "2.17.1")]);
        range_is("log4j-core >= 2.0, < 2.17.1", "log4j-core", &[(">=", "2.0"), ("<", "2.17.1")]);
        range_is("a == 1", "a", &[("=", "1")]);
        range_is("@angular/core <= 13.0.0", "@angular/core", &[("<=", "13.0.0")]);
        range_is("log4j-core@2.14.1", "log4j-core", &[("=", "2.14.1")]);
        range_is("libc6 > 2:1.0~rc1-1+b1", "libc6", &[(">", "2:1.0~rc1-1+b1")]);
    }

    #[test]
    fn ids_words_purls_and_digests() {
        assert_eq!(Query::parse(" cve-2021-44228 "), Ok(Query::Id("CVE-2021-44228".to_owned())));
        assert_eq!(Query::parse("GHSA-JFH8-c2jp-5v3q"), Ok(Query::Id("GHSA-jfh8-c2jp-5v3q".to_owned())));
        assert_eq!(Query::parse("go-yaml"), Ok(Query::Word("go-yaml".to_owned())), "a package, not an id");
        assert_eq!(Query::parse("openssl"), Ok(Query::Word("openssl".to_owned())));
        let digest = Digest::sha256("x");
        for text in [digest.to_string(), digest.hex().to_owned(), format!("ghcr.io/o/x:1@{digest}")] {
            assert_eq!(Query::parse(&text), Ok(Query::Digest(digest.clone())), "{text}");
        }
        assert!(matches!(Query::parse("pkg:deb/debian/libc6@2.36?arch=amd64"), Ok(Query::Purl(_))));
    }

    #[test]
    fn what_is_no_query_is_refused_with_a_hint() {
        refused("", "empty");
        refused(&"x".repeat(LONGEST + 1), "longer");
        refused("two words", "not a query");
        refused("< 2", "package name");
        refused("a <", "not a version");
        refused("a < 1 < 2", "not a version");
        refused("a < 1, 2", "does not start with");
        refused("pkg:npm", "no name");
        refused("sha256:12", "lower-case hexadecimal");
        refused(&format!("a < 1{}", ", < 1".repeat(20)), "more than 16");
    }
}
