//! Every error of the native API as RFC 9457 problem+json, in one place.
//!
//! The text for the caller comes from a fixed catalogue; causes go to the log. Hidden and absent were the same value
//! long before they got here.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::administration::impact::ImpactError;
use crate::administration::past::PastError;
use crate::administration::report::ReportError;
use crate::authority::AuthorityError;
use crate::authority::server::ServerError;
use crate::authz::ResolveError;
use crate::catalog::CatalogError;
use crate::causes::Causes;
use crate::commit::CommitError;
use crate::commit::documents::Rejection;
use crate::commit::tuples::TupleWriteError;
use crate::identity::IdentityError;
use crate::limits::Spent;
use crate::prepare::PrepareError;
use crate::query::QueryError;
use crate::service::fresh::Stale;
use crate::service::turn::NotComputed;
use crate::telemetry::Seldom;
use crate::wire::{FieldProblem, Problem};

/// A problem on its way out.
#[derive(Debug)]
pub struct ApiProblem {
    pub problem: Box<Problem>,
    retry_after_s: Option<u32>,
}

/// (status, code, title)
pub(super) type Kind = (StatusCode, &'static str, &'static str);

pub(super) const INVALID: Kind = (StatusCode::BAD_REQUEST, "invalid_request", "The request is not valid");
pub(super) const INVALID_FILTER: Kind = (StatusCode::BAD_REQUEST, "invalid_filter", "The filter is not valid");
pub(super) const UNAUTHENTICATED: Kind = (StatusCode::UNAUTHORIZED, "unauthenticated", "A valid credential is needed");
pub(super) const TOKEN_EXPIRED: Kind = (StatusCode::UNAUTHORIZED, "token_expired", "The token has expired");
pub(super) const SCOPE: Kind = (StatusCode::FORBIDDEN, "insufficient_scope", "The credential may not do this");
pub(super) const SUBJECT: Kind =
    (StatusCode::FORBIDDEN, "subject_not_permitted", "The credential may not act for this subject");
pub(super) const NOT_FOUND: Kind = (StatusCode::NOT_FOUND, "not_found", "Not found");
pub(super) const CONFLICT: Kind = (StatusCode::CONFLICT, "conflict", "The request conflicts with the present state");
pub(super) const REVISION: Kind =
    (StatusCode::CONFLICT, "revision_unavailable", "The revision is not available in time");
