//! Before every handler, and before a byte of a body is read: who asks, whether the credential has the scope, and whether
//! it has asked too often.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::compat::openfga;
use super::extract::credential;
use super::operations::{self, Needs};
use super::problem::{self, ApiProblem};
use super::unsent;
use crate::audit::Trace;
use crate::identity::{IdentityError, Principal};
use crate::limits::Payer;
use crate::limits::places::{Place, Taken};
use crate::limits::rates::{Class, Left};
use crate::query::QueryError;
use crate::service::Service;
use crate::telemetry::Seldom;

/// The route of questions.
const QUERY: &str = "/v1/query";
/// The route whose bodies are large.
const DOCUMENTS: &str = "/v1/documents";
/// How long a request with documents waits for its turn to be read.
const UPLOAD_WAIT: Duration = Duration::from_secs(20);

/// Who was let in.
#[derive(Clone)]
pub struct Entered(pub Principal);

/// A place for reading documents, which whatever reads them keeps until it has ended, also without the caller.
#[derive(Clone)]
pub struct Upload(#[allow(dead_code, reason = "it is held")] pub Arc<Place>);

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How a surface says that there is no room for a caller.
#[derive(Clone, Copy)]
struct Refusals {
    too_often: fn(Duration) -> Response,
    crowded: fn(Taken) -> Response,
}

const NATIVE: Refusals = Refusals {
    too_often: |wait| ApiProblem::rate_limited(wait).into_response(),
    crowded: |taken| ApiProblem::from(QueryError::from(taken)).into_response(),
};
const OPENFGA: Refusals = Refusals {
    too_often: |_| openfga::FgaError::rate_limited().into_response(),
    crowded: |_| openfga::FgaError::rate_limited().into_response(),
};

/// For the native routes, by the table of operations.
pub async fn native(
    State(service): State<Arc<Service>>,
    path: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(operation) = operations::find(operations::operations(), request.method(), path.as_str()) else {
        return problem::no_route(request.uri().path()).await;
    };
    let class = operation.class;
    let principal = match authenticate(&service, request.headers()).await {
        Ok(principal) => principal,
        Err(error) => return ApiProblem::from(error).into_response(),
    };
    note_caller(&request, &principal);
    // A refusal is recorded, so it counts as a request too.
    if let Needs::Scope(scope) = operation.needs
        && let Err(error) = principal.require(scope)
    {
        return counted(&service, &principal.payer(), class, NATIVE, async {
            tell(&error);
            ApiProblem::from(error).into_response()
        })
        .await;
    }
    // A query that would find no place is refused before its body costs anything.
    if path.as_str() == QUERY
        && let Err(taken) = service.queries.has_room(&principal.payer())
    {
        return ApiProblem::from(QueryError::from(taken)).into_response();
    }
    if request.method() != Method::POST || path.as_str() != DOCUMENTS {
        return admitted(&service, principal, class, request, next, NATIVE).await;
    }
    let payer = principal.payer();
    match tokio::time::timeout(UPLOAD_WAIT, service.uploads.take(&payer)).await {
        Ok(place) => {
            request.extensions_mut().insert(Upload(Arc::new(place)));
            admitted(&service, principal, class, request, next, NATIVE).await
        }
        Err(_) => ApiProblem::overloaded().into_response(),
    }
}

/// For OpenFGA's routes, in their shape; scopes are looked at by the handlers.
pub async fn openfga(State(service): State<Arc<Service>>, path: MatchedPath, request: Request, next: Next) -> Response {
    let Some(class) = openfga::class(request.method(), path.as_str()) else { return next.run(request).await };
    let principal = match openfga::authenticate(request.headers(), &service).await {
        Ok(principal) => principal,
        Err(error) => return error.into_response(),
    };
    note_caller(&request, &principal);
    admitted(&service, principal, class, request, next, OPENFGA).await
}

/// The request's record names whose credential it is from now on.
fn note_caller(request: &Request, principal: &Principal) {
    if let Some(trace) = request.extensions().get::<Arc<Trace>>() {
        trace.authenticated(&principal.credential_id, principal.names(), principal.validity());
    }
}

/// Checks a credential on the newest snapshot.
///
/// # Errors
/// See [`crate::identity::Authenticator::authenticate`].
pub async fn authenticate(service: &Service, headers: &HeaderMap) -> Result<Principal, IdentityError> {
    let snapshot = service.published.load();
    let asked =
        async { service.authenticator.authenticate(&snapshot, &credential(headers)?, jiff::Timestamp::now()).await };
    asked.await.inspect_err(tell)
}

/// Tells the log why a credential was refused: the caller learns less. Nothing of the credential, and of nobody it names.
fn tell(error: &IdentityError) {
    static REFUSED: Seldom = Seldom::new();
    static NO_KEYS: Seldom = Seldom::new();
    match error {
        IdentityError::Missing => tracing::debug!("a request came without a credential"),
        IdentityError::KeysUnavailable => {
            if let Some(left_out) = NO_KEYS.pass() {
                tracing::error!(left_out, "a token can't be verified: the keys of its issuer can't be had");
            }
        }
        error => {
            if let Some(left_out) = REFUSED.pass() {
                tracing::info!(left_out, "a credential was refused: {error}");
            }
        }
    }
}

async fn admitted(
    service: &Service,
    principal: Principal,
    class: Class,
    mut request: Request,
    next: Next,
    refusals: Refusals,
) -> Response {
    let payer = principal.payer();
    request.extensions_mut().insert(Entered(principal));
    let answer = async {
        let response = next.run(request).await;
        match unsent::hold(&service.answers, &payer, response).await {
            Ok(response) => response,
            Err(taken) => (refusals.crowded)(taken),
        }
    };
    counted(service, &payer, class, refusals, answer).await
}

/// The answer, unless it was asked for too often.
async fn counted(
    service: &Service,
    payer: &Payer,
    class: Class,
    refusals: Refusals,
    answer: impl Future<Output = Response>,
) -> Response {
    let (left, mut response) = match service.rates.take(class, payer) {
        Ok(left) => (left, answer.await),
        Err(left) => {
            service.metrics.rate_limited(class.name());
            (Some(left), (refusals.too_often)(left.retry_after.unwrap_or_default()))
        }
    };
    if let Some(left) = left {
        note(left, response.headers_mut());
    }
    response
}

/// The fields of the IETF's draft on rate limits, and of a refusal the time to wait.
fn note(left: Left, headers: &mut HeaderMap) {
    let seconds = |wait: Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let name = left.class.name();
    let policy = format!("\"{name}\";q={};w={}", left.quota, left.window_s);
    let mut limit = format!("\"{name}\";r={}", left.remaining);
    if let Some(wait) = left.retry_after {
        let wait = seconds(wait).max(1);
        limit.push_str(&format!(";t={wait}"));
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
    }
    for (field, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, limit)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(field, value);
        }
    }
}

/// Whether a request of this method only looks.
pub fn only_looks(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
