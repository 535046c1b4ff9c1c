//! Documents against the schemas that are published under `docs/schemas/`.

use serde_json::Value;

/// Whether a document has what a schema requires, by a subset of JSON Schema: type, required, properties,
/// items, enum, const, `$defs`.
pub(crate) fn fits(schema: &Value, root: &Value, document: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        return fits(root.pointer(name.trim_start_matches('#')).unwrap(), root, document, at);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(t) => vec![t],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = match document {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(types.is_empty() || types.contains(&is), "{at}: {is} is none of {types:?}");
    if !schema["const"].is_null() {
        assert_eq!(document, &schema["const"], "{at}");
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(document), "{at}: {document}");
    }
    for key in schema["required"].as_array().into_iter().flatten() {
        assert!(
            !document[key.as_str().unwrap()].is_null() || document.get(key.as_str().unwrap()).is_some(),
            "{at}: no {key}"
        );
    }
    if let (Some(properties), Some(members)) = (schema["properties"].as_object(), document.as_object()) {
        for (name, member) in members {
            let schema = properties.get(name).unwrap_or_else(|| panic!("{at}: `{name}` is not in the schema"));
            fits(schema, root, member, &format!("{at}/{name}"));
        }
    }
    for (n, item) in document.as_array().into_iter().flatten().enumerate() {
        fits(&schema["items"], root, item, &format!("{at}/{n}"));
    }
}
