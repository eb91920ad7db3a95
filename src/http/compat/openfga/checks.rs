//! Check, BatchCheck and ListObjects.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::FgaError;
use super::shapes::{Administrator, Lenient, PartialKey, TupleKeys, context, contextual, model};
use crate::authz::{Evaluator, Model, ObjectRef, SubjectRef, list_objects as list};
use crate::identity::Scope;
use crate::service::Service;
use crate::snapshot::StoreState;
use crate::wire::Fields;

/// Most objects that ListObjects returns.
const MAX_OBJECTS: usize = 1000;
const MAX_CHECKS: usize = 50;

#[derive(Deserialize)]
pub struct Check {
    tuple_key: Option<PartialKey>,
    #[serde(default)]
    contextual_tuples: Option<TupleKeys>,
    context: Option<Fields>,
    authorization_model_id: Option<String>,
}

fn used_model(model: &Model) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(model.id()) {
        headers.insert("openfga-authorization-model-id", value);
    }
    headers
}

/// One decision, after OpenFGA's validation of its parts.
fn decide(
    store: &StoreState,
    model: &Model,
    key: &PartialKey,
    tuples: Option<&TupleKeys>,
    fields: &Option<Fields>,
) -> Result<bool, FgaError> {
    let tuples = contextual(tuples.map(|tuples| tuples.tuple_keys.as_slice()).unwrap_or_default(), model)?;
    let object = ObjectRef::parse(&key.object).map_err(|_| FgaError::validation("invalid object"))?;
    if !model.has_type(&object.object_type) {
        return Err(FgaError::validation(format!("type '{}' not found", object.object_type)));
    }
    if !model.has_relation(&object.object_type, &key.relation) {
        return Err(FgaError::validation(format!("relation '{}#{}' not found", object.object_type, key.relation)));
    }
    let subject = subject(model, &key.user)?;
    let context = context(fields);
    let mut evaluator = Evaluator::new(&store.graph, model, &subject, &context).with_contextual(&tuples);
    Ok(evaluator.check(&object, &key.relation)?)
}

fn subject(model: &Model, user: &str) -> Result<SubjectRef, FgaError> {
    let subject = SubjectRef::parse(user).map_err(|_| FgaError::validation("invalid user"))?;
    if !model.has_type(subject.subject_type()) {
        return Err(FgaError::validation(format!("type '{}' not found", subject.subject_type())));
    }
    if let SubjectRef::Userset(object, relation) = &subject
        && !model.has_relation(&object.object_type, relation)
    {
        return Err(FgaError::validation(format!("relation '{}#{relation}' not found", object.object_type)));
    }
    Ok(subject)
}

pub async fn check(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Path(store): Path<String>,
    Lenient(body): Lenient<Check>,
) -> Result<(HeaderMap, Json<Value>), FgaError> {
    admin.require(Scope::RelationshipsRead)?;
    let snapshot = service.published.load();
    let (state, model) = model(&snapshot, &store, body.authorization_model_id.as_deref())?;
    let key = body
        .tuple_key
        .ok_or_else(|| FgaError::bad("tuple_key_value_not_specified", "the tuple key is not specified"))?;
    let allowed = decide(state, &model, &key, body.contextual_tuples.as_ref(), &body.context)?;
    Ok((used_model(&model), Json(json!({"allowed": allowed, "resolution": ""}))))
}

#[derive(Deserialize)]
pub struct BatchCheck {
    #[serde(default)]
    checks: Vec<BatchItem>,
    authorization_model_id: Option<String>,
}

#[derive(Deserialize)]
pub struct BatchItem {
    #[serde(default)]
    tuple_key: PartialKey,
    contextual_tuples: Option<TupleKeys>,
    context: Option<Fields>,
    #[serde(default)]
    correlation_id: String,
}

pub async fn batch_check(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Path(store): Path<String>,
    Lenient(body): Lenient<BatchCheck>,
) -> Result<(HeaderMap, Json<Value>), FgaError> {
    admin.require(Scope::RelationshipsRead)?;
    let snapshot = service.published.load();
    let (state, model) = model(&snapshot, &store, body.authorization_model_id.as_deref())?;
    if body.checks.is_empty() || body.checks.len() > MAX_CHECKS {
        return Err(FgaError::validation("1 to 50 checks are needed"));
    }
    let mut seen = HashSet::new();
    for item in &body.checks {
        let id = &item.correlation_id;
        let is_good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if id.is_empty() || id.len() > 36 || !id.chars().all(is_good) || !seen.insert(id) {
            return Err(FgaError::validation(
                "every check needs a correlation_id of its own, 1 to 36 of [A-Za-z0-9_-]",
            ));
        }
    }
    let mut result = Map::new();
    for item in &body.checks {
        let answer = match decide(state, &model, &item.tuple_key, item.contextual_tuples.as_ref(), &item.context) {
            Ok(allowed) => json!({"allowed": allowed}),
            Err(error) => json!({"error": {"input_error": error.code, "message": error.message}}),
        };
        result.insert(item.correlation_id.clone(), answer);
    }
    Ok((used_model(&model), Json(json!({"result": result}))))
}

#[derive(Deserialize)]
pub struct ListObjects {
    #[serde(default, rename = "type")]
    object_type: String,
    #[serde(default)]
    relation: String,
    #[serde(default)]
    user: String,
    contextual_tuples: Option<TupleKeys>,
    context: Option<Fields>,
    authorization_model_id: Option<String>,
}

pub async fn list_objects(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Path(store): Path<String>,
    Lenient(body): Lenient<ListObjects>,
) -> Result<(HeaderMap, Json<Value>), FgaError> {
    admin.require(Scope::RelationshipsRead)?;
    let snapshot = service.published.load();
    let (state, model) = model(&snapshot, &store, body.authorization_model_id.as_deref())?;
    let keys = body.contextual_tuples.map(|tuples| tuples.tuple_keys).unwrap_or_default();
    let tuples = contextual(&keys, &model)?;
    if !model.has_type(&body.object_type) {
        return Err(FgaError::bad("type_not_found", format!("type '{}' not found", body.object_type)));
    }
    if !model.has_relation(&body.object_type, &body.relation) {
        let message = format!("relation '{}#{}' not found", body.object_type, body.relation);
        return Err(FgaError::bad("relation_not_found", message));
    }
    let subject = subject(&model, &body.user)?;
    let context = context(&body.context);
    let found = list(&state.graph, &model, &body.object_type, &body.relation, &subject, &context, &tuples)?;
    let objects: Vec<String> = found.iter().take(MAX_OBJECTS).map(ToString::to_string).collect();
    Ok((used_model(&model), Json(json!({"objects": objects}))))
}
