//! Operating system and architecture of an image, as in the OCI image index (`image-index.md`).

use std::fmt;

/// `os/architecture[/variant]` in Go's names: `linux/amd64`, `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub architecture: String,
    /// Variant of the architecture.
    pub variant: Option<String>,
}

impl Platform {
    /// `os/architecture` without variant.
    pub fn new(os: &str, architecture: &str) -> Self {
        Self { os: os.to_owned(), architecture: architecture.to_owned(), variant: None }
    }

    /// Parses `os/architecture[/variant]`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (os, architecture, variant) = (parts.next()?, parts.next()?, parts.next());
        let word =
            |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if parts.next().is_some() || !word(os) || !word(architecture) || variant.is_some_and(|v| !word(v)) {
            return None;
        }
        Some(Self { os: os.to_owned(), architecture: architecture.to_owned(), variant: variant.map(str::to_owned) })
    }

    /// Whether an image for `self` runs where `wanted` is asked for. Variants count only where both
    /// name one; `arm64` without variant is `arm64/v8`.
    pub fn serves(&self, wanted: &Platform) -> bool {
        let default = |p: &Platform| match (p.architecture.as_str(), p.variant.as_deref()) {
            ("arm64", None) => Some("v8".to_owned()),
            (_, variant) => variant.map(str::to_owned),
        };
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && match (default(self), default(wanted)) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if let Some(variant) = &self.variant {
            write!(f, "/{variant}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arm64_without_variant_is_v8() {
        let p = |t| Platform::parse(t).unwrap();
        assert!(p("linux/arm64").serves(&p("linux/arm64/v8")));
        assert!(!p("linux/arm/v6").serves(&p("linux/arm/v7")));
        assert!(p("linux/arm/v7").serves(&p("linux/arm")));
        assert!(!p("linux/amd64").serves(&p("linux/arm64")));
        assert_eq!(Platform::parse("linux"), None);
        assert_eq!(Platform::parse("linux//"), None);
    }
}
