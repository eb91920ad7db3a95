//! Around every route that answers from a snapshot: before anything else, this process catches up with what others have
//! committed; what took so long that it may be outdated is not sent.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use super::compat::openfga::FgaError;
use super::problem::ApiProblem;
use crate::limits::rates::Class;
use crate::service::Service;
use crate::service::fresh::Stale;
use crate::telemetry::Seldom;

/// When the request came: its deadline counts from here.
#[derive(Debug, Clone, Copy)]
pub struct Arrived(pub Instant);

/// Around the native routes.
pub fn native(routes: Router<Arc<Service>>, service: &Arc<Service>) -> Router<Arc<Service>> {
    around(routes, service, |stale| ApiProblem::from(stale).into_response())
}

/// Around OpenFGA's routes, in their shape.
pub fn openfga(routes: Router<Arc<Service>>, service: &Arc<Service>) -> Router<Arc<Service>> {
    around(routes, service, |stale| FgaError::from(stale).into_response())
}

/// A process that is alone has nobody to catch up with.
fn around(routes: Router<Arc<Service>>, service: &Arc<Service>, refuse: fn(Stale) -> Response) -> Router<Arc<Service>> {
    if service.others.is_none() {
        return routes;
    }
    let catch_up = move |State(service): State<Arc<Service>>, request: Request, next: Next| async move {
        caught_up(&service, request, next, refuse).await
    };
    routes.layer(middleware::from_fn_with_state(service.clone(), catch_up))
}

async fn caught_up(service: &Service, mut request: Request, next: Next, refuse: fn(Stale) -> Response) -> Response {
    let arrived = Instant::now();
    if let Err(stale) = service.fresh().await {
        static STALE: Seldom = Seldom::new();
        if let Some(left_out) = STALE.pass() {
            tracing::warn!(%stale, left_out, "a request has no state to answer from");
        }
        return refuse(stale);
    }
    request.extensions_mut().insert(Arrived(arrived));
    // A process that was suspended goes on with what it had. A change is not asked for again: what is acknowledged holds,
    // however long it took.
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let is_change = path.is_some_and(|path| super::class(request.method(), Some(&path)) == Class::Write.name());
    let response = next.run(request).await;
    if !is_change && arrived.elapsed() > service.limits.max_deadline {
        return refuse(Stale::Behind);
    }
    response
}
