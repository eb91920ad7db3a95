//! Answers with OpenFGA's headers.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::FgaError;
use crate::service::Service;

pub const STORE_ID: HeaderName = HeaderName::from_static("openfga-store-id");
pub const MODEL_ID: HeaderName = HeaderName::from_static("openfga-authorization-model-id");
const REVISION: HeaderName = HeaderName::from_static("usher-revision");

pub fn header_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

/// A successful answer.
pub struct Answer {
    response: Response,
    model: Option<HeaderValue>,
    revision: Option<HeaderValue>,
}

impl Answer {
    fn new(response: Response) -> Self {
        Self { response, model: None, revision: None }
    }

    pub fn ok(body: impl Serialize) -> Self {
        Self::new(Json(body).into_response())
    }

    pub fn created(body: impl Serialize) -> Self {
        Self::new((StatusCode::CREATED, Json(body)).into_response())
    }

    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT.into_response())
    }

    /// Names the model that was used.
    pub fn by_model(self, id: &str) -> Self {
        Self { model: header_value(id), ..self }
    }

    /// Names the revision from which on a change holds; a later read can demand it.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn at_revision(self, service: &Service, revision: u64) -> Result<Self, FgaError> {
        let token = service.revisions.seal(revision).map_err(|_| FgaError::internal())?;
        Ok(Self { revision: header_value(&token), ..self })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = self.response;
        let headers = response.headers_mut();
        for (name, value) in [(MODEL_ID, self.model), (REVISION, self.revision)] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        response
    }
}
