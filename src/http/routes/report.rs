//! `GET /v1/relationships/report`: tuples that do nothing.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::{next_page, page_after, page_size, record, seal};
use crate::administration::report::{Page, Survey};
use crate::commit::CommitError;
use crate::http::extract::{Caller, Parameters};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::limits::Effort;
use crate::service::Service;
use crate::wire::{Report, ReportKind, ReportedTuple};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportParameters {
    kind: String,
    store: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

pub async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<ReportParameters>,
) -> Result<Json<Report>, ApiProblem> {
    caller.require(Scope::Explain)?;
    caller.require(Scope::RelationshipsRead)?;
    let limit = page_size(parameters.limit)?;
    let kind: ReportKind = serde_json::from_value(parameters.kind.as_str().into()).map_err(|_| {
        ApiProblem::invalid("/kind", "must be `expired`, `waiting`, `empty`, `not_admitted`, `unused` or `held`")
    })?;
    let store = parameters.store.unwrap_or_else(|| service.default_store.clone());
    let bound = ["relationships.report", &caller.principal.credential_id, &store, &parameters.kind];
    let after = page_after(&service, parameters.cursor.as_deref(), &bound)?.unwrap_or_default();
    let snapshot = service.published.load();
    let revision = snapshot.revision;
    let page = if kind == ReportKind::Held {
        snapshot.store(&store).ok_or(CommitError::UnknownStore)?;
        Page::held(&service.catalog, &store, after, limit).await?
    } else {
        let of_store = store.clone();
        let turn = service.survey_turn(caller.principal.payer());
        let look = move |effort: &Effort| Survey::new(&snapshot, &of_store, kind, jiff::Timestamp::now(), effort);
        let looking = Arc::new(turn.compute(look).await??);
        looking.page(&service.catalog, &turn, after, limit).await?
    };
    let next_cursor = page.next.map(|place| next_page(&service, place, &bound)).transpose()?;
    record(&service, &caller, "relationships.report", revision, vec![parameters.kind]).await?;
    let tuples = page.rows.into_iter().map(|row| ReportedTuple { tuple: row.key, written_at: row.at });
    Ok(Json(Report { kind, tuples: tuples.collect(), next_cursor, revision: seal(&service, revision)? }))
}
