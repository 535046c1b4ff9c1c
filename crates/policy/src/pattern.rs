//! Image patterns: `*` and `?` over the whole text `registry/repository:tag`, or
//! `registry/repository@digest` where there is a digest (kyverno/kyverno `pkg/utils/image/infos.go`).
//! `*` crosses slashes. Images of Docker Hub are also known by their familiar, shorter names.

use cleanbill_model::Reference;

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    /// Its first segment names a registry.
    registry: bool,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        let (first, rest) = match text.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (text, None),
        };
        let registry = rest.is_some() && (first.contains(['.', ':']) || first == "localhost");
        let text = match (registry, rest) {
            (true, Some(rest)) => format!("{}/{rest}", registry_name(first)),
            _ => text.to_owned(),
        };
        Self { text, registry }
    }

    /// Whether the image is meant. A pattern that begins with a wildcard, or has one in a first
    /// segment before a slash, may mean any registry: in doubt the policy speaks of the image.
    /// An image that is named by digest may be any tag of its repository, so a pattern with a tag covers
    /// it too: whoever adds a digest to a name does not leave the policy.
    pub(crate) fn covers(&self, image: &Reference) -> bool {
        let wild_first = self.wild_first();
        self.matches(image, wild_first)
            || (image.digest().is_some() && self.without_tag().is_some_and(|p| p.matches(image, wild_first)))
    }

    /// The text as it is matched.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn wild_first(&self) -> bool {
        self.text.split_once('/').is_some_and(|(first, _)| first.contains(['*', '?']))
    }

    /// Whether it begins with a wildcard, and more than that follows.
    pub(crate) fn may_mean_any_registry(&self) -> bool {
        self.wild_first() || (self.text.starts_with('*') && self.text.len() > 1)
    }

    /// Whether it names no registry, so that it speaks of Docker Hub alone.
    pub(crate) fn hub_only(&self) -> bool {
        !self.registry && !self.wild_first() && !self.text.starts_with('*')
    }

    /// Whether its repository has capitals, which no image has.
    pub(crate) fn has_capitals(&self) -> bool {
        let last = self.text.rfind('/').map_or(0, |at| at + 1);
        let end = self.text[last..].find([':', '@']).map_or(self.text.len(), |at| last + at);
        self.text[..end].chars().any(|c| c.is_ascii_uppercase())
    }

    /// The pattern with any digest in place of its tag; `None` where it names no tag.
    fn without_tag(&self) -> Option<Self> {
        let last = self.text.rfind('/').map_or(0, |at| at + 1);
        if self.text[last..].contains('@') {
            return None;
        }
        let colon = last + self.text[last..].find(':')?;
        Some(Self { text: format!("{}@*", &self.text[..colon]), registry: self.registry })
    }

    /// The same for exceptions, where doubt means that the image is not meant: `internal*/x` does not
    /// except `internal.example.com/x` (A30).
    pub(crate) fn surely_covers(&self, image: &Reference) -> bool {
        self.matches(image, false)
    }

    fn matches(&self, image: &Reference, any_registry: bool) -> bool {
        let whole = image.for_matching();
        let hub = whole.strip_prefix("docker.io/");
        if (self.registry || any_registry || self.text.starts_with('*') || hub.is_some()) && wild(&self.text, &whole) {
            return true;
        }
        let Some(short) = hub else { return false };
        let official = short.strip_prefix("library/");
        if self.registry {
            return official.is_some_and(|name| wild(&self.text, &format!("docker.io/{name}")));
        }
        wild(&self.text, short) || official.is_some_and(|name| wild(&self.text, name))
    }

    /// Whether it can match nothing: the text always ends in a tag or a digest.
    pub(crate) fn matches_nothing(&self) -> bool {
        let last = self.text.rsplit('/').next().unwrap_or_default();
        !last.contains([':', '@', '*', '?'])
    }

    /// Whether it ends in a wildcard within a name, so that it goes on into other names: `org*`.
    pub(crate) fn runs_on(&self) -> bool {
        let last = self.text.rsplit('/').next().unwrap_or_default();
        last.len() > 1 && last.ends_with('*') && !last.contains([':', '@'])
    }
}

/// The name under which a registry is matched: lower case, Docker Hub by one name.
pub(crate) fn registry_name(host: &str) -> String {
    match host.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => "docker.io".to_owned(),
        host => host.to_owned(),
    }
}

