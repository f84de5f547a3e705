//! A CustomResourceDefinition as a strict JSON Schema.
//!
//! An API server drops fields that a definition does not have, without an error: the resource would be there, and the
//! filter would run without what the field says. So [`strict`] refuses them.

use serde_json::{json, Map, Value};

/// Returns the JSON Schema of a resource of one version of a definition. It refuses unknown fields, except where the
/// definition says that the API keeps them.
pub(super) fn strict(definition: &Value, version: &Value) -> Value {
    let group = text(definition, "/spec/group");
    let name = text(version, "/name");
    let mut schema = version["schema"]["openAPIV3Schema"].clone();
    close(&mut schema);
    let properties = schema["properties"]
        .as_object_mut()
        .expect("the properties of a resource");
    // Every resource has these; a definition may leave them out.
    properties.insert(
        "apiVersion".into(),
        json!({ "const": format!("{group}/{name}") }),
    );
    let kind = text(definition, "/spec/names/kind");
    properties.insert("kind".into(), json!({ "const": kind }));
    properties.insert("metadata".into(), metadata());
    // Controllers write it, no file does.
    properties.remove("status");
    schema["required"] = json!(["apiVersion", "kind", "metadata", "spec"]);
    schema
}

/// Returns the schema of what a file may say about a resource in a namespace.
fn metadata() -> Value {
    let name = json!({ "type": "string", "pattern": "^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$" });
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    json!({
        "type": "object",
        "properties": { "name": name, "namespace": name, "labels": texts, "annotations": texts },
        "required": ["name"],
        "additionalProperties": false,
    })
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .expect(pointer)
}

/// Closes a schema and those in it, and translates what OpenAPI 3.0 and Kubernetes say in another way than JSON Schema.
fn close(schema: &mut Value) {
    let Value::Object(schema) = schema else {
        return;
    };
    let keeps = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    let is_object =
        schema.get("type") == Some(&"object".into()) || schema.contains_key("properties");
    if is_object && !keeps && !schema.contains_key("additionalProperties") {
        schema.insert("additionalProperties".into(), false.into());
    }
    if schema.remove("nullable") == Some(Value::Bool(true)) {
        if let Some(Value::String(name)) = schema.get("type").cloned() {
            schema.insert("type".into(), json!([name, "null"]));
        }
    }
    // `anyOf`, `oneOf` and `not` name single fields only: the others are refused beside them.
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key) {
            close(inner);
        }
    }
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    properties
        .into_iter()
        .flat_map(Map::values_mut)
        .for_each(close);
}