pub(super) const EMBEDDER: Kind = (StatusCode::CONFLICT, "embedder_mismatch", "The vector doesn't fit the collection");
pub(super) const VERSION: Kind = (StatusCode::PRECONDITION_FAILED, "version_conflict", "The state has changed");
pub(super) const TOO_LARGE: Kind = (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The request is too large");
pub(super) const MEDIA_TYPE: Kind =
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The content type is not supported");
pub(super) const UNPROCESSABLE: Kind =
    (StatusCode::UNPROCESSABLE_ENTITY, "unprocessable_document", "The document can't be stored as it is");
pub(super) const ACL_MISSING: Kind =
    (StatusCode::UNPROCESSABLE_ENTITY, "acl_missing", "The document has no access rules");
pub(super) const ACL_INVALID: Kind =
    (StatusCode::UNPROCESSABLE_ENTITY, "acl_invalid", "The access rules can't be stored as they are");
pub(super) const TIMEOUT: Kind = (StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request did not come in time");
pub(super) const RATE: Kind = (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests");
pub(super) const INTERNAL: Kind = (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong here");
pub(super) const AUTHORIZATION: Kind =
    (StatusCode::SERVICE_UNAVAILABLE, "authorization_unavailable", "Rights can't be decided at the moment");
pub(super) const INDEX: Kind =
    (StatusCode::SERVICE_UNAVAILABLE, "index_unavailable", "Searching is not possible at the moment");
pub(super) const CATALOG: Kind =
    (StatusCode::SERVICE_UNAVAILABLE, "catalog_unavailable", "The catalog does not answer at the moment");
pub(super) const STARTING: Kind = (StatusCode::SERVICE_UNAVAILABLE, "starting", "The service is starting");
pub(super) const OVERLOADED: Kind = (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too much is waiting");
pub(super) const OUTCOME: Kind =
    (StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown", "Whether the change was made is not known");
pub(super) const STORAGE: Kind =
    (StatusCode::INSUFFICIENT_STORAGE, "storage_refused", "Nothing can be written at the moment");
pub(super) const DEADLINE: Kind = (StatusCode::GATEWAY_TIMEOUT, "deadline_exceeded", "The deadline has passed");

/// A problem without request context, for one document of many.
pub fn problem((status, code, title): Kind, detail: &str, errors: Vec<FieldProblem>) -> Problem {
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
    fn new(kind: Kind, detail: &str) -> Self {
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
        Self::new(TOO_LARGE, "Send less at once; the limits are in the documentation.")
    }

    /// The body took too long.
    pub fn too_slow() -> Self {
        Self::new(TIMEOUT, "Send the whole body within the time that the documentation states.")
    }

    /// Others are being served.
    pub fn overloaded() -> Self {
        Self::new(OVERLOADED, "Ask again, or ask less at once.").retry_after(1)
    }

    /// A bucket is empty, or as many places are taken as one caller may have.
    pub fn rate_limited(wait: Duration) -> Self {
        let mut problem = Self::new(RATE, "Ask again later, or ask less at once.").retry_after(1);
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
    const KIND: Kind = (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "The method is not allowed here");
    ApiProblem::new(KIND, "The route exists with another method.").into_response()
}

/// A panic is a broken invariant: it is logged by the panic hook and answered like any other internal error.
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    ApiProblem::new(INTERNAL, "The service's log names the cause beside this request's id.").into_response()
}

impl From<IdentityError> for ApiProblem {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Missing => Self::new(UNAUTHENTICATED, "Send `Authorization: Bearer <key or token>`."),
            IdentityError::Header { header, problem } => {
                Self::new(INVALID, &format!("The header `{header}` {problem}."))
            }
            IdentityError::Token { reason, .. } => {
                Self::new(UNAUTHENTICATED, &format!("The token is not valid: {reason}."))
            }
            IdentityError::Invalid { .. } => {
                Self::new(UNAUTHENTICATED, "The credential is not valid. Ask an administrator for a new one.")
            }
            IdentityError::Expired => Self::new(TOKEN_EXPIRED, "Get a new token from its issuer."),
            IdentityError::KeysUnavailable => {
                Self::new(AUTHORIZATION, "The token's issuer can't be asked for its keys. Try again.").retry_after(5)
            }
            IdentityError::Scope(scope) => {
                Self::new(SCOPE, &format!("The scope `{scope}` is needed; a token names it `usher.{scope}`."))
            }
            IdentityError::SubjectNotPermitted => {
                Self::new(SUBJECT, "Acting for a subject needs the scope `act_as` and a type that the key lists.")
            }
            IdentityError::Beyond => {
                let detail = "A key can have no scope, collection, source or type to act as that its maker lacks, and no \
                              subject but its maker's, or one that its maker may act for (`act_as`).";
                Self::new(SCOPE, detail)
            }
            IdentityError::NoSubject => {
                let detail = "The key has no subject, so there is nobody to read as. Name somebody in the header \
                              `Usher-Subject` where it has `act_as`, or make one with a subject.";
                Self::new(SUBJECT, detail)
            }
        }
    }
}

impl From<Spent> for ApiProblem {
    fn from(spent: Spent) -> Self {
        static ENDED: Seldom = Seldom::new();
        if let Some(left_out) = ENDED.pass() {
            tracing::warn!(%spent, left_out, "a request's work was ended");
        }
        Self::new(DEADLINE, "It takes more than one request may cause. Ask less at once.")
    }
}

impl From<NotComputed> for ApiProblem {
    fn from(error: NotComputed) -> Self {
        match error {
            NotComputed::Spent(spent) => spent.into(),
            NotComputed::NoPlace(taken) => QueryError::from(taken).into(),
            error @ NotComputed::BrokeOff(_) => Self::internal(&Causes(&error)),
        }
    }
}

impl From<ImpactError> for ApiProblem {
    fn from(error: ImpactError) -> Self {
        match error {
            ImpactError::Refused(error) => error.into(),
            ImpactError::Spent(spent) => spent.into(),
        }
    }
}

impl From<ReportError> for ApiProblem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Refused(error) => error.into(),
            ReportError::Catalog(error) => error.into(),
            ReportError::NotComputed(error) => error.into(),
            ReportError::Spent(spent) => spent.into(),
        }
    }
}

impl From<AuthorityError> for ApiProblem {
    fn from(error: AuthorityError) -> Self {
        if let AuthorityError::Resolve(ResolveError::Spent(spent)) = error {
            return spent.into();
        }
        tracing::error!(%error, "rights could not be decided");
        Self::new(AUTHORIZATION, "Try again.").retry_after(1)
    }
}

impl From<QueryError> for ApiProblem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Identity(error) => error.into(),
            QueryError::Invalid(errors) => Self::new(INVALID, "Correct what `errors` names.").with_errors(errors),
            QueryError::Filter(errors) => Self::new(INVALID_FILTER, "Correct what `errors` names.").with_errors(errors),
            QueryError::Dimensions { expected } => Self::new(
                EMBEDDER,
                &format!("A vector of {expected} numbers, of the collection's embedder, is needed."),
            ),
            QueryError::RevisionUnavailable => Self::new(REVISION, "Try again, or allow a longer deadline."),
            QueryError::Deadline { stage } => {
                static MISSED: Seldom = Seldom::new();
                if let Some(left_out) = MISSED.pass() {
                    tracing::warn!(stage, left_out, "a query missed its deadline");
                }
                Self::new(DEADLINE, "Try again, or allow a longer deadline.")
            }
            QueryError::Authority(error) => error.into(),
            QueryError::Index(error) => {
                tracing::error!(%error, "a search failed");
                Self::new(INDEX, "Try again.").retry_after(1)
            }
            QueryError::Embedder => {
                Self::new(INDEX, "The embedder does not answer. Try again, or ask with mode `keyword`.").retry_after(1)
            }
            QueryError::Catalog(error) => error.into(),
            QueryError::Audit(error) => {
                tracing::error!(%error, "no audit, no answer");
                Self::new(STORAGE, "The audit record can't be written, so there is no answer.").retry_after(5)
            }
            QueryError::TooMany => Self::rate_limited(Duration::from_secs(1)),
            QueryError::Overloaded => Self::overloaded(),
            QueryError::NotComputed(error) => error.into(),
            QueryError::Randomness => Self::new(INTERNAL, "The system gives no randomness."),
        }
    }
}