/// `*` is any run of characters, `?` is one.
pub(crate) fn wild(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[track_caller]
    fn check(pattern: &str, image: &str, expect: bool) {
        assert_eq!(Pattern::new(pattern).covers(&Reference::parse(image).unwrap()), expect, "{pattern} {image}");
    }

    #[test]
    fn wildcards_cover_the_whole_text() {
        check("ghcr.io/org/*", "ghcr.io/org/a/b:1", true);
        check("ghcr.io/org/*", "ghcr.io/org-evil/a:1", false);
        check("ghcr.io/org/*", "evil.io/ghcr.io/org/a:1", false);
        check("ghcr.io/org/app:1.?", "ghcr.io/org/app:1.2", true);
        check("ghcr.io/org/app:1.?", "ghcr.io/org/app:1.22", false);
        check("GHCR.io/org/*", "ghcr.io/org/app", true);
        check("*", "ghcr.io/org/app", true);
        check("*/app:*", "ghcr.io/org/app:1", true);
        check("localhost/*", "localhost/x", true);
        check("127.0.0.1:5000/*", "127.0.0.1:5000/x:1", true);
    }

    #[test]
    fn a_digest_takes_the_tags_place_and_leaves_no_policy() {
        check("ghcr.io/o/x:good*", &format!("ghcr.io/o/x:bad@{D}"), true);
        check("ghcr.io/o/x:good*", &format!("ghcr.io/o/x@{D}"), true);
        check("ghcr.io/o/x:good*", "ghcr.io/o/x:bad", false);
        check("ghcr.io/o/x:good*", &format!("ghcr.io/o/y:good@{D}"), false);
        check("*/app:*", &format!("ghcr.io/org/app@{D}"), true);
        let skip = Pattern::new("ghcr.io/o/x:good*");
        assert!(
            !skip.surely_covers(&Reference::parse(&format!("ghcr.io/o/x:good@{D}")).unwrap()),
            "an exception needs certainty"
        );
        check("ghcr.io/o/x@sha256:*", &format!("ghcr.io/o/x:good@{D}"), true);
        check("ghcr.io/o/x*", &format!("ghcr.io/o/x:good@{D}"), true);
    }

    #[test]
    fn a_pattern_without_registry_speaks_of_docker_hub_alone() {
        check("myregistry/*", "myregistry/app:1", true);
        check("myregistry/*", "docker.io/myregistry/app:1", true);
        check("myregistry/*", "ghcr.io/myregistry/app:1", false);
        check("myregistry/*", "myregistry.example.com/app:1", false);
        check("nginx*", "nginx:1.27", true);
        check("nginx*", "docker.io/library/nginx", true);
        check("nginx*", "nginx.example.com/x", false);
        check("docker.io/nginx*", "nginx", true);
        check("index.docker.io/library/*", "nginx", true);
        check("my*/app:1", "my.example.com/app:1", true);
    }

    #[test]
    fn a30_an_exception_in_doubt_does_not_except() {
        let sure = |pattern: &str, image: &str| Pattern::new(pattern).surely_covers(&Reference::parse(image).unwrap());
        assert!(!sure("internal*/x:1", "internal.example.com/x:1"));
        assert!(sure("ghcr.io/org/*", "ghcr.io/org/x:1"));
        assert!(sure("*", "ghcr.io/org/x:1"));
        assert!(Pattern::new("ghcr.io/org*").runs_on());
        assert!(!Pattern::new("ghcr.io/org/*").runs_on());
        assert!(!Pattern::new("ghcr.io/org/x:1*").runs_on());
    }

    #[test]
    fn patterns_that_cannot_match_as_meant_are_known() {
        assert!(Pattern::new("ghcr.io/o/app").matches_nothing());
        assert!(Pattern::new("localhost:5000/app").matches_nothing());
        assert!(!Pattern::new("ghcr.io/o/app*").matches_nothing());
    }

    proptest::proptest! {
        #[test]
        fn a_text_matches_itself_and_a_star_after_any_start(text in "[a-z*?/:.]{0,20}", more in "[a-z/:]{0,20}") {
            proptest::prop_assert!(wild(&text, &text));
            let pattern = format!("{text}*");
            let longer = format!("{text}{more}");
            proptest::prop_assert!(wild(&pattern, &longer));
        }
    }
}
