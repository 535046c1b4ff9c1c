//! What format bytes are: by the members that the top of a JSON document has, else by their start.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::SbomError;

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    CycloneDx,
    Spdx,
    Syft,
    Purls,
    /// An in-toto statement: the SBOM is its predicate.
    Statement,
}

/// The members that tell documents apart.
#[derive(Deserialize)]
struct Front {
    #[serde(rename = "bomFormat")]
    bom_format: Option<Value>,
    #[serde(rename = "spdxVersion")]
    spdx_version: Option<Value>,
    #[serde(rename = "SPDXID")]
    spdx_id: Option<IgnoredAny>,
    artifacts: Option<IgnoredAny>,
    #[serde(rename = "@context")]
    context: Option<IgnoredAny>,
    #[serde(rename = "predicateType")]
    predicate_type: Option<IgnoredAny>,
    #[serde(rename = "payloadType")]
    payload_type: Option<IgnoredAny>,
    #[serde(rename = "ArtifactName")]
    artifact_name: Option<IgnoredAny>,
    matches: Option<IgnoredAny>,
    schema: Option<Value>,
}

/// The bytes without byte order mark; UTF-16, which some editors save, becomes UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let decode = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|c| unit([c[0], c[1]]));
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        Cow::Owned(text.into_bytes())
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Borrowed(rest),
        [0xff, 0xfe, rest @ ..] => decode(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => decode(rest, u16::from_be_bytes),
        _ => Cow::Borrowed(bytes),
    }
}

/// The format of `bytes`, which start without a byte order mark.
pub(crate) fn kind(bytes: &[u8]) -> Result<Kind, SbomError> {
    let foreign = |what: &str| SbomError::Foreign(what.to_owned());
    let head = String::from_utf8_lossy(bytes.get(..4096.min(bytes.len())).unwrap_or_default());
    let head = head.trim_start();
    if !head.starts_with('{') {
        return by_start(head).map_err(foreign);
    }
    let front: Front = match serde_json::from_slice(bytes) {
        Ok(front) => front,
        Err(e) => return Err(SbomError::Malformed { format: guess(head), why: e.to_string() }),
    };
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    if let Some(format) = &front.bom_format {
        return if format == "CycloneDX" {
            Ok(Kind::CycloneDx)
        } else {
            Err(foreign("`bomFormat` is not `CycloneDX`"))
        };
    }
    if front.spdx_version.is_some() || front.spdx_id.is_some() {
        return match text(&front.spdx_version).as_deref() {
            Some(version) if crate::spdx::reads(version) => Ok(Kind::Spdx),
            Some(version) => Err(SbomError::Foreign(format!("it is SPDX JSON of version `{version}`"))),
            None => Err(foreign("it is SPDX JSON that does not say which version")),
        };
    }
    if front.context.is_some() {
        return Err(foreign("it is JSON-LD, maybe SPDX 3"));
    }
    if front.artifact_name.is_some() {
        return Err(foreign("it is a Trivy report"));
    }
    if front.matches.is_some() {
        return Err(foreign("it is a Grype report"));
    }
    if front.artifacts.is_some() {
        return Ok(Kind::Syft);
    }
    if front.predicate_type.is_some() {
        return Ok(Kind::Statement);
    }
    if front.payload_type.is_some() {
        return Err(foreign(
            "it is a signed envelope (DSSE), which is to be verified first; what it holds is an SBOM at best",
        ));
    }
    match front.schema.as_ref().and_then(Value::as_str) {
        Some(schema) if schema.starts_with("cleanbill/") => {
            Err(SbomError::Foreign(format!("it is our own `{}`", schema.chars().take(64).collect::<String>())))
        }
        _ => Err(foreign("it is JSON without `bomFormat`, `spdxVersion` or `artifacts`")),
    }
}

/// Formats that are not JSON objects.
fn by_start(head: &str) -> Result<Kind, &'static str> {
    if head.is_empty() {
        return Err("there are no bytes");
    }
    if head.starts_with('<') {
        return Err(if head.contains("cyclonedx.org/schema/bom") { "it is CycloneDX XML" } else { "it is XML" });
    }
    let line = head.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#')).unwrap_or_default();
    if line.starts_with("pkg:") {
        return Ok(Kind::Purls);
    }
    if line.starts_with("SPDXVersion:") {
        return Err("it is SPDX tag-value");
    }
    if head.starts_with("\u{1f}\u{fffd}") || head.starts_with("(\u{fffd}/\u{fffd}") {
        return Err("it is compressed");
    }
    if head.lines().any(|l| l.starts_with("spdxVersion:") || l.starts_with("SPDXID:")) {
        return Err("it is SPDX YAML");
    }
    Err("it is neither a JSON object nor a list of package URLs")
}

/// The format that a document which is not whole may have been.
fn guess(head: &str) -> &'static str {
    let has = |key: &str| head.contains(&format!("\"{key}\""));
    if has("bomFormat") {
        "CycloneDX JSON"
    } else if has("spdxVersion") || has("SPDXID") {
        "SPDX JSON"
    } else if has("artifacts") {
        "Syft JSON"
    } else {
        "JSON"
    }
}

/// What an in-toto statement says of its subject.
pub(crate) fn predicate(bytes: &[u8]) -> Result<&[u8], SbomError> {
    #[derive(Deserialize)]
    struct Statement<'a> {
        #[serde(borrow)]
        predicate: Option<&'a RawValue>,
    }
    let malformed = |why: String| SbomError::Malformed { format: "in-toto statement", why };
    let statement: Statement<'_> = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    statement.predicate.map(|p| p.get().as_bytes()).ok_or_else(|| malformed("it has no predicate".to_owned()))
}
