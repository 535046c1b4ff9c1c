//! # Kyverno ClusterPolicy `verifyImages`
//!
//! `kyverno.io/v1` ClusterPolicy with rules of `verifyImages` by public keys: `match` and `exclude`
//! by kinds, names, namespaces and operations; `imageReferences`, `skipImageReferences`; attestors
//! with `count` and nested sets; actions with overrides; `mutateDigest`, `verifyDigest`, `required`;
//! rules for Pods also speak of the controllers' templates (kyverno/kyverno
//! `api/kyverno/v1/image_verification_types.go`, `pkg/autogen/`). Everything else is refused by its
//! path. Where Kyverno leaves something open, the stricter reading is taken: no attestors, an empty
//! list and a count of 0 are errors.

use cleanbill_diag::Diagnostic;
use cleanbill_model::Operation;

use crate::FailurePolicy;
use crate::pattern::Pattern;
use crate::pem;
use crate::rules::{AttestorSet, Check, Entry, Key, Policy, Rule};
use crate::scope::{Block, CONTROLLERS, Filter, Scope};
use crate::yaml::{self, Object, Place};

const AUTOGEN: &str = "pod-policies.kyverno.io/autogen-controllers";
const DEPTH: usize = 8;

type Said = Vec<Diagnostic>;

/// Reads every policy of a file; what is wrong goes into `said`.
pub(crate) fn read(file: &str, text: &str, said: &mut Said) -> Vec<Policy> {
    let documents = match yaml::documents(file, text) {
        Ok(documents) => documents,
        Err(e) => {
            said.push(e);
            return Vec::new();
        }
    };
    if documents.is_empty() {
        let span = cleanbill_diag::Span { file: file.to_owned(), ..Default::default() };
        said.push(Diagnostic::error("policy-none", "there is no policy in this file", span));
    }
    documents
        .iter()
        .filter_map(|node| {
            let place = Place { file, path: String::new(), node };
            keep(policy(&place, said), said)
        })
        .collect()
}

fn keep<T>(result: Result<T, Diagnostic>, said: &mut Said) -> Option<T> {
    result.map_err(|e| said.push(e)).ok()
}

fn need<'a>(object: &mut Object<'a>, name: &str, of: &Place<'_>) -> Result<Place<'a>, Diagnostic> {
    let path = if of.path.is_empty() { name.to_owned() } else { format!("{}.{name}", of.path) };
    object.take(name).ok_or_else(|| Diagnostic::error("policy-field-missing", format!("{path} is missing"), of.span()))
}

fn policy(place: &Place<'_>, said: &mut Said) -> Result<Policy, Diagnostic> {
    let mut top = place.object()?;
    let version = need(&mut top, "apiVersion", place)?;
    let kind = need(&mut top, "kind", place)?;
    if (version.text()?, kind.text()?) != ("kyverno.io/v1", "ClusterPolicy") {
        let message =
            format!("`{}` of `{}` is not supported yet", kind.text()?.escape_debug(), version.text()?.escape_debug());
        return Err(kind.error("policy-kind-unsupported", message).hint("kyverno.io/v1 ClusterPolicy is read"));
    }
    let metadata = need(&mut top, "metadata", place)?;
    let mut meta = metadata.object()?;
    let name = need(&mut meta, "name", &metadata)?.text()?.to_owned();
    let controllers = match meta.take("annotations") {
        Some(annotations) => controllers(&annotations)?,
        None => CONTROLLERS.map(str::to_owned).to_vec(),
    };
    meta.ignore(&[
        "labels",
        "creationTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "uid",
        "finalizers",
        "ownerReferences",
    ]);
    meta.refuse_rest(said);
    let spec_place = need(&mut top, "spec", place)?;
    top.ignore(&["status"]);
    top.refuse_rest(said);

    let mut spec = spec_place.object()?;
    let enforce = spec.take("validationFailureAction").map(|p| action(&p)).transpose()?.unwrap_or(false);
    let overrides = match spec.take("validationFailureActionOverrides") {
        Some(list) => list.list()?.iter().map(|p| override_of(p, said)).collect::<Result<Vec<_>, _>>()?,
        None => Vec::new(),
    };
    let mut failure = spec.take("failurePolicy").map(|p| failure_policy(&p)).transpose()?;
    if let Some(webhook) = spec.take("webhookConfiguration") {
        let mut object = webhook.object()?;
        if let Some(place) = object.take("failurePolicy") {
            failure = Some(failure_policy(&place)?);
        }
        object.take("timeoutSeconds").map(|p| p.int()).transpose()?;
        object.refuse_rest(said);
    }
    spec.take("webhookTimeoutSeconds").map(|p| p.int()).transpose()?;
    for name in ["background", "emitWarning", "schemaValidation", "useServerSideApply"] {
        spec.take(name).map(|p| p.bool()).transpose()?;
    }
    if let Some(place) = spec.take("admission")
        && !place.bool()?
    {
        said.push(place.error("policy-field-unsupported", "false is not supported yet"));
    }
    if let Some(place) = spec.take("applyRules")
        && place.text()? != "All"
    {
        said.push(place.error("policy-field-unsupported", "only `All` is supported yet"));
    }
    let rules_place = need(&mut spec, "rules", &spec_place)?;
    spec.refuse_rest(said);
    let mut rules: Vec<Rule> = Vec::new();
    for place in rules_place.list()? {
        let context = Context { policy: &name, enforce, overrides: &overrides, controllers: &controllers };
        if let Some(rule) = keep(rule(&place, &context, said), said) {
            if rules.iter().any(|r| r.name == rule.name) {
                said.push(place.error("policy-rule-twice", format!("rule `{}` is there twice", rule.name)));
            }
            rules.push(rule);
        }
    }
    if rules_place.list()?.is_empty() {
        said.push(rules_place.error("policy-empty", "there is no rule, so the policy does nothing"));
    }
    Ok(Policy { name, failure_policy: failure.unwrap_or(FailurePolicy::Fail), rules })
}