impl From<PastError> for ApiProblem {
    fn from(error: PastError) -> Self {
        match error {
            PastError::Future | PastError::NoModel { .. } | PastError::Incomplete { .. } => {
                Self::new(REVISION, &format!("Of that revision nothing can be told: {error}."))
            }
            PastError::Catalog(error) => error.into(),
            PastError::NotComputed(error) => error.into(),
            PastError::Spent(spent) => spent.into(),
            PastError::Tuple(error) => Self::internal(&error),
            PastError::Model(error) => Self::internal(&error),
        }
    }
}

impl From<Stale> for ApiProblem {
    fn from(stale: Stale) -> Self {
        match stale {
            Stale::Unknown => Self::new(CATALOG, "The catalog does not answer. Try again.").retry_after(1),
            Stale::Behind => Self::new(REVISION, "Try again, or ask another replica.").retry_after(1),
            Stale::Stuck(_) => {
                Self::new(CATALOG, "This replica can't follow the catalog; its log says why. Ask another one.")
                    .retry_after(1)
            }
        }
    }
}

impl From<CatalogError> for ApiProblem {
    fn from(error: CatalogError) -> Self {
        if error.is_unreachable() { Self::no_catalog(&error) } else { Self::internal(&error) }
    }
}

impl From<CommitError> for ApiProblem {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Tuple(error) => error.into(),
            CommitError::UnknownStore
            | CommitError::UnknownCollection
            | CommitError::UnknownDocument
            | CommitError::UnknownModel => Self::not_found(),
            CommitError::NoModel => Self::new(CONFLICT, "The store has no authorization model. Write one first."),
            CommitError::Model(error) => Self::invalid("/model", &error.to_string()),
            // A collection's own types are told apart where it is put.
            CommitError::Binding(error) => Self::invalid("/model", &error.to_string()),
            CommitError::Fields(error) => Self::invalid(&error.pointer, &error.to_string()),
            CommitError::RevisionConflict => Self::version_conflict(),
            CommitError::Fixed { what: what @ ("embedder" | "analyser") } => {
                let detail =
                    format!("`{what}` changes only together with the indexes: POST to the collection's `reindex`.");
                Self::new(CONFLICT, &detail)
            }
            CommitError::Fixed { what } => {
                Self::new(CONFLICT, &format!("`{what}` is fixed at creation. Make another collection."))
            }
            CommitError::Reindexing { problem } => Self::new(CONFLICT, problem).retry_after(5),
            CommitError::LastAdmin => Self::new(
                CONFLICT,
                "It is the last working key with the scope `admin`: nobody could make another one. Make a new one first, \
                 or say `?force=true` (`--force`); `usher keys create --data` on the machine makes one then.",
            ),
            CommitError::StoreInUse => Self::new(CONFLICT, "A collection is bound to the store. Remove it first."),
            CommitError::DryRun(_) => Self::new(INTERNAL, "A dry run was answered as an error."),
            CommitError::Outdated => {
                Self::new(CONFLICT, "The document changed meanwhile. Send it again.").retry_after(1)
            }
            CommitError::Server(error) => {
                tracing::error!(%error, "the authorization server did not take a write");
                match error {
                    ServerError::Refused(reason) => {
                        Self::new(CONFLICT, &format!("The authorization server refuses: {reason}"))
                    }
                    ServerError::Conflict => {
                        Self::new(CONFLICT, "The authorization server's state is another one. Read it, then try again.")
                    }
                    _ => {
                        Self::new(AUTHORIZATION, "The authorization server does not answer. Try again.").retry_after(1)
                    }
                }
            }
            CommitError::Mirrored { what } => Self::new(
                CONFLICT,
                &format!("With an authorization server of its own, {what} is not possible. Write to the server."),
            ),
            CommitError::Busy => Self::new(OVERLOADED, "Send less at once, or later.").retry_after(1),
            CommitError::Storage(error) if error.is_unreachable() => Self::no_catalog(&error),
            CommitError::Storage(error) => {
                tracing::error!(%error, "the storage refuses writes");
                Self::new(STORAGE, "The disk is full or failing. Reading goes on.").retry_after(30)
            }
            CommitError::Audit => QueryError::Audit(crate::audit::AuditError).into(),
            CommitError::Stopped => {
                Self::new(STORAGE, "Writing has stopped after a failure. Restart the service. Reading goes on.")
            }
            CommitError::Unavailable(error) => {
                tracing::error!(%error, "the catalog can't be written");
                Self::new(CATALOG, "Nothing was written. Send it again.").retry_after(1)
            }
            CommitError::NotTaken => {
                Self::new(CATALOG, "The connection to the catalog was lost and nothing was written. Send it again.")
                    .retry_after(1)
            }
            CommitError::Unknown => {
                Self::new(OUTCOME, "The catalog is away. Read the present state, then decide again.").retry_after(5)
            }
            CommitError::Catalog(error) => Self::internal(&error),
            CommitError::Index(error) if error.is_storage_refusal() => {
                tracing::error!(%error, "an index refuses writes");
                Self::new(STORAGE, "The disk is full or failing, or has failed since the start. Reading goes on.")
                    .retry_after(30)
            }
            CommitError::Index(error) => Self::internal(&error),
        }
    }
}

