//! YAML as a tree that remembers lines, and a reader of objects that knows which fields were asked
//! for: what nobody asked for is refused by its path.

use std::fmt;

use cleanbill_diag::{Diagnostic, Span};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::kyverno::fields;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is not whole or too large; no field wants one.
    Other,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        let at = spanned.referenced;
        Ok(Node { value: spanned.value, line: at.line() as usize, column: at.column() as usize })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Int(v))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(i64::try_from(v).map_or(Value::Other, Value::Int))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Text(v.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(node) = seq.next_element()? {
            out.push(node);
        }
        Ok(Value::List(out))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut out: Vec<(String, Node)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if out.iter().any(|(k, _)| *k == key) {
                return Err(serde::de::Error::custom(format!("`{}` stands twice", key.escape_debug())));
            }
            out.push((key, map.next_value()?));
        }
        Ok(Value::Map(out))
    }
}

/// Values inside values. Policies have about a dozen; the reader calls itself for each, and threads have
/// no more than two megabytes for that.
const DEPTH: usize = 24;

/// Reads all documents of a file.
pub(crate) fn documents(file: &str, text: &str) -> Result<Vec<Node>, Diagnostic> {
    let mut budget = serde_saphyr::Budget::default();
    budget.max_depth = DEPTH;
    let options = serde_saphyr::options! { with_snippet: false, budget: Some(budget) };
    serde_saphyr::from_multiple_with_options::<Node>(text, options).map_err(|e| {
        let at = e.location();
        let span = Span {
            file: file.to_owned(),
            line: at.map_or(0, |l| l.line() as usize),
            column: at.map_or(0, |l| l.column() as usize),
        };
        Diagnostic::error("policy-yaml", format!("it is not readable YAML: {e}"), span)
    })
}

/// Where a value stands, by path and by line, and what is to be said about it.
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    pub(crate) path: String,
    pub(crate) node: &'a Node,
}

impl<'a> Place<'a> {
    pub(crate) fn span(&self) -> Span {
        Span { file: self.file.to_owned(), line: self.node.line, column: self.node.column }
    }

    /// An error about this value; the path goes first.
    pub(crate) fn error(&self, code: &'static str, message: impl fmt::Display) -> Diagnostic {
        Diagnostic::error(code, format!("{}: {message}", self.path), self.span())
    }

    pub(crate) fn warning(&self, code: &'static str, message: impl fmt::Display) -> Diagnostic {
        Diagnostic::warning(code, format!("{}: {message}", self.path), self.span())
    }

    /// `PATH is not supported yet`, and what to write instead where that is known.
    pub(crate) fn unsupported(&self) -> Diagnostic {
        let said =
            Diagnostic::error("policy-field-unsupported", format!("{} is not supported yet", self.path), self.span());
        match fields::instead(&self.path) {
            Some(hint) => said.hint(hint),
            None => said,
        }
    }

    fn wrong(&self, wanted: &str) -> Diagnostic {
        self.error("policy-field-type", format!("expected {wanted}"))
    }

    pub(crate) fn text(&self) -> Result<&'a str, Diagnostic> {
        match &self.node.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.wrong("a text")),
        }
    }

    pub(crate) fn bool(&self) -> Result<bool, Diagnostic> {
        match self.node.value {
            Value::Bool(b) => Ok(b),
            _ => Err(self.wrong("true or false")),
        }
    }

    pub(crate) fn int(&self) -> Result<i64, Diagnostic> {
        match self.node.value {
            Value::Int(n) => Ok(n),
            _ => Err(self.wrong("a whole number")),
        }
    }

    pub(crate) fn list(&self) -> Result<Vec<Place<'a>>, Diagnostic> {
        match &self.node.value {
            Value::List(list) => Ok(list
                .iter()
                .enumerate()
                .map(|(n, node)| Place { file: self.file, path: format!("{}[{n}]", self.path), node })
                .collect()),
            _ => Err(self.wrong("a list")),
        }
    }

    pub(crate) fn texts(&self) -> Result<Vec<String>, Diagnostic> {
        self.list()?.iter().map(|p| p.text().map(str::to_owned)).collect()
    }

    pub(crate) fn object(&self) -> Result<Object<'a>, Diagnostic> {
        match &self.node.value {
            Value::Map(map) => Ok(Object {
                fields: map
                    .iter()
                    .map(|(key, node)| {
                        let key_shown = key.escape_debug();
                        let path = if self.path.is_empty() {
                            key_shown.to_string()
                        } else {
                            format!("{}.{key_shown}", self.path)
                        };
                        (key.as_str(), Place { file: self.file, path, node })
                    })
                    .collect(),
            }),
            _ => Err(self.wrong("an object")),
        }
    }
}

/// An object of which fields are taken; the rest is refused.
pub(crate) struct Object<'a> {
    pub(crate) fields: Vec<(&'a str, Place<'a>)>,
}

impl<'a> Object<'a> {
    /// Takes a field; one that is null is not there.
    pub(crate) fn take(&mut self, name: &str) -> Option<Place<'a>> {
        let at = self.fields.iter().position(|(key, _)| *key == name)?;
        let (_, place) = self.fields.remove(at);
        (!matches!(place.node.value, Value::Null)).then_some(place)
    }

    /// Takes fields that change nothing here.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        self.fields.retain(|(key, _)| !names.contains(key));
    }

    /// Refuses what was not taken, each by its path.
    pub(crate) fn refuse_rest(self, said: &mut Vec<Diagnostic>) {
        said.extend(self.fields.iter().map(|(_, place)| place.unsupported()));
    }
}
