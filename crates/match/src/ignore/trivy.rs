//! trivy's ignore files (trivy `pkg/result/ignore.go`): one id a line with `exp:YYYY-MM-DD`, and the
//! YAML form with paths, package URLs, `expired_at` and `statement`.
//!
//! An exception of trivy ends when its day begins.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{IgnoreError, Ignores, Rule};

/// The sections of the YAML form.
pub(super) const SECTIONS: [&str; 4] = ["vulnerabilities", "misconfigurations", "secrets", "licenses"];

pub(super) fn lines(ignores: &mut Ignores, text: &str) -> Result<(), IgnoreError> {
    for (i, line) in text.lines().enumerate() {
        let place = format!("line {}", i + 1);
        let mut words = line.split_whitespace();
        let Some(id) = words.next().filter(|id| !id.starts_with('#')) else { continue };
        let mut rule = Rule { id: Some(ignores.id(&place, id)?), ..Rule::default() };
        while let Some(word) = words.next() {
            if let Some(date) = word.strip_prefix("exp:") {
                rule.until = Some(ignores.end(&place, date, false)?);
            } else if let Some(comment) = word.strip_prefix('#') {
                let rest: Vec<&str> = std::iter::once(comment).chain(words).filter(|w| !w.is_empty()).collect();
                rule.reason = rest.join(" ");
                break;
            } else {
                // It may be meant to narrow the rule: leaving it out would widen it.
                let why = format!("`{}` after the id is not understood", word.escape_debug());
                return Err(ignores.refuse(&place, why, "after an id stands exp:YYYY-MM-DD or a comment with #"));
            }
        }
        rule.place = place;
        ignores.rules.push(rule);
    }
    Ok(())
}

#[derive(Deserialize)]
struct Document {
    vulnerabilities: Option<Vec<Spanned<Exception>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    id: String,
    paths: Option<Vec<String>>,
    purls: Option<Vec<String>>,
    expired_at: Option<String>,
    statement: Option<String>,
}

pub(super) fn yaml<'a>(
    ignores: &mut Ignores,
    text: &str,
    keys: impl Iterator<Item = &'a String>,
) -> Result<(), IgnoreError> {
    ignores.other_sections(keys, "vulnerabilities");
    let document: Document = ignores.yaml(text)?;
    for spanned in document.vulnerabilities.unwrap_or_default() {
        let place = format!("line {}", spanned.referenced.line());
        let rule = spanned.value;
        let read = Rule {
            id: Some(ignores.id(&place, &rule.id)?),
            purls: rule.purls.iter().flatten().map(|p| ignores.purl(&place, p)).collect::<Result<_, _>>()?,
            paths: rule.paths.iter().flatten().map(|p| ignores.glob(&place, p)).collect::<Result<_, _>>()?,
            until: rule.expired_at.as_deref().map(|t| ignores.end(&place, t, false)).transpose()?,
            reason: rule.statement.unwrap_or_default(),
            place,
            ..Rule::default()
        };
        ignores.rules.push(read);
    }
    Ok(())
}
