//! What holds of everything that is sent, and no type says: no text holds NUL, and whole numbers have the width of the type
//! that they are read into.

use serde_json::{Map, Value, json};

use crate::wire::bounds::TEXT;

/// The component that stands for JSON of any shape.
pub const JSON: &str = "Json";
/// The same without control characters.
pub const PLAIN_JSON: &str = "PlainJson";

/// JSON of any shape, with texts and names of one pattern. Who makes a client of it knows no `if`, and takes it for anything;
/// a union that holds itself is more than most can read.
pub fn json_schema(name: &str, pattern: &str) -> Value {
    let any = reference(name);
    json!({
        "description": "JSON of any shape; its texts and names have one pattern.",
        "if": {"type": "object"},
        "then": {"propertyNames": {"pattern": pattern}, "additionalProperties": any},
        "else": {"pattern": pattern, "items": any},
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Makes the schema of something that is sent say what is taken.
pub fn of_request(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else {
        if schema.as_bool() == Some(true) {
            *schema = reference(JSON);
        }
        return;
    };
    if !says_what(fields) {
        fields.extend([("$ref".to_owned(), format!("#/components/schemas/{JSON}").into())]);
        return;
    }
    if is(fields, "string") && ["pattern", "enum", "const", "format"].iter().all(|said| !fields.contains_key(*said)) {
        fields.insert("pattern".to_owned(), TEXT.into());
    }
    if is(fields, "integer") {
        let widest = match fields.get("format").and_then(Value::as_str) {
            Some("uint" | "uint64") => Some(u64::MAX),
            Some("int64") => Some(i64::MAX.unsigned_abs()),
            Some("uint32") => Some(u64::from(u32::MAX)),
            _ => None,
        };
        if let Some(widest) = widest {
            fields.entry("maximum").or_insert_with(|| widest.into());
        }
        if fields.get("format").and_then(Value::as_str) == Some("int64") {
            fields.entry("minimum").or_insert_with(|| i64::MIN.into());
        }
    }
    // Names that are not known are refused, or they are texts like any other.
    if is(fields, "object") && fields.get("additionalProperties") != Some(&Value::Bool(false)) {
        fields.entry("propertyNames").or_insert_with(|| json!({"pattern": TEXT}));
        fields.entry("additionalProperties").or_insert(Value::Bool(true));
    }
    for (keyword, value) in fields.iter_mut() {
        match (keyword.as_str(), value) {
            ("properties" | "$defs", Value::Object(named)) => named.values_mut().for_each(of_request),
            ("items" | "additionalProperties", one) => of_request(one),
            // What narrows a schema that is said elsewhere stays as it is.
            ("anyOf" | "oneOf" | "allOf", Value::Array(all)) => {
                all.iter_mut().filter(|part| part.as_object().is_some_and(is_whole)).for_each(of_request);
            }
            _ => {}
        }
    }
}

fn is(fields: &Map<String, Value>, kind: &str) -> bool {
    match fields.get("type") {
        Some(Value::String(name)) => name == kind,
        Some(Value::Array(names)) => names.iter().any(|name| name == kind),
        _ => false,
    }
}

/// Whether a schema says anything of what it admits.
fn says_what(fields: &Map<String, Value>) -> bool {
    fields.keys().any(|keyword| !matches!(keyword.as_str(), "description" | "default" | "title"))
}

/// Whether a part of `anyOf` is a schema of its own, and no condition on the fields beside it.
fn is_whole(fields: &Map<String, Value>) -> bool {
    ["type", "$ref", "enum", "const"].iter().any(|said| fields.contains_key(*said))
}
