//! Authorization models.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::FgaError;
use super::shapes::{Administrator, Lenient};
use super::stores::page_size;
use crate::authz::{AuthorizationModel, Model};
use crate::identity::Scope;
use crate::service::Service;

pub async fn write(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Path(store): Path<String>,
    Lenient(source): Lenient<AuthorizationModel>,
) -> Result<(StatusCode, Json<Value>), FgaError> {
    admin.require(Scope::Admin)?;
    let committed = service.write_model(store, source).await?;
    Ok((StatusCode::CREATED, Json(json!({"authorization_model_id": committed.output}))))
}

fn shape(model: &Model) -> Result<Value, FgaError> {
    let mut value = serde_json::to_value(model.source()).map_err(|error| FgaError::validation(error.to_string()))?;
    if let Some(object) = value.as_object_mut() {
        object.insert("id".to_owned(), json!(model.id()));
    }
    Ok(value)
}

#[derive(Deserialize)]
pub struct ListParameters {
    page_size: Option<i64>,
    continuation_token: Option<String>,
}

/// Newest first.
pub async fn list(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Path(store): Path<String>,
    Query(parameters): Query<ListParameters>,
) -> Result<Json<Value>, FgaError> {
    admin.require(Scope::RelationshipsRead)?;
    let size = page_size(parameters.page_size)?;
    let snapshot = service.published.load();
    let models = snapshot.store(&store).map(|store| store.models.as_slice()).unwrap_or_default();
    let token = parameters.continuation_token.unwrap_or_default();
    let start = match token.as_str() {
        "" => 0,
        token => models
            .iter()
            .rev()
            .position(|model| model.id() == token)
            .map(|at| at + 1)
            .ok_or_else(|| FgaError::bad("invalid_continuation_token", "Invalid continuation token"))?,
    };
    let page: Vec<&Arc<Model>> = models.iter().rev().skip(start).take(size).collect();
    let has_more = models.len() > start + page.len();
    let token = page.last().filter(|_| has_more).map(|model| model.id()).unwrap_or_default();
    let shapes = page.iter().map(|model| shape(model)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({"authorization_models": shapes, "continuation_token": token})))
}

pub async fn get(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Path((store, id)): Path<(String, String)>,
) -> Result<Json<Value>, FgaError> {
    admin.require(Scope::RelationshipsRead)?;
    let snapshot = service.published.load();
    let model = snapshot.store(&store).and_then(|store| store.model(&id));
    let model = model.ok_or_else(|| {
        FgaError::bad("authorization_model_not_found", format!("Authorization Model '{id}' not found"))
    })?;
    Ok(Json(json!({"authorization_model": shape(model)?})))
}
