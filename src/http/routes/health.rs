//! Liveness, readiness and metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::progress::Progress;
use crate::service::Service;
use crate::telemetry::Metrics;
use crate::wire::{Component, Health, HealthStatus, Startup};

/// The process runs.
pub async fn live() -> Json<Health> {
    Json(of(HealthStatus::Ok))
}

fn of(status: HealthStatus) -> Health {
    Health { status, components: Vec::new(), startup: None }
}

/// How far a start is that is not complete. Percent and no numbers: how much there is, is nobody's business.
pub async fn starting(State(progress): State<Progress>) -> (StatusCode, Json<Health>) {
    let startup = progress.stage().map(|stage| Startup {
        stage: stage.name().to_owned(),
        doing: stage.text().to_owned(),
        percent: progress.percent(),
        seconds: progress.took().as_secs(),
    });
    (StatusCode::SERVICE_UNAVAILABLE, Json(Health { startup, ..of(HealthStatus::Starting) }))
}

/// Whether the start is complete; it stays so, whatever fails later.
pub async fn startup(State(service): State<Arc<Service>>) -> (StatusCode, Json<Health>) {
    let progress = service.metrics.progress();
    if progress.is_complete() { (StatusCode::OK, live().await) } else { starting(State(progress.clone())).await }
}

/// What Prometheus reads.
const TEXT: &str = "text/plain; version=0.0.4";
/// How long indexes that are being filled are waited for before they count as not ready.
const FILLING: std::time::Duration = std::time::Duration::from_millis(500);

/// Whether every part can serve. An embedder that did not answer last makes no service unready: keywords answer
/// meanwhile; nor does writing that has stopped, where answers go on.
pub async fn ready(State(service): State<Arc<Service>>) -> (StatusCode, Json<Health>) {
    let catalog = service.catalog.revision().await.is_ok();
    let snapshot = service.published.load();
    let mut indexes = true;
    for collection in snapshot.collections.values() {
        indexes &= match service.indexes.get(collection.pair()) {
            // This process's own files, after an absence. What all processes share is no reason to ask another one.
            Some(own) if own.local().is_some() => {
                tokio::time::timeout(FILLING, own.is_filled(collection.last_operation)).await.unwrap_or(false)
            }
            other => other.is_some(),
        };
    }
    let component = |name: String, is_ok: bool| {
        let status = if is_ok { HealthStatus::Ok } else { HealthStatus::Failed };
        Component { name, status, reason: None }
    };
    // Without it nothing is answered.
    let audit = service.audit.is_writable().await;
    let mut components = vec![
        component("catalog".into(), catalog),
        component("indexes".into(), indexes),
        component("audit".into(), audit),
        component("writing".into(), service.committer.is_open()),
    ];
    let authorization = service.authority.external().is_none_or(|external| external.is_ready());
    if service.authority.external().is_some() {
        components.push(component("authorization".into(), authorization));
    }
    let mut is_replica_ready = true;
    if let Some(others) = &service.others {
        let not_ready = others.not_ready(&service).await;
        is_replica_ready = not_ready.is_none();
        let reason = not_ready.map(|why| format!("this process {why}"));
        components.push(Component { reason, ..component("replica".into(), is_replica_ready) });
    }
    components.extend(service.reranker.iter().map(|it| component("reranker".to_owned(), it.is_answering())));
    let embedders = service.embedders.iter();
    components.extend(embedders.map(|(name, embedder)| component(format!("embedder:{name}"), embedder.is_answering())));
    let (code, status) = match catalog && indexes && audit && authorization && is_replica_ready {
        false => (StatusCode::SERVICE_UNAVAILABLE, HealthStatus::Failed),
        true if components.iter().all(|component| component.status == HealthStatus::Ok) => {
            (StatusCode::OK, HealthStatus::Ok)
        }
        true => (StatusCode::OK, HealthStatus::Degraded),
    };
    (code, Json(Health { components, ..of(status) }))
}

/// Prometheus text of all metrics.
pub async fn metrics(State(metrics): State<Metrics>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, TEXT)], metrics.render())
}
