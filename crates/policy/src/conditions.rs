//! Conditions on what is attested: `key`, `operator`, `value` over the predicate, as Kyverno writes
//! them (kyverno/kyverno `pkg/engine/variables/operator/`). A key is one path, `{{ a.b[].c }}`; what is
//! not in the predicate meets nothing, and neither does an empty list where something must be in it:
//! an empty document proves nothing (A03).

use cleanbill_diag::Diagnostic;
use serde_json::Value as Json;

use crate::pattern::wild;
use crate::read::{Said, need};
use crate::yaml::{Place, Value};

/// Blocks that must all hold.
pub(crate) type Conditions = Vec<Block>;

/// `any` and `all` of one block; both must hold where both are there.
#[derive(Debug, Default)]
pub(crate) struct Block {
    any: Vec<Condition>,
    all: Vec<Condition>,
}

#[derive(Debug)]
struct Condition {
    path: Vec<Step>,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Each,
    Item(usize),
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    Equals,
    NotEquals,
    AnyIn,
    AllIn,
    AnyNotIn,
    AllNotIn,
    Compare(fn(f64, f64) -> bool),
}

/// Reads `conditions`.
pub(crate) fn read(place: &Place<'_>, said: &mut Said) -> Result<Conditions, Diagnostic> {
    let list = place.list()?;
    if list.is_empty() {
        return Err(place.error("policy-empty", "the list is empty"));
    }
    list.iter()
        .map(|place| {
            let mut object = place.object()?;
            let mut block = Block::default();
            for (name, list) in [("any", &mut block.any), ("all", &mut block.all)] {
                if let Some(place) = object.take(name) {
                    *list = place.list()?.iter().map(|p| condition(p, said)).collect::<Result<_, _>>()?;
                    if list.is_empty() {
                        return Err(place.error("policy-empty", "the list is empty"));
                    }
                }
            }
            object.refuse_rest(said);
            if block.any.is_empty() && block.all.is_empty() {
                return Err(place.error("policy-empty", "it asks for nothing"));
            }
            Ok(block)
        })
        .collect()
}

fn condition(place: &Place<'_>, said: &mut Said) -> Result<Condition, Diagnostic> {
    let mut object = place.object()?;
    let key = need(&mut object, "key", place)?;
    let operator_place = need(&mut object, "operator", place)?;
    let value = need(&mut object, "value", place)?;
    object.take("message").map(|p| p.text().map(str::to_owned)).transpose()?;
    object.refuse_rest(said);
    let path = key
        .text()?
        .trim()
        .strip_prefix("{{")
        .and_then(|text| text.strip_suffix("}}"))
        .and_then(|text| steps(text.trim()))
        .ok_or_else(|| {
            key.error("policy-expression", format!("`{}` is no path", key.text().unwrap_or_default().escape_debug()))
                .hint("write one path into the predicate, without functions: {{ a.b[].c }}")
        })?;
    let operator = match operator_place.text()? {
        "Equals" | "Equal" => Operator::Equals,
        "NotEquals" | "NotEqual" => Operator::NotEquals,
        "AnyIn" => Operator::AnyIn,
        "AllIn" | "In" => Operator::AllIn,
        "AnyNotIn" => Operator::AnyNotIn,
        "AllNotIn" | "NotIn" => Operator::AllNotIn,
        "GreaterThan" => Operator::Compare(|a, b| a > b),
        "GreaterThanOrEquals" => Operator::Compare(|a, b| a >= b),
        "LessThan" => Operator::Compare(|a, b| a < b),
        "LessThanOrEquals" => Operator::Compare(|a, b| a <= b),
        other => {
            let message = format!("operator `{}` is not supported yet", other.escape_debug());
            return Err(operator_place.error("policy-field-unsupported", message));
        }
    };
    let list = matches!(value.node.value, Value::List(_));
    let values =
        if list { value.list()?.iter().map(scalar).collect::<Result<Vec<_>, _>>()? } else { vec![scalar(&value)?] };
    if values.is_empty() {
        return Err(value.error("policy-empty", "the list is empty"));
    }
    match operator {
        Operator::Equals | Operator::NotEquals if list => {
            Err(value.error("policy-field-value", "a list is compared with AllIn and its like"))
        }
        Operator::Compare(_) if list || values.iter().any(|v| number(v).is_none()) => {
            Err(value.error("policy-field-value", "it is compared as a number, and is none"))
        }
        _ => Ok(Condition { path, operator, values }),
    }
}

