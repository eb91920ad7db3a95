//! The HTTP surface: routes, extraction, errors as responses. It decides nothing about rights.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{delete, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyDeadlineLayer;

use crate::progress::Progress;
use crate::service::Service;
use crate::telemetry::Metrics;

mod body;
pub mod compat;
pub mod entrance;
pub mod extract;
pub mod fresh;
pub mod headers;
pub mod openapi;
pub mod problem;
mod recorded;
pub mod routes;
mod unread;

/// Bytes of a request that carries documents.
pub const MAX_DOCUMENTS_BODY: usize = 32 * 1024 * 1024;
/// Bytes of any other native request.
pub const MAX_BODY: usize = 1024 * 1024;

/// The public routes.
pub fn router(service: Arc<Service>) -> Router {
    let native = Router::new()
        .route("/v1/query", post(routes::query::query))
        .route("/v1/recheck", post(routes::query::recheck))
        .route(
            "/v1/documents",
            post(routes::documents::put).get(routes::list::documents).layer(DefaultBodyLimit::max(MAX_DOCUMENTS_BODY)),
        )
        .route("/v1/documents/state", get(routes::documents::state))
        .route("/v1/documents/{id}", get(routes::documents::get).delete(routes::documents::delete))
        .route("/v1/documents/{id}/acl", put(routes::documents::put_acl).get(routes::documents::get_acl))
        .route("/v1/relationships/write", post(routes::relationships::write))
        .route("/v1/relationships/read", post(routes::relationships::read))
        .route("/v1/relationships/changes", get(routes::relationships::changes))
        .route("/v1/relationships/users", get(routes::names::users))
        .route("/v1/relationships/objects", get(routes::names::objects))
        .route("/v1/relationships/impact", post(routes::impact::ask))
        .route("/v1/relationships/report", get(routes::report::list))
        .route("/v1/collections", get(routes::collections::list))
        .route(
            "/v1/collections/{name}",
            put(routes::collections::put).get(routes::collections::get).delete(routes::collections::delete),
        )
        .route("/v1/collections/{name}/documents", get(routes::stored::list).delete(routes::stored::remove))
        .route(
            "/v1/collections/{name}/reindex",
            post(routes::collections::reindex).delete(routes::collections::cancel_reindex),
        )
        .route("/v1/keys", post(routes::keys::create).get(routes::keys::list))
        .route("/v1/keys/{id}", delete(routes::keys::revoke))
        .route("/v1/explain", post(routes::explain::explain))
        .route("/v1/explain/readers", post(routes::readers::list))
        .route("/v1/models", post(routes::models::put))
        .route("/v1/whoami", get(routes::whoami::get))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .route_layer(middleware::from_fn_with_state(service.clone(), entrance::native))
        .layer(middleware::from_fn_with_state(service.clone(), fresh::native))
        .layer(middleware::from_fn_with_state(service.clone(), recorded::recorded));
    let health = Router::new()
        .route("/v1/health/live", get(routes::health::live))
        .route("/v1/health/ready", get(routes::health::ready))
        .route("/v1/health/startup", get(routes::health::startup))
        .route("/openapi.json", get(openapi::response()));
    let openfga = compat::openfga::router(&service)
        .layer(middleware::from_fn_with_state(service.clone(), fresh::openfga))
        .layer(middleware::from_fn_with_state(service.clone(), recorded::recorded));
    Router::new()
        .merge(native)
        .merge(health)
        .merge(openfga.clone())
        .nest("/fga", openfga.fallback(compat::openfga::no_endpoint))
        .fallback(no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(middleware::from_fn(headers::common))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn(unread::read))
        .layer(RequestBodyDeadlineLayer::new(service.body_deadline))
        .with_state(service)
}

async fn no_route(uri: axum::http::Uri) -> axum::response::Response {
    if compat::openfga::owns(uri.path()) {
        compat::openfga::no_endpoint().await
    } else {
        problem::no_route(uri.path()).await
    }
}

/// Routes of the second listener, for operators: metrics.
pub fn admin_router(service: Arc<Service>) -> Router {
    Router::new().route("/metrics", get(routes::health::metrics)).with_state(service)
}

/// What is answered while the service is not open yet.
pub fn starting(progress: Progress) -> Router {
    Router::new()
        .route("/v1/health/live", get(routes::health::live))
        .route("/v1/health/ready", get(routes::health::starting))
        .route("/v1/health/startup", get(routes::health::starting))
        .fallback(problem::starting)
        .method_not_allowed_fallback(problem::starting)
        .layer(middleware::from_fn(headers::common))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .with_state(progress)
}

/// The second listener at that time.
pub fn admin_starting(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(routes::health::metrics_starting)).with_state(metrics)
}
