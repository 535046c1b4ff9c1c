//! Our own list of exceptions: who answers for each, why, and until when.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::glob::Glob;
use super::{IgnoreError, Ignores, Rule};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    id: String,
    package: Option<String>,
    purl: Option<String>,
    path: Option<String>,
    reason: Option<String>,
    owner: Option<String>,
    until: Option<String>,
}

pub(super) fn read(ignores: &mut Ignores, text: &str) -> Result<(), IgnoreError> {
    let list: Vec<Spanned<Exception>> = ignores.yaml(text)?;
    for spanned in list {
        let place = format!("line {}", spanned.referenced.line());
        let rule = spanned.value;
        let demanded = |name: &str, value: Option<String>| {
            value.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).ok_or_else(|| {
                let why = format!("the exception for {} has no `{name}`", rule.id.escape_debug());
                let hint =
                    "every exception says why (`reason`), who answers for it (`owner`) and when it ends (`until`)";
                ignores.refuse(&place, why, hint)
            })
        };
        let reason = demanded("reason", rule.reason)?;
        let owner = demanded("owner", rule.owner)?;
        let until = demanded("until", rule.until)?;
        let read = Rule {
            id: Some(ignores.id(&place, &rule.id)?),
            package: match rule.package.as_deref() {
                Some(text) => {
                    let hint = "write the package's name whole; wildcards are not read";
                    let why = format!("`{}` is no package's name", text.escape_debug());
                    let bad = text.is_empty() || text.contains(['*', '?']);
                    Some(if bad { Err(ignores.refuse(&place, why, hint)) } else { Ok(Glob::name(text)) }?)
                }
                None => None,
            },
            purls: rule.purl.iter().map(|p| ignores.purl(&place, p)).collect::<Result<_, _>>()?,
            paths: rule.path.iter().map(|p| ignores.glob(&place, p)).collect::<Result<_, _>>()?,
            reason,
            owner: Some(owner),
            until: Some(ignores.end(&place, &until, true)?),
            place,
            ..Rule::default()
        };
        ignores.rules.push(read);
    }
    Ok(())
}