impl From<TupleWriteError> for ApiProblem {
    fn from(error: TupleWriteError) -> Self {
        match error {
            TupleWriteError::Exists { .. }
            | TupleWriteError::OtherCondition { .. }
            | TupleWriteError::Missing { .. } => {
                Self::new(CONFLICT, &format!("{error}. With `idempotent` such tuples are skipped."))
            }
            _ => Self::invalid(error.place(), &error.to_string()),
        }
    }
}

/// Why one document of many can't be stored as it was sent.
pub fn of_document(error: FieldProblem) -> Problem {
    problem(UNPROCESSABLE, "Correct what `errors` names.", vec![error])
}

/// Why one document of many can't be stored where it was meant to be: there is no such collection, or none in reach.
pub fn of_collection(n: usize) -> Problem {
    let pointer = format!("/documents/{n}/collection");
    let detail = "is no collection that this credential reaches".to_owned();
    problem(NOT_FOUND, "Make the collection first, or name another.", vec![FieldProblem { pointer, detail }])
}

/// Why one document of many was refused while it was prepared.
pub fn of_preparing(error: &PrepareError) -> Problem {
    match error {
        PrepareError::Unprocessable(error) => {
            of_document(FieldProblem { pointer: error.pointer.clone(), detail: error.detail.clone() })
        }
        PrepareError::NoRules => problem(
            ACL_MISSING,
            "Give the document an `acl`, or the collection a `default_acl`; `{\"nobody\":true}` stores it unreadable.",
            Vec::new(),
        ),
        PrepareError::TooLong => of_document(FieldProblem {
            pointer: "/content/text".to_owned(),
            detail: "takes too long to be split: send it in parts".to_owned(),
        }),
        PrepareError::Embed(error) => {
            static NOT_EMBEDDED: Seldom = Seldom::new();
            if let Some(left_out) = NOT_EMBEDDED.pass() {
                tracing::warn!(%error, left_out, "a document could not be embedded");
            }
            problem(INDEX, "The embedder does not answer. Send the document again later.", Vec::new())
        }
    }
}

