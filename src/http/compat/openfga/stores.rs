//! Stores.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::FgaError;
use super::shapes::{Administrator, Lenient};
use crate::catalog::stores::StoreRow;
use crate::commit::stores::{CreateStore, DeleteStore};
use crate::identity::Scope;
use crate::service::Service;

#[derive(Deserialize)]
pub struct Create {
    #[serde(default)]
    name: String,
}

fn shape(row: &StoreRow) -> Value {
    json!({"id": row.id, "name": row.name, "created_at": row.created_at, "updated_at": row.updated_at})
}

pub async fn create(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Lenient(body): Lenient<Create>,
) -> Result<(StatusCode, Json<Value>), FgaError> {
    admin.require(Scope::Admin)?;
    let is_good = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || "-./^_&@".contains(c);
    let length = body.name.chars().count();
    if !(3..=64).contains(&length) || !body.name.chars().all(is_good) {
        return Err(FgaError::validation("the name must be 3 to 64 letters, digits, blanks or any of - . / ^ _ & @"));
    }
    let committed = service.committer.submit(CreateStore::named(body.name)).await?;
    Ok((StatusCode::CREATED, Json(shape(&committed.output))))
}

#[derive(Deserialize)]
pub struct ListParameters {
    page_size: Option<i64>,
    continuation_token: Option<String>,
    name: Option<String>,
}

pub async fn list(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Query(parameters): Query<ListParameters>,
) -> Result<Json<Value>, FgaError> {
    admin.require(Scope::RelationshipsRead)?;
    let size = page_size(parameters.page_size)?;
    let after = parameters.continuation_token.unwrap_or_default();
    let snapshot = service.published.load();
    let mut rows = snapshot
        .stores
        .values()
        .map(|store| &store.row)
        .filter(|row| row.id > after && parameters.name.as_ref().is_none_or(|name| *name == row.name));
    let page: Vec<&StoreRow> = rows.by_ref().take(size).collect();
    let token = if rows.next().is_some() { page.last().map(|row| row.id.clone()) } else { None };
    let stores: Vec<Value> = page.into_iter().map(shape).collect();
    Ok(Json(json!({"stores": stores, "continuation_token": token.unwrap_or_default()})))
}

/// 1 to 100, by default 50.
pub fn page_size(given: Option<i64>) -> Result<usize, FgaError> {
    match given {
        None => Ok(50),
        Some(size @ 1..=100) => Ok(size as usize),
        Some(_) => Err(FgaError::bad("page_size_invalid", "the page size must be 1 to 100")),
    }
}

pub async fn get(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Path(store): Path<String>,
) -> Result<Json<Value>, FgaError> {
    admin.require(Scope::RelationshipsRead)?;
    let snapshot = service.published.load();
    let missing = || FgaError::new(StatusCode::NOT_FOUND, "store_id_not_found", "Store ID not found");
    snapshot.store(&store).map(|store| Json(shape(&store.row))).ok_or_else(missing)
}

pub async fn delete(
    State(service): State<Arc<Service>>,
    admin: Administrator,
    Path(store): Path<String>,
) -> Result<StatusCode, FgaError> {
    admin.require(Scope::Admin)?;
    service.committer.submit(DeleteStore { id: store }).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn healthz() -> Json<Value> {
    Json(json!({"status": "SERVING"}))
}
