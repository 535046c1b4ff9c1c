//! # The short form: `cleanbill.dev/v1` ImagePolicy
//!
//! ```yaml
//! apiVersion: cleanbill.dev/v1
//! kind: ImagePolicy
//! metadata:
//!   name: production
//! spec:
//!   mode: enforce                       # enforce (default) refuses, audit warns
//!   whenUnknown: refuse                 # refuse (default) or admit, when it cannot be found out
//!   namespaces: [prod, prod-*]          # all, if there is no such line
//!   exceptNamespaces: [prod-sandbox]
//!   images: ["ghcr.io/org/*"]           # which images it speaks of; all, if there is no such line
//!   registries: [ghcr.io/org]           # where they may come from: registry[/path], no wildcards
//!   digest: pin                         # pin (default): Pods are pinned; demand: a tag is refused
//!   signedBy:                           # every group must be met
//!     - atLeast: 1                      # of the keys in it; all, if there is no such line
//!       keys: |-
//!         -----BEGIN PUBLIC KEY-----
//!         …
//!         -----END PUBLIC KEY-----
//!   attestations:                       # every one must be there, and every statement meet the conditions
//!     - type: https://slsa.dev/provenance/v1
//!       atLeast: 1
//!       keys: |-
//!         …
//!       conditions:                     # as Kyverno writes them; none, if there is no such line
//!         - all:
//!             - {key: "{{ buildDefinition.buildType }}", operator: Equals, value: "https://example.com/build"}
//!   findings:                           # what may be wrong with an image
//!     failOn: high,fixable              # the words of scan --fail-on: what does not pass
//!     maxScanAge: 7d                    # how old the knowledge may be: days or hours; 7d, if there is no such line
//!     unscanned: refuse                 # refuse (default) or admit, what nobody has looked into yet
//!     allow: [uncovered]                # as scan --allow: uncovered, stale, unreadable; nothing, if there is no such line
//!   exceptions:                         # each with reason, owner and last day
//!     - images: ["ghcr.io/org/legacy:*"]
//!       reason: moves to the new pipeline
//!       owner: payments@example.com
//!       until: 2026-12-31
//! ```
//!
//! One of `registries`, `signedBy`, `attestations`, `findings` and `digest` must be there: a policy that asks for
//! nothing is refused. An exception takes images out of this policy alone, until the end of its last day (UTC);
//! its patterns need certainty, as `skipImageReferences` of Kyverno do here. Policies only add: no
//! policy can let in what another refuses. What is not on this page is refused by its path.

use cleanbill_diag::Diagnostic;

use crate::pattern::{self, Pattern};
use crate::read::{Said, filled, keep, need, patterns, public_keys};
use crate::rules::{Attestation, AttestorSet, Check, Entry, Exception, Key, Policy, Registry, Rule};
use crate::scope::{Block, CONTROLLERS, Filter, Scope};
use crate::yaml::{Object, Place};
use crate::{Day, FailurePolicy, conditions, findings, lint};

pub(crate) const API_VERSION: &str = "cleanbill.dev/v1";
pub(crate) const KIND: &str = "ImagePolicy";

/// The one rule of a policy.
const RULE: &str = "images";

