//! Writing where nobody else does: there is nothing to follow. A reply that is lost comes from this process's own disk, and
//! only a restart shows what that holds.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{CommitError, Footing, POLL, Writer, shared};
use crate::catalog::{CatalogError, CatalogTx};
use crate::snapshot::Snapshot;
use crate::snapshot::delta::Delta;
use crate::snapshot::follow::SnapshotFollowError;

pub struct Alone;

impl Footing for Alone {
    fn pause<'a>(&'a self, _: &'a Writer) -> BoxFuture<'a, ()> {
        tokio::time::sleep(POLL).boxed()
    }

    fn follow<'a>(&'a self, _: &'a Writer) -> BoxFuture<'a, ()> {
        std::future::ready(()).boxed()
    }

    fn begin<'a>(&'a self, writer: &'a Writer) -> BoxFuture<'a, Result<CatalogTx, SnapshotFollowError>> {
        async { Ok(writer.catalog.begin().await?) }.boxed()
    }

    /// Nobody follows, so nothing says what was changed; by its name a copy that went on from an older state is told.
    fn list<'a>(
        &'a self,
        tx: &'a mut CatalogTx,
        _: &'a Snapshot,
        next: &'a mut Snapshot,
    ) -> BoxFuture<'a, Result<(), CatalogError>> {
        async {
            let at = next.committed_at.to_string();
            next.origin = Some(shared::list(tx, next.revision, at, &Delta::default()).await?);
            Ok(())
        }
        .boxed()
    }

    fn end(&self, tx: CatalogTx) -> BoxFuture<'_, Result<(), CatalogError>> {
        tx.commit().boxed()
    }

    fn find_out<'a>(
        &'a self,
        _: &'a Writer,
        _: &'a Snapshot,
        lost: CatalogError,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        tracing::error!(error = %lost, "the outcome of a commit is unknown; writing stops until a restart");
        std::future::ready(Err(CommitError::Undecided)).boxed()
    }

    fn refusal(&self, error: CatalogError) -> CommitError {
        error.into()
    }
}
