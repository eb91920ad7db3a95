//! OpenFGA's errors: `{"code": name, "message": text}` with its own names and statuses.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answers;
use crate::authority::server::ServerError;
use crate::authz::{CheckError, ModelError, NameError, TupleError};
use crate::catalog::CatalogError;
use crate::commit::CommitError;
use crate::commit::tuples::TupleWriteError;
use crate::identity::IdentityError;
use crate::limits::Spent;
use crate::service::fresh::Stale;
use crate::service::turn::NotComputed;

/// The code of an error that is on its way out, for whoever counts.
#[derive(Debug, Clone, Copy)]
pub struct Code(pub &'static str);

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

    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Internal Server Error")
    }

    pub fn deadline() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "deadline_exceeded", "the call took too long")
    }

    pub fn rate_limited() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", "too many requests: try again later")
    }

    /// More waits for the reader of a stream than may.
    pub fn slow_reader() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "internal_error", "the stream is read too slowly: ask for less")
    }

    pub fn no_model(store: &str) -> Self {
        Self::bad("latest_authorization_model_not_found", format!("No authorization models found for store '{store}'"))
    }

    pub fn unknown_model(id: &str) -> Self {
        Self::bad("authorization_model_not_found", format!("Authorization Model '{id}' not found"))
    }

    pub fn unknown_type(name: &str) -> Self {
        Self::bad("type_not_found", format!("type '{name}' not found"))
    }

    pub fn unknown_relation(object_type: &str, name: &str) -> Self {
        Self::bad("relation_not_found", format!("relation '{object_type}#{name}' not found"))
    }

    pub fn no_tuple_key() -> Self {
        Self::bad("tuple_key_value_not_specified", "tuple_key: a value is needed")
    }

    pub fn malformed(field: &str, error: NameError) -> Self {
        Self::validation(format!("{field}: {error}"))
    }

    /// A contextual tuple that the model does not admit.
    pub fn invalid_tuple(error: &TupleError) -> Self {
        Self::bad("invalid_tuple", error.to_string())
    }

    /// [`FgaError::invalid_tuple`] where faults of conditions have another code.
    pub fn refused_in_listing(error: &TupleError) -> Self {
        match error {
            TupleError::UnknownCondition(_)
            | TupleError::ConditionNotAllowed { .. }
            | TupleError::ConditionRequired { .. }
            | TupleError::UnknownParameter { .. }
            | TupleError::ParameterType { .. } => Self::validation(error.to_string()),
            error => Self::invalid_tuple(error),
        }
    }

    pub fn unknown_store() -> Self {
        Self::new(StatusCode::NOT_FOUND, "store_id_not_found", "Store ID not found")
    }

    pub fn bad_token() -> Self {
        Self::bad("invalid_continuation_token", "Invalid continuation token")
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the caller could mend it.
    pub fn is_input(&self) -> bool {
        !self.status.is_server_error()
    }
}

impl IntoResponse for FgaError {
    fn into_response(self) -> Response {
        let body = answers::Error { code: self.code, message: self.message };
        let mut response = (self.status, Json(body)).into_response();
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(Code(self.code));
        response
    }
}

/// A line of a stream has gRPC's numbers.
impl From<&FgaError> for answers::StreamError {
    fn from(error: &FgaError) -> Self {
        let code = if error.is_input() { 3 } else { 13 };
        Self { error: answers::StreamStatus { code, message: error.message.clone(), details: [] } }
    }
}

/// An address of this surface that leads nowhere.
pub async fn no_endpoint() -> Response {
    FgaError::new(StatusCode::NOT_FOUND, "undefined_endpoint", "Not Found").into_response()
}

/// A route of this surface, with a method that it does not have.
pub async fn no_method() -> Response {
    FgaError::new(StatusCode::NOT_FOUND, "unimplemented", "Method Not Allowed").into_response()
}

/// A broken invariant: the panic hook has logged it.
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    FgaError::internal().into_response()
}