/// Reads a policy whose apiVersion and kind have been taken.
pub(crate) fn policy(mut top: Object<'_>, place: &Place<'_>, said: &mut Said) -> Result<Policy, Diagnostic> {
    let metadata = need(&mut top, "metadata", place)?;
    let mut meta = metadata.object()?;
    let name_place = need(&mut meta, "name", &metadata)?;
    let name = filled_text(&name_place)?;
    meta.ignore(&["labels", "annotations"]);
    meta.refuse_rest(said);
    let spec_place = need(&mut top, "spec", place)?;
    top.refuse_rest(said);

    let mut spec = spec_place.object()?;
    let enforce = one_of(spec.take("mode").as_ref(), &[("enforce", true), ("audit", false)])?.unwrap_or(true);
    let failure_policy = one_of(
        spec.take("whenUnknown").as_ref(),
        &[("refuse", FailurePolicy::Fail), ("admit", FailurePolicy::Ignore)],
    )?
    .unwrap_or(FailurePolicy::Fail);
    let scope = scope(spec.take("namespaces").as_ref(), spec.take("exceptNamespaces").as_ref())?;
    let images = match spec.take("images") {
        Some(list) => {
            let images = patterns(&list, said)?;
            lint::images(&list, &images, said)?;
            images
        }
        None => vec![Pattern::new("*")],
    };
    let registries = match spec.take("registries") {
        Some(list) => {
            filled(&list)?;
            list.list()?.iter().map(registry).collect::<Result<Vec<_>, _>>()?
        }
        None => Vec::new(),
    };
    let pins = one_of(spec.take("digest").as_ref(), &[("pin", true), ("demand", false)])?;
    let attestors = match spec.take("signedBy") {
        Some(list) => groups(&list, &name, said)?,
        None => Vec::new(),
    };
    let attestations = match spec.take("attestations") {
        Some(list) => {
            let places = list.list()?;
            if places.is_empty() {
                return Err(list.error("policy-empty", "the list is empty, so every image would pass"));
            }
            places.iter().map(|place| attestation(place, &name, said)).collect::<Result<_, _>>()?
        }
        None => Vec::new(),
    };
    let findings = spec.take("findings").map(|place| findings::read(&place, said)).transpose()?;
    let exceptions = match spec.take("exceptions") {
        Some(list) => list.list()?.iter().filter_map(|p| keep(exception(p, said), said)).collect(),
        None => Vec::new(),
    };
    let refused = spec.fields.len();
    spec.refuse_rest(said);
    let asks_nothing = attestors.is_empty()
        && attestations.is_empty()
        && findings.is_none()
        && registries.is_empty()
        && pins.is_none();
    if refused == 0 && asks_nothing {
        return Err(spec_place
            .error("policy-empty", "it asks for nothing, so every image would pass")
            .hint("write signedBy, attestations, findings, registries or digest"));
    }
    let check = Check {
        images,
        skip: Vec::new(),
        registries,
        attestors,
        attestations,
        findings,
        enforce,
        overrides: Vec::new(),
        mutate_digest: pins.unwrap_or(true),
        verify_digest: true,
    };
    let rule = Rule { name: RULE.to_owned(), scope, checks: vec![check] };
    lint::rule(&rule, &spec_place, said);
    Ok(Policy { name, failure_policy, rules: vec![rule], exceptions })
}

fn filled_text(place: &Place<'_>) -> Result<String, Diagnostic> {
    match place.text()?.trim() {
        "" => Err(place.error("policy-empty", "it is empty")),
        text => Ok(text.to_owned()),
    }
}

fn one_of<T: Copy>(place: Option<&Place<'_>>, words: &[(&str, T)]) -> Result<Option<T>, Diagnostic> {
    let Some(place) = place else { return Ok(None) };
    let text = place.text()?;
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("`{}` is none of {}", text.escape_debug(), words.join(", "));
            Err(place.error("policy-field-value", message))
        }
    }
}

/// Pods and everything that holds a Pod's template.
fn scope(within: Option<&Place<'_>>, except: Option<&Place<'_>>) -> Result<Scope, Diagnostic> {
    let kinds = std::iter::once("Pod").chain(CONTROLLERS).map(|kind| (kind.to_owned(), None)).collect();
    let namespaces = within.map(filled).transpose()?.unwrap_or_default();
    let include = Block { all: false, filters: vec![Filter { kinds, namespaces, ..Filter::default() }] };
    let exclude = match except {
        Some(list) => Block { all: false, filters: vec![Filter { namespaces: filled(list)?, ..Filter::default() }] },
        None => Block::default(),
    };
    Ok(Scope { namespace: None, include, exclude })
}

