//! Writing beside other processes on one catalog: every draft begins, under the catalog's lock, from what all of them have
//! committed; what they commit is followed also where nothing is written here.
//!
//! The reply to a commit can be lost. Whoever has the lock knows that no commit is under way, so the list of commits then
//! says whether this one was done. Nothing needs a restart.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{CommitError, Footing, POLL, Writer};
use crate::catalog::commits::{self, CommitRow, Origin};
use crate::catalog::{Catalog, CatalogError, CatalogTx, json};
use crate::snapshot::delta::Delta;
use crate::snapshot::follow::{Followed, SnapshotFollowError, follow};
use crate::snapshot::{Published, Snapshot};

/// Pause after an attempt that failed.
const RETRY: Duration = Duration::from_millis(100);
/// How long a change waits for the catalog's lock.
const LOCK: Duration = Duration::from_secs(10);
/// Pause before what others commit is listened to again, after the connection for that was lost.
const LISTEN: Duration = Duration::from_secs(1);
/// How long one look at what others committed may take; a catalog that is read anew is large.
const FOLLOW: Duration = Duration::from_secs(120);
/// How long a commit may take, and then finding out whether it was done.
const COMMIT: Duration = Duration::from_secs(10);

/// Has the writer follow commits of others as they happen. Runs until cancelled, or where there are none to hear of.
pub async fn listen(catalog: Catalog, published: Arc<Published>) {
    loop {
        let heard: Result<(), CatalogError> = async {
            let Some(mut listener) = catalog.listen().await? else { return Ok(()) };
            loop {
                // Also at first: what was committed before the listening began is not told.
                published.want();
                listener.heard().await?;
            }
        }
        .await;
        let Err(error) = heard else { return };
        tracing::debug!(%error, "commits of other processes are not heard");
        tokio::time::sleep(LISTEN).await;
    }
}

/// Lists a commit as part of it, under a name of its own, which is returned.
///
/// # Errors
/// When the catalog can't be written, or the system has no randomness.
pub async fn list(
    tx: &mut CatalogTx,
    revision: u64,
    committed_at: String,
    changes: &Delta,
) -> Result<Origin, CatalogError> {
    let mut origin = Origin::default();
    getrandom::fill(&mut origin).map_err(|_| CatalogError::Malformed { what: "randomness of the system" })?;
    commits::insert(tx, &CommitRow { revision, origin, committed_at, changes: json(changes)? }).await?;
    Ok(origin)
}

pub struct Shared;

impl Footing for Shared {
    fn pause<'a>(&'a self, writer: &'a Writer) -> BoxFuture<'a, ()> {
        writer.published.wanted(POLL).boxed()
    }

    fn follow<'a>(&'a self, writer: &'a Writer) -> BoxFuture<'a, ()> {
        look(writer).boxed()
    }

    fn begin<'a>(&'a self, writer: &'a Writer) -> BoxFuture<'a, Result<CatalogTx, SnapshotFollowError>> {
        locked(writer).boxed()
    }

    fn list<'a>(
        &'a self,
        tx: &'a mut CatalogTx,
        before: &'a Snapshot,
        next: &'a mut Snapshot,
    ) -> BoxFuture<'a, Result<(), CatalogError>> {
        async {
            let changes = Delta::between(before, next);
            next.origin = Some(list(tx, next.revision, next.committed_at.to_string(), &changes).await?);
            Ok(())
        }
        .boxed()
    }

    fn end(&self, tx: CatalogTx) -> BoxFuture<'_, Result<(), CatalogError>> {
        async { tokio::time::timeout(COMMIT, tx.commit()).await.map_err(|_| CatalogError::Silent)? }.boxed()
    }

    fn find_out<'a>(
        &'a self,
        writer: &'a Writer,
        attempt: &'a Snapshot,
        lost: CatalogError,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        tracing::warn!(error = %lost, revision = attempt.revision, "the reply to a commit was lost");
        find_out(writer, attempt).boxed()
    }

    /// The disk of a shared catalog is not this process's.
    fn refusal(&self, error: CatalogError) -> CommitError {
        match error.into() {
            CommitError::Storage(error) => CommitError::Unavailable(Arc::new(error.into())),
            other => other,
        }
    }
}

/// Publishes what others have committed.
async fn look(writer: &Writer) {
    let look = async {
        let mut tx = writer.catalog.read_watched().await?;
        catch_up(writer, &mut tx).await
    };
    let outcome = match tokio::time::timeout(FOLLOW, look).await {
        Ok(outcome) => outcome,
        Err(_) => Err(CatalogError::Silent.into()),
    };
    if let Err(error) = &outcome {
        if writer.published.problem().is_none() {
            tracing::warn!(%error, "what other processes commit can't be followed; trying again");
        }
        tokio::time::sleep(RETRY).await;
    }
    writer.published.note(outcome.err().map(Arc::new));
}

async fn catch_up(writer: &Writer, tx: &mut CatalogTx) -> Result<(), SnapshotFollowError> {
    let held = writer.published.load();
    let Some(Followed { snapshot, changes }) = follow(tx, &held).await? else { return Ok(()) };
    writer.indexes.go_on(&held, &snapshot)?;
    let changes = changes.into_iter().map(|(store, change)| (store, Arc::new(change))).collect();
    writer.publish(&held, snapshot, changes);
    Ok(())
}

/// A write transaction with the catalog's lock, after everything that others committed is published here.
async fn locked(writer: &Writer) -> Result<CatalogTx, SnapshotFollowError> {
    let begin = tokio::time::timeout(LOCK, writer.catalog.begin());
    tokio::pin!(begin);
    let mut tx = loop {
        tokio::select! {
            biased;
            begun = &mut begin => break begun.map_err(|_| CatalogError::Silent)??,
            // Others may hold the lock for long; queries here go on with what they commit.
            () = writer.published.wanted(POLL) => look(writer).await,
        }
    };
    catch_up(writer, &mut tx).await?;
    writer.published.note(None);
    Ok(tx)
}

/// Finds out whether a commit was done whose reply was lost.
async fn find_out(writer: &Writer, attempt: &Snapshot) -> Result<(), CommitError> {
    let until = Instant::now() + COMMIT;
    loop {
        match origin_of(writer, attempt.revision).await {
            Ok(found) if found.is_some() && found == attempt.origin => return Ok(()),
            Ok(_) => return Err(CommitError::NotTaken),
            Err(error) if Instant::now() >= until => {
                tracing::error!(%error, revision = attempt.revision, "whether a commit was done is not known");
                return Err(CommitError::Unknown);
            }
            Err(error) => {
                tracing::warn!(%error, revision = attempt.revision, "looking for a commit whose reply was lost");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn origin_of(writer: &Writer, revision: u64) -> Result<Option<Origin>, SnapshotFollowError> {
    let mut tx = locked(writer).await?;
    let rows = commits::from(&mut tx, revision).await?;
    Ok(rows.first().filter(|row| row.revision == revision).map(|row| row.origin))
}
