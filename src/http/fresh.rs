//! Around every route that answers from a snapshot: before anything else, this process catches up with what others have
//! committed; what took so long that it may be outdated is not sent.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::compat::openfga::FgaError;
use super::problem::ApiProblem;
use crate::service::Service;
use crate::service::fresh::Stale;
use crate::telemetry::Seldom;

/// When the request came: its deadline counts from here.
#[derive(Debug, Clone, Copy)]
pub struct Arrived(pub Instant);

/// For the native routes.
pub async fn native(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    caught_up(&service, request, next, |stale| ApiProblem::from(stale).into_response()).await
}

/// For OpenFGA's routes, in their shape.
pub async fn openfga(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    caught_up(&service, request, next, |stale| FgaError::from(stale).into_response()).await
}

async fn caught_up(
    service: &Service,
    mut request: Request,
    next: Next,
    refuse: impl FnOnce(Stale) -> Response,
) -> Response {
    if !service.catalog.is_shared() {
        return next.run(request).await;
    }
    let arrived = Instant::now();
    if let Err(stale) = service.fresh().await {
        static STALE: Seldom = Seldom::new();
        if let Some(left_out) = STALE.pass() {
            tracing::warn!(%stale, left_out, "a request has no state to answer from");
        }
        return refuse(stale);
    }
    request.extensions_mut().insert(Arrived(arrived));
    // A process that was suspended goes on with what it had. Documents may take long, and what is acknowledged holds.
    let may_take_long = request.method() == axum::http::Method::POST && request.uri().path() == "/v1/documents";
    let response = next.run(request).await;
    if !may_take_long && arrived.elapsed() > service.limits.max_deadline {
        return refuse(Stale::Behind);
    }
    response
}