/// `ghcr.io`, `ghcr.io/org`, `registry.example:5000/team`.
fn registry(place: &Place<'_>) -> Result<Registry, Diagnostic> {
    let text = place.text()?.trim_end_matches('/');
    let (host, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
    let wrong = |why: &str| place.error("policy-registry", format!("`{}` {why}", text.escape_debug()));
    if text.contains(['*', '?', '@']) || text.chars().any(char::is_whitespace) {
        return Err(wrong("is no registry: it holds a wildcard, a digest or blanks")
            .hint("write registry[/path]; everything below it is meant"));
    }
    if text.contains("://") {
        return Err(wrong("is a URL").hint("write the host alone, with its port"));
    }
    if !(host.contains(['.', ':']) || host == "localhost") {
        return Err(wrong("names no registry").hint(format!("write `docker.io/{}`", text.escape_debug())));
    }
    match path {
        Some(path) if path.contains(':') || path.chars().any(|c| c.is_ascii_uppercase()) => {
            Err(wrong("holds a tag or capitals, which no repository path has"))
        }
        Some(path) => Ok(Registry(format!("{}/{path}", pattern::registry_name(host)))),
        None => Ok(Registry(pattern::registry_name(host))),
    }
}

fn groups(list: &Place<'_>, name: &str, said: &mut Said) -> Result<Vec<AttestorSet>, Diagnostic> {
    let places = list.list()?;
    if places.is_empty() {
        return Err(list.error("policy-empty", "the list is empty, so every image would pass"));
    }
    places.iter().map(|place| group(place, name, said)).collect()
}

fn group(place: &Place<'_>, name: &str, said: &mut Said) -> Result<AttestorSet, Diagnostic> {
    let mut object = place.object()?;
    let set = keys_of(&mut object, place, name)?;
    object.refuse_rest(said);
    Ok(set)
}

fn attestation(place: &Place<'_>, name: &str, said: &mut Said) -> Result<Attestation, Diagnostic> {
    let mut object = place.object()?;
    let predicate_type = filled_text(&need(&mut object, "type", place)?)?;
    let attestors = vec![keys_of(&mut object, place, name)?];
    let conditions = match object.take("conditions") {
        Some(place) => conditions::read(&place, said)?,
        None => Vec::new(),
    };
    object.refuse_rest(said);
    Ok(Attestation { predicate_type, attestors, conditions })
}

fn keys_of(object: &mut Object<'_>, place: &Place<'_>, name: &str) -> Result<AttestorSet, Diagnostic> {
    let keys_place = need(object, "keys", place)?;
    let at_least = object.take("atLeast");
    let keys = public_keys(&keys_place, (name, RULE))?;
    let entries: Vec<Entry> = keys.into_iter().map(|(id, pem)| Entry::Key(Key { id, pem, log_entry: false })).collect();
    AttestorSet::new(entries, at_least.as_ref(), &keys_place)
}

fn exception(place: &Place<'_>, said: &mut Said) -> Result<Exception, Diagnostic> {
    let mut object = place.object()?;
    let images_place = need(&mut object, "images", place)?;
    let images = patterns(&images_place, said)?;
    lint::exceptions(&images_place, &images, said)?;
    let reason = filled_text(&need(&mut object, "reason", place)?)?;
    let owner = filled_text(&need(&mut object, "owner", place)?)?;
    let until_place = need(&mut object, "until", place)?;
    let until = Day::parse(until_place.text()?).ok_or_else(|| {
        until_place
            .error(
                "policy-field-value",
                format!("`{}` is no day", until_place.text().unwrap_or_default().escape_debug()),
            )
            .hint("write the last day on which it holds: 2026-12-31")
    })?;
    object.refuse_rest(said);
    Ok(Exception { images, reason, owner, until, span: place.span() })
}
