//! Authorization models.

use serde::Deserialize;

use super::answer::Answer;
use super::answers::{ModelRead, ModelWritten, Models};
use super::error::FgaError;
use super::model_shape::ModelAnswer;
use super::request::{Body, Call, MAX_MODEL_DEPTH, Parameters};
use super::rules;
use super::token::Listing;
use crate::authz::{AuthorizationModel, Model};
use crate::identity::Scope;

pub async fn write(call: Call, Body(source): Body<AuthorizationModel, MAX_MODEL_DEPTH>) -> Result<Answer, FgaError> {
    call.require(Scope::Admin)?;
    let committed = call.service.write_model(call.asked(), call.store.clone(), source).await?;
    let authorization_model_id = committed.output.id;
    Answer::created(ModelWritten { authorization_model_id }).at_revision(&call.service, committed.revision)
}

#[derive(Deserialize)]
pub struct ListParameters {
    page_size: Option<i64>,
    #[serde(default)]
    continuation_token: String,
}

/// Newest first.
pub async fn list(call: Call, Parameters(parameters): Parameters<ListParameters>) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    let size = rules::page_size(parameters.page_size)?;
    let snapshot = call.snapshot().await?;
    let models = snapshot.store(&call.store).map(|store| store.models.as_slice()).unwrap_or_default();
    let mut newest_first = models.iter().rev().map(AsRef::as_ref);
    if let Some((after, _)) = Listing::Models.open(&parameters.continuation_token)? {
        newest_first.find(|model: &&Model| model.id() == after).ok_or_else(FgaError::bad_token)?;
    }
    let page: Vec<&Model> = newest_first.by_ref().take(size).collect();
    let next = page.last().filter(|_| newest_first.next().is_some()).map(|model| Listing::Models.token(model.id(), ""));
    let authorization_models = page.into_iter().map(ModelAnswer::of).collect();
    Ok(Answer::ok(Models { authorization_models, continuation_token: next.unwrap_or_default() }))
}

pub async fn get(call: Call) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    let scene = call.scene(Some(&call.model)).await?;
    Ok(Answer::ok(ModelRead { authorization_model: ModelAnswer::of(&scene.model) }))
}
