//! On which footing the writer stands with its catalog: [`Alone`](super::Alone), or [`Shared`](super::Shared) with other
//! processes. Which one it is, is chosen where the service is put together; nobody asks here.

use futures::future::BoxFuture;

use super::{CommitError, Writer};
use crate::catalog::{CatalogError, CatalogTx};
use crate::snapshot::Snapshot;
use crate::snapshot::follow::SnapshotFollowError;

/// What the writer does differently alone and beside others.
pub trait Footing: Send + Sync {
    /// Waits, for a while at most, until others may have committed something.
    fn pause<'a>(&'a self, writer: &'a Writer) -> BoxFuture<'a, ()>;

    /// Publishes what others have committed.
    fn follow<'a>(&'a self, writer: &'a Writer) -> BoxFuture<'a, ()>;

    /// A write transaction. The state that it begins from is published.
    fn begin<'a>(&'a self, writer: &'a Writer) -> BoxFuture<'a, Result<CatalogTx, SnapshotFollowError>>;

    /// Tells others of a commit, as part of it.
    fn list<'a>(
        &'a self,
        tx: &'a mut CatalogTx,
        before: &'a Snapshot,
        next: &'a mut Snapshot,
    ) -> BoxFuture<'a, Result<(), CatalogError>>;

    /// Commits. After an error that doesn't say that it was undone it may have been done.
    fn end(&self, tx: CatalogTx) -> BoxFuture<'_, Result<(), CatalogError>>;

    /// Finds out whether a commit was done whose reply was lost, and publishes it if so. An error says why it is refused;
    /// after [`CommitError::Undecided`] nobody knows before a restart.
    fn find_out<'a>(
        &'a self,
        writer: &'a Writer,
        attempt: &'a Snapshot,
        lost: CatalogError,
    ) -> BoxFuture<'a, Result<(), CommitError>>;

    /// Why nothing was done.
    fn refusal(&self, error: CatalogError) -> CommitError;
}