/// What a rule takes from its policy.
struct Context<'a> {
    policy: &'a str,
    enforce: bool,
    overrides: &'a [(bool, Vec<String>)],
    controllers: &'a [String],
}

/// The kinds beside Pod that rules for Pods speak of.
fn controllers(annotations: &Place<'_>) -> Result<Vec<String>, Diagnostic> {
    let Some(place) = annotations.object()?.take(AUTOGEN) else {
        return Ok(CONTROLLERS.map(str::to_owned).to_vec());
    };
    let text = place.text()?;
    if text == "none" {
        return Ok(Vec::new());
    }
    if text == "all" {
        return Ok(CONTROLLERS.map(str::to_owned).to_vec());
    }
    text.split(',')
        .map(|kind| match kind.trim() {
            known if CONTROLLERS.contains(&known) => Ok(known.to_owned()),
            other => Err(place.error(
                "policy-kind-unsupported",
                format!("`{}` is no controller that is known", other.escape_debug()),
            )),
        })
        .collect()
}

fn action(place: &Place<'_>) -> Result<bool, Diagnostic> {
    match place.text()?.to_ascii_lowercase().as_str() {
        "enforce" => Ok(true),
        "audit" => Ok(false),
        _ => Err(place
            .error("policy-field-value", format!("`{}` is neither Enforce nor Audit", place.text()?.escape_debug()))),
    }
}

fn failure_policy(place: &Place<'_>) -> Result<FailurePolicy, Diagnostic> {
    match place.text()? {
        "Fail" => Ok(FailurePolicy::Fail),
        "Ignore" => Ok(FailurePolicy::Ignore),
        other => {
            Err(place.error("policy-field-value", format!("`{}` is neither Fail nor Ignore", other.escape_debug())))
        }
    }
}

fn override_of(place: &Place<'_>, said: &mut Said) -> Result<(bool, Vec<String>), Diagnostic> {
    let mut object = place.object()?;
    let enforce = action(&need(&mut object, "action", place)?)?;
    let namespaces = filled(&need(&mut object, "namespaces", place)?)?;
    object.refuse_rest(said);
    Ok((enforce, namespaces))
}

/// A list of texts that is not empty.
fn filled(place: &Place<'_>) -> Result<Vec<String>, Diagnostic> {
    let texts = place.texts()?;
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(place.error("policy-empty", "the list is empty or holds an empty text"));
    }
    Ok(texts)
}

