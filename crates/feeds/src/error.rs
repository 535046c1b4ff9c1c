//! Why a file of a publisher could not be had, in words for people and a kind for programs.

/// What an error means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No answer: connection, TLS, timeout, a body that was cut, 5xx, a rate limit.
    Unreachable,
    /// The server answers that it does not give the file: 401, 403, 404.
    Refused,
    /// What was answered is not the publisher's file, or is too big.
    Invalid,
    /// We do not ask this address.
    Forbidden,
    /// The folder cannot be read or written.
    Disk,
    /// Another process has been fetching this file for too long.
    Busy,
}

/// Why a file could not be had. Its text names the URL and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not fetch {url}: {why}")]
pub struct FeedError {
    /// What it means.
    pub kind: ErrorKind,
    /// What was asked for, without user name, password and query.
    pub url: String,
    /// Why it failed.
    pub why: String,
}

impl FeedError {
    pub(crate) fn new(kind: ErrorKind, url: impl Into<String>, why: impl Into<String>) -> Self {
        Self { kind, url: url.into(), why: why.into() }
    }

    pub(crate) fn disk(url: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(ErrorKind::Disk, url, format!("{}: {error}", path.display()))
    }
}

/// At most this many characters of a text from outside are shown.
const SHOWN: usize = 300;

/// Text from outside, fit for a terminal: one line, bounded, without control or direction characters.
pub(crate) fn plain(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut shown = text.chars().filter(|c| !hidden(*c));
    let mut out: String = shown.by_ref().take(SHOWN).collect();
    if shown.next().is_some() {
        out.push('…');
    }
    out
}

/// The causes of a failure below HTTP, without its URL, which may hold a password.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        source = cause.source();
    }
    if texts.is_empty() {
        texts.push("the connection failed".to_owned());
    }
    plain(&texts.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_outside_are_one_bounded_line() {
        assert_eq!(plain("a\u{1b}[31mb\n\u{202e}c"), "a[31mbc");
        assert_eq!(plain(&"é".repeat(SHOWN)).chars().count(), SHOWN);
        assert_eq!(plain(&"é".repeat(SHOWN + 1)).chars().last(), Some('…'));
    }
}
