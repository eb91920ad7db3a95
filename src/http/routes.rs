//! Handlers of the native API, a file per concern.

pub mod collections;
pub mod documents;
pub mod health;
pub mod keys;
pub mod models;
pub mod query;
pub mod relationships;

/// A revision token for a response.
fn seal(service: &crate::service::Service, revision: u64) -> Result<String, super::problem::ApiProblem> {
    service.revisions.seal(revision).map_err(|_| crate::query::QueryError::Randomness.into())
}

/// Records what an administrator or ingester changed; no record, no acknowledgement.
async fn record_change(
    service: &crate::service::Service,
    caller: &super::extract::Caller,
    event: &str,
    revision: u64,
    items: Vec<String>,
) -> Result<(), super::problem::ApiProblem> {
    caller.record(service, event, revision, items).await.map_err(|error| crate::query::QueryError::Audit(error).into())
}
