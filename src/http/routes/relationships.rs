//! Relationship tuples on the native API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{record_change, seal};
use crate::catalog::tuples::TupleFilter;
use crate::commit::tuples::{Tolerance, WriteTuples, show};
use crate::commit::{CommitError, Committed};
use crate::http::extract::{Caller, StrictJson};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::service::Service;
use crate::wire::{ReadRelationships, RelationshipsRead, RelationshipsWritten, WriteRelationships};

const MAX_TUPLES: usize = 1000;

pub async fn write(
    State(service): State<Arc<Service>>,
    caller: Caller,
    StrictJson(request): StrictJson<WriteRelationships>,
) -> Result<Json<RelationshipsWritten>, ApiProblem> {
    caller.require(Scope::RelationshipsWrite)?;
    if request.writes.len() + request.deletes.len() > MAX_TUPLES {
        return Err(ApiProblem::invalid("/writes", "at most 1,000 tuples can be written and deleted at once"));
    }
    let expected_revision = request
        .expected_revision
        .as_deref()
        .map(|token| service.revisions.open(token))
        .transpose()
        .map_err(|_| ApiProblem::invalid("/expected_revision", "is not a revision token of this service"))?;
    let tolerance = if request.idempotent { Tolerance::Ignore } else { Tolerance::Error };
    let items = request.writes.iter().chain(&request.deletes).map(show).collect();
    let change = WriteTuples {
        store: request.store.unwrap_or_else(|| service.default_store.clone()),
        writes: request.writes,
        deletes: request.deletes,
        on_duplicate: tolerance,
        on_missing: tolerance,
        model: None,
        expected_revision,
        may_replace: request.idempotent,
        dry_run: request.dry_run,
    };
    let committed = match service.write_tuples(change).await {
        Err(CommitError::DryRun(written)) => Committed { output: written, revision: service.published.load().revision },
        other => {
            let committed = other?;
            record_change(&service, &caller, "relationships.write", committed.revision, items).await?;
            committed
        }
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
    let limit = request.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(ApiProblem::invalid("/limit", "must be 1 to 1,000"));
    }
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
    let filter = TupleFilter { object_type, object_id, relation: request.relation, user: request.user };
    // A cursor is a sealed position in the store's log, so that it says nothing about other tuples.
    let after = request
        .cursor
        .as_deref()
        .map(|cursor| service.revisions.open(cursor))
        .transpose()
        .map_err(|_| ApiProblem::invalid("/cursor", "is not a cursor of this service"))?
        .unwrap_or_default();
    let rows = service.catalog.tuples(&store, &filter, after, limit as u32).await?;
    let next_cursor = match rows.last() {
        Some(last) if rows.len() == limit => Some(seal(&service, last.change)?),
        _ => None,
    };
    Ok(Json(RelationshipsRead {
        tuples: rows.into_iter().map(|row| row.key).collect(),
        next_cursor,
        revision: seal(&service, revision)?,
    }))
}
