//! OpenFGA's errors: `{"code": name, "message": text}` with its own names and statuses.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::authority::server::ServerError;
use crate::authz::CheckError;
use crate::catalog::CatalogError;
use crate::commit::CommitError;
use crate::commit::tuples::TupleWriteError;
use crate::identity::IdentityError;

#[derive(Debug)]
pub struct FgaError {
    status: StatusCode,
    pub code: &'static str,
    pub message: String,
}

impl FgaError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub fn validation(message: impl Into<String>) -> Self {
        Self::bad("validation_error", message)
    }

    fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Internal Server Error")
    }
}

impl IntoResponse for FgaError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"code": self.code, "message": self.message}))).into_response()
    }
}

impl From<IdentityError> for FgaError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Missing => {
                Self::new(StatusCode::UNAUTHORIZED, "bearer_token_missing", "missing bearer token")
            }
            IdentityError::Scope(_) | IdentityError::SubjectNotPermitted | IdentityError::NoSubject => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", "the principal is not authorized to perform the action")
            }
            IdentityError::Invalid { .. } | IdentityError::Expired => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "unauthenticated")
            }
        }
    }
}

impl From<CatalogError> for FgaError {
    fn from(error: CatalogError) -> Self {
        tracing::error!(%error, "a request failed");
        Self::internal()
    }
}

impl From<TupleWriteError> for FgaError {
    fn from(error: TupleWriteError) -> Self {
        let message = error.to_string();
        match error {
            TupleWriteError::Invalid { .. } | TupleWriteError::Implicit { .. } => Self::validation(message),
            TupleWriteError::Repeated { .. } => Self::bad("cannot_allow_duplicate_tuples_in_one_request", message),
            TupleWriteError::Exists { .. } | TupleWriteError::Missing { .. } => {
                Self::bad("write_failed_due_to_invalid_input", message)
            }
            TupleWriteError::OtherCondition { .. } => Self::new(StatusCode::CONFLICT, "Aborted", message),
            TupleWriteError::Nothing => Self::bad("invalid_write_input", message),
        }
    }
}

impl From<CommitError> for FgaError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Tuple(error) => error.into(),
            CommitError::UnknownStore | CommitError::NoModel => {
                Self::bad("latest_authorization_model_not_found", "No authorization models found for this store")
            }
            CommitError::UnknownModel => {
                Self::bad("authorization_model_not_found", "the authorization model does not exist")
            }
            CommitError::Model(error) => Self::bad("invalid_authorization_model", error.to_string()),
            CommitError::Binding(error) => Self::bad("invalid_authorization_model", error.to_string()),
            CommitError::StoreInUse => Self::bad("validation_error", "a collection is bound to the store"),
            CommitError::Server(ServerError::Refused(reason)) => Self::validation(reason),
            CommitError::Server(ServerError::Conflict) => {
                Self::new(StatusCode::CONFLICT, "Aborted", "the authorization server's state is another one")
            }
            CommitError::Replicated { what } => Self::validation(format!("{what} is not possible here")),
            CommitError::Busy => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", "too many writes wait")
            }
            error => {
                tracing::error!(%error, "a write failed");
                Self::internal()
            }
        }
    }
}

impl From<CheckError> for FgaError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::TooComplex => Self::bad("authorization_model_resolution_too_complex", error.to_string()),
            CheckError::Condition(error) => Self::validation(error.to_string()),
        }
    }
}