fn scalar(place: &Place<'_>) -> Result<String, Diagnostic> {
    match &place.node.value {
        Value::Text(text) if text.contains("{{") => {
            Err(place.error("policy-expression", "variables in values are not supported yet").hint("write the value"))
        }
        Value::Text(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Int(value) => Ok(value.to_string()),
        _ => Err(place
            .error("policy-field-type", "expected a text, a whole number, true or false")
            .hint("write other numbers as a text: \"7.5\"")),
    }
}

/// `a.b[].c`, `a[0]`, `"x-y".z`; `None` for everything else.
fn steps(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        if name.is_empty() {
            return None;
        }
        steps.push(Step::Field(name.to_owned()));
        rest = after;
        while let Some(inside) = rest.strip_prefix('[') {
            let (index, after) = inside.split_once(']')?;
            steps.push(match index {
                "" | "*" => Step::Each,
                number => Step::Item(number.parse().ok()?),
            });
            rest = after;
        }
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None => return rest.is_empty().then_some(steps),
        }
    }
}

/// What stands at a path.
struct Found<'a> {
    values: Vec<&'a Json>,
    /// Something on the way lacked the next step.
    holes: bool,
}

/// What stands at the path: one value, or all that a `[]` leads to.
fn found<'a>(predicate: &'a Json, path: &[Step]) -> Found<'a> {
    let mut at = Found { values: vec![predicate], holes: false };
    let mut many = false;
    for step in path {
        let mut next = Vec::new();
        for value in at.values {
            let before = next.len();
            match (step, value) {
                (Step::Field(name), Json::Object(map)) => next.extend(map.get(name)),
                (Step::Item(index), Json::Array(items)) => next.extend(items.get(*index)),
                (Step::Each, Json::Array(items)) => {
                    next.extend(items);
                    continue;
                }
                _ => {}
            }
            at.holes |= next.len() == before;
        }
        many |= matches!(step, Step::Each);
        at.values = next;
    }
    if let ([Json::Array(items)], false) = (at.values.as_slice(), many) {
        at.values = items.iter().collect();
    }
    at
}

fn shown(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Number(value) => Some(value.to_string()),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|n| n.is_finite())
}

impl Block {
    /// Whether the predicate meets it.
    pub(crate) fn met(&self, predicate: &Json) -> bool {
        (self.any.is_empty() || self.any.iter().any(|c| c.met(predicate))) && self.all.iter().all(|c| c.met(predicate))
    }
}

