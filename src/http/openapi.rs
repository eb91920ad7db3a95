//! The description of the native API (OpenAPI 3.1), served at `/openapi.json`.
//!
//! Shapes and their texts come from the wire types, problems from the catalogue of problems, operations from one table; a
//! test compares the table with the router and the whole with `schema/api/openapi.json`.

use axum::body::Bytes;
use axum::http::header;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::compat::openfga::operations as openfga;
use super::problem::{ProblemKind, STARTING};
use crate::wire::{Problem, bounds};

mod exact;
mod forms;

use super::operations::{self, HEADERS, Needs, Operation, Parameter, Shape};
use crate::authz::AuthorizationModel;

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
    for (operation, surface) in all() {
        let described = describe(operation, surface, &mut requests, &mut answers);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.name().to_owned(), described);
        }
    }
    answers.subschema_for::<Problem>();
    let model = requests.subschema_for::<AuthorizationModel>();
    let mut schemas = answers.take_definitions(true);
    let mut sent = requests.take_definitions(true);
    // The wire types lie below the evaluator, which knows models.
    if let Some(fields) = sent.get_mut("PutModel").and_then(|of| of.pointer_mut("/properties/model")?.as_object_mut()) {
        let description = fields.remove("description").unwrap_or_default();
        *fields = Map::from_iter([("description".to_owned(), description)]);
        fields.extend(model.as_object().cloned().unwrap_or_default());
    }
    sent.values_mut().for_each(exact::of_request);
    schemas.extend(sent);
    for (name, pattern) in [(exact::JSON, bounds::TEXT), (exact::PLAIN_JSON, openfga::PLAIN)] {
        schemas.insert(name.to_owned(), exact::json_schema(name, pattern));
    }
    forms::of_components(&mut schemas);
    schemas.sort_keys();
    let mut description = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Usher",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Permission-aware retrieval: the best passages that this caller may read, and nothing else. \
                Who asks is known from the credentials alone. What can't be read looks like what doesn't exist. \
                OpenFGA's API is served at `/stores` and, with the same paths, below `/fga`; its errors have its own form.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": headers(),
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

/// Whose errors an operation answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surface {
    Native,
    OpenFga,
}

fn all() -> impl Iterator<Item = (&'static Operation, Surface)> {
    let native = operations::operations().map(|operation| (operation, Surface::Native));
    native.chain(openfga::OPERATIONS.iter().map(|operation| (operation, Surface::OpenFga)))
}

fn describe(
    operation: &Operation,
    surface: Surface,
    requests: &mut SchemaGenerator,
    answers: &mut SchemaGenerator,
) -> Value {
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
    fields.insert("responses".into(), responses(operation, surface, answers));
    described
}

fn parameter(parameter: &Parameter) -> Value {
    let mut schema = (parameter.schema)();
    let mut described = json!({
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.is_required,
        "description": parameter.description,
    });
    let (name, form) = if parameter.is_json {
        exact::of_request(&mut schema);
        ("content", json!({"application/json": {"schema": schema}}))
    } else {
        ("schema", schema)
    };
    if let Some(fields) = described.as_object_mut() {
        fields.extend(parameter.example.map(|example| ("example".to_owned(), example.into())));
        fields.insert(name.to_owned(), form);
    }
    described
}

/// Headers of answers, by name.
fn headers() -> Value {
    let described = HEADERS.iter().map(|header| {
        let schema = (header.schema)();
        (
            header.name.to_owned(),
            json!({"description": header.description, "required": header.is_always, "schema": schema}),
        )
    });
    described.collect()
}

/// References to the headers of an answer.
fn headers_of(operation: &Operation, surface: Surface, status: u16, is_problem: bool) -> Value {
    let of = HEADERS.iter().filter(|header| !header.is_native_alone || surface == Surface::Native);
    let of = of.filter(|header| (header.of)(operation, status, is_problem));
    of.map(|header| (header.name.to_owned(), json!({"$ref": format!("#/components/headers/{}", header.name)})))
        .collect()
}

