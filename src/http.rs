//! The HTTP surface: routes, extraction, errors as responses. It decides nothing about rights.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyDeadlineLayer;

use crate::limits::rates::Class;
use crate::service::Service;
use crate::telemetry::Metrics;
use operations::Needs;

mod body;
pub mod compat;
pub mod entrance;
pub mod extract;
pub mod fresh;
pub mod headers;
pub mod openapi;
mod operations;
pub mod problem;
mod recorded;
pub mod routes;
mod unread;
pub mod unsent;

/// Bytes of a request that carries documents.
pub const MAX_DOCUMENTS_BODY: usize = 32 * 1024 * 1024;
/// Bytes of any other native request.
pub const MAX_BODY: usize = 1024 * 1024;

/// The public routes.
pub fn router(service: Arc<Service>) -> Router {
    let (open, native): (Vec<_>, Vec<_>) = operations::operations().partition(|it| it.needs == Needs::Nothing);
    let native = operations::routed(native.into_iter(), Router::new())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .route_layer(middleware::from_fn_with_state(service.clone(), entrance::native));
    let native =
        fresh::native(native, &service).layer(middleware::from_fn_with_state(service.clone(), recorded::recorded));
    let open = operations::routed(open.into_iter(), Router::new());
    let openfga = fresh::openfga(compat::openfga::router(&service), &service)
        .layer(middleware::from_fn_with_state(service.clone(), recorded::recorded));
    let metrics = service.metrics.clone();
    let body = RequestBodyDeadlineLayer::new(service.body_deadline);
    let router = Router::new()
        .merge(native)
        .merge(open)
        .merge(openfga.clone())
        .nest("/fga", openfga.fallback(compat::openfga::no_endpoint))
        .fallback(no_route)
        .method_not_allowed_fallback(problem::no_method)
        .with_state(service);
    named(router, &metrics).layer(body)
}

/// Gives every request its name and its span, and counts it; a panic is answered under that name too.
fn named(router: Router, metrics: &Metrics) -> Router {
    router
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn_with_state(metrics.clone(), headers::common))
        .layer(middleware::from_fn(unread::read))
}

/// What a request counts as: the class of its route.
fn class(method: &axum::http::Method, route: Option<&str>) -> &'static str {
    let Some(route) = route else { return "none" };
    class_of(method, route).map_or("open", |class| class.name())
}

/// The class of a route, where it needs a credential.
fn class_of(method: &axum::http::Method, route: &str) -> Option<Class> {
    let native = operations::find(operations::operations(), method, route).map(operations::Operation::class);
    native.unwrap_or_else(|| compat::openfga::class(method, route))
}

async fn no_route(uri: axum::http::Uri) -> axum::response::Response {
    if compat::openfga::owns(uri.path()) {
        compat::openfga::no_endpoint().await
    } else {
        problem::no_route(uri.path()).await
    }
}

/// Routes of the second listener, for operators: metrics.
pub fn admin_router(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(routes::health::metrics)).with_state(metrics)
}

/// What is answered while the service is not open yet.
pub fn starting(metrics: &Metrics) -> Router {
    let router = Router::new()
        .route("/v1/health/live", get(routes::health::live))
        .route("/v1/health/ready", get(routes::health::starting))
        .route("/v1/health/startup", get(routes::health::starting))
        .fallback(problem::starting)
        .method_not_allowed_fallback(problem::starting)
        .with_state(metrics.progress().clone());
    named(router, metrics)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use parking_lot::Mutex;
    use tower::ServiceExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    async fn breaks() -> &'static str {
        std::panic::panic_any("the text of a document")
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_logged_under_the_name_of_its_request() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
        let dispatch = tracing::Dispatch::new(subscriber);
        let _default = tracing::dispatcher::set_default(&dispatch);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(crate::telemetry::log::panicked));
        let metrics = Metrics::new().unwrap();
        let router = named(Router::new().route("/here", get(breaks)), &metrics);
        let answer = router.oneshot(Request::get("/here").body(Body::empty()).unwrap()).await.unwrap();
        std::panic::set_hook(before);
        assert_eq!(answer.status(), 500);
        let id = answer.headers()["usher-request-id"].to_str().unwrap().to_owned();
        let body = to_bytes(answer.into_body(), 4096).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["code"], &body["instance"]), (&"internal".into(), &format!("urn:usher:request:{id}").into()));
        let text = String::from_utf8(lines.0.lock().clone()).unwrap();
        let line = text.lines().find(|line| line.contains(&id) && line.contains("a thread panicked"));
        assert!(line.is_some_and(|line| line.contains("src/http.rs")), "{text}");
        assert!(!text.contains("document"), "{text}");
        let text = metrics.render();
        assert!(text.contains("usher_requests_total{class=\"open\",status=\"500\"} 1"), "{text}");
        assert!(text.contains("usher_requests_running 0"), "{text}");
    }
}
