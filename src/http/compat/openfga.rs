//! The OpenFGA HTTP API, as its SDKs and command line call it: administration of stores, models and tuples.
//!
//! Everything here is administrator's scope: it shows the graph. Handlers follow OpenFGA's order of validation, its
//! error codes and its defaults; rights of readers are never decided here.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use crate::http::entrance;
use crate::http::operations::{find, routed};
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
    routed(operations::OPERATIONS.iter(), Router::new())
        .method_not_allowed_fallback(error::no_method)
        .route_layer(middleware::from_fn_with_state(service.clone(), entrance::openfga))
        .layer(middleware::from_fn(request::surface))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// What the rate of a route is counted with; nothing where no credential is needed. Paths are also served below `/fga`.
pub fn class(method: &Method, path: &str) -> Option<Class> {
    let path = path.strip_prefix("/fga").unwrap_or(path);
    find(operations::OPERATIONS.iter(), method, path)?.class()
}

/// Whether an address without a route is answered in this surface's shape.
pub fn owns(path: &str) -> bool {
    path == "/stores" || path.starts_with("/stores/")
}
