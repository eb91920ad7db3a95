//! Stores.

use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Answer;
use super::error::FgaError;
use super::request::{Body, Call, Parameters};
use super::rules;
use super::shapes::nullable;
use super::token::Listing;
use crate::catalog::stores::StoreRow;
use crate::commit::stores::{CreateStore, DeleteStore, RenameStore};
use crate::identity::Scope;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Named {
    #[serde(deserialize_with = "nullable")]
    name: String,
}

fn created(row: &StoreRow) -> Value {
    json!({"id": row.id, "name": row.name, "created_at": row.created_at, "updated_at": row.updated_at})
}

fn shape(row: &StoreRow) -> Value {
    let mut shape = created(row);
    if let Some(fields) = shape.as_object_mut() {
        fields.insert("deleted_at".to_owned(), Value::Null);
    }
    shape
}

pub async fn create(call: Call, Body(body): Body<Named>) -> Result<Answer, FgaError> {
    call.require(Scope::Admin)?;
    rules::store_name(&body.name)?;
    let committed = call.service.committer.submit(call.asked(), CreateStore::named(body.name)).await?;
    Ok(Answer::created(created(&committed.output)))
}

#[derive(Deserialize)]
pub struct ListParameters {
    page_size: Option<i64>,
    #[serde(default)]
    continuation_token: String,
    #[serde(default)]
    name: String,
}

pub async fn list(call: Call, Parameters(parameters): Parameters<ListParameters>) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    let size = rules::page_size(parameters.page_size)?;
    let (after, _) = Listing::Stores.open(&parameters.continuation_token)?.unwrap_or_default();
    let snapshot = call.snapshot().await?;
    let is_named = |row: &&StoreRow| parameters.name.is_empty() || parameters.name == row.name;
    let mut rows = snapshot.stores.values().map(|store| &store.row).filter(|row| row.id > after).filter(is_named);
    let page: Vec<&StoreRow> = rows.by_ref().take(size).collect();
    let next = page.last().filter(|_| rows.next().is_some()).map(|row| Listing::Stores.token(&row.id, ""));
    let stores: Vec<Value> = page.into_iter().map(shape).collect();
    Ok(Answer::ok(json!({"stores": stores, "continuation_token": next.unwrap_or_default()})))
}

pub async fn get(call: Call) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    let snapshot = call.snapshot().await?;
    let store = snapshot.store(&call.store).ok_or_else(FgaError::unknown_store)?;
    Ok(Answer::ok(shape(&store.row)))
}

pub async fn rename(call: Call, Body(body): Body<Named>) -> Result<Answer, FgaError> {
    call.require(Scope::Admin)?;
    rules::store_name(&body.name)?;
    let change = RenameStore { id: call.store.clone(), name: body.name };
    let committed = call.service.committer.submit(call.asked(), change).await?;
    let row = committed.output.ok_or_else(FgaError::unknown_store)?;
    Ok(Answer::ok(shape(&row)))
}

pub async fn delete(call: Call) -> Result<Answer, FgaError> {
    call.require(Scope::Admin)?;
    call.service.committer.submit(call.asked(), DeleteStore { id: call.store.clone() }).await?;
    Ok(Answer::no_content())
}

pub async fn healthz() -> Answer {
    Answer::ok(json!({"status": "SERVING"}))
}
