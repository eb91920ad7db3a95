//! From a request to what every handler starts with: the caller, the store, the body, the state to answer from.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use super::answer::{STORE_ID, header_value};
use super::error::FgaError;
use super::rules;
use super::shapes::Object;
use crate::audit::{Asked, Trace};
use crate::authz::Model;
use crate::http::entrance::{self, Entered};
use crate::http::extract::{Caller, credential, has_nul, is_late, single};
use crate::identity::{IdentityError, Principal, Scope, key};
use crate::limits::Effort;
use crate::query::QueryError;
use crate::service::Service;
use crate::service::turn::{EVALUATION, Turn};
use crate::snapshot::{Snapshot, StoreState};
use crate::wire::strict::check_json;

const MIN_REVISION: &str = "usher-min-revision";
/// Deepest nesting of a request's JSON.
const MAX_DEPTH: usize = 32;
/// A model nests three levels per operator.
pub const MAX_MODEL_DEPTH: usize = 120;

/// Runs around every route: refuses addresses that are no text, and names the store in the answer.
pub async fn surface(parameters: Result<RawPathParams, impl IntoResponse>, request: Request, next: Next) -> Response {
    let Ok(parameters) = parameters else {
        return FgaError::validation("the address is not UTF-8 after decoding").into_response();
    };
    let store = parameters.iter().find(|(name, _)| *name == "store").and_then(|(_, id)| header_value(id));
    let mut response = next.run(request).await;
    if let Some(store) = store {
        response.headers_mut().insert(STORE_ID, store);
    }
    response
}

/// A call by an authenticated caller, about a well-formed store (and model) id.
pub struct Call {
    pub service: Arc<Service>,
    pub caller: Caller,
    /// Empty where the address names none.
    pub store: String,
    /// The model id of the address; empty where it names none.
    pub model: String,
    min_revision: Option<u64>,
}

impl FromRequestParts<Arc<Service>> for Call {
    type Rejection = FgaError;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, FgaError> {
        let Entered(principal) = parts.extensions.get().cloned().ok_or(IdentityError::Missing)?;
        let caller = Caller::new(principal, parts.extensions.get::<Arc<Trace>>().cloned().unwrap_or_default());
        let parameters = RawPathParams::from_request_parts(parts, service)
            .await
            .map_err(|error| FgaError::validation(error.to_string()))?;
        let mut call = Self {
            service: service.clone(),
            caller,
            store: String::new(),
            model: String::new(),
            min_revision: min_revision(&parts.headers, service)?,
        };
        for (name, value) in &parameters {
            rules::id(name, value)?;
            match name {
                "store" => call.store = value.to_owned(),
                _ => call.model = value.to_owned(),
            }
        }
        Ok(call)
    }
}

/// Checks the credential of a request.
///
/// # Errors
/// As OpenFGA tells them.
pub async fn authenticate(headers: &HeaderMap, service: &Service) -> Result<Principal, FgaError> {
    entrance::authenticate(service, headers).await.map_err(|error| match error {
        IdentityError::Invalid { .. } | IdentityError::Token { .. } | IdentityError::Expired
            if credential(headers).is_ok_and(|sent| sent.bearer.as_deref().is_some_and(is_token)) =>
        {
            FgaError::new(StatusCode::UNAUTHORIZED, "invalid_claims", "the token is not valid here")
        }
        error => error.into(),
    })
}

/// Whether a bearer credential has the form of a JWT.
fn is_token(bearer: &str) -> bool {
    !bearer.starts_with(key::PREFIX) && bearer.split('.').count() == 3
}

fn min_revision(headers: &HeaderMap, service: &Service) -> Result<Option<u64>, FgaError> {
    let Some(token) = single(headers, MIN_REVISION)? else { return Ok(None) };
    let opened = service.revisions.open(token);
    opened.map(Some).map_err(|_| FgaError::validation("Usher-Min-Revision is no revision of this service"))
}

impl Call {
    /// # Errors
    /// 403 when the credential lacks the scope.
    pub fn require(&self, scope: Scope) -> Result<(), FgaError> {
        Ok(self.caller.principal.require(scope)?)
    }