fn responses(operation: &Operation, surface: Surface, answers: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for (status, meaning, shape) in operation.answers {
        let mut response = json!({"description": meaning, "headers": headers_of(operation, surface, *status, false)});
        if let (Some(fields), Some(shape)) = (response.as_object_mut(), shape) {
            fields.insert("content".into(), content("application/json", *shape, answers).into());
        }
        responses.insert(status.to_string(), response);
    }
    let mut kinds: Vec<&ProblemKind> = operation.problems.iter().copied().flatten().collect();
    kinds.sort_by_key(|(status, code, _)| (status.as_u16(), *code));
    kinds.dedup_by_key(|(status, code, _)| (*status, *code));
    for of_one_status in kinds.chunk_by(|(a, ..), (b, ..)| a == b) {
        let Some((status, ..)) = of_one_status.first() else { continue };
        let lines: Vec<String> = of_one_status.iter().map(|(_, code, title)| format!("`{code}`: {title}.")).collect();
        let (starting, others): (Vec<&ProblemKind>, Vec<&ProblemKind>) =
            of_one_status.iter().copied().partition(|kind| **kind == STARTING);
        let mut told = Map::new();
        if surface == Surface::Native || !starting.is_empty() {
            told.extend(content("application/problem+json", SchemaGenerator::subschema_for::<Problem>, answers));
        }
        if surface == Surface::OpenFga && !others.is_empty() {
            told.extend(content("application/json", openfga::error_of(operation), answers));
        }
        let headers = headers_of(operation, surface, status.as_u16(), true);
        let response = json!({"description": lines.join("\n"), "headers": headers, "content": told});
        responses.insert(status.as_str().to_owned(), response);
    }
    responses.into()
}

/// Of one media type; without a schema where it may be anything.
fn content(media_type: &str, shape: Shape, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let schema = shape(generator);
    let described = if schema.as_bool() == Some(true) { json!({}) } else { json!({"schema": schema}) };
    Map::from_iter([(media_type.to_owned(), described)])
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
        for (operation, surface) in all() {
            describe(operation, surface, &mut requests, &mut answers);
        }
        let answers = answers.take_definitions(true);
        for (name, schema) in requests.take_definitions(true) {
            assert!(answers.get(&name).is_none_or(|other| *other == schema), "{name}");
        }
    }

    #[test]
    fn what_is_sent_is_said_to_the_last_text_and_number() {
        let description = description();
        let schemas = description["components"]["schemas"].as_object().unwrap();
        let mut requests = SchemaSettings::draft2020_12().into_generator();
        let bodies = all().filter_map(|(operation, _)| operation.request);
        bodies.for_each(|shape| drop(shape(&mut requests)));
        let mut open: Vec<&Value> = requests.take_definitions(true).keys().map(|name| &schemas[name]).collect();
        open.extend([&schemas[exact::JSON], &schemas[exact::PLAIN_JSON]]);
        let mut count = 0;
        while let Some(schema) = open.pop() {
            let is = |kind: &str| {
                schema["type"] == kind || schema["type"].as_array().is_some_and(|of| of.contains(&kind.into()))
            };
            let says = |keywords: &[&str]| keywords.iter().any(|keyword| schema.get(keyword).is_some());
            let is_bounded = !is("string") || says(&["pattern", "enum", "const", "format"]);
            assert!(is_bounded && (!is("integer") || says(&["maximum", "enum"])), "{schema}");
            assert!(*schema != Value::Bool(true), "JSON of any shape is not said to be it");
            count += usize::from(is("string") || is("integer"));
            let named = schema["properties"].as_object().into_iter().flat_map(Map::values);
            let parts = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|all| schema[all].as_array()).flatten();
            let parts = parts.filter(|part| part.get("required").is_none() && part.get("properties").is_none());
            let inner = ["items", "additionalProperties", "then", "else"].into_iter().filter_map(|of| schema.get(of));
            open.extend(named.chain(parts).chain(inner));
        }
        assert!(count > 60, "{count} texts and numbers");
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
        for (n, (operation, _)) in all().enumerate() {
            assert!(all().take(n).all(|(other, _)| other.id != operation.id), "{}", operation.id);
            let described = operation.path.matches('{').count();
            assert_eq!(operation.parameters.iter().filter(|p| p.place == "path").count(), described);
        }
    }
}
