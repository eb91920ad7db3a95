//! Handlers of the native API, a file per concern.

pub mod collections;
pub mod documents;
pub mod explain;
pub mod health;
pub mod impact;
pub mod keys;
pub mod list;
pub mod models;
pub mod names;
pub mod query;
pub mod readers;
pub mod receipts;
pub mod relationships;
pub mod report;
pub mod stored;
pub mod whoami;

use super::problem::ApiProblem;
use crate::wire::strict::{self, MAX_DEPTH};

/// What a reader may see of some collections (none: of all) in a snapshot, now. A reader that nobody asked for before is
/// resolved, beside the threads that serve connections.
async fn view(
    service: &crate::service::Service,
    turn: &crate::service::turn::Turn,
    snapshot: std::sync::Arc<crate::snapshot::Snapshot>,
    reader: &crate::authority::Reader,
    context: &crate::authority::CallerContext,
    names: &[String],
) -> Result<crate::authority::View, ApiProblem> {
    let (authority, reader, names) = (service.authority.clone(), reader.clone(), names.to_vec());
    let context = context.clone();
    let look = move |effort: &crate::limits::Effort| {
        authority.view(snapshot, &reader, &context, &names, jiff::Timestamp::now(), effort)
    };
    Ok(turn.compute(look).await??)
}

/// An answer that can be large, written beside the threads that serve connections, at the place at which it was read: who
/// waited for another one meanwhile would hold it in memory.
async fn json<T: serde::Serialize + Send + 'static>(
    place: crate::limits::Effort,
    answer: T,
) -> Result<axum::response::Response, ApiProblem> {
    use axum::response::IntoResponse;

    let written = crate::spans::blocking(move || {
        let _place = place;
        serde_json::to_vec(&answer)
    });
    let bytes = written.await.map_err(|error| ApiProblem::internal(&error))?;
    let bytes = bytes.map_err(|error| ApiProblem::internal(&error))?;
    let kind = axum::http::HeaderValue::from_static("application/json");
    Ok(([(axum::http::header::CONTENT_TYPE, kind)], bytes).into_response())
}

/// The number of items of a page.
fn page_size(limit: Option<usize>) -> Result<usize, ApiProblem> {
    let limit = limit.unwrap_or(100);
    let wrong = || ApiProblem::invalid("/limit", "must be 1 to 1,000");
    if (1..=crate::wire::bounds::MAX_PAGE).contains(&limit) { Ok(limit) } else { Err(wrong()) }
}

/// The collection of this name, in the newest snapshot, if the credential reaches it. Beyond its reach and absent are alike.
fn reached(
    service: &crate::service::Service,
    caller: &super::extract::Caller,
    name: &str,
) -> Result<(std::sync::Arc<crate::snapshot::Snapshot>, std::sync::Arc<crate::snapshot::CollectionState>), ApiProblem> {
    let snapshot = service.published.load();
    let collection = snapshot.collection(name).filter(|_| caller.principal.reaches(name)).cloned();
    Ok((snapshot, collection.ok_or_else(ApiProblem::not_found)?))
}

/// Cuts to a page what was asked for with one item more: that one, if it is there, says that something follows.
fn page<T>(mut found: Vec<T>, size: usize) -> (Vec<T>, Option<T>) {
    let rest = found.split_off(found.len().min(size));
    (found, rest.into_iter().next())
}

/// A cursor for the page after `place`, for a quarter of an hour.
fn next_page(
    service: &crate::service::Service,
    place: u64,
    bound: crate::tokens::cursor::Bound<'_>,
) -> Result<String, ApiProblem> {
    let until = jiff::Timestamp::now().checked_add(crate::tokens::cursor::VALID_FOR).ok();
    service.cursors.seal(place, until, bound).map_err(|_| crate::query::QueryError::Randomness.into())
}

/// The place that a cursor names.
fn page_after(
    service: &crate::service::Service,
    cursor: Option<&str>,
    bound: crate::tokens::cursor::Bound<'_>,
) -> Result<Option<u64>, ApiProblem> {
    let open = |cursor: &str| service.cursors.open(cursor, jiff::Timestamp::now(), bound);
    let refused = |error: crate::tokens::cursor::InvalidCursor| {
        ApiProblem::invalid("/cursor", &format!("{error}; start again without one"))
    };
    cursor.map(open).transpose().map_err(refused)
}

/// A revision token for a response.
fn seal(service: &crate::service::Service, revision: u64) -> Result<String, ApiProblem> {
    service.revisions.seal(revision).map_err(|_| crate::query::QueryError::Randomness.into())
}

/// Waits for the state of a caller's `min_revision`, as long as a query would.
async fn at_least(service: &crate::service::Service, token: &str) -> Result<(), ApiProblem> {
    let malformed = |_| ApiProblem::invalid("/min_revision", "is not a revision token of this service");
    let revision = service.revisions.open(token).map_err(malformed)?;
    let wait = tokio::time::timeout(service.limits.default_deadline, service.published.at_least(revision));
    wait.await.map(|_| ()).map_err(|_| crate::query::QueryError::RevisionUnavailable.into())
}

/// What a caller asserts for conditions, in a body.
fn caller_context(context: crate::wire::Fields) -> Result<crate::authority::CallerContext, ApiProblem> {
    let is_small = crate::query::is_small(&context);
    let context = is_small.then_some(crate::authority::CallerContext(context));
    context.ok_or_else(|| ApiProblem::invalid("/context", "must be at most 32 KiB"))
}

/// The same in the address: a JSON object.
fn caller_context_of(parameter: Option<&str>) -> Result<crate::authority::CallerContext, ApiProblem> {
    let Some(json) = parameter else { return Ok(Default::default()) };
    let parsed = strict::read(json.as_bytes(), MAX_DEPTH);
    let wrong = |mistake: strict::JsonError| {
        let detail = super::extract::describe(&mistake.error);
        ApiProblem::invalid(&format!("/context{}", mistake.pointer), &detail)
    };
    caller_context(parsed.map_err(wrong)?)
}

/// Attempts to read what is replaced again and again: between the look at the rights of a version and that at its text.
struct Attempts<'a> {
    service: &'a crate::service::Service,
    until: tokio::time::Instant,
}

impl<'a> Attempts<'a> {
    fn of(service: &'a crate::service::Service) -> Self {
        Self { service, until: tokio::time::Instant::now() + service.limits.default_deadline }
    }

    /// Waits, after an attempt with this revision, for the next one, which has what the catalog has already.
    ///
    /// # Errors
    /// When a query's time is over.
    async fn another(&self, revision: u64) -> Result<(), ApiProblem> {
        /// Between a commit and the state that has it.
        const PUBLICATION: std::time::Duration = std::time::Duration::from_millis(100);
        if tokio::time::Instant::now() > self.until {
            return Err(crate::query::QueryError::Deadline { stage: "read" }.into());
        }
        let _ = tokio::time::timeout(PUBLICATION, self.service.published.at_least(revision + 1)).await;
        Ok(())
    }
}

/// Records what is about to be answered; no record, no answer.
async fn record(
    service: &crate::service::Service,
    caller: &super::extract::Caller,
    event: &str,
    revision: u64,
    items: Vec<String>,
) -> Result<(), ApiProblem> {
    Ok(caller.record(service, event, revision, items).await?)
}
