//! `POST /v1/models`: an authorization model with a preview of the tuples that die under it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::record;
use crate::authz::{AuthorizationModel, Model, Tuple};
use crate::catalog::tuples::{TupleFilter, TuplePage};
use crate::http::extract::{Caller, StrictJson};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::service::Service;
use crate::wire::{ModelChanged, PutModel};

const EXAMPLES: usize = 20;
const PAGE: usize = 5_000;

pub async fn put(
    State(service): State<Arc<Service>>,
    caller: Caller,
    StrictJson(request): StrictJson<PutModel>,
) -> Result<Json<ModelChanged>, ApiProblem> {
    caller.require(Scope::Admin)?;
    let store = request.store.unwrap_or_else(|| service.default_store.clone());
    let source: AuthorizationModel = serde_json::from_value(request.model)
        .map_err(|error| ApiProblem::invalid("/model", &format!("is no authorization model: {error}")))?;
    let model =
        Model::compile("preview", source.clone()).map_err(|error| ApiProblem::invalid("/model", &error.to_string()))?;
    let mut changed = ModelChanged { authorization_model_id: None, tuples: 0, dead_tuples: 0, examples: Vec::new() };
    let mut place = Some(0);
    while let Some(after) = place {
        let TuplePage { rows, next } = service.catalog.tuples(&store, &TupleFilter::default(), after, PAGE).await?;
        place = next;
        changed.tuples += rows.len();
        for row in rows {
            if !Tuple::parse(&row.key).is_ok_and(|tuple| model.admits(&tuple)) {
                changed.dead_tuples += 1;
                if changed.examples.len() < EXAMPLES {
                    changed.examples.push(row.key);
                }
            }
        }
    }
    if !request.dry_run {
        let committed = service.write_model(caller.asked(), store, source).await?;
        changed.authorization_model_id = Some(committed.output.id);
    } else {
        // The examples are tuples.
        record(&service, &caller, "models.preview", service.published.load().revision, vec![store]).await?;
    }
    Ok(Json(changed))
}
