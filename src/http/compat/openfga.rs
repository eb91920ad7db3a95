//! The OpenFGA HTTP API, as its SDKs and command line call it: administration of stores, models and tuples.
//!
//! Everything here is administrator's scope: it shows the graph. Handlers follow OpenFGA's order of validation, its
//! error codes and its defaults; rights of readers are never decided here.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::routing::{get, post, put};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use crate::http::entrance;
use crate::limits::rates::Class;
use crate::service::Service;

mod answer;
pub mod answers;
mod assertions;
mod checks;
mod error;
mod expand;
mod lists;
mod model_shape;
mod models;
pub mod operations;
mod request;
mod rules;
mod shapes;
mod stores;
mod token;
mod tuples;

pub use error::{Code, FgaError, no_endpoint};
pub use request::authenticate;

/// Bytes of a request, OpenFGA's own limit.
const MAX_BODY: usize = 616_448;

pub fn router(service: &Arc<Service>) -> Router<Arc<Service>> {
    Router::new()
        .route("/stores", post(stores::create).get(stores::list))
        .route("/stores/{store}", get(stores::get).patch(stores::rename).delete(stores::delete))
        .route("/stores/{store}/authorization-models", post(models::write).get(models::list))
        .route("/stores/{store}/authorization-models/{model}", get(models::get))
        .route("/stores/{store}/assertions/{model}", put(assertions::put).get(assertions::get))
        .route("/stores/{store}/write", post(tuples::write))
        .route("/stores/{store}/read", post(tuples::read))
        .route("/stores/{store}/changes", get(tuples::changes))
        .route("/stores/{store}/check", post(checks::check))
        .route("/stores/{store}/batch-check", post(checks::batch_check))
        .route("/stores/{store}/expand", post(expand::expand))
        .route("/stores/{store}/list-objects", post(lists::list_objects))
        .route("/stores/{store}/streamed-list-objects", post(lists::streamed_list_objects))
        .route("/stores/{store}/list-users", post(lists::list_users))
        .route("/healthz", get(stores::healthz))
        .method_not_allowed_fallback(error::no_method)
        .route_layer(middleware::from_fn_with_state(service.clone(), entrance::openfga))
        .layer(middleware::from_fn(request::surface))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// What the rate of a route is counted with; nothing where no credential is needed.
pub fn class(method: &Method, path: &str) -> Option<Class> {
    match path.rsplit('/').next() {
        Some("healthz") => None,
        Some("check" | "batch-check" | "expand" | "list-objects" | "streamed-list-objects" | "list-users") => {
            Some(Class::Check)
        }
        Some("read" | "changes") => Some(Class::Read),
        _ if entrance::only_looks(method) => Some(Class::Read),
        _ => Some(Class::Write),
    }
}

/// Whether an address without a route is answered in this surface's shape.
pub fn owns(path: &str) -> bool {
    path == "/stores" || path.starts_with("/stores/")
}
