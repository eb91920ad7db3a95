//! The OpenFGA HTTP API, as its SDKs and command line call it: administration of stores, models and tuples.
//!
//! Everything here is administrator's scope: it shows the graph. Handlers follow OpenFGA's order of validation, its
//! error codes and its defaults; rights of readers are never decided here.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::service::Service;

mod checks;
mod error;
mod models;
mod shapes;
mod stores;
mod tuples;

/// Bytes of a request, OpenFGA's own limit.
const MAX_BODY: usize = 616_448;

pub fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/stores", post(stores::create).get(stores::list))
        .route("/stores/{store}", get(stores::get).delete(stores::delete))
        .route("/stores/{store}/authorization-models", post(models::write).get(models::list))
        .route("/stores/{store}/authorization-models/{model}", get(models::get))
        .route("/stores/{store}/write", post(tuples::write))
        .route("/stores/{store}/read", post(tuples::read))
        .route("/stores/{store}/changes", get(tuples::changes))
        .route("/stores/{store}/check", post(checks::check))
        .route("/stores/{store}/batch-check", post(checks::batch_check))
        .route("/stores/{store}/list-objects", post(checks::list_objects))
        .route("/healthz", get(stores::healthz))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}
