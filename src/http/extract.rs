//! From bytes and headers to values: strict JSON, credentials, ids.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use serde::de::DeserializeOwned;

use super::entrance::Entered;
use super::fresh::Arrived;
use super::problem::ApiProblem;
use crate::audit::{self, Asked, Record, Trace};
use crate::identity::{Credential, IdentityError, Principal, Scope};
use crate::query::QueryError;
use crate::service::Service;
use crate::wire::strict::{self, MAX_DEPTH};

/// A JSON body without duplicate keys, deep nesting, unknown fields or NUL characters.
pub struct StrictJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for StrictJson<T> {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiProblem> {
        Ok(Self(parse(&super::body::read(request, state).await?)?))
    }
}

/// Whether a body could not be read because it took too long.
pub fn is_late(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| cause.is::<tower_http::timeout::TimeoutError>())
}

/// # Errors
/// With the place of the mistake.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiProblem> {
    strict::read(body, MAX_DEPTH).map_err(|mistake| ApiProblem::invalid(&mistake.pointer, &describe(&mistake.error)))
}

/// What is wrong with JSON, and where.
pub fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // Two wordings of the parser for the same.
    let is_half = text.contains("hex escape");
    let hint = if is_half { " (an escape that is half of a character: a lone surrogate)" } else { "" };
    format!("is not what is expected: {text}{hint}")
}

/// Whether a parameter of the address holds a NUL character: no catalog keeps one.
pub fn has_nul(address: &Uri) -> bool {
    address.query().is_some_and(|parameters| parameters.contains("%00"))
}

/// Parameters of the address; a mistake in them is a problem like any other.
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiProblem> {
        if has_nul(&parts.uri) {
            return Err(ApiProblem::invalid("", "the parameters of the address hold a NUL character"));
        }
        let parsed = axum::extract::Query::try_from_uri(&parts.uri);
        let parsed = parsed.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            ApiProblem::invalid("", &format!("the parameters of the address: {cause}"))
        })?;
        Ok(Self(parsed.0))
    }
}

/// Parts of the path, percent-decoded; one that is not well formed is a problem like any other.
pub struct PathParts<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParts<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiProblem> {
        let malformed = || ApiProblem::invalid("", "the path must be percent-encoded UTF-8, such as `hr%2Fleave.md`");
        // The router takes a `%` without two digits for itself; two texts would then name one thing.
        let is_hex = |digit: Option<&u8>| digit.is_some_and(u8::is_ascii_hexdigit);
        let mut rest = parts.uri.path().as_bytes().split(|byte| *byte == b'%').skip(1);
        if !rest.all(|after| is_hex(after.first()) && is_hex(after.get(1))) {
            return Err(malformed());
        }
        if parts.uri.path().contains("%00") {
            return Err(ApiProblem::invalid("", "the path holds a NUL character"));
        }
        let axum::extract::Path(place) =
            axum::extract::Path::from_request_parts(parts, state).await.map_err(|_| malformed())?;
        Ok(Self(place))
    }
}

/// A header that says who asks or what may be answered: once, readable, not empty.
///
/// # Errors
/// When it is there and can't be used; then nothing of it counts as absent.
pub fn single<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, IdentityError> {
    let refuse = |problem| Err(IdentityError::Header { header: name, problem });
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if crate::mutants::active("unusable_is_absent") {
        return Ok(value.to_str().ok().filter(|text| !text.is_empty()));
    }
    if values.next().is_some() {
        return refuse("was sent more than once");
    }
    let Ok(text) = value.to_str() else {
        return refuse("holds a character that is not ASCII; write it percent-encoded, such as `user:jos%C3%A9`");
    };
    if text.trim().is_empty() { refuse("is empty; leave it out, or say whom it names") } else { Ok(Some(text)) }
}

