//! The `ignore:` rules of grype's configuration (grype `grype/match/ignore.go`).
//!
//! A condition that cannot be checked here makes its rule void, with a problem. Rules by VEX status say
//! which statements of a VEX document count, which is decided elsewhere: they are void too.

use cleanbill_model::State;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::glob::Glob;
use super::{IgnoreError, Ignores, Rule};

#[derive(Deserialize)]
struct Document {
    ignore: Option<Vec<Spanned<RuleIn>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RuleIn {
    vulnerability: Option<String>,
    /// All names of a vulnerability count in any case: here they are one finding.
    #[serde(rename = "include-aliases")]
    _include_aliases: Option<bool>,
    reason: Option<String>,
    namespace: Option<String>,
    fix_state: Option<String>,
    package: Option<PackageIn>,
    vex_status: Option<String>,
    vex_justification: Option<String>,
    match_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PackageIn {
    name: Option<String>,
    version: Option<String>,
    language: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    location: Option<String>,
    upstream_name: Option<String>,
}

pub(super) fn read<'a>(
    ignores: &mut Ignores,
    text: &str,
    keys: impl Iterator<Item = &'a String>,
) -> Result<(), IgnoreError> {
    ignores.other_sections(keys, "ignore");
    let document: Document = ignores.yaml(text)?;
    for spanned in document.ignore.unwrap_or_default() {
        let place = format!("line {}", spanned.referenced.line());
        match rule(ignores, &place, spanned.value)? {
            Ok(rule) => ignores.rules.push(Rule { place, ..rule }),
            Err(why) => ignores.problem("ignore-rule", format!("use the rule at {place}"), why),
        }
    }
    Ok(())
}

/// A rule, or why it is void.
fn rule(ignores: &Ignores, place: &str, said: RuleIn) -> Result<Result<Rule, String>, IgnoreError> {
    let given = |value: Option<String>| value.filter(|v| !v.is_empty());
    for (name, value) in [
        ("namespace", given(said.namespace)),
        ("match-type", given(said.match_type)),
        ("vex-status", given(said.vex_status)),
        ("vex-justification", given(said.vex_justification)),
    ] {
        if let Some(value) = value {
            return Ok(Err(format!("`{name}: {}` is not a condition that can be checked", value.escape_debug())));
        }
    }
    let mut rule = Rule { reason: said.reason.unwrap_or_default(), ..Rule::default() };
    let mut conditions = 0;
    if let Some(id) = given(said.vulnerability) {
        rule.id = Some(ignores.id(place, &id)?);
        conditions += 1;
    }
    if let Some(state) = given(said.fix_state) {
        rule.states = Some(match state.as_str() {
            "fixed" => &[State::Fixed],
            "not-fixed" => &[State::Affected, State::FixDeferred],
            "wont-fix" => &[State::WillNotFix],
            "unknown" => &[State::Unknown],
            other => return Ok(Err(format!("`fix-state: {}` is not known", other.escape_debug()))),
        });
        conditions += 1;
    }
    if let Some(package) = said.package {
        for (value, kinds) in [
            (given(package.language), of_language as fn(&str) -> Option<&'static [&'static str]>),
            (given(package.kind), of_type),
        ] {
            let Some(value) = value else { continue };
            let Some(kinds) = kinds(&value) else {
                return Ok(Err(format!("no packages here are `{}`", value.escape_debug())));
            };
            // By both language and type: the narrower of the two.
            rule.kinds = match rule.kinds {
                Some(before) if !kinds.iter().all(|k| before.contains(k)) => {
                    return Ok(Err(format!("`{}` is not of the language that the rule names", value.escape_debug())));
                }
                _ => Some(kinds),
            };
            conditions += 1;
        }
        for (text, slot) in
            [(given(package.name), &mut rule.package), (given(package.upstream_name), &mut rule.upstream)]
        {
            let Some(text) = text else { continue };
            let Some(glob) = name(&text) else {
                return Ok(Err(format!("the expression `{}` is not read: only `.*` is", text.escape_debug())));
            };
            *slot = Some(glob);
            conditions += 1;
        }
        if let Some(version) = given(package.version) {
            rule.version = Some(version);
            conditions += 1;
        }
        if let Some(location) = given(package.location) {
            let Some(glob) = Glob::path(&location) else {
                return Ok(Err(format!("the pattern `{}` is not read", location.escape_debug())));
            };
            rule.paths.push(glob);
            conditions += 1;
        }
    }
    if conditions == 0 {
        return Err(ignores.refuse(
            place,
            "the rule has no condition and would ignore everything",
            "name a vulnerability",
        ));
    }
    Ok(Ok(rule))
}

/// A name, which grype reads as a regular expression: the signs that names have stand for themselves,
/// `.*` for anything, and what has other signs is not read.
fn name(text: &str) -> Option<Glob> {
    let text = text.strip_prefix('^').unwrap_or(text);
    let text = text.strip_suffix('$').unwrap_or(text);
    let pattern = text.replace("(.*)", ".*").replace(".*", "\0");
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | ':' | '@' | '~' | '\0');
    // Stars stay within a part of a path; a name with anything in it may have more of them.
    let one_part = !pattern.contains('\0') || !pattern.contains('/');
    (!pattern.is_empty() && one_part && pattern.chars().all(good)).then(|| Glob::name(&pattern.replace('\0', "*")))
}

fn of_language(language: &str) -> Option<&'static [&'static str]> {
    Some(match language {
        "java" => &["maven"],
        "javascript" | "typescript" => &["npm"],
        "python" => &["pypi"],
        "go" => &["golang"],
        "ruby" => &["gem"],
        "rust" => &["cargo"],
        "php" => &["composer"],
        "dotnet" => &["nuget"],
        "dart" => &["pub"],
        "elixir" | "erlang" => &["hex"],
        "haskell" => &["hackage"],
        "R" => &["cran"],
        "swift" => &["swift"],
        _ => return None,
    })
}

fn of_type(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "deb" => &["deb"],
        "apk" => &["apk"],
        "rpm" => &["rpm"],
        "alpm" => &["alpm"],
        "java-archive" => &["maven"],
        "npm" => &["npm"],
        "python" => &["pypi"],
        "go-module" => &["golang"],
        "gem" => &["gem"],
        "rust-crate" => &["cargo"],
        "php-composer" => &["composer"],
        "dotnet" => &["nuget"],
        "dart-pub" => &["pub"],
        "hex" => &["hex"],
        "hackage" => &["hackage"],
        "R-package" => &["cran"],
        "swift" => &["swift"],
        "conan" => &["conan"],
        "github-action" => &["githubactions"],
        _ => return None,
    })
}
