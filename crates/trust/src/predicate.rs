//! Predicate types by the names that cosign gives them (sigstore/cosign
//! `cmd/cosign/cli/options/predicate.go`, `pkg/cosign/attestation/attestation.go`), and predicates made
//! from files.

use cleanbill_model::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::statement::{Unique, shown};

/// The type of SPDX documents.
pub(crate) const SPDX: &str = "https://spdx.dev/Document";
const CUSTOM: &str = "https://cosign.sigstore.dev/attestation/v1";
const VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
const LIMIT: usize = 12 << 20;

const NAMES: [(&str, &str); 10] = [
    ("custom", CUSTOM),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("spdx", SPDX),
    ("spdxjson", SPDX),
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("link", "https://in-toto.io/Link/v1"),
    ("vuln", VULN),
    ("openvex", "https://openvex.dev/ns"),
];

/// Why there is no such predicate.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PredicateError(String);

/// The predicate type that a name or a URI stands for.
pub fn predicate_type(name: &str) -> Result<String, PredicateError> {
    if let Some((_, uri)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Ok((*uri).to_owned());
    }
    let absolute = name.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && !rest.is_empty()
    });
    if absolute && !name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(name.to_owned());
    }
    let names: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
    Err(PredicateError(format!(
        "`{}` is no predicate type\nhint: use one of {}, or a URI",
        shown(name),
        names.join(", ")
    )))
}

/// What an attestation says, and of which type it is.
#[derive(Debug, Clone)]
pub struct Predicate {
    pub(crate) kind: String,
    pub(crate) json: Box<RawValue>,
}

impl Predicate {
    /// Makes a predicate of the type that `name` stands for from a file's content. JSON stands in the
    /// statement as it does in the file; cosign's `custom` wraps any text, dated by `now`.
    pub fn new(name: &str, content: &[u8], now: Timestamp) -> Result<Self, PredicateError> {
        let kind = predicate_type(name)?;
        if content.len() > LIMIT {
            return Err(PredicateError(format!("a predicate of {} bytes is not attested; {LIMIT} are", content.len())));
        }
        let text = std::str::from_utf8(content).map_err(|_| PredicateError("it is not UTF-8 text".to_owned()))?;
        let bad = |e: serde_json::Error| PredicateError(format!("it is not JSON: {e}"));
        let raw = |value: &Value| serde_json::value::to_raw_value(value).map_err(bad);
        let seconds = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let json = match name {
            "custom" => raw(&json!({"Data": text, "Timestamp": seconds.to_string()}))?,
            "spdx" if text.starts_with("SPDXVersion:") => raw(&json!(text))?,
            _ => {
                let _: Unique = serde_json::from_str(text).map_err(bad)?;
                RawValue::from_string(text.trim().to_owned()).map_err(bad)?
            }
        };
        let value: Value = serde_json::from_str(json.get()).map_err(bad)?;
        let wants: &[&str] = match kind.as_str() {
            VULN => &["scanner", "metadata"],
            "https://cyclonedx.org/bom" => &["bomFormat"],
            "https://slsa.dev/provenance/v1" => &["buildDefinition", "runDetails"],
            "https://slsa.dev/provenance/v0.2" => &["builder", "buildType"],
            "https://openvex.dev/ns" => &["@context", "statements"],
            SPDX if !value.is_string() => &["spdxVersion"],
            _ => &[],
        };
        let text = kind == SPDX && value.is_string();
        if !(value.is_object() || text) {
            return Err(PredicateError("it is not a JSON object".to_owned()));
        }
        if let Some(missing) = wants.iter().find(|field| value.get(field).is_none()) {
            return Err(PredicateError(format!("it has no `{missing}`, which a predicate of type {kind} has")));
        }
        Ok(Self { kind, json })
    }

    /// Its type.
    pub fn kind(&self) -> &str {
        &self.kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, content: &str, expect: &str) {
        let made = Predicate::new(name, content.as_bytes(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(made.json.get(), expect);
    }

    #[track_caller]
    fn refused(name: &str, content: &str, part: &str) {
        let err = Predicate::new(name, content.as_bytes(), Timestamp::UNIX_EPOCH).unwrap_err().to_string();
        assert!(err.contains(part), "{err}");
    }

    #[test]
    fn names_and_uris_are_types() {
        assert_eq!(predicate_type("spdxjson").unwrap(), SPDX);
        assert_eq!(predicate_type("https://example.com/x/v1").unwrap(), "https://example.com/x/v1");
        for bad in ["", "sbom", "two words", "x:", "https://a b"] {
            assert!(predicate_type(bad).unwrap_err().to_string().contains("hint:"), "{bad}");
        }
    }

    #[test]
    fn json_stands_as_it_is_and_custom_wraps_any_text() {
        check("https://example.com/x", " {\"b\":1.10, \"a\":[]}\n", "{\"b\":1.10, \"a\":[]}");
        check("custom", "a\n", "{\"Data\":\"a\\n\",\"Timestamp\":\"1970-01-01T00:00:00Z\"}");
        check("spdx", "SPDXVersion: SPDX-2.3\n", "\"SPDXVersion: SPDX-2.3\\n\"");
    }

    #[test]
    fn what_no_reader_would_take_is_not_attested() {
        refused("https://example.com/x", "[]", "not a JSON object");
        refused("https://example.com/x", "{\"a\":1,\"a\":2}", "stands twice");
        refused("https://example.com/x", "{", "not JSON");
        refused("vuln", "{\"scanner\":{}}", "no `metadata`");
        refused("cyclonedx", "<bom/>", "not JSON");
        refused("spdxjson", "{}", "no `spdxVersion`");
    }
}
