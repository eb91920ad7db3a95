//! Liveness, readiness and metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;

use crate::service::Service;

/// The process runs.
pub async fn live() -> impl IntoResponse {
    Json(json!({"status": "ok"}))
}

/// Every part can serve.
pub async fn ready(State(service): State<Arc<Service>>) -> impl IntoResponse {
    let catalog = service.catalog.revision().await.is_ok();
    let snapshot = service.published.load();
    let indexes = snapshot.collections.values().all(|collection| service.indexes.get(collection.id).is_some());
    let embedders =
        snapshot.collections.values().all(|collection| service.embedders.get(&collection.settings.embedder).is_some());
    let components = [("catalog", catalog), ("indexes", indexes), ("embedders", embedders)];
    let is_ready = components.iter().all(|(_, ok)| *ok);
    let status = |ok: bool| if ok { "ok" } else { "failed" };
    let body = json!({
        "status": status(is_ready),
        "components": components.map(|(name, ok)| json!({"name": name, "status": status(ok)})),
    });
    (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

/// Prometheus text.
pub async fn metrics(State(service): State<Arc<Service>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], service.metrics.render(&service))
}