    /// The newest snapshot, once it is as new as the caller demands.
    ///
    /// # Errors
    /// When that does not come to pass in time.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, FgaError> {
        let Some(revision) = self.min_revision else { return Ok(self.service.published.load()) };
        let wait = self.service.published.at_least(revision);
        tokio::time::timeout(EVALUATION, wait).await.map_err(|_| FgaError::deadline())
    }

    /// The store with the model of this id; absent or empty: the newest.
    ///
    /// # Errors
    /// When there is none, with the code that says whether one was named.
    pub async fn scene(&self, model: Option<&str>) -> Result<Scene, FgaError> {
        let id = model.unwrap_or_default();
        let snapshot = self.snapshot().await?;
        let none = || FgaError::no_model(&self.store);
        let store = match snapshot.store(&self.store) {
            Some(store) => store.clone(),
            // OpenFGA looks for the model alone: a store that does not exist has none.
            None if id.is_empty() => return Err(none()),
            None => return Err(FgaError::unknown_model(id)),
        };
        let model = match id {
            "" => store.latest_model().ok_or_else(none)?,
            id => store.model(id).ok_or_else(|| FgaError::unknown_model(id))?,
        };
        let model = model.clone();
        Ok(Scene { store, model })
    }

    /// What this call may compute, within the deadline of a call.
    pub fn turn(&self) -> Turn {
        self.service.evaluation_turn(self.caller.principal.payer())
    }

    /// Records what is about to be answered; without the record there is no answer.
    ///
    /// # Errors
    /// When the record can't be written.
    pub async fn record(&self, event: &str, items: Vec<String>) -> Result<(), FgaError> {
        let revision = self.service.published.load().revision;
        self.caller.record(&self.service, event, revision, items).await.map_err(|error| match error {
            QueryError::Identity(error) => error.into(),
            _ => FgaError::internal(),
        })
    }

    /// Who asks, for the record of a change.
    pub fn asked(&self) -> Asked {
        self.caller.asked()
    }
}

/// A store and one of its models, in one snapshot.
#[derive(Clone)]
pub struct Scene {
    pub store: Arc<StoreState>,
    pub model: Arc<Model>,
}

/// Evaluates beside the tasks that serve connections, within what a call may cause. Work that does not end in time is
/// told to, and not waited for.
///
/// # Errors
/// Those of the work, or that it took too long.
pub async fn evaluate<T: Send + 'static>(
    call: &Call,
    work: impl FnOnce(&Effort) -> Result<T, FgaError> + Send + 'static,
) -> Result<T, FgaError> {
    let turn = call.turn();
    tokio::time::timeout(EVALUATION, turn.compute(work)).await.map_err(|_| FgaError::deadline())??
}

/// A JSON body of limited nesting and without duplicate keys. Unknown fields are ignored, an empty body is the empty
/// object, and the content type is not looked at: all as OpenFGA does.
pub struct Body<T, const DEPTH: usize = MAX_DEPTH>(pub T);

impl<T: DeserializeOwned, S: Send + Sync, const DEPTH: usize> FromRequest<S> for Body<T, DEPTH> {
    type Rejection = FgaError;

    async fn from_request(request: Request, state: &S) -> Result<Self, FgaError> {
        let body = axum::body::Bytes::from_request(request, state).await.map_err(|error| {
            let status = if is_late(&error) { StatusCode::REQUEST_TIMEOUT } else { error.status() };
            FgaError::new(status, "validation_error", error.to_string())
        })?;
        let body = if body.is_empty() { b"{}".as_slice() } else { &body };
        let malformed = |error: serde_json::Error| FgaError::validation(error.to_string());
        check_json(body, DEPTH).map_err(malformed)?;
        serde_json::from_slice(body).map(|Object(body)| Self(body)).map_err(malformed)
    }
}

/// The parameters of the address.
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = FgaError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, FgaError> {
        if has_nul(&parts.uri) {
            return Err(FgaError::validation("the parameters of the address hold a NUL character"));
        }
        let parsed = Query::try_from_uri(&parts.uri);
        parsed.map(|Query(parsed)| Self(parsed)).map_err(|error| FgaError::validation(error.to_string()))
    }
}
