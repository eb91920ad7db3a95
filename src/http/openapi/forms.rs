//! The description in forms that programs read which make clients of it. They know no condition that stands beside
//! properties and no union that holds itself, and they take what has a default for something that is always sent.

use serde_json::{Map, Value, json};

/// Unions that hold themselves.
const RECURSIVE: [&str; 2] = ["Filter", "Rewrite"];

/// Makes components readable, which mean what they meant.
pub fn of_components(schemas: &mut Map<String, Value>) {
    for name in RECURSIVE {
        let merged = schemas.get(name).and_then(|union| as_object(union, schemas));
        if let (Some(union), Some(merged)) = (schemas.get_mut(name), merged) {
            *union = merged;
        }
    }
    schemas.values_mut().for_each(of_schema);
}

/// A union of objects as an object that may have the fields of each, and is one of them.
fn as_object(union: &Value, schemas: &Map<String, Value>) -> Option<Value> {
    let mut merged = union.as_object()?.clone();
    let parts = ["anyOf", "oneOf"].into_iter().find_map(|of| union.get(of)?.as_array())?;
    let parts = parts.iter().map(|part| match part.get("$ref").and_then(Value::as_str) {
        Some(target) => schemas.get(target.rsplit('/').next()?),
        None => Some(part),
    });
    let mut properties = Map::new();
    let mut is_closed = true;
    for part in parts {
        properties.extend(part?.get("properties")?.as_object()?.clone());
        is_closed &= part?.get("additionalProperties") == Some(&Value::Bool(false));
    }
    merged.insert("type".to_owned(), "object".into());
    merged.insert("properties".to_owned(), properties.into());
    if is_closed {
        merged.insert("additionalProperties".to_owned(), false.into());
    }
    Some(merged.into())
}

fn of_schema(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    // What is absent means is said by its text.
    fields.remove("default");
    if fields.contains_key("properties") {
        for of in ["anyOf", "oneOf"] {
            own_fields(fields, of);
        }
    }
    for (keyword, value) in fields.iter_mut() {
        match (keyword.as_str(), value) {
            ("properties" | "$defs", Value::Object(named)) => named.values_mut().for_each(of_schema),
            ("anyOf" | "oneOf" | "allOf", Value::Array(all)) => all.iter_mut().for_each(of_schema),
            ("items" | "additionalProperties" | "if" | "then" | "else", one) => of_schema(one),
            _ => {}
        }
    }
}

/// A condition beside properties becomes one of several that must hold, and the fields that it names are told with the
/// others.
fn own_fields(fields: &mut Map<String, Value>, of: &str) {
    let Some(Value::Array(parts)) = fields.remove(of) else { return };
    let named = parts.iter().filter_map(|part| part.get("properties")?.as_object()).flatten();
    let named: Vec<(String, Value)> = named.map(|(name, schema)| (name.clone(), schema.clone())).collect();
    if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, schema) in named {
            properties.entry(name).or_insert(schema);
        }
    }
    let condition = Value::Object(Map::from_iter([(of.to_owned(), parts.into())]));
    match fields.get_mut("allOf").and_then(Value::as_array_mut) {
        Some(all) => all.push(condition),
        None => drop(fields.insert("allOf".to_owned(), json!([condition]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every schema of the description.
    fn each<'d>(value: &'d Value, is_schema: bool, found: &mut Vec<&'d Map<String, Value>>) {
        match value {
            Value::Object(fields) => {
                found.extend(is_schema.then_some(fields));
                for (name, inner) in fields {
                    let holds = matches!(name.as_str(), "properties" | "schemas");
                    let is_schema = !matches!(name.as_str(), "enum" | "const" | "example" | "examples" | "default");
                    match inner {
                        Value::Object(named) if holds => named.values().for_each(|inner| each(inner, true, found)),
                        _ if is_schema => each(inner, true, found),
                        _ => {}
                    }
                }
            }
            Value::Array(all) => all.iter().for_each(|inner| each(inner, is_schema, found)),
            _ => {}
        }
    }

    /// The components that a schema names, outside of the fields of objects.
    fn named<'d>(schema: &'d Value, names: &mut Vec<&'d str>) {
        names.extend(schema.get("$ref").and_then(Value::as_str).and_then(|target| target.rsplit('/').next()));
        let parts = ["anyOf", "oneOf"].into_iter().filter_map(|of| schema.get(of)?.as_array()).flatten();
        let is_object = schema["type"] == "object";
        let inner = schema.get("additionalProperties").filter(|_| !is_object);
        parts.chain(schema.get("items")).chain(inner).for_each(|part| named(part, names));
    }

    #[test]
    fn those_who_make_clients_can_read_the_description() {
        let description = crate::http::openapi::description();
        assert_eq!(description["servers"], json!([{"url": "/"}]));
        let mut schemas = Vec::new();
        each(&description["components"]["schemas"], false, &mut schemas);
        description["components"]["schemas"].as_object().unwrap().values().for_each(|of| each(of, true, &mut schemas));
        each(&description["paths"], false, &mut schemas);
        let (mut lists, mut conditions) = (0, 0);
        for schema in schemas {
            assert!(!schema.contains_key("default"), "what has a default is taken for always sent: {schema:?}");
            let is_list = schema.get("type").is_some_and(|of| of.to_string().contains("\"array\""));
            assert!(!is_list || schema.contains_key("items"), "of what? {schema:?}");
            lists += u32::from(is_list);
            let has_condition = schema.contains_key("anyOf") || schema.contains_key("oneOf");
            assert!(!(has_condition && schema.contains_key("properties")), "a condition beside properties: {schema:?}");
            conditions += u32::from(schema.contains_key("allOf"));
        }
        assert!(lists > 50 && conditions > 5, "{lists} {conditions}");

        let components = description["components"]["schemas"].as_object().unwrap();
        for (name, schema) in components {
            let (mut open, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
            named(schema, &mut open);
            while let Some(next) = open.pop() {
                assert_ne!(next, name, "a union or a list that holds itself");
                if seen.insert(next) {
                    named(&components[next], &mut open);
                }
            }
        }
    }

    #[test]
    fn a_union_that_holds_itself_is_an_object_that_means_the_same() {
        let description = crate::http::openapi::description();
        let filter = &description["components"]["schemas"]["Filter"];
        let fields: Vec<&String> = filter["properties"].as_object().unwrap().keys().collect();
        assert_eq!(fields, ["and", "or", "not", "field", "op", "value"]);
        assert_eq!((&filter["type"], &filter["additionalProperties"]), (&json!("object"), &json!(false)));
        assert_eq!(filter["allOf"][0]["anyOf"][3], json!({"$ref": "#/components/schemas/FilterLeaf"}));
        let node = &description["components"]["schemas"]["OpenFgaNode"];
        assert!(node["properties"]["union"].is_object() && node["allOf"][0]["oneOf"].is_array(), "{node}");
    }
}
