//! What every front end does first: the documents of a file, each to the front end that reads its kind.

use cleanbill_diag::{Diagnostic, Span};
use cleanbill_model::KeyId;

use crate::pattern::Pattern;
use crate::rules::{AttestorSet, Entry, Policy};
use crate::yaml::{self, Object, Place};
use crate::{kyverno, lint, pem, short};

/// What is to be told about the files.
pub(crate) type Said = Vec<Diagnostic>;

/// Kinds that people keep in one file with their policies, and that are no policies.
const BESIDE: [&str; 3] = ["Namespace", "ConfigMap", "Secret"];

/// Reads every policy of a file; what is wrong goes into `said`.
pub(crate) fn file(file: &str, text: &str, said: &mut Said) -> Vec<Policy> {
    let documents = match yaml::documents(file, text) {
        Ok(documents) => documents,
        Err(e) => {
            said.push(e);
            return Vec::new();
        }
    };
    let before = said.len();
    let mut beside = 0;
    let mut policies = Vec::new();
    for node in &documents {
        let place = Place { file, path: String::new(), node };
        match document(&place, said) {
            Ok(Some(policy)) => policies.push(policy),
            Ok(None) => beside += 1,
            Err(e) => said.push(e),
        }
    }
    if beside == documents.len() && said.len() == before + beside {
        let span = Span { file: file.to_owned(), ..Span::default() };
        said.push(Diagnostic::error("policy-none", "there is no policy in this file", span));
    }
    policies
}

fn document(place: &Place<'_>, said: &mut Said) -> Result<Option<Policy>, Diagnostic> {
    let mut top = place.object()?;
    let version = need(&mut top, "apiVersion", place)?;
    let kind = need(&mut top, "kind", place)?;
    match (version.text()?, kind.text()?) {
        ("kyverno.io/v1", "ClusterPolicy") => kyverno::policy(top, place, false, said).map(Some),
        ("kyverno.io/v1", "Policy") => kyverno::policy(top, place, true, said).map(Some),
        (short::API_VERSION, short::KIND) => short::policy(top, place, said).map(Some),
        ("v1", beside) if BESIDE.contains(&beside) => {
            said.push(kind.warning("policy-document-left-out", format!("a {beside} is no policy and is left out")));
            Ok(None)
        }
        (version, other) => Err(kind
            .error(
                "policy-kind-unsupported",
                format!("`{}` of `{}` is not supported yet", other.escape_debug(), version.escape_debug()),
            )
            .hint(format!(
                "kyverno.io/v1 ClusterPolicy and Policy, and {} {} are read",
                short::API_VERSION,
                short::KIND
            ))),
    }
}

pub(crate) fn keep<T>(result: Result<T, Diagnostic>, said: &mut Said) -> Option<T> {
    result.map_err(|e| said.push(e)).ok()
}

pub(crate) fn need<'a>(object: &mut Object<'a>, name: &str, of: &Place<'_>) -> Result<Place<'a>, Diagnostic> {
    let path = if of.path.is_empty() { name.to_owned() } else { format!("{}.{name}", of.path) };
    object.take(name).ok_or_else(|| Diagnostic::error("policy-field-missing", format!("{path} is missing"), of.span()))
}

/// A list of texts that is not empty.
pub(crate) fn filled(place: &Place<'_>) -> Result<Vec<String>, Diagnostic> {
    let texts = place.texts()?;
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(place.error("policy-empty", "the list is empty or holds an empty text"));
    }
    Ok(texts)
}

pub(crate) fn patterns(place: &Place<'_>, said: &mut Said) -> Result<Vec<Pattern>, Diagnostic> {
    filled(place)?;
    let mut out = Vec::new();
    for entry in place.list()? {
        let text = entry.text()?;
        if text.contains("{{") || text.chars().any(char::is_whitespace) {
            return Err(
                entry.error("policy-field-value", format!("`{}` holds blanks or variables", text.escape_debug()))
            );
        }
        let pattern = Pattern::new(text);
        lint::pattern(&entry, &pattern, said);
        out.push(pattern);
    }
    Ok(out)
}

/// The PEM keys of a field: the id and the text of each.
pub(crate) fn public_keys(place: &Place<'_>, (policy, rule): (&str, &str)) -> Result<Vec<(KeyId, String)>, Diagnostic> {
    let text = place.text()?;
    if let Some((scheme, _)) = text.split_once("://").filter(|(scheme, _)| !scheme.contains(char::is_whitespace)) {
        let message =
            format!("policy `{policy}`, rule `{rule}`: keys from `{}://` are not supported yet", scheme.escape_debug());
        return Err(place.error("policy-field-unsupported", message).hint("put the PEM text of the public key here"));
    }
    pem::keys(text).map_err(|why| {
        let field = place.path.rsplit('.').next().unwrap_or_default();
        place
            .error("policy-key", format!("policy `{policy}`, rule `{rule}`: {field} holds no usable PEM key: {why}"))
            .hint("put the text of the .pub file here (cleanbill generate-key-pair makes one)")
    })
}

impl AttestorSet {
    /// A set of entries of which `count` must be met: all without a count, never none, no key twice.
    pub(crate) fn new(entries: Vec<Entry>, count: Option<&Place<'_>>, of: &Place<'_>) -> Result<Self, Diagnostic> {
        if entries.is_empty() {
            return Err(of.error("policy-empty", "there are no entries, so every image would pass"));
        }
        let mut ids: Vec<_> =
            entries.iter().filter_map(|e| if let Entry::Key(k) = e { Some(&k.id) } else { None }).collect();
        ids.sort();
        if ids.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(of.error("policy-key-twice", "a key is there twice and would count twice"));
        }
        let count = match count {
            None => entries.len(),
            Some(place) => match usize::try_from(place.int()?) {
                Ok(n) if (1..=entries.len()).contains(&n) => n,
                _ => {
                    let message =
                        format!("it must be from 1 to {}, the number of keys and sets in entries", entries.len());
                    return Err(place.error("policy-count", message));
                }
            },
        };
        Ok(Self { count, entries })
    }
}
