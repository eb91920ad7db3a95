//! Writes of tuples, models and rules: to the catalog, or, where an OpenFGA server owns the tuples, to the server first.

use std::sync::Arc;
use std::time::Duration;

use super::Service;
use crate::authority::server::{Lenience, MAX_WRITE, ServerError, TupleChange};
use crate::authz::AuthorizationModel;
use crate::commit::follow::Follow;
use crate::commit::stores::WriteModel;
use crate::commit::tuples::{Tolerance, TuplesWritten, WriteTuples};
use crate::commit::{CommitError, Committed};
use crate::remote::Remote;

/// How long a write of documents waits for the server to take their rules.
const SETTLE: Duration = Duration::from_secs(10);

impl Service {
    fn remote_of(&self, store: &str) -> Option<&Arc<Remote>> {
        self.remote.as_ref().filter(|remote| remote.external.store == store)
    }

    /// How old the tuples that queries are resolved on may be; absent where the catalog owns them all.
    pub fn staleness(&self) -> Option<Duration> {
        let remote = self.remote.as_ref()?;
        // Never complete so far: nothing can be said, so as old as can be.
        Some(remote.external.lag().unwrap_or(Duration::MAX))
    }

    /// Waits until the tuples that queries are resolved on are no older than `bound`.
    pub async fn no_staler_than(&self, bound: Duration) {
        while self.staleness().is_some_and(|age| age > bound) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Writes tuples where they belong; the change holds for every query that begins after this returns.
    ///
    /// # Errors
    /// Whatever refuses the change: then nothing of it was done. When the server's reply is lost, it may have been.
    pub async fn write_tuples(&self, change: WriteTuples) -> Result<Committed<TuplesWritten>, CommitError> {
        let Some(remote) = self.remote_of(&change.store) else { return self.committer.submit(change).await };
        if change.dry_run {
            return self.committer.submit(change).await;
        }
        if change.expected_revision.is_some() {
            return Err(CommitError::Replicated { what: "`expected_revision`" });
        }
        if change.writes.len() + change.deletes.len() > MAX_WRITE {
            return Err(CommitError::Replicated { what: "writing more than 100 tuples at once" });
        }
        // Found here first, mistakes have names; the server decides.
        match self.committer.submit(WriteTuples { dry_run: true, ..change.clone() }).await {
            Err(CommitError::DryRun(_)) => {}
            // Only the server knows what exists.
            Err(CommitError::Tuple(error)) if error.is_about_existence() => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        let lenience = Lenience {
            existing: change.on_duplicate != Tolerance::Error,
            missing: change.on_missing != Tolerance::Error,
        };
        remote.external.write(&change.writes, &change.deletes, lenience).await?;
        let changes = TupleChange::of_write(&change.deletes, &change.writes, jiff::Timestamp::now());
        let output = TuplesWritten { written: change.writes.len(), deleted: change.deletes.len() };
        let follow = Follow { store: change.store, changes, position: None, read_from: None };
        if crate::mutants::active("acknowledge_before_following") {
            let committer = self.committer.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                committer.submit(follow).await
            });
            return Ok(Committed { output, revision: self.published.load().revision });
        }
        let followed = self.committer.submit(follow).await?;
        Ok(Committed { output, revision: followed.revision })
    }

    /// Adds a model where it belongs; it holds for every query that begins after this returns.
    ///
    /// # Errors
    /// Whatever refuses the model.
    pub async fn write_model(
        &self,
        store: String,
        source: AuthorizationModel,
    ) -> Result<Committed<String>, CommitError> {
        let Some(remote) = self.remote_of(&store) else {
            return self.committer.submit(WriteModel { store, source, id: None }).await;
        };
        let model = source.clone();
        let id = remote.external.call(|server| async move { server.write_model(&model).await }).await?;
        self.committer.submit(WriteModel { store, source, id: Some(id) }).await
    }

    /// Waits until the rules that documents of the commit of `revision` wait for hold; the revision from which on they
    /// do.
    ///
    /// # Errors
    /// When the server doesn't take them in time. They are stored and will be taken; the documents are hidden meanwhile.
    pub async fn settled(&self, revision: u64, awaits_rules: bool) -> Result<u64, CommitError> {
        let Some(remote) = self.remote.as_ref().filter(|_| awaits_rules) else { return Ok(revision) };
        remote.work.notify_one();
        let mut published = remote.published.subscribe();
        let waiting = published.wait_for(|below| *below > revision);
        match tokio::time::timeout(SETTLE, waiting).await {
            Ok(Ok(_)) => Ok(self.published.load().revision.max(revision)),
            _ => Err(CommitError::Server(ServerError::Unavailable(
                "the documents are stored, and hidden until it has taken their rules".to_owned(),
            ))),
        }
    }
}