impl From<IdentityError> for FgaError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Missing => {
                Self::new(StatusCode::UNAUTHORIZED, "bearer_token_missing", "missing bearer token")
            }
            IdentityError::Header { header, problem } => Self::validation(format!("the header `{header}` {problem}")),
            IdentityError::KeysUnavailable => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "internal_error",
                "the token's issuer can't be asked for its keys",
            ),
            IdentityError::Scope(_)
            | IdentityError::SubjectNotPermitted
            | IdentityError::Beyond
            | IdentityError::NoSubject => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", "the principal is not authorized to perform the action")
            }
            IdentityError::Invalid { .. } | IdentityError::Token { .. } | IdentityError::Expired => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "unauthenticated")
            }
        }
    }
}

impl From<Spent> for FgaError {
    fn from(spent: Spent) -> Self {
        match spent {
            Spent::Time => Self::deadline(),
            Spent::Steps => Self::bad("authorization_model_resolution_too_complex", spent.to_string()),
        }
    }
}

impl From<NotComputed> for FgaError {
    fn from(error: NotComputed) -> Self {
        match error {
            NotComputed::Spent(spent) => spent.into(),
            NotComputed::NoPlace(_) => Self::rate_limited(),
            error @ NotComputed::BrokeOff(_) => {
                tracing::error!(%error, "a request failed");
                Self::internal()
            }
        }
    }
}

impl From<Stale> for FgaError {
    fn from(_: Stale) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "internal_error", "the newest state is not available at the moment")
    }
}

impl From<CatalogError> for FgaError {
    fn from(error: CatalogError) -> Self {
        tracing::error!(%error, "a request failed");
        if error.is_unreachable() {
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "internal_error", "the catalog does not answer");
        }
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
            CommitError::Identity(error) => error.into(),
            CommitError::UnknownStore | CommitError::NoModel => Self::no_model(""),
            CommitError::UnknownModel => Self::unknown_model(""),
            CommitError::Model(error) => error.into(),
            CommitError::Binding(error) => Self::bad("invalid_authorization_model", error.to_string()),
            CommitError::StoreInUse => Self::bad("validation_error", "a collection is bound to the store"),
            CommitError::Server(ServerError::Refused(reason)) => Self::validation(reason),
            CommitError::Server(ServerError::Conflict) => {
                Self::new(StatusCode::CONFLICT, "Aborted", "the authorization server's state is another one")
            }
            CommitError::Mirrored { what } => Self::validation(format!("{what} is not possible here")),
            CommitError::Busy => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", "too many writes wait")
            }
            CommitError::Unavailable(_)
            | CommitError::NotTaken
            | CommitError::Unknown
            | CommitError::Undecided
            | CommitError::Unrecorded
            | CommitError::Audit => {
                tracing::error!(%error, "a write was not taken as it should be");
                let message = match error {
                    CommitError::Unknown => "whether it was written is not known: read it, then decide",
                    CommitError::Undecided => "whether it was written shows when the service is restarted",
                    CommitError::Unrecorded => "it was written, and the audit can't be: read it, then decide",
                    _ => "nothing was written: try again",
                };
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "internal_error", message)
            }
            CommitError::Storage(_) | CommitError::Stopped => {
                tracing::error!(%error, "the storage refuses writes");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "internal_error", "nothing can be written at the moment")
            }
            error => {
                tracing::error!(%error, "a write failed");
                Self::internal()
            }
        }
    }
}

impl From<ModelError> for FgaError {
    fn from(error: ModelError) -> Self {
        let message = error.to_string();
        match error {
            ModelError::Empty => Self::bad("type_definitions_too_few_items", message),
            ModelError::TooManyTypes | ModelError::TooLarge => Self::bad("exceeded_entity_limit", message),
            ModelError::TypeName { .. } => Self::bad("type_invalid_pattern", message),
            ModelError::RelationName { .. } => Self::bad("relations_invalid_pattern", message),
            ModelError::SchemaVersion(version) if version != "1.0" => Self::validation(message),
            _ => Self::bad("invalid_authorization_model", message),
        }
    }
}

impl From<CheckError> for FgaError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::TooComplex => Self::bad("authorization_model_resolution_too_complex", error.to_string()),
            CheckError::Condition(error) => Self::validation(error.to_string()),
            CheckError::Spent(spent) => spent.into(),
        }
    }
}
