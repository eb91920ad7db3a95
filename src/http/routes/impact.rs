//! `POST /v1/relationships/impact`: what a write would do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::relationships::{have_form, tolerance};
use super::{page_size, record, seal};
use crate::administration::impact::{Detail, impact};
use crate::commit::tuples::{WriteTuples, show};
use crate::http::extract::{Caller, StrictJson};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::limits::Effort;
use crate::service::Service;
use crate::wire::bounds::{MAX_EXAMPLES, MAX_TUPLES};
use crate::wire::{AskImpact, ImpactTold};

pub async fn ask(
    State(service): State<Arc<Service>>,
    caller: Caller,
    StrictJson(request): StrictJson<AskImpact>,
) -> Result<Json<ImpactTold>, ApiProblem> {
    caller.require(Scope::Explain)?;
    // Whether a tuple is there shows in what is refused.
    caller.require(Scope::RelationshipsRead)?;
    if request.writes.len() + request.deletes.len() > MAX_TUPLES {
        return Err(ApiProblem::invalid("/writes", "at most 1,000 tuples can be tried at once"));
    }
    have_form(&request.deletes)?;
    let examples = request.examples.unwrap_or(10);
    if examples > MAX_EXAMPLES {
        return Err(ApiProblem::invalid("/examples", "must be 0 to 100"));
    }
    let detail = Detail { readers: page_size(request.limit)?, examples };
    let items = request.writes.iter().chain(&request.deletes).map(show).collect();
    let change = WriteTuples {
        store: request.store.unwrap_or_else(|| service.default_store.clone()),
        writes: request.writes,
        deletes: request.deletes,
        on_duplicate: tolerance(request.idempotent),
        on_missing: tolerance(request.idempotent),
        may_replace: request.idempotent,
        ..WriteTuples::default()
    };
    let snapshot = service.published.load();
    let revision = snapshot.revision;
    let principal = caller.principal.clone();
    let turn = service.survey_turn(caller.principal.payer());
    let look = move |effort: &Effort| {
        impact(&snapshot, &change, |name| principal.reaches(name), detail, jiff::Timestamp::now(), effort)
    };
    let outcome = turn.compute(look).await??;
    record(&service, &caller, "relationships.impact", revision, items).await?;
    Ok(Json(ImpactTold {
        revision: seal(&service, revision)?,
        authorization_model_id: outcome.model,
        written: outcome.written,
        deleted: outcome.deleted,
        documents: outcome.documents,
        readers_changed: outcome.readers_changed,
        readers: outcome.readers,
        truncated: outcome.truncated,
    }))
}
