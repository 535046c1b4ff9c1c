//! Policies from files, every key of theirs tried.

use cleanbill_diag::{Diagnostic, Span};
use cleanbill_policy::PolicySet;
use cleanbill_trust::PublicKey;

/// Loads policy files (name and text) and checks that every public key in them can verify. Any
/// error refuses all of them: a policy that silently lacks a key would refuse or admit the wrong images.
pub fn load(files: &[(String, String)]) -> Result<(PolicySet, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (policies, warnings) = PolicySet::load(files)?;
    let errors: Vec<Diagnostic> = policies
        .keys()
        .into_iter()
        .filter_map(|(place, pem)| {
            let error = PublicKey::from_pem(&pem).err()?;
            Some(
                Diagnostic::error(
                    "policy-key-invalid",
                    format!("policy {place}: a public key cannot be used: {error}"),
                    Span { file: file_of(files, &place), ..Span::default() },
                )
                .hint("paste the PEM text of the public key, from BEGIN PUBLIC KEY to END PUBLIC KEY"),
            )
        })
        .collect();
    if errors.is_empty() { Ok((policies, warnings)) } else { Err(errors) }
}

/// The file that a policy stands in, where only one names it.
fn file_of(files: &[(String, String)], place: &str) -> String {
    // A policy of a namespace is named with it: `namespace/name/rule`.
    let policy = place.rsplit('/').nth(1).unwrap_or(place);
    let names = |text: &str| {
        text.lines().any(|line| {
            line.trim_start().strip_prefix("name:").is_some_and(|name| name.trim().trim_matches(['"', '\'']) == policy)
        })
    };
    let mut holding = files.iter().filter(|(_, text)| names(text));
    match (holding.next(), holding.next()) {
        (Some((file, _)), None) => file.clone(),
        _ => String::new(),
    }
}
