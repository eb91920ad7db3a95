//! What a credential is, told to whoever holds it: nothing but what it was made with.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::record;
use crate::http::extract::Caller;
use crate::http::problem::ApiProblem;
use crate::service::Service;
use crate::wire::WhoAmI;

pub async fn get(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<WhoAmI>, ApiProblem> {
    record(&service, &caller, "whoami", service.published.load().revision, Vec::new()).await?;
    Ok(Json(caller.principal.told()))
}
