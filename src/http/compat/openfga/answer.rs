//! Answers with OpenFGA's headers, and values in OpenFGA's JSON: every field written, empty ones too.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error::FgaError;
use crate::service::Service;
use crate::wire::TupleKey;

pub const STORE_ID: HeaderName = HeaderName::from_static("openfga-store-id");
pub const MODEL_ID: HeaderName = HeaderName::from_static("openfga-authorization-model-id");
const REVISION: HeaderName = HeaderName::from_static("usher-revision");

pub fn header_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

/// A successful answer.
pub struct Answer {
    status: StatusCode,
    body: Option<Value>,
    model: Option<HeaderValue>,
    revision: Option<HeaderValue>,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body), model: None, revision: None }
    }

    pub fn created(body: Value) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(body) }
    }

    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, model: None, revision: None }
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
        let mut response = match self.body {
            Some(body) => (self.status, Json(body)).into_response(),
            None => self.status.into_response(),
        };
        let headers = response.headers_mut();
        for (name, value) in [(MODEL_ID, self.model), (REVISION, self.revision)] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// A stored tuple.
pub fn tuple(key: &TupleKey) -> Value {
    let condition = key.condition.as_ref().map(|condition| {
        let context = condition.context.clone().unwrap_or_else(|| json!({}));
        json!({"name": condition.name, "context": context})
    });
    json!({"user": key.user, "relation": key.relation, "object": key.object, "condition": condition})
}
