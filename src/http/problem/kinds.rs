//! Every kind of problem: status, stable code, title.

use axum::http::StatusCode;

/// (status, code, title)
pub(in crate::http) type ProblemKind = (StatusCode, &'static str, &'static str);

pub(in crate::http) const INVALID: ProblemKind =
    (StatusCode::BAD_REQUEST, "invalid_request", "The request is not valid");
pub(in crate::http) const INVALID_FILTER: ProblemKind =
    (StatusCode::BAD_REQUEST, "invalid_filter", "The filter is not valid");
pub(in crate::http) const UNAUTHENTICATED: ProblemKind =
    (StatusCode::UNAUTHORIZED, "unauthenticated", "A valid credential is needed");
pub(in crate::http) const TOKEN_EXPIRED: ProblemKind =
    (StatusCode::UNAUTHORIZED, "token_expired", "The token has expired");
pub(in crate::http) const SCOPE: ProblemKind =
    (StatusCode::FORBIDDEN, "insufficient_scope", "The credential may not do this");
pub(in crate::http) const SUBJECT: ProblemKind =
    (StatusCode::FORBIDDEN, "subject_not_permitted", "The credential may not act for this subject");
pub(in crate::http) const NOT_FOUND: ProblemKind = (StatusCode::NOT_FOUND, "not_found", "Not found");
pub(in crate::http) const CONFLICT: ProblemKind =
    (StatusCode::CONFLICT, "conflict", "The request conflicts with the present state");
pub(in crate::http) const REVISION: ProblemKind =
    (StatusCode::CONFLICT, "revision_unavailable", "The revision is not available in time");
pub(in crate::http) const EMBEDDER: ProblemKind =
    (StatusCode::CONFLICT, "embedder_mismatch", "The vector doesn't fit the collection");
pub(in crate::http) const VERSION: ProblemKind =
    (StatusCode::PRECONDITION_FAILED, "version_conflict", "The state has changed");
pub(in crate::http) const TOO_LARGE: ProblemKind =
    (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The request is too large");
pub(in crate::http) const MEDIA_TYPE: ProblemKind =
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The content type is not supported");
pub(in crate::http) const UNPROCESSABLE: ProblemKind =
    (StatusCode::UNPROCESSABLE_ENTITY, "unprocessable_document", "The document can't be stored as it is");
pub(in crate::http) const ACL_MISSING: ProblemKind =
    (StatusCode::UNPROCESSABLE_ENTITY, "acl_missing", "The document has no access rules");
pub(in crate::http) const ACL_INVALID: ProblemKind =
    (StatusCode::UNPROCESSABLE_ENTITY, "acl_invalid", "The access rules can't be stored as they are");
pub(in crate::http) const TIMEOUT: ProblemKind =
    (StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request did not come in time");
pub(in crate::http) const RATE: ProblemKind = (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests");
pub(in crate::http) const INTERNAL: ProblemKind =
    (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong here");
pub(in crate::http) const AUTHORIZATION: ProblemKind =
    (StatusCode::SERVICE_UNAVAILABLE, "authorization_unavailable", "Rights can't be decided at the moment");
pub(in crate::http) const INDEX: ProblemKind =
    (StatusCode::SERVICE_UNAVAILABLE, "index_unavailable", "Searching is not possible at the moment");
pub(in crate::http) const CATALOG: ProblemKind =
    (StatusCode::SERVICE_UNAVAILABLE, "catalog_unavailable", "The catalog does not answer at the moment");
pub(in crate::http) const STARTING: ProblemKind =
    (StatusCode::SERVICE_UNAVAILABLE, "starting", "The service is starting");
pub(in crate::http) const OVERLOADED: ProblemKind =
    (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too much is waiting");
pub(in crate::http) const OUTCOME: ProblemKind =
    (StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown", "Whether the change was made is not known");
pub(in crate::http) const STORAGE: ProblemKind =
    (StatusCode::INSUFFICIENT_STORAGE, "storage_refused", "Nothing can be written at the moment");
pub(in crate::http) const DEADLINE: ProblemKind =
    (StatusCode::GATEWAY_TIMEOUT, "deadline_exceeded", "The deadline has passed");
