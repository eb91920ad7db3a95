//! The OpenFGA server that owns the tuples of a store, as the rest of the service sees it: what is asked of it, and what
//! can go wrong.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::authz::{AuthorizationModel, Context};
use crate::wire::TupleKey;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(feature = "openfga")]
pub mod grpc;

/// OpenFGA's limit of tuples in one write.
pub const MAX_WRITE: usize = 100;
/// OpenFGA's limit of items in one batch check.
pub const MAX_CHECKS: usize = 50;

/// Why the server gave no answer. Never read as "allowed", nor as "nothing found".
#[derive(Debug, Clone, thiserror::Error)]
pub enum ServerError {
    #[error("the authorization server does not answer: {0}")]
    Unavailable(String),
    #[error("the authorization server refuses the credential; check `token_file`")]
    Unauthorised,
    #[error("the authorization server has no store `{0}`; check `store`")]
    WrongStore(String),
    #[error("the authorization server refuses: {0}")]
    Refused(String),
    /// Another writer was faster, or the tuple exists with another condition.
    #[error("the write conflicts with the server's state")]
    Conflict,
    #[error("the authorization server's model can't be used here: {0}")]
    Model(String),
}

/// One question of a batch.
#[derive(Debug, Clone)]
pub struct CheckItem {
    pub object: String,
    pub relation: String,
    pub subject: String,
    pub context: Arc<Context>,
}

/// One entry of the server's log of changes; a removed tuple comes without its condition.
#[derive(Debug, Clone, PartialEq)]
pub struct TupleChange {
    pub key: TupleKey,
    pub is_written: bool,
    pub at: Timestamp,
}

impl TupleChange {
    /// A write's deletes and then its writes, as the log would have them.
    pub fn of_write(deletes: &[TupleKey], writes: &[TupleKey], at: Timestamp) -> Vec<Self> {
        let change = |key: &TupleKey, is_written| Self { key: key.clone(), is_written, at };
        let deletes = deletes.iter().map(|key| change(key, false));
        deletes.chain(writes.iter().map(|key| change(key, true))).collect()
    }
}

/// What a write passes over instead of being refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lenience {
    /// Writes of tuples that exist alike.
    pub existing: bool,
    /// Deletes of tuples that are not there.
    pub missing: bool,
}

impl Lenience {
    /// For what may have been sent before.
    pub const FULL: Self = Self { existing: true, missing: true };
}

/// Where to go on reading the log of changes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Changes from this instant of the server's clock on.
    Since(Timestamp),
    /// What a page before gave.
    Token(String),
}

/// Changes, oldest first; none when the reader is at the end.
#[derive(Debug, Clone, Default)]
pub struct ChangePage {
    pub changes: Vec<TupleChange>,
    /// Empty if the server has never seen a change.
    pub token: String,
}

/// What the service asks of the server; one store of it.
pub trait AuthorizationServer: Send + Sync + 'static {
    /// Fails unless the store exists.
    fn check_store(&self) -> BoxFuture<'_, Result<(), ServerError>>;

    /// Answers at most [`MAX_CHECKS`] questions under one model, with the server's strongest consistency; in the order
    /// of the questions. An item that the reply lacks, or that has an error, is `false`.
    fn check<'a>(&'a self, model: &'a str, items: &'a [CheckItem]) -> BoxFuture<'a, Result<Vec<bool>, ServerError>>;

    /// The newest model with its id.
    fn latest_model(&self) -> BoxFuture<'_, Result<Option<(String, AuthorizationModel)>, ServerError>>;

    fn write_model<'a>(&'a self, model: &'a AuthorizationModel) -> BoxFuture<'a, Result<String, ServerError>>;

    fn changes<'a>(&'a self, position: &'a Position) -> BoxFuture<'a, Result<ChangePage, ServerError>>;

    /// A page of stored tuples, and where the next one begins; an empty token ends.
    fn tuples<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<(Vec<TupleKey>, String), ServerError>>;

    /// Deletes, then writes, at most [`MAX_WRITE`] together, in one transaction.
    fn write<'a>(
        &'a self,
        writes: &'a [TupleKey],
        deletes: &'a [TupleKey],
        lenience: Lenience,
    ) -> BoxFuture<'a, Result<(), ServerError>>;
}