impl Condition {
    fn met(&self, predicate: &Json) -> bool {
        let found = found(predicate, &self.path);
        // An object or null among them can be compared with nothing.
        // What is asked not to be there may hide in what cannot be looked at.
        let forbids = matches!(self.operator, Operator::NotEquals | Operator::AnyNotIn | Operator::AllNotIn);
        if forbids && found.holes {
            return false;
        }
        // An object or null can be compared with nothing.
        let Some(texts) = found.values.into_iter().map(shown).collect::<Option<Vec<String>>>() else { return false };
        let is_in = |text: &String| self.values.iter().any(|value| wild(value, text));
        match (self.operator, texts.as_slice()) {
            (Operator::AllNotIn, texts) => !texts.iter().any(is_in),
            (_, []) => false,
            (Operator::Equals, [one]) => is_in(one),
            (Operator::NotEquals, [one]) => !is_in(one),
            (Operator::Equals | Operator::NotEquals, _) => false,
            (Operator::AnyIn, texts) => texts.iter().any(is_in),
            (Operator::AllIn, texts) => texts.iter().all(is_in),
            (Operator::AnyNotIn, texts) => !texts.iter().all(is_in),
            (Operator::Compare(holds), texts) => {
                let Some(bound) = self.values.first().and_then(|v| number(v)) else { return false };
                texts.iter().all(|text| number(text).is_some_and(|n| holds(n, bound)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::documents;
    use serde_json::json;

    fn read_text(text: &str) -> Result<Conditions, Vec<String>> {
        let documents = documents("c.yaml", text).map_err(|e| vec![e.to_string()])?;
        let mut said = Vec::new();
        let read = read(&Place { file: "c.yaml", path: String::new(), node: &documents[0] }, &mut said);
        said.extend(read.as_ref().err().cloned());
        if said.is_empty() { read.map_err(|_| Vec::new()) } else { Err(said.iter().map(ToString::to_string).collect()) }
    }

    /// One condition over a predicate that has something of everything.
    #[track_caller]
    fn check(key: &str, operator: &str, value: &str, expect: bool) {
        let predicate = json!({
            "name": "web-1", "count": 3, "ok": true, "list": ["a", "b"], "empty": [], "nothing": null, "map": {"x-y": "z"},
            "items": [{"id": "1", "score": "7.5", "tags": ["t"]}, {"id": "2", "score": 9}],
        });
        let text = format!("[{{all: [{{key: '{{{{ {key} }}}}', operator: {operator}, value: {value}}}]}}]");
        let blocks = read_text(&text).unwrap();
        assert_eq!(blocks.iter().all(|b| b.met(&predicate)), expect, "{key} {operator} {value}");
    }

    #[test]
    fn scalars_are_compared_with_wildcards() {
        check("name", "Equals", "web-1", true);
        check("name", "Equals", "\"web-*\"", true);
        check("name", "Equals", "web", false);
        check("name", "NotEquals", "db", true);
        check("name", "NotEquals", "\"web*\"", false);
        check("ok", "Equals", "true", true);
        check("map.\"x-y\"", "Equals", "z", true);
        check("items[1].id", "Equals", "\"2\"", true);
    }

    #[test]
    fn lists_are_sets() {
        check("list", "AllIn", "[a, b, c]", true);
        check("list", "AllIn", "[a]", false);
        check("list", "AnyIn", "[b]", true);
        check("list", "AnyIn", "[c]", false);
        check("items[].id", "AllNotIn", "[\"3\"]", true);
        check("items[*].id", "AllNotIn", "[\"2\"]", false);
        check("list", "AnyNotIn", "[a]", true);
        check("list", "AnyNotIn", "[a, b]", false);
        check("name", "AnyIn", "[web-1]", true);
        check("items[].tags[]", "AnyIn", "[t]", true);
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        check("count", "GreaterThan", "2", true);
        check("count", "LessThanOrEquals", "2", false);
        check("items[].score", "GreaterThanOrEquals", "\"7.5\"", true);
        check("items[].score", "LessThan", "9", false);
        check("name", "LessThan", "9", false);
    }

    #[test]
    fn a03_what_is_missing_meets_nothing() {
        for operator in ["Equals", "NotEquals", "AnyIn", "AllIn", "AnyNotIn", "AllNotIn", "LessThan"] {
            for key in ["gone", "gone[].id", "name[].id", "nothing", "map", "map[].x", "items[5].id", "name.x"] {
                check(key, operator, "1", false);
            }
        }
        for operator in ["AnyIn", "AllIn", "AnyNotIn", "LessThan"] {
            check("empty", operator, "1", false);
        }
        check("empty[]", "AllNotIn", "[CVE-1]", true);
        check("items[].tags[]", "AllNotIn", "[x]", false);
    }

    #[test]
    fn what_is_no_path_or_no_operator_is_refused() {
        let refused = |key: &str, operator: &str, value: &str, part: &str| {
            let said =
                read_text(&format!("[{{all: [{{key: '{key}', operator: {operator}, value: {value}}}]}}]")).unwrap_err();
            assert!(said.iter().any(|s| s.contains(part)), "{part:?} not in {said:?}");
        };
        for key in [
            "a",
            "{{ a(b) }}",
            "{{ }}",
            "{{ a. }}",
            "{{ a[x] }}",
            "{{ a[ }}",
            "{{ a | b }}",
            "{{ {{ a }} }}",
            "{{ \"a }}",
        ] {
            refused(key, "Equals", "x", "is no path");
        }
        refused("{{ a }}", "DurationGreaterThan", "1h", "operator `DurationGreaterThan` is not supported yet");
        refused("{{ a }}", "Equals", "'{{ b }}'", "variables in values");
        refused("{{ a }}", "Equals", "[x]", "a list is compared with AllIn");
        refused("{{ a }}", "LessThan", "x", "compared as a number");
        refused("{{ a }}", "AnyIn", "[]", "the list is empty");
        for text in ["[]", "[{}]", "[{all: []}]", "[{any: []}]"] {
            assert!(read_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_block_needs_all_of_all_and_one_of_any() {
        let c = |value: &str| format!("{{key: '{{{{ a }}}}', operator: Equals, value: {value}}}");
        let (yes, no) = (c("x"), c("y"));
        for (text, expect) in [
            (format!("[{{any: [{no}, {yes}]}}]"), true),
            (format!("[{{any: [{no}]}}]"), false),
            (format!("[{{all: [{yes}, {no}]}}]"), false),
            (format!("[{{any: [{no}], all: [{yes}]}}]"), false),
        ] {
            assert_eq!(read_text(&text).unwrap().iter().all(|b| b.met(&json!({"a": "x"}))), expect, "{text}");
        }
    }
}