/// Of a tuple as it is shown, `object#relation@user`, what a source said itself.
fn relation_and_user(tuple: &str) -> &str {
    tuple.split_once('#').map_or(tuple, |(_, rest)| rest)
}

/// Why one document of many was refused while it was stored.
pub fn of_rejection(rejection: &Rejection) -> Problem {
    let kind = match rejection {
        Rejection::Acl(_) | Rejection::Tuple(_) => ACL_INVALID,
        Rejection::Full => UNPROCESSABLE,
    };
    let detail = match rejection {
        // The object's name tells whether another collection holds the id, and what stands on it is an administrator's.
        Rejection::Tuple(TupleWriteError::Invalid { tuple, source, .. }) => {
            format!("`{}`: {source}", relation_and_user(tuple))
        }
        Rejection::Tuple(TupleWriteError::Repeated { tuple, .. }) => {
            format!("`{}` is named twice, with different conditions", relation_and_user(tuple))
        }
        Rejection::Tuple(TupleWriteError::OtherCondition { tuple }) => {
            format!("`{}` can't be written with this condition", relation_and_user(tuple))
        }
        Rejection::Tuple(TupleWriteError::Implicit { tuple, .. }) => {
            format!("`{}` gives a relation of an object to itself", relation_and_user(tuple))
        }
        other => other.to_string(),
    };
    problem(kind, &format!("{detail}."), Vec::new())
}
