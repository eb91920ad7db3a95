//! Writing beside other processes on one catalog: every draft begins, under the catalog's lock, from what all of them have
//! committed; what they commit is followed also where nothing is written here.
//!
//! The reply to a commit can be lost. Whoever has the lock knows that no commit is under way, so the list of commits then
//! says whether this one was done. Nothing needs a restart.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::{CommitError, Job, Writer};
use crate::catalog::commits::{self, CommitRow, Origin};
use crate::catalog::{Catalog, CatalogError, CatalogTx, json};
use crate::snapshot::delta::Delta;
use crate::snapshot::follow::{FollowError, Followed, follow};
use crate::snapshot::{Published, Snapshot};

/// What others commit is noticed at least this often, also where nobody asks for it.
pub const POLL: Duration = Duration::from_secs(1);
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

/// Has the writer follow commits of others as they happen. Runs until cancelled, or where there are no others.
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

impl Writer {
    /// The next job; until it comes, what others commit is followed, and records are carried that could not be before.
    pub(super) async fn next(&self, waiting: &mut mpsc::Receiver<Box<dyn Job>>) -> Option<Box<dyn Job>> {
        let mut tidied = Instant::now();
        loop {
            if self.catalog.is_shared() {
                tokio::select! {
                    biased;
                    job = waiting.recv() => return job,
                    () = self.published.wanted(POLL) => self.follow().await,
                }
            } else if let Ok(job) = tokio::time::timeout(POLL, waiting.recv()).await {
                return job;
            }
            if tidied.elapsed() >= POLL {
                self.carrier.tidy().await;
                tidied = Instant::now();
            }
        }
    }

    /// Publishes what others have committed.
    async fn follow(&self) {
        let look = async {
            let mut tx = self.catalog.read().await?;
            self.catch_up(&mut tx).await
        };
        let outcome = match tokio::time::timeout(FOLLOW, look).await {
            Ok(outcome) => outcome,
            Err(_) => Err(CatalogError::Silent.into()),
        };
        if let Err(error) = &outcome {
            if self.published.problem().is_none() {
                tracing::warn!(%error, "what other processes commit can't be followed; trying again");
            }
            tokio::time::sleep(RETRY).await;
        }
        self.published.note(outcome.err().map(Arc::new));
    }

    async fn catch_up(&self, tx: &mut CatalogTx) -> Result<(), FollowError> {
        let held = self.published.load();
        let Some(Followed { snapshot, changes }) = follow(tx, &held).await? else { return Ok(()) };
        self.indexes.go_on(&held, &snapshot)?;
        let live: BTreeSet<u32> = snapshot.collections.values().map(|collection| collection.id).collect();
        let changes = changes.into_iter().map(|(store, change)| (store, Arc::new(change))).collect();
        self.changes.append(snapshot.revision, changes);
        self.published.publish(snapshot);
        for gone in held.collections.values().filter(|collection| !live.contains(&collection.id)) {
            self.indexes.remove(gone.id);
        }
        self.indexes.wake_all();
        Ok(())
    }

    /// A write transaction with the catalog's lock, after everything that others committed is published here.
    pub(super) async fn locked(&self) -> Result<CatalogTx, FollowError> {
        if !self.catalog.is_shared() {
            return Ok(self.catalog.begin().await?);
        }
        let begin = tokio::time::timeout(LOCK, self.catalog.begin());
        tokio::pin!(begin);
        let mut tx = loop {
            tokio::select! {
                biased;
                begun = &mut begin => break begun.map_err(|_| CatalogError::Silent)??,
                // Others may hold the lock for long; queries here go on with what they commit.
                () = self.published.wanted(POLL) => self.follow().await,
            }
        };
        self.catch_up(&mut tx).await?;
        self.published.note(None);
        Ok(tx)
    }

    /// Lists a commit as part of it, under a name of its own.
    pub(super) async fn list(
        &self,
        tx: &mut CatalogTx,
        before: &Snapshot,
        next: &mut Snapshot,
    ) -> Result<(), CatalogError> {
        if !self.catalog.is_shared() {
            return Ok(());
        }
        let mut origin = Origin::default();
        getrandom::fill(&mut origin).map_err(|_| CatalogError::Malformed { what: "randomness of the system" })?;
        next.origin = Some(origin);
        let row = CommitRow {
            revision: next.revision,
            origin,
            committed_at: next.committed_at.to_string(),
            changes: json(&Delta::between(before, next))?,
        };
        commits::insert(tx, &row).await
    }

    /// Why nothing was done. The disk of a shared catalog is not this process's.
    pub(super) fn refusal(&self, error: CatalogError) -> CommitError {
        match CommitError::from(error) {
            CommitError::Storage(error) if self.catalog.is_shared() => CommitError::Unavailable(Arc::new(error.into())),
            other => other,
        }
    }

    /// Commits. After an error of a shared catalog it may have been done.
    pub(super) async fn end(&self, tx: CatalogTx) -> Result<(), CatalogError> {
        if !self.catalog.is_shared() {
            return tx.commit().await;
        }
        tokio::time::timeout(COMMIT, tx.commit()).await.map_err(|_| CatalogError::Silent)?
    }

    /// Finds out whether a commit was done whose reply was lost.
    pub(super) async fn find_out(&self, attempt: &Snapshot) -> Result<u64, CommitError> {
        let until = Instant::now() + COMMIT;
        loop {
            match self.origin_of(attempt.revision).await {
                Ok(found) if found.is_some() && found == attempt.origin => return Ok(attempt.revision),
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

    async fn origin_of(&self, revision: u64) -> Result<Option<Origin>, FollowError> {
        let mut tx = self.locked().await?;
        let rows = commits::from(&mut tx, revision).await?;
        Ok(rows.first().filter(|row| row.revision == revision).map(|row| row.origin))
    }
}
