//! Image references, as `docker pull` and the distribution project read them
//! (distribution/reference `reference.go`, `normalize.go`), strict about everything else.

use std::fmt;
use std::str::FromStr;

use crate::{Digest, DigestError};

const DEFAULT_REGISTRY: &str = "docker.io";
const OFFICIAL_NAMESPACE: &str = "library";
const MAX_NAME: usize = 255;
const MAX_TAG: usize = 128;

/// A normalised image reference: `registry/repository[:tag][@digest]`.
///
/// Where a digest is present it alone decides which image is meant; the tag is only remembered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing there.
    #[error("the image reference is empty")]
    Empty,
    /// Blanks or control characters, at the ends or inside.
    #[error("image reference `{0}` holds blanks or control characters")]
    Blank(String),
    /// The registry part is not a host with an optional port.
    #[error("image reference `{0}`: `{1}` is not a registry host")]
    Host(String, String),
    /// The repository part breaks the grammar.
    #[error(
        "image reference `{0}`: `{1}` is not a repository name: lower-case letters, digits and . _ - between slashes"
    )]
    Repository(String, String),
    /// The tag breaks the grammar.
    #[error("image reference `{0}`: `{1}` is not a tag: at most 128 of letters, digits, _ . -")]
    Tag(String, String),
    /// The digest breaks the grammar.
    #[error("image reference `{0}`: {1}")]
    Digest(String, DigestError),
    /// 64 hexadecimal characters alone name an image id, which no registry can resolve.
    #[error("`{0}` is an image id, not a reference: write NAME@sha256:{0}")]
    ImageId(String),
    /// Longer than registries accept.
    #[error("image reference is longer than {MAX_NAME} characters before tag and digest")]
    TooLong,
}

impl Reference {
    /// Parses and normalises a reference as users write it: `nginx` becomes
    /// `docker.io/library/nginx`; the several names of Docker Hub become one; host names are
    /// compared in lower case. No tag is made up: see [`Reference::tag_or_latest`].
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(ReferenceError::Blank(text.escape_debug().to_string()));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let digest = Digest::parse(digest).map_err(|e| ReferenceError::Digest(text.to_owned(), e))?;
                (rest, Some(digest))
            }
            None => (text, None),
        };
        if rest.len() == 64 && rest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(ReferenceError::ImageId(rest.to_owned()));
        }
        // A colon after the last slash starts a tag; one before it is a port.
        let last_slash = rest.rfind('/').map_or(0, |i| i + 1);
        let (name, tag) = match rest[last_slash..].find(':') {
            Some(at) => (&rest[..last_slash + at], Some(&rest[last_slash + at + 1..])),
            None => (rest, None),
        };
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            return Err(ReferenceError::Tag(text.to_owned(), tag.to_owned()));
        }
        let (registry, repository) = split_registry(name);
        let registry = match registry {
            None => DEFAULT_REGISTRY.to_owned(),
            Some(host) => {
                let host = host.to_ascii_lowercase();
                // In lower case a single word would be read as the first part of a repository.
                let word = !host.contains(['.', ':']) && host != "localhost";
                if word || !is_host(&host) {
                    return Err(ReferenceError::Host(text.to_owned(), host));
                }
                match host.as_str() {
                    "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => {
                        DEFAULT_REGISTRY.to_owned()
                    }
                    _ => host,
                }
            }
        };
        if !is_repository(repository) {
            return Err(ReferenceError::Repository(text.to_owned(), repository.to_owned()));
        }
        let repository = if registry == DEFAULT_REGISTRY && !repository.contains('/') {
            format!("{OFFICIAL_NAMESPACE}/{repository}")
        } else {
            repository.to_owned()
        };
        if registry.len() + 1 + repository.len() > MAX_NAME {
            return Err(ReferenceError::TooLong);
        }
        Ok(Self { registry, repository, tag: tag.map(str::to_owned), digest })
    }

    /// The registry as users name it: `docker.io`, `ghcr.io`, `127.0.0.1:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The host that answers the distribution API for [`Reference::registry`].
    pub fn api_host(&self) -> &str {
        if self.registry == DEFAULT_REGISTRY { "registry-1.docker.io" } else { &self.registry }
    }

    /// The repository without the registry: `library/nginx`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Registry and repository: `docker.io/library/nginx`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The tag as written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest as written.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The tag that is asked for when there is no digest.
    pub fn tag_or_latest(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    /// What a registry is asked for: the digest, else the tag, else `latest`.
    pub fn selector(&self) -> String {
        self.digest.as_ref().map_or_else(|| self.tag_or_latest().to_owned(), Digest::to_string)
    }

    /// This reference, pinned to `digest`; the tag stays for people to read.
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// The same repository by another tag, without digest.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ReferenceError> {
        if !is_tag(tag) {
            return Err(ReferenceError::Tag(self.to_string(), tag.to_owned()));
        }
        Ok(Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }

    /// The text that policies match their patterns against: `registry/repository@digest` where a
    /// digest is present (the tag may lie), else `registry/repository:tag`.
    pub fn for_matching(&self) -> String {
        match &self.digest {
            Some(digest) => format!("{}@{digest}", self.name()),
            None => format!("{}:{}", self.name(), self.tag_or_latest()),
        }
    }
}

/// The part before the first slash is a registry if it has a dot or a colon, is `localhost`, or
/// holds an upper-case letter (no repository may).
fn split_registry(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (Some(first), rest)
        }
        _ => (None, name),
    }
}