/// The credential of a request, not verified.
///
/// # Errors
/// When one of its headers is there and can't be used.
pub fn credential(headers: &HeaderMap) -> Result<Credential, IdentityError> {
    let bearer = match single(headers, "authorization")? {
        None => None,
        Some(value) => {
            let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
            if scheme.eq_ignore_ascii_case("bearer") && token.trim().is_empty() {
                return Err(IdentityError::Header {
                    header: "authorization",
                    problem: "must be `Bearer <key or token>`",
                });
            }
            // Another scheme is answered with the one that is understood.
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        }
    };
    let owned = |name| Ok(single(headers, name)?.map(str::to_owned));
    Ok(Credential { bearer, subject_token: owned("usher-subject-token")?, subject: owned("usher-subject")? })
}

/// The request's names and its unverified credential.
pub struct Asker {
    pub credential: Credential,
    pub trace: Arc<Trace>,
    pub arrived: Instant,
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiProblem> {
        let trace = parts.extensions.get::<Arc<Trace>>().cloned().unwrap_or_default();
        let arrived = parts.extensions.get::<Arrived>().map_or_else(Instant::now, |arrived| arrived.0);
        Ok(Self { credential: credential(&parts.headers)?, trace, arrived })
    }
}

/// An authenticated caller of an administrative route.
pub struct Caller {
    pub principal: Principal,
    trace: Arc<Trace>,
}

impl Caller {
    pub fn new(principal: Principal, trace: Arc<Trace>) -> Self {
        Self { principal, trace }
    }

    /// Who asks, for the record of a change.
    pub fn asked(&self) -> Asked {
        self.trace.for_record()
    }

    /// # Errors
    /// 403 when the credential lacks the scope.
    pub fn require(&self, scope: Scope) -> Result<(), ApiProblem> {
        Ok(self.principal.require(scope)?)
    }

    /// Records what is about to be answered.
    ///
    /// # Errors
    /// When it can't be recorded, or the credential has ended meanwhile; then there must be no answer.
    pub async fn record(
        &self,
        service: &Service,
        event: &str,
        revision: u64,
        items: Vec<String>,
    ) -> Result<(), QueryError> {
        service.still_holds(&self.trace.asked())?;
        let record = Record {
            at: jiff::Timestamp::now().to_string(),
            asked: self.trace.for_record(),
            event,
            revision,
            items: items.into_iter().map(audit::cut).collect(),
            ..Record::default()
        };
        Ok(service.audit.record(&record).await?)
    }
}

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, ApiProblem> {
        let asker = Asker::from_request_parts(parts, service).await?;
        let Entered(principal) = parts.extensions.get().cloned().ok_or(IdentityError::Missing)?;
        Ok(Self::new(principal, asker.trace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Query;

    #[test]
    fn ambiguous_json_is_refused() {
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        for (body, why) in [
            (r#"{"query":"a","query":"b"}"#, "twice"),
            (r#"{"context":{"a":1,"a":2},"query":"x"}"#, "twice"),
            (r#"{"query":"a\u0000"}"#, "NUL"),
            (r#"{"query":"a","context":{"a\u0000":1}}"#, "NUL"),
            (r#"{"query":"a"} x"#, "trailing"),
            (r#"{"qery":"a"}"#, "unknown field"),
            (r#"["a"]"#, "sequence"),
            ("[null, null]", "sequence"),
            (r#"{"query":"a","filter":["title","eq","x"]}"#, "sequence"),
            (r#"{"query":"a","filter":{"and":[{"or":[[1]]}]}}"#, "sequence"),
            (r#"{"query":"a","filter":{"and":[],"or":[]}}"#, "one of these"),
            (deep.as_str(), "deeply"),
            ("{", "EOF"),
        ] {
            let problem = parse::<Query>(body.as_bytes()).map(|_| ()).unwrap_err();
            let text = problem.problem.errors.first().map(|e| e.detail.clone()).unwrap_or_default();
            assert!(text.contains(why), "{body}: {text}");
        }
        assert!(parse::<Query>(br#"{"query":"a"}"#).is_ok());
    }
}
