//! `POST /v1/explain/readers`: who may read a document, now or then.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;

use super::explain::{AtRevision, hidden};
use super::{page_size, record, seal};
use crate::administration::readers::{Found, readers};
use crate::authz::State;
use crate::http::extract::{Caller, StrictJson};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::limits::Effort;
use crate::service::Service;
use crate::wire::{AskReaders, Readers};

pub async fn list(
    Shared(service): Shared<Arc<Service>>,
    caller: Caller,
    StrictJson(request): StrictJson<AskReaders>,
) -> Result<Json<Readers>, ApiProblem> {
    caller.require(Scope::Explain)?;
    let limit = page_size(request.limit)?;
    let now = jiff::Timestamp::now();
    let AskReaders { collection, document_id, as_of_revision: as_of, context, .. } = request;
    let turn = service.survey_turn(caller.principal.payer());
    let asked = (collection.as_str(), document_id.as_str(), as_of.as_deref());
    let at = AtRevision::find(&service, &caller, &turn, asked, context, now).await?;
    let (revision, is_past) = (at.revision, as_of.is_some());
    let hidden = hidden(&at.past.graph, at.node, at.document.as_deref().filter(|_| !is_past), now);
    let (model, decided_at) = (at.past.model.id().to_owned(), at.decided_at.clone());
    let look = move |effort: &Effort| {
        let state = State { graph: &at.past.graph, model: &at.past.model, effort };
        readers(state, at.node, &at.relation, &at.context)
    };
    let mut found: Found = turn.compute(look).await??;
    let truncated = found.is_cut || found.readers.len() > limit || found.except.len() > limit;
    found.readers.truncate(limit);
    found.except.truncate(limit);
    record(&service, &caller, "explain.readers", revision, vec![document_id]).await?;
    Ok(Json(Readers {
        revision: seal(&service, revision)?,
        authorization_model_id: model,
        decided_at,
        readers: found.readers,
        except: found.except,
        hidden,
        truncated,
    }))
}
