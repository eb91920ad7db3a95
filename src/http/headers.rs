//! Headers that every response carries, and the names of a request.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::compat::openfga::Code;
use crate::audit::{Asked, Trace};
use crate::telemetry::{Metrics, trace};
use crate::wire::Problem;

/// The caller's name of a request; echoed.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The service's own.
const OWN_ID: HeaderName = HeaderName::from_static("usher-request-id");

/// Gives the request a name and a span, and counts it; nothing of an answer may be stored on the way.
pub async fn common(State(metrics): State<Metrics>, mut request: Request, next: Next) -> Response {
    let (begun, running) = (Instant::now(), metrics.request_begun());
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_good = |id: &&str| !id.is_empty() && id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic());
    let given = given.filter(is_good).map(str::to_owned);
    let id = uuid::Uuid::now_v7().to_string();
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let (route, class) = (matched.unwrap_or("no route"), super::class(request.method(), matched));
    let span = trace::span(&id, method(request.method()), route, class, request.headers());
    let how = format!("{} {route}", request.method());
    let asked = Asked { request_id: id.clone(), caller_request_id: given.clone(), how, ..Asked::default() };
    request.extensions_mut().insert(Arc::new(Trace::new(asked)));
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    let code = response.extensions().get::<Problem>().map(|problem| problem.code.clone());
    let code = code.or_else(|| response.extensions().get::<Code>().map(|Code(code)| (*code).to_owned()));
    metrics.request(class, status, code.as_deref(), took);
    trace::answered(&span, status, took);
    span.in_scope(|| tracing::debug!(code, "a request was answered"));
    drop(running);
    crate::http::problem::name_request(&mut response, &id).await;
    let headers = response.headers_mut();
    for (name, value) in [(REQUEST_ID, given.as_ref().unwrap_or(&id)), (OWN_ID, &id)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Authorization"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Methods that routes have, by name; a caller can make up others.
fn method(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| method.as_str() == *known).unwrap_or("another")
}
