//! The JSON shapes that are written.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    #[serde(rename = "$schema")]
    pub(super) schema: String,
    pub(super) bom_format: &'static str,
    pub(super) spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<String>,
    pub(super) version: u32,
    pub(super) metadata: Metadata,
    pub(super) components: Vec<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vulnerabilities: Option<Vec<Value>>,
}

#[derive(Serialize)]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<String>,
    pub(super) tools: Tools,
    pub(super) component: Component,
    pub(super) properties: Vec<Property>,
}

/// Who made it: components since 1.5, a list of its own kind before.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Tools {
    Components { components: Vec<Component> },
    List([Tool; 1]),
}

#[derive(Serialize)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

#[derive(Serialize, Default)]
pub(super) struct Component {
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    pub(super) bom_ref: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) licenses: Vec<LicenseChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
}

/// One entry of `licenses`.
#[derive(Serialize, Deserialize)]
pub(super) struct LicenseChoice {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) license: Option<License>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expression: Option<String>,
}

/// A licence by SPDX id or by any name.
#[derive(Serialize, Deserialize)]
pub(super) struct License {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

/// A name and a value; names may repeat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Property {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: String,
}

/// Properties of one thing, as they are collected.
#[derive(Default)]
pub(super) struct Properties(pub(super) Vec<Property>);

impl Properties {
    pub(super) fn add(&mut self, name: impl Into<String>, value: impl ToString) {
        self.0.push(Property { name: name.into(), value: value.to_string() });
    }

    pub(super) fn add_some(&mut self, name: impl Into<String>, value: Option<&impl ToString>) {
        if let Some(value) = value {
            self.add(name, value.to_string());
        }
    }
}
