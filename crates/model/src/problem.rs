//! What could not be read. A partial result always says what is missing from it.

use crate::Digest;

/// Something that was there and could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Problem {
    /// Stable code in kebab case: `archive-truncated`, `dpkg-stanza`, `zip-malformed`, …
    pub code: String,
    /// The path concerned, as in [`crate::Location::path`]; empty for the whole.
    pub path: String,
    /// The layer concerned.
    pub layer: Option<Digest>,
    /// What could not be done: `read the package database`.
    pub what: String,
    /// Why: `line 12 has no colon`.
    pub why: String,
}

impl Problem {
    /// A problem that concerns no layer.
    pub fn new(code: &str, path: impl Into<String>, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { code: code.to_owned(), path: path.into(), layer: None, what: what.into(), why: why.into() }
    }

    /// The same, in `layer`.
    pub fn in_layer(self, layer: Digest) -> Self {
        Self { layer: Some(layer), ..self }
    }
}
