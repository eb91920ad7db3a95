//! Relationship tuples on the native API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::{next_page, page_after, page_size, record, seal};
use crate::authz::TupleCondition;
use crate::catalog::tuples::TupleFilter;
use crate::commit::tuples::{Tolerance, WriteTuples, show};
use crate::commit::{CommitError, Committed};
use crate::http::extract::{Caller, Parameters, StrictJson};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::instant;
use crate::service::Service;
use crate::wire::bounds::MAX_TUPLES;
use crate::wire::{
    ReadRelationships, RelationshipChange, RelationshipChanges, RelationshipOperation, RelationshipsRead,
    RelationshipsWritten, TupleKey, WriteRelationships,
};

/// What a request that calls itself idempotent tolerates.
pub(super) fn tolerance(is_idempotent: bool) -> Tolerance {
    if is_idempotent { Tolerance::Ignore } else { Tolerance::Error }
}

/// A delete's condition is not looked at, but it has the form of one.
pub(super) fn have_form(deletes: &[TupleKey]) -> Result<(), ApiProblem> {
    for (n, key) in deletes.iter().enumerate() {
        let Some(condition) = &key.condition else { continue };
        TupleCondition::new(&condition.name, condition.context.as_ref())
            .map_err(|error| ApiProblem::invalid(&format!("/deletes/{n}"), &error.to_string()))?;
    }
    Ok(())
}

pub async fn write(
    State(service): State<Arc<Service>>,
    caller: Caller,
    StrictJson(request): StrictJson<WriteRelationships>,
) -> Result<Json<RelationshipsWritten>, ApiProblem> {
    caller.require(Scope::RelationshipsWrite)?;
    if request.writes.len() + request.deletes.len() > MAX_TUPLES {
        return Err(ApiProblem::invalid("/writes", "at most 1,000 tuples can be written and deleted at once"));
    }
    have_form(&request.deletes)?;
    let expected_revision = request
        .expected_revision
        .as_deref()
        .map(|token| service.revisions.open(token))
        .transpose()
        .map_err(|_| ApiProblem::invalid("/expected_revision", "is not a revision token of this service"))?;
    // A dry run tells what is there.
    let tried: Vec<String> =
        request.writes.iter().chain(&request.deletes).filter(|_| request.dry_run).map(show).collect();
    let change = WriteTuples {
        store: request.store.unwrap_or_else(|| service.default_store.clone()),
        writes: request.writes,
        deletes: request.deletes,
        on_duplicate: tolerance(request.idempotent),
        on_missing: tolerance(request.idempotent),
        model: None,
        expected_revision,
        may_replace: request.idempotent,
        dry_run: request.dry_run,
    };
    let committed = match service.write_tuples(caller.asked(), change).await {
        Err(CommitError::DryRun(written)) => {
            let revision = service.published.load().revision;
            record(&service, &caller, "relationships.dry_run", revision, tried).await?;
            Committed { output: written, revision }
        }
        other => other?,
    };
    Ok(Json(RelationshipsWritten {
        written: committed.output.written,
        deleted: committed.output.deleted,
        revision: seal(&service, committed.revision)?,
    }))
}

pub async fn read(
    State(service): State<Arc<Service>>,
    caller: Caller,
    StrictJson(request): StrictJson<ReadRelationships>,
) -> Result<Json<RelationshipsRead>, ApiProblem> {
    caller.require(Scope::RelationshipsRead)?;
    let limit = page_size(request.limit)?;
    let store = request.store.unwrap_or_else(|| service.default_store.clone());
    let revision = service.published.load().revision;
    if service.published.load().store(&store).is_none() {
        return Err(ApiProblem::not_found());
    }
    let (object_type, object_id) = match request.object.as_deref().map(|object| object.split_once(':')) {
        None => (None, None),
        Some(None) => return Err(ApiProblem::invalid("/object", "must be `type:id` or `type:`")),
        Some(Some((object_type, ""))) => (Some(object_type.to_owned()), None),
        Some(Some((object_type, id))) => (Some(object_type.to_owned()), Some(id.to_owned())),
    };
    let given = |part: &Option<String>| part.clone().unwrap_or_default();
    let filtered = [given(&request.object), given(&request.relation), given(&request.user)];
    let [object, relation, user] = &filtered;
    let bound = ["relationships.read", &caller.principal.credential_id, &store, object, relation, user];
    let after = page_after(&service, request.cursor.as_deref(), &bound)?.unwrap_or_default();
    let filter = TupleFilter::new(object_type, object_id, request.relation, request.user.as_deref());
    let page = service.catalog.tuples(&store, &filter, after, limit).await?;
    let next_cursor = page.next.map(|place| next_page(&service, place, &bound)).transpose()?;
    let asked = vec![format!("{object}#{relation}@{user}"), format!("{} tuples after {after}", page.rows.len())];
    record(&service, &caller, "relationships.read", revision, asked).await?;
    Ok(Json(RelationshipsRead {
        tuples: page.rows.into_iter().map(|row| row.key).collect(),
        next_cursor,
        revision: seal(&service, revision)?,
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangesParameters {
    store: Option<String>,
    /// Only changes of objects of this type.
    #[serde(rename = "type")]
    object_type: Option<String>,
    /// Only changes at this time or later; RFC 3339. A cursor goes before it.
    start_time: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// The log of tuples, for those who follow it.
pub async fn changes(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<ChangesParameters>,
) -> Result<Json<RelationshipChanges>, ApiProblem> {
    caller.require(Scope::RelationshipsRead)?;
    let limit = page_size(parameters.limit)?;
    let store = parameters.store.unwrap_or_else(|| service.default_store.clone());
    let snapshot = service.published.load();
    if snapshot.store(&store).is_none() {
        return Err(ApiProblem::not_found());
    }
    let object_type = parameters.object_type.unwrap_or_default();
    let bound = ["relationships.changes", &caller.principal.credential_id, &store, &object_type];
    let after = page_after(&service, parameters.cursor.as_deref(), &bound)?;
    let from = parameters.start_time.filter(|_| after.is_none());
    let malformed = || ApiProblem::invalid("/start_time", "must be an RFC 3339 time, such as 2027-01-31T00:00:00Z");
    let from = from.map(|time| instant::parse(&time).map(|time| time.to_string()).ok_or_else(malformed)).transpose()?;
    let only = Some(object_type.as_str()).filter(|name| !name.is_empty());
    let after_change = after.unwrap_or_default();
    let rows = service.catalog.tuple_changes(&store, only, after_change, from.as_deref(), limit as u32).await?;
    // At the end the same place comes back, so that a poller can go on with it.
    let place = rows.last().map(|row| row.change).or(after);
    let seal_place = |place| service.cursors.seal(place, None, &bound);
    let next_cursor = place.map(seal_place).transpose().map_err(|_| crate::query::QueryError::Randomness)?;
    let asked = vec![object_type.clone(), format!("{} changes after {after_change}", rows.len())];
    record(&service, &caller, "relationships.changes", snapshot.revision, asked).await?;
    let changes = rows
        .into_iter()
        .map(|row| RelationshipChange {
            tuple: row.key,
            operation: if row.written { RelationshipOperation::Write } else { RelationshipOperation::Delete },
            at: row.at,
        })
        .collect();
    Ok(Json(RelationshipChanges { changes, next_cursor, revision: seal(&service, snapshot.revision)? }))
}