fn rule(place: &Place<'_>, context: &Context<'_>, said: &mut Said) -> Result<Rule, Diagnostic> {
    let mut object = place.object()?;
    let name = need(&mut object, "name", place)?.text()?.to_owned();
    let Some(verify) = object.take("verifyImages") else {
        return Err(place
            .error(
                "policy-rule-unsupported",
                format!("rule `{name}`: rules without verifyImages are not supported yet"),
            )
            .hint("put the rules with verifyImages into a policy of their own"));
    };
    let mut scope =
        Scope { include: block(&need(&mut object, "match", place)?, true, said)?, exclude: Block::default() };
    if let Some(exclude) = object.take("exclude") {
        scope.exclude = block(&exclude, false, said)?;
    }
    // Kyverno makes no rules for controllers where the rule speaks of other kinds or single objects.
    let plain = |f: &Filter| f.names.is_empty() && f.kinds.iter().all(|(kind, sub)| kind == "Pod" && sub.is_none());
    if scope.include.filters.iter().chain(&scope.exclude.filters).all(plain) {
        scope.extend_to(context.controllers);
    }
    object.take("skipBackgroundRequests").map(|p| p.bool()).transpose()?;
    object.refuse_rest(said);
    let list = verify.list()?;
    if list.is_empty() {
        return Err(verify.error("policy-empty", "the list is empty, so the rule does nothing"));
    }
    let checks = list.iter().filter_map(|p| keep(check(p, &name, context, said), said)).collect();
    Ok(Rule { name, scope, checks })
}

fn block(place: &Place<'_>, include: bool, said: &mut Said) -> Result<Block, Diagnostic> {
    let mut object = place.object()?;
    let (any, all) = (object.take("any"), object.take("all"));
    let plain = object.take("resources");
    object.refuse_rest(said);
    let (all, places) = match (any, all, plain) {
        (Some(list), None, None) => (false, filters_of(&list, said)?),
        (None, Some(list), None) => (true, filters_of(&list, said)?),
        (None, None, Some(one)) => (false, vec![one]),
        (None, None, None) => return Err(place.error("policy-empty", "it names nothing")),
        _ => return Err(place.error("policy-field-value", "any, all and resources exclude each other")),
    };
    let filters = places.iter().map(|p| filter(p, include, said)).collect::<Result<_, _>>()?;
    Ok(Block { all, filters })
}

fn filters_of<'a>(list: &Place<'a>, said: &mut Said) -> Result<Vec<Place<'a>>, Diagnostic> {
    let entries = list.list()?;
    if entries.is_empty() {
        return Err(list.error("policy-empty", "the list is empty"));
    }
    entries
        .iter()
        .map(|entry| {
            let mut object = entry.object()?;
            let resources = need(&mut object, "resources", entry);
            object.refuse_rest(said);
            resources
        })
        .collect()
}

fn filter(place: &Place<'_>, include: bool, said: &mut Said) -> Result<Filter, Diagnostic> {
    let mut object = place.object()?;
    let mut filter = Filter::default();
    match object.take("kinds") {
        Some(kinds) => {
            filled(&kinds)?;
            filter.kinds = kinds.list()?.iter().map(kind).collect::<Result<_, _>>()?;
        }
        None if include => return Err(place.error("policy-field-missing", "kinds is missing")),
        None => {}
    }
    if let Some(name) = object.take("name") {
        filter.names.push(name.text()?.to_owned());
    }
    if let Some(names) = object.take("names") {
        filter.names.extend(filled(&names)?);
    }
    if let Some(namespaces) = object.take("namespaces") {
        filter.namespaces = filled(&namespaces)?;
    }
    if let Some(operations) = object.take("operations") {
        filled(&operations)?;
        for operation in operations.list()? {
            filter.operations.push(match operation.text()? {
                "CREATE" => Operation::Create,
                "UPDATE" => Operation::Update,
                other => {
                    return Err(operation.error(
                        "policy-field-unsupported",
                        format!("`{}` is not supported yet", other.escape_debug()),
                    ));
                }
            });
        }
    }
    object.refuse_rest(said);
    if filter.kinds.is_empty()
        && filter.names.is_empty()
        && filter.namespaces.is_empty()
        && filter.operations.is_empty()
    {
        return Err(place.error("policy-empty", "it names nothing"));
    }
    Ok(filter)
}

