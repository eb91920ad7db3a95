//! Every error of the native API as RFC 9457 problem+json, in one place.
//!
//! The text for the caller comes from a fixed catalogue; causes go to the log. Hidden and absent were the same value
//! long before they got here.

use crate::catalog::CatalogError;
use crate::wire::{FieldProblem, Problem};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;

mod kinds;
mod of_documents;
mod of_errors;

pub(super) use kinds::*;
pub use of_documents::{of_collection, of_document, of_preparing, of_rejection, of_source};

/// A problem on its way out.
#[derive(Debug)]
pub struct ApiProblem {
    pub problem: Box<Problem>,
    retry_after_s: Option<u32>,
}

/// A problem without request context, for one document of many.
pub fn problem((status, code, title): ProblemKind, detail: &str, errors: Vec<FieldProblem>) -> Problem {
    Problem {
        kind: format!("urn:usher:problem:{code}"),
        title: title.to_owned(),
        status: status.as_u16(),
        detail: detail.to_owned(),
        instance: String::new(),
        code: code.to_owned(),
        errors,
        retry_after_ms: None,
    }
}

impl ApiProblem {
    fn new(kind: ProblemKind, detail: &str) -> Self {
        Self { problem: Box::new(problem(kind, detail, Vec::new())), retry_after_s: None }
    }

    fn with_errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.problem.errors = errors;
        self
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self.problem.retry_after_ms = Some(u64::from(seconds) * 1000);
        self
    }

    pub fn invalid(pointer: &str, detail: &str) -> Self {
        Self::new(INVALID, "Correct what `errors` names.")
            .with_errors(vec![FieldProblem { pointer: pointer.to_owned(), detail: detail.to_owned() }])
    }

    pub fn not_found() -> Self {
        Self::new(NOT_FOUND, "There is nothing here that you can read.")
    }

    /// To those who may see all keys.
    pub fn no_key() -> Self {
        Self::new(NOT_FOUND, "No key has this id; `GET /v1/keys` and `usher keys list` show the ids.")
    }

    pub fn too_large() -> Self {
        let (most, documents) = (super::MAX_BODY >> 20, super::MAX_DOCUMENTS_BODY >> 20);
        let detail = format!("Send less at once: a body has at most {most} MiB, one with documents {documents} MiB.");
        Self::new(TOO_LARGE, &detail)
    }

    /// The body took too long.
    pub fn too_slow() -> Self {
        Self::new(TIMEOUT, "Send the whole body within the time that the documentation states.")
    }

    /// Others are being served.
    pub fn overloaded() -> Self {
        Self::new(OVERLOADED, "Ask again, or ask less at once.").retry_after(1)
    }

    /// As many places are taken as one caller may have.
    pub fn crowded() -> Self {
        let detail = "As many requests are under way as one caller or credential may have at one time (`[limits]`, not \
                      `[limits.rates]`): ask again when some have ended.";
        Self::of_rate(detail, Duration::from_secs(1))
    }

    /// A bucket is empty.
    pub fn rate_limited(wait: Duration) -> Self {
        Self::of_rate("Ask again later, or ask less at once.", wait)
    }

    fn of_rate(detail: &str, wait: Duration) -> Self {
        let mut problem = Self::new(RATE, detail).retry_after(1);
        problem.problem.retry_after_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
        problem
    }

    pub fn unsupported_media_type() -> Self {
        Self::new(MEDIA_TYPE, "Send `Content-Type: application/json`.")
    }

    pub fn unsupported_coding() -> Self {
        Self::new(MEDIA_TYPE, "Send the body as it is, without `Content-Encoding`.")
    }

    pub fn forbidden_source() -> Self {
        Self::new(SCOPE, "The key may not write this source.")
    }

    pub fn version_conflict() -> Self {
        Self::new(VERSION, "Read the present version and decide again.")
    }

    fn no_catalog(error: &CatalogError) -> Self {
        tracing::error!(%error, "the catalog does not answer");
        Self::new(CATALOG, "Try again.").retry_after(1)
    }

    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(INTERNAL, "The service's log names the cause beside this request's id.")
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.problem.clone())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(*self.problem);
        response
    }
}

/// Puts the request's name into a problem that is on its way out.
pub async fn name_request(response: &mut Response, id: &str) {
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.instance = format!("urn:usher:request:{id}");
        if let Ok(body) = serde_json::to_vec(&problem) {
            response.headers_mut().remove(header::CONTENT_LENGTH);
            *response.body_mut() = body.into();
        }
    }
}

/// Everything but the health routes, while the service is not open yet.
pub async fn starting() -> Response {
    let detail = "Ask again in a moment; `GET /v1/health/startup` says how far it is.";
    ApiProblem::new(STARTING, detail).retry_after(2).into_response()
}

pub async fn no_route(path: &str) -> Response {
    let detail = match path.starts_with("/v1/documents/") {
        false => "No such route.",
        true => {
            "No such route. A document's id is one part of the path: a `/` in it is written `%2F`, as in \
             `/v1/documents/hr%2Fleave.md`."
        }
    };
    ApiProblem::new(NOT_FOUND, detail).into_response()
}

pub async fn no_method() -> Response {
    const KIND: ProblemKind = (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "The method is not allowed here");
    ApiProblem::new(KIND, "The route exists with another method.").into_response()
}

/// A panic is a broken invariant: it is logged by the panic hook and answered like any other internal error.
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    ApiProblem::new(INTERNAL, "The service's log names the cause beside this request's id.").into_response()
}
