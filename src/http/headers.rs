//! Headers that every response carries, and the names of a request.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::audit::{Asked, Trace};

/// The caller's name of a request; echoed.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The service's own.
const OWN_ID: HeaderName = HeaderName::from_static("usher-request-id");

/// Gives the request a name; nothing of an answer may be stored on the way.
pub async fn common(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_good = |id: &&str| !id.is_empty() && id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic());
    let given = given.filter(is_good).map(str::to_owned);
    let id = uuid::Uuid::now_v7().to_string();
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "no route", MatchedPath::as_str);
    let how = format!("{} {route}", request.method());
    let asked = Asked { request_id: id.clone(), caller_request_id: given.clone(), how, ..Asked::default() };
    request.extensions_mut().insert(Arc::new(Trace::new(asked)));
    let mut response = next.run(request).await;
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