fn is_host(host: &str) -> bool {
    let (name, port) = if let Some(rest) = host.strip_prefix('[') {
        let Some((address, rest)) = rest.split_once(']') else { return false };
        if address.parse::<std::net::Ipv6Addr>().is_err() {
            return false;
        }
        match rest.strip_prefix(':') {
            Some(port) => (None, Some(port)),
            None if rest.is_empty() => (None, None),
            None => return false,
        }
    } else {
        match host.split_once(':') {
            Some((name, port)) => (Some(name), Some(port)),
            None => (Some(host), None),
        }
    };
    let port_good = port.is_none_or(|p| {
        !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u16>().is_ok_and(|n| n != 0)
    });
    let name_good = name.is_none_or(|n| {
        !n.is_empty()
            && n.len() <= 253
            && n.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            })
    });
    port_good && name_good
}

/// `component(/component)*`, a component being runs of `[a-z0-9]` joined by one of `.`, `_`, `__`
/// or any number of `-`.
fn is_repository(name: &str) -> bool {
    !name.is_empty() && name.split('/').all(is_component)
}

fn is_component(part: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    if bytes.is_empty() || !alnum(bytes[0]) || !alnum(bytes[bytes.len() - 1]) {
        return false;
    }
    let mut i = 0;
    while i < bytes.len() {
        if alnum(bytes[i]) {
            i += 1;
            continue;
        }
        let start = i;
        while i < bytes.len() && !alnum(bytes[i]) {
            i += 1;
        }
        let separator = &bytes[start..i];
        let good = matches!(separator, b"." | b"_" | b"__") || separator.iter().all(|b| *b == b'-');
        if !good {
            return false;
        }
    }
    true
}

fn is_tag(tag: &str) -> bool {
    let mut bytes = tag.bytes();
    tag.len() <= MAX_TAG
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(Reference::parse(text).map(|r| r.to_string()), Ok(expect.to_owned()));
    }

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let err = Reference::parse(text).expect_err(text).to_string();
        assert!(err.contains(part), "{text:?}: {err}");
    }

    #[test]
    fn a29_names_of_docker_hub_are_one() {
        for text in ["nginx", "docker.io/nginx", "index.docker.io/library/nginx", "registry-1.docker.io/library/nginx"]
        {
            check(text, "docker.io/library/nginx");
        }
        assert_eq!(Reference::parse("nginx").unwrap().api_host(), "registry-1.docker.io");
    }

    #[test]
    fn a29_ports_tags_and_digests() {
        check("host:5000/x", "host:5000/x");
        check("host:5000/x:1", "host:5000/x:1");
        check("GHCR.io/Org/x".to_lowercase().as_str(), "ghcr.io/org/x");
        check("GHCR.IO/org/x", "ghcr.io/org/x");
        check(&format!("x:tag@{D}"), &format!("docker.io/library/x:tag@{D}"));
        check("[::1]:5000/a/b", "[::1]:5000/a/b");
        check("xn--bcher-kva.example/shop", "xn--bcher-kva.example/shop");
        check("localhost/x", "localhost/x");
    }

    #[test]
    fn a29_a_tag_beside_a_digest_does_not_take_part_in_matching() {
        let r = Reference::parse(&format!("ghcr.io/o/x:lies@{D}")).unwrap();
        assert_eq!(r.for_matching(), format!("ghcr.io/o/x@{D}"));
        assert_eq!(r.selector(), D);
    }

    #[test]
    fn a29_malformed_references_are_refused() {
        refused("", "empty");
        refused(" nginx", "blanks");
        refused("nginx ", "blanks");
        refused("ng\u{200b}inx", "not a repository name");
        refused("ghcr.io./x", "not a registry host");
        refused("ghcr..io/x", "not a registry host");
        refused("[::1/x", "not a registry host");
        refused("[zz]/x.y/z", "not a repo");
        refused("host:0/x", "not a registry host");
        refused("host:99999/x", "not a registry host");
        refused("bücher.example/x", "not a registry host");
        refused("Nginx", "not a repository name");
        refused("Nginx/x", "not a registry host");
        refused("ghcr.io/Org/x", "not a repository name");
        refused("ghcr.io/", "not a repository name");
        refused("a//b", "not a repository name");
        refused("a/../b", "not a repository name");
        refused("x:", "not a tag");
        refused(&format!("x:{}", "a".repeat(129)), "not a tag");
        refused("x@sha256:12", "64 lower-case");
        refused(&format!("x@{D}@{D}"), "not a digest");
        refused("x@sha512:12", "128 lower-case");
        refused(&D[7..], "image id");
        refused(&format!("{}/x", "a".repeat(300)), "longer than");
    }

    #[test]
    fn a29_tag_of_128_characters_and_sha512_are_fine() {
        let tag = "a".repeat(128);
        check(&format!("x:{tag}"), &format!("docker.io/library/x:{tag}"));
        let sha512 = format!("sha512:{}", "0".repeat(128));
        check(&format!("x@{sha512}"), &format!("docker.io/library/x@{sha512}"));
    }

    proptest::proptest! {
        #[test]
        fn printing_a_parsed_reference_and_parsing_it_again_changes_nothing(text in "[a-zA-Z0-9.:/@_-]{0,60}") {
            if let Ok(once) = Reference::parse(&text) {
                proptest::prop_assert_eq!(Reference::parse(&once.to_string()), Ok(once));
            }
        }
    }
}
