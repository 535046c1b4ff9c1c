//! What a policy can say that is allowed and hardly meant: patterns that match nothing or too much,
//! fields without effect, rules that nothing can reach, exceptions that have ended.

use cleanbill_diag::Diagnostic;

use crate::pattern::Pattern;
use crate::read::Said;
use crate::rules::{Policy, Rule};
use crate::yaml::{Place, Value};
use crate::{Day, PolicySet};

/// Codes that only `policy lint` says: the policy works as written, and perhaps not as meant.
const ONLY_HERE: [&str; 5] =
    ["field-without-effect", "pattern-covers-more", "pattern-hub-only", "pattern-any-registry", "exception-expired"];

/// Whether a warning is said when policies are put in force, not by `policy lint` alone.
pub(crate) fn always(diagnostic: &Diagnostic) -> bool {
    !ONLY_HERE.contains(&diagnostic.code)
}

/// Everything that can be said about policy files (name and text), errors included, in the order of
/// the files. `today` decides which exceptions have ended.
pub fn lint(files: &[(String, String)], today: Day) -> Vec<Diagnostic> {
    let (set, mut said) = PolicySet::read(files);
    for policy in &set.policies {
        expired(policy, today, &mut said);
    }
    let order = |d: &Diagnostic| files.iter().position(|(name, _)| *name == d.span.file);
    said.sort_by_key(|d| (order(d), d.span.line, d.span.column));
    said
}

fn expired(policy: &Policy, today: Day, said: &mut Said) {
    for exception in policy.exceptions.iter().filter(|e| e.until < today) {
        said.push(
            Diagnostic::warning(
                "exception-expired",
                format!(
                    "policy `{}`: the exception of {} (`{}`) ended on {}",
                    policy.name,
                    exception.owner.escape_debug(),
                    exception.reason.escape_debug(),
                    exception.until
                ),
                exception.span.clone(),
            )
            .hint("remove it, or have its owner renew it"),
        );
    }
}

/// A field that is read and changes nothing.
pub(crate) fn without_effect(place: &Place<'_>, why: &str) -> Diagnostic {
    place.warning("field-without-effect", format!("it has no effect: {why}"))
}

/// One pattern, whatever it is for.
pub(crate) fn pattern(place: &Place<'_>, pattern: &Pattern, said: &mut Said) {
    let shown = pattern.text().escape_debug();
    if pattern.matches_nothing() {
        said.push(
            place
                .warning("pattern-without-tag", format!("`{shown}` matches nothing: images end in a tag or a digest"))
                .hint(format!("write `{shown}:*`, which covers digests too")),
        );
    } else if pattern.has_capitals() {
        said.push(
            place
                .warning("pattern-matches-nothing", format!("`{shown}` matches nothing: repositories have no capitals"))
                .hint(format!("write `{}`", pattern.text().to_ascii_lowercase().escape_debug())),
        );
    } else if pattern.may_mean_any_registry() {
        said.push(
            place
                .warning("pattern-any-registry", format!("`{shown}` begins with a wildcard that may mean any registry"))
                .hint("write the registry out"),
        );
    } else if pattern.hub_only() {
        said.push(
            place
                .warning("pattern-hub-only", format!("`{shown}` names no registry, so it speaks of Docker Hub alone"))
                .hint(format!("write `docker.io/{shown}`, or the registry that is meant")),
        );
    }
}

/// Patterns of images: a name that runs on covers names of others too.
pub(crate) fn images(list: &Place<'_>, patterns: &[Pattern], said: &mut Said) -> Result<(), Diagnostic> {
    for (place, pattern) in list.list()?.iter().zip(patterns) {
        if pattern.runs_on() {
            said.push(
                place
                    .warning("pattern-covers-more", runs_on(pattern, "covers"))
                    .hint("end it in /*, :* or @* if the name is whole"),
            );
        }
    }
    Ok(())
}

/// Patterns of exceptions: the same lets others out (A30).
pub(crate) fn exceptions(list: &Place<'_>, patterns: &[Pattern], said: &mut Said) -> Result<(), Diagnostic> {
    for (place, pattern) in list.list()?.iter().zip(patterns) {
        if pattern.runs_on() {
            said.push(place.warning("pattern-runs-on", runs_on(pattern, "excepts")).hint("end it in /*, :* or @*"));
        }
    }
    Ok(())
}

fn runs_on(pattern: &Pattern, what: &str) -> String {
    let text = pattern.text();
    let example = format!("{}-evil", text.trim_end_matches('*'));
    format!("`{}` also {what} every longer name, `{}/…` among them", text.escape_debug(), example.escape_debug())
}

/// Rules that never answer.
pub(crate) fn rule(rule: &Rule, place: &Place<'_>, said: &mut Said) {
    if !rule.scope.can_be_reached() {
        said.push(
            place
                .warning(
                    "rule-unreachable",
                    format!("rule `{}`: no object that carries images can fit match and exclude", rule.name),
                )
                .hint("look which kinds, operations and namespaces they leave over"),
        );
    }
    for check in &rule.checks {
        let gone = |image: &Pattern| check.skip.iter().any(|s| s == image || s.text() == "*");
        if !check.images.is_empty() && check.images.iter().all(gone) {
            said.push(place.warning(
                "rule-skips-everything",
                format!("rule `{}`: skipImageReferences takes out all that imageReferences names", rule.name),
            ));
        }
    }
}

/// Regular expressions of an identity that match in the middle of longer ones.
pub(crate) fn expressions(place: &Place<'_>, said: &mut Said) {
    let Value::Map(_) = place.node.value else { return };
    let Ok(object) = place.object() else { return };
    for (name, place) in object.fields {
        if let ("subjectRegExp" | "issuerRegExp", Value::Text(text)) = (name, &place.node.value)
            && !(text.starts_with('^') && text.ends_with('$'))
        {
            said.push(
                place
                    .warning(
                        "expression-unanchored",
                        format!("`{}` also fits inside longer texts", text.escape_debug()),
                    )
                    .hint(format!("write `^{}$`", text.trim_start_matches('^').trim_end_matches('$').escape_debug())),
            );
        }
    }
}