/// `Pod`, `v1/Pod`, `apps/v1/Deployment`, `Pod/ephemeralcontainers`, `*`.
fn kind(place: &Place<'_>) -> Result<(String, Option<String>), Diagnostic> {
    let text = place.text()?;
    let unknown = || {
        place
            .error("policy-kind-unsupported", format!("no images are known in kind `{}`", text.escape_debug()))
            .hint(format!("Pod, {} or * ", CONTROLLERS.join(", ")).trim_end().to_owned())
    };
    let parts: Vec<&str> = text.split('/').collect();
    let is_kind = |part: &str| part == "*" || part == "Pod" || CONTROLLERS.contains(&part);
    let (group, kind, sub) = match parts.as_slice() {
        [kind] => ("", *kind, None),
        [kind, sub] if is_kind(kind) && *kind != "*" && !is_kind(sub) => ("", *kind, Some((*sub).to_owned())),
        ["v1" | "*", kind] => ("", *kind, None),
        ["*", "*", kind] => ("", *kind, None),
        [group @ ("apps" | "batch"), "v1" | "*", kind] => (*group, *kind, None),
        _ => return Err(unknown()),
    };
    let group_fits = match group {
        "apps" => ["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "*"].contains(&kind),
        "batch" => ["Job", "CronJob", "*"].contains(&kind),
        _ => true,
    };
    if !is_kind(kind) || !group_fits {
        return Err(unknown());
    }
    Ok((kind.to_owned(), sub))
}

fn check(place: &Place<'_>, rule: &str, context: &Context<'_>, said: &mut Said) -> Result<Check, Diagnostic> {
    let mut object = place.object()?;
    if let Some(kind) = object.take("type")
        && !matches!(kind.text()?, "Cosign" | "SigstoreBundle")
    {
        return Err(
            kind.error("policy-field-unsupported", format!("`{}` is not supported yet", kind.text()?.escape_debug()))
        );
    }
    let images = patterns(&need(&mut object, "imageReferences", place)?, said)?;
    let mut skip = Vec::new();
    if let Some(list) = object.take("skipImageReferences") {
        skip = patterns(&list, said)?;
        for pattern in list.list()? {
            if Pattern::new(pattern.text()?).runs_on() {
                said.push(
                    pattern
                        .warning(
                            "pattern-runs-on",
                            format!("`{}` also excepts every longer name", pattern.text()?.escape_debug()),
                        )
                        .hint("end it in /*, :* or @*"),
                );
            }
        }
    }
    let (enforce, overrides) = match object.take("failureAction") {
        Some(place) => (action(&place)?, Vec::new()),
        None => (context.enforce, context.overrides.to_vec()),
    };
    let mut flag = |name: &str| object.take(name).map(|p| p.bool()).transpose();
    let mutate_digest = flag("mutateDigest")?.unwrap_or(true);
    let verify_digest = flag("verifyDigest")?.unwrap_or(true);
    flag("required")?;
    flag("useCache")?;
    if let Some(oci11) = object.take("cosignOCI11")
        && oci11.bool()?
    {
        said.push(oci11.unsupported());
    }
    let attestors_place = object.take("attestors");
    object.refuse_rest(said);
    let Some(attestors_place) = attestors_place else {
        return Err(place.error("policy-empty", "there are no attestors, so every image would pass"));
    };
    let list = attestors_place.list()?;
    if list.is_empty() {
        return Err(attestors_place.error("policy-empty", "there are no attestors, so every image would pass"));
    }
    let names = (context.policy, rule);
    let attestors = list.iter().map(|p| attestor_set(p, names, DEPTH, said)).collect::<Result<_, _>>()?;
    Ok(Check { images, skip, attestors, enforce, overrides, mutate_digest, verify_digest })
}

fn patterns(place: &Place<'_>, said: &mut Said) -> Result<Vec<Pattern>, Diagnostic> {
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
        if pattern.matches_nothing() {
            said.push(
                entry
                    .warning(
                        "pattern-without-tag",
                        format!("`{text}` matches nothing: images end in a tag or a digest"),
                    )
                    .hint(format!("write `{text}:*`, which covers digests too")),
            );
        }
        out.push(pattern);
    }
    Ok(out)
}

