//! # Kyverno `ClusterPolicy` and `Policy` with `verifyImages`
//!
//! `kyverno.io/v1`, rules of `verifyImages` by public keys: `match` and `exclude` by kinds, names,
//! namespaces, operations, and by labels where they bring an object in; `imageReferences`,
//! `skipImageReferences`; attestors with `count` and nested sets; actions with overrides;
//! `mutateDigest`, `verifyDigest`, `required`; rules for Pods also speak of the controllers'
//! templates (kyverno/kyverno `api/kyverno/v1/image_verification_types.go`, `pkg/autogen/`).
//! Everything else is refused by its path; [`fields`] is the list. Where Kyverno leaves something
//! open, the stricter reading is taken: no attestors, an empty list and a count of 0 are errors, and
//! no label on a workload takes it out of a rule.

mod attestors;
pub(crate) mod fields;
mod resources;

use cleanbill_diag::Diagnostic;

use crate::FailurePolicy;
use crate::lint;
use crate::read::{Said, filled, keep, need};
use crate::rules::{Policy, Rule};
use crate::scope::{Block, CONTROLLERS, Filter, Scope};
use crate::yaml::{Object, Place};

const AUTOGEN: &str = "pod-policies.kyverno.io/autogen-controllers";
/// Reads a policy whose apiVersion and kind have been taken; `namespaced`: a `Policy`.
pub(crate) fn policy(
    mut top: Object<'_>,
    place: &Place<'_>,
    namespaced: bool,
    said: &mut Said,
) -> Result<Policy, Diagnostic> {
    let metadata = need(&mut top, "metadata", place)?;
    let mut meta = metadata.object()?;
    let mut name = need(&mut meta, "name", &metadata)?.text()?.to_owned();
    let namespace = match meta.take("namespace") {
        Some(place) if namespaced => Some(place.text()?.to_owned()).filter(|n| !n.is_empty()),
        Some(place) => return Err(place.error("policy-field-value", "a ClusterPolicy has no namespace")),
        None => None,
    };
    if namespaced && namespace.is_none() {
        return Err(Diagnostic::error(
            "policy-field-missing",
            "metadata.namespace is missing: a Policy speaks of one namespace",
            metadata.span(),
        )
        .hint("write the namespace, or make it a ClusterPolicy"));
    }
    if let Some(namespace) = &namespace {
        name = format!("{namespace}/{name}");
    }
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
    if let Some(place) = spec.take("webhookTimeoutSeconds") {
        place.int()?;
        said.push(lint::without_effect(&place, "the API server's setting decides; `admission manifest` writes it"));
    }
    for name in ["background", "emitWarning", "schemaValidation", "useServerSideApply"] {
        if let Some(place) = spec.take(name) {
            place.bool()?;
            said.push(lint::without_effect(&place, "it changes no answer here"));
        }
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
        let context = Context {
            policy: &name,
            namespace: namespace.as_ref(),
            enforce,
            overrides: &overrides,
            controllers: &controllers,
        };
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
    Ok(Policy { name, failure_policy: failure.unwrap_or(FailurePolicy::Fail), rules, exceptions: Vec::new() })
}

/// What a rule takes from its policy.
struct Context<'a> {
    policy: &'a str,
    namespace: Option<&'a String>,
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
    let mut scope = Scope {
        namespace: context.namespace.cloned(),
        include: resources::block(&need(&mut object, "match", place)?, true, said)?,
        exclude: Block::default(),
    };
    if let Some(exclude) = object.take("exclude") {
        scope.exclude = resources::block(&exclude, false, said)?;
    }
    // Kyverno makes no rules for controllers where the rule speaks of other kinds or single objects.
    let plain = |f: &Filter| {
        f.names.is_empty() && f.labels.is_empty() && f.kinds.iter().all(|(kind, sub)| kind == "Pod" && sub.is_none())
    };
    if scope.include.filters.iter().chain(&scope.exclude.filters).all(plain) {
        scope.extend_to(context.controllers);
    }
    if let Some(place) = object.take("skipBackgroundRequests") {
        place.bool()?;
        said.push(lint::without_effect(&place, "it changes no answer here"));
    }
    object.refuse_rest(said);
    let list = verify.list()?;
    if list.is_empty() {
        return Err(verify.error("policy-empty", "the list is empty, so the rule does nothing"));
    }
    let checks = list.iter().filter_map(|p| keep(attestors::check(p, &name, context, said), said)).collect();
    let rule = Rule { name, scope, checks };
    lint::rule(&rule, place, said);
    Ok(rule)
}
