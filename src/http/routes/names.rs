//! `GET /v1/relationships/users` and `/v1/relationships/objects`: people, agents, groups and whatever else tuples name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::{page, page_size, record, seal};
use crate::catalog::names::NamedAs;
use crate::http::extract::{Caller, Parameters};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::service::Service;
use crate::wire::RelationshipNames;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamesParameters {
    #[serde(rename = "type")]
    object_type: String,
    store: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

pub async fn users(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<NamesParameters>,
) -> Result<Json<RelationshipNames>, ApiProblem> {
    list(&service, &caller, parameters, NamedAs::User).await
}

pub async fn objects(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<NamesParameters>,
) -> Result<Json<RelationshipNames>, ApiProblem> {
    list(&service, &caller, parameters, NamedAs::Object).await
}

async fn list(
    service: &Service,
    caller: &Caller,
    parameters: NamesParameters,
    named_as: NamedAs,
) -> Result<Json<RelationshipNames>, ApiProblem> {
    caller.require(Scope::RelationshipsRead)?;
    let limit = page_size(parameters.limit)?;
    let store = parameters.store.unwrap_or_else(|| service.default_store.clone());
    let snapshot = service.published.load();
    if snapshot.store(&store).is_none() {
        return Err(ApiProblem::not_found());
    }
    let object_type = parameters.object_type;
    if object_type.is_empty() || object_type.contains([':', ';']) {
        return Err(ApiProblem::invalid("/type", "must be a type, such as `user` or `group`"));
    }
    // The cursor is the last name of the page before: whoever lists sees them all.
    let after = parameters.cursor.unwrap_or_default();
    let names = service.catalog.names(&store, named_as, &object_type, &after, limit as u32 + 1).await?;
    let (names, next) = page(names, limit);
    let next_cursor = names.last().filter(|_| next.is_some()).cloned();
    let event = if named_as == NamedAs::User { "relationships.users" } else { "relationships.objects" };
    let asked = vec![object_type, format!("{} names after {after}", names.len())];
    record(service, caller, event, snapshot.revision, asked).await?;
    Ok(Json(RelationshipNames { names, next_cursor, revision: seal(service, snapshot.revision)? }))
}
