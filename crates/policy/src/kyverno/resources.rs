//! `match` and `exclude`.

use cleanbill_diag::Diagnostic;
use cleanbill_model::Operation;

use crate::read::{Said, filled, need};
use crate::scope::{Block, CONTROLLERS, Filter, Label};
use crate::yaml::Place;

pub(super) fn block(place: &Place<'_>, include: bool, said: &mut Said) -> Result<Block, Diagnostic> {
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
                // They bring no image in.
                "DELETE" | "CONNECT" => Operation::Other,
                other => {
                    return Err(operation.error(
                        "policy-field-value",
                        format!("`{}` is none of CREATE, UPDATE, DELETE, CONNECT", other.escape_debug()),
                    ));
                }
            });
        }
    }
    if let Some(selector) = object.take("selector") {
        filter.labels = labels(&selector, include, said)?;
    }
    object.refuse_rest(said);
    if filter.kinds.is_empty()
        && filter.names.is_empty()
        && filter.namespaces.is_empty()
        && filter.operations.is_empty()
        && filter.labels.is_empty()
    {
        return Err(place.error("policy-empty", "it names nothing"));
    }
    Ok(filter)
}

/// A label selector, where labels bring an object in. Whoever creates an object chooses its labels, so
/// none may take it out of a rule (A39).
fn labels(place: &Place<'_>, include: bool, said: &mut Said) -> Result<Vec<Label>, Diagnostic> {
    let hint = "whoever creates an object chooses its labels: exclude by namespaces instead";
    if !include {
        return Err(place.error("policy-label-excludes", "a label would take an object out of the rule").hint(hint));
    }
    let mut object = place.object()?;
    let mut labels = Vec::new();
    if let Some(wanted) = object.take("matchLabels") {
        for (key, value) in wanted.object()?.fields {
            labels.push(Label { key: key.to_owned(), values: vec![value.text()?.to_owned()] });
        }
    }
    if let Some(list) = object.take("matchExpressions") {
        for place in list.list()? {
            let mut expression = place.object()?;
            let key = need(&mut expression, "key", &place)?.text()?.to_owned();
            let operator = need(&mut expression, "operator", &place)?;
            let values = expression.take("values");
            expression.refuse_rest(said);
            let values = match (operator.text()?, values) {
                ("In", Some(values)) => filled(&values)?,
                ("Exists", None) => Vec::new(),
                ("In", None) => return Err(place.error("policy-field-missing", "values is missing")),
                ("Exists", Some(values)) => return Err(values.error("policy-field-value", "Exists takes no values")),
                ("NotIn" | "DoesNotExist", _) => {
                    return Err(operator
                        .error("policy-label-excludes", "a label would take an object out of the rule")
                        .hint(hint));
                }
                (other, _) => {
                    return Err(operator.error(
                        "policy-field-value",
                        format!("`{}` is no operator of selectors", other.escape_debug()),
                    ));
                }
            };
            labels.push(Label { key, values });
        }
    }
    object.refuse_rest(said);
    if labels.is_empty() {
        return Err(place.error("policy-empty", "it names no label"));
    }
    said.push(
        place
            .warning("scope-by-label", "an object without the label is not judged, and whoever creates it chooses")
            .hint("match by namespaces where the rule must hold"),
    );
    Ok(labels)
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
