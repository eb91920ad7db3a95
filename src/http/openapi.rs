//! The description of the native API (OpenAPI 3.1), served at `/openapi.json`.
//!
//! Shapes and their texts come from the wire types, problems from the catalogue of problems, operations from one table; a
//! test compares the table with the router and the whole with `schema/api/openapi.json`.

use axum::body::Bytes;
use axum::http::{Method, header};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::problem::Kind;
use crate::identity::Scope;
use crate::limits::rates::Class;
use crate::wire::Problem;

mod operations;

use operations::{Needs, OPERATIONS, Operation, Parameter, Shape};

/// The scope that an operation needs besides a credential, and what its rate is counted with; nothing where no credential is
/// needed, or where there is no such operation.
pub fn entrance(method: &Method, path: &str) -> Option<(Option<Scope>, Class)> {
    let method = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    let operation = OPERATIONS.iter().find(|operation| operation.method == method && operation.path == path)?;
    let scope = match operation.needs {
        Needs::Nothing => return None,
        Needs::Credential => None,
        Needs::Scope(scope) => Some(scope),
    };
    Some((scope, operation.class))
}

/// What `/openapi.json` always answers; made once per router.
pub fn response() -> ([(header::HeaderName, &'static str); 1], Bytes) {
    ([(header::CONTENT_TYPE, "application/json")], Bytes::from(text()))
}

/// The description, in the form in which the repository keeps it.
pub fn text() -> String {
    // INVARIANT: a JSON value without maps of other keys than strings always serialises.
    serde_json::to_string_pretty(&description()).unwrap_or_default() + "\n"
}

/// The description as JSON.
pub fn description() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut requests = settings.clone().into_generator();
    // What an answer always holds differs from what a request must hold.
    let mut answers = settings.for_serialize().into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let described = describe(operation, &mut requests, &mut answers);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_owned(), described);
        }
    }
    answers.subschema_for::<Problem>();
    let mut schemas = answers.take_definitions(true);
    schemas.extend(requests.take_definitions(true));
    schemas.sort_keys();
    let mut description = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Usher",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Permission-aware retrieval: the best passages that this caller may read, and nothing else. \
                Who asks is known from the credentials alone. What can't be read looks like what doesn't exist.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key (`ush_<id>_<secret>`) or a token of a configured issuer. The list beside the \
                    scheme's name holds the scope that an operation needs; `admin` stands for all but `act_as`.",
            }},
        },
    });
    plain_links(&mut description);
    description
}

fn describe(operation: &Operation, requests: &mut SchemaGenerator, answers: &mut SchemaGenerator) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "security": match operation.needs {
            Needs::Scope(scope) => json!([{"bearer": [scope.to_string()]}]),
            Needs::Credential => json!([{"bearer": []}]),
            Needs::Nothing => json!([]),
        },
    });
    let Some(fields) = described.as_object_mut() else { return described };
    if !operation.parameters.is_empty() {
        fields.insert("parameters".into(), operation.parameters.iter().copied().map(parameter).collect());
    }
    if let Some(shape) = operation.request {
        let schema = shape(requests);
        fields.insert(
            "requestBody".into(),
            json!({"required": true, "content": {"application/json": {"schema": schema}}}),
        );
    }
    fields.insert("responses".into(), responses(operation, answers));
    described
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.is_required,
        "description": parameter.description,
        // INVARIANT: written as JSON in the table; a test reads each.
        "schema": serde_json::from_str::<Value>(parameter.schema).unwrap_or_default(),
    })
}

fn responses(operation: &Operation, answers: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for (status, meaning, shape) in operation.answers {
        let mut response = json!({"description": meaning});
        if let (Some(fields), Some(shape)) = (response.as_object_mut(), shape) {
            fields.insert("content".into(), content("application/json", *shape, answers));
        }
        responses.insert(status.to_string(), response);
    }
    let mut kinds: Vec<&Kind> = operation.problems.iter().copied().flatten().collect();
    kinds.sort_by_key(|(status, code, _)| (status.as_u16(), *code));
    kinds.dedup_by_key(|(_, code, _)| *code);
    for of_one_status in kinds.chunk_by(|(a, ..), (b, ..)| a == b) {
        let Some((status, ..)) = of_one_status.first() else { continue };
        let lines: Vec<String> = of_one_status.iter().map(|(_, code, title)| format!("`{code}`: {title}.")).collect();
        let content = content("application/problem+json", SchemaGenerator::subschema_for::<Problem>, answers);
        let response = json!({"description": lines.join("\n"), "content": content});
        responses.insert(status.as_str().to_owned(), response);
    }
    responses.into()
}

fn content(media_type: &str, shape: Shape, generator: &mut SchemaGenerator) -> Value {
    json!({media_type: {"schema": shape(generator)}})
}

/// Links of the Rust documentation become plain names.
fn plain_links(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| match value {
            Value::String(text) if name == "description" => *text = text.replace("[`", "`").replace("`]", "`"),
            other => plain_links(other),
        }),
        Value::Array(items) => items.iter_mut().for_each(plain_links),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_shape_in_requests_and_answers() {
        let settings =
            SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
        let mut requests = settings.clone().into_generator();
        let mut answers = settings.for_serialize().into_generator();
        for operation in OPERATIONS {
            describe(operation, &mut requests, &mut answers);
        }
        let answers = answers.take_definitions(true);
        for (name, schema) in requests.take_definitions(true) {
            assert!(answers.get(&name).is_none_or(|other| *other == schema), "{name}");
        }
    }

    #[test]
    fn parameters_have_schemas() {
        for parameter in OPERATIONS.iter().flat_map(|operation| operation.parameters) {
            let schema: Value = serde_json::from_str(parameter.schema).unwrap();
            assert!(schema["type"].is_string(), "{}", parameter.name);
        }
    }

    #[test]
    fn references_resolve_and_names_are_used_once() {
        let description = description();
        let mut open = vec![&description];
        while let Some(value) = open.pop() {
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                assert!(description.pointer(target.strip_prefix('#').unwrap()).is_some(), "{target}");
            }
            match value {
                Value::Object(fields) => open.extend(fields.values()),
                Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        for (n, operation) in OPERATIONS.iter().enumerate() {
            assert!(OPERATIONS.iter().take(n).all(|other| other.id != operation.id), "{}", operation.id);
            let described = operation.path.matches('{').count();
            assert_eq!(operation.parameters.iter().filter(|p| p.place == "path").count(), described);
        }
    }
}