fn attestor_set(
    place: &Place<'_>,
    names: (&str, &str),
    depth: usize,
    said: &mut Said,
) -> Result<AttestorSet, Diagnostic> {
    if depth == 0 {
        return Err(place.error("policy-depth", format!("attestors are nested more than {DEPTH} deep")));
    }
    let mut object = place.object()?;
    let count = object.take("count");
    let entries_place = need(&mut object, "entries", place)?;
    object.refuse_rest(said);
    let list = entries_place.list()?;
    let mut entries = Vec::new();
    for place in &list {
        entries.extend(entry(place, names, depth, said)?);
    }
    if entries.is_empty() {
        return Err(entries_place.error("policy-empty", "there are no entries, so every image would pass"));
    }
    let mut ids: Vec<_> =
        entries.iter().filter_map(|e| if let Entry::Key(k) = e { Some(&k.id) } else { None }).collect();
    ids.sort();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(entries_place.error("policy-key-twice", "a key is there twice and would count twice"));
    }
    let count = match count {
        None => entries.len(),
        Some(place) => match usize::try_from(place.int()?) {
            Ok(n) if (1..=entries.len()).contains(&n) => n,
            _ => {
                let message = format!("it must be from 1 to {}, the number of keys and sets in entries", entries.len());
                return Err(place.error("policy-count", message));
            }
        },
    };
    Ok(AttestorSet { count, entries })
}

fn entry(place: &Place<'_>, names: (&str, &str), depth: usize, said: &mut Said) -> Result<Vec<Entry>, Diagnostic> {
    let mut object = place.object()?;
    let (keys_place, nested) = (object.take("keys"), object.take("attestor"));
    let refused = object.fields.len();
    object.refuse_rest(said);
    match (keys_place, nested) {
        (Some(place), None) => keys(&place, names, said),
        (None, Some(nested)) => Ok(vec![Entry::Set(attestor_set(&nested, names, depth - 1, said)?)]),
        (Some(_), Some(_)) => Err(place.error("policy-field-value", "keys and attestor exclude each other")),
        // The reason has been said; an entry must come out so that it is not said twice.
        (None, None) if refused > 0 => Err(said.pop().unwrap_or_else(|| place.unsupported())),
        (None, None) => Err(place.error("policy-empty", "it names no key")),
    }
}

fn keys(place: &Place<'_>, (policy, rule): (&str, &str), said: &mut Said) -> Result<Vec<Entry>, Diagnostic> {
    let mut object = place.object()?;
    let public = object.take("publicKeys");
    if let Some(algorithm) = object.take("signatureAlgorithm")
        && algorithm.text()? != "sha256"
    {
        said.push(algorithm.error("policy-field-unsupported", "only `sha256` is supported yet"));
    }
    let mut log_entry = false;
    if let Some(rekor) = object.take("rekor") {
        let mut rekor_object = rekor.object()?;
        let ignore = rekor_object.take("ignoreTlog").map(|p| p.bool()).transpose()?;
        let url = rekor_object.take("url").map(|p| p.text().map(str::to_owned)).transpose()?;
        rekor_object.refuse_rest(said);
        log_entry = ignore == Some(false) || (ignore.is_none() && url.is_some_and(|u| !u.is_empty()));
        if log_entry {
            said.push(
                rekor
                    .warning(
                        "log-entry-unchecked",
                        "it demands a transparency-log entry, which cannot be checked yet: no signature will count",
                    )
                    .hint("rekor: {ignoreTlog: true}"),
            );
        }
    }
    if let Some(ctlog) = object.take("ctlog") {
        // Speaks of certificates alone; keys have none.
        let mut ctlog = ctlog.object()?;
        ctlog.take("ignoreSCT").map(|p| p.bool()).transpose()?;
        ctlog.refuse_rest(said);
    }
    let refused = object.fields.len();
    object.refuse_rest(said);
    let Some(public) = public else {
        return Err(if refused > 0 {
            said.pop().unwrap_or_else(|| place.unsupported())
        } else {
            place.error("policy-empty", "it names no key")
        });
    };
    let text = public.text()?;
    if let Some((scheme, _)) = text.split_once("://").filter(|(scheme, _)| !scheme.contains(char::is_whitespace)) {
        let message =
            format!("policy `{policy}`, rule `{rule}`: keys from `{}://` are not supported yet", scheme.escape_debug());
        return Err(public.error("policy-field-unsupported", message).hint("put the PEM text of the public key here"));
    }
    match pem::keys(text) {
        Ok(keys) => Ok(keys.into_iter().map(|(id, pem)| Entry::Key(Key { id, pem, log_entry })).collect()),
        Err(why) => Err(public
            .error("policy-key", format!("policy `{policy}`, rule `{rule}`: publicKeys holds no usable PEM key: {why}"))
            .hint("put the text of the .pub file here (cleanbill generate-key-pair makes one)")),
    }
}
