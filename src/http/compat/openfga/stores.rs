//! Stores.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answer;
use super::answers::{Healthz, Store, StoreCreated, Stores};
use super::error::FgaError;
use super::request::{Body, Call, Parameters};
use super::rules;
use super::shapes::nullable;
use super::token::Listing;
use crate::catalog::stores::StoreRow;
use crate::commit::stores::{CreateStore, DeleteStore, RenameStore};
use crate::identity::Scope;

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaNamed", extend("required" = ["name"]))]
pub struct Named {
    #[serde(deserialize_with = "nullable")]
    #[schemars(
        regex(pattern = rules::STORE_NAME),
        length(min = rules::MIN_STORE_NAME, max = rules::MAX_STORE_NAME)
    )]
    name: String,
}

pub async fn create(call: Call, Body(body): Body<Named>) -> Result<Answer, FgaError> {
    call.require(Scope::Admin)?;
    rules::store_name(&body.name)?;
    let committed = call.service.committer.submit(call.asked(), CreateStore::named(body.name)).await?;
    Ok(Answer::created(StoreCreated::from(&committed.output)))
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
    let stores = page.into_iter().map(Store::from).collect();
    Ok(Answer::ok(Stores { stores, continuation_token: next.unwrap_or_default() }))
}

pub async fn get(call: Call) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    let snapshot = call.snapshot().await?;
    let store = snapshot.store(&call.store).ok_or_else(FgaError::unknown_store)?;
    Ok(Answer::ok(Store::from(&store.row)))
}

pub async fn rename(call: Call, Body(body): Body<Named>) -> Result<Answer, FgaError> {
    call.require(Scope::Admin)?;
    rules::store_name(&body.name)?;
    let change = RenameStore { id: call.store.clone(), name: body.name };
    let committed = call.service.committer.submit(call.asked(), change).await?;
    let row = committed.output.ok_or_else(FgaError::unknown_store)?;
    Ok(Answer::ok(Store::from(&row)))
}

pub async fn delete(call: Call) -> Result<Answer, FgaError> {
    call.require(Scope::Admin)?;
    call.service.committer.submit(call.asked(), DeleteStore { id: call.store.clone() }).await?;
    Ok(Answer::no_content())
}

pub async fn healthz() -> Answer {
    Answer::ok(Healthz { status: "SERVING" })
}
