//! Writes of tuples, models and rules: to the catalog, or, where an OpenFGA server owns the tuples, to the server first.

use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::Service;
use crate::audit::{Asked, Audit, AuditError, Record};
use crate::authority::server::{Lenience, MAX_WRITE, ServerError, TupleChange};
use crate::authz::AuthorizationModel;
use crate::commit::follow::Follow;
use crate::commit::stores::{ModelAdded, WriteModel};
use crate::commit::tuples::{Tolerance, TuplesWritten, WriteTuples, show};
use crate::commit::{CommitError, Committed};
use crate::identity::IdentityError;
use crate::identity::lifetime::still_holds;
use crate::openfga::Remote;

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

    /// Writes tuples where they belong; the change holds for every query that begins after this returns. What goes to a
    /// server is recorded before it is sent, and what became of it afterwards, also where nobody waits any more.
    ///
    /// # Errors
    /// Whatever refuses the change: then nothing of it was done. When the server's reply is lost, it may have been.
    pub async fn write_tuples(
        &self,
        asked: Asked,
        change: WriteTuples,
    ) -> Result<Committed<TuplesWritten>, CommitError> {
        let Some(remote) = self.remote_of(&change.store) else { return self.committer.submit(asked, change).await };
        if change.dry_run {
            return self.committer.submit(asked, change).await;
        }
        if change.expected_revision.is_some() {
            return Err(CommitError::Mirrored { what: "`expected_revision`" });
        }
        if change.writes.len() + change.deletes.len() > MAX_WRITE {
            return Err(CommitError::Mirrored { what: "writing more than 100 tuples at once" });
        }
        // Found here first, mistakes have names; the server decides.
        match self.committer.submit(asked.clone(), WriteTuples { dry_run: true, ..change.clone() }).await {
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
        let items: Vec<String> = change.deletes.iter().chain(&change.writes).map(show).collect();
        let sent = self.sent(asked, "relationships.write", items).await?;
        let (remote, committer) = (remote.clone(), self.committer.clone());
        let is_eager = crate::mutants::active("acknowledge_before_following").then(|| self.published.load().revision);
        let write = async move {
            if let Err(error) = remote.external.write(&change.writes, &change.deletes, lenience).await {
                return Err(sent.failed(error.into()).await);
            }
            let changes = TupleChange::of_write(&change.deletes, &change.writes, jiff::Timestamp::now());
            let (written, deleted) = (change.writes.len(), change.deletes.len());
            let output = TuplesWritten { written, deleted, ..TuplesWritten::default() };
            let follow = Follow { store: change.store, changes, position: None, read_from: None };
            if let Some(revision) = is_eager {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    committer.submit(sent.asked, follow).await
                });
                return Ok(Committed { output, revision });
            }
            let followed = committer.submit(sent.asked, follow).await?;
            Ok(Committed { output, revision: followed.revision })
        };
        tokio::spawn(write.in_current_span()).await.unwrap_or(Err(CommitError::Unknown))
    }

    /// Adds a model where it belongs; it holds for every query that begins after this returns.
    ///
    /// # Errors
    /// Whatever refuses the model.
    pub async fn write_model(
        &self,
        asked: Asked,
        store: String,
        source: AuthorizationModel,
    ) -> Result<Committed<ModelAdded>, CommitError> {
        let Some(remote) = self.remote_of(&store) else {
            return self.committer.submit(asked, WriteModel { store, source, id: None }).await;
        };
        let sent = self.sent(asked, "models.write", vec![store.clone()]).await?;
        let (remote, committer, model) = (remote.clone(), self.committer.clone(), source.clone());
        let write = async move {
            match remote.external.call(|server| async move { server.write_model(&model).await }).await {
                Ok(id) => committer.submit(sent.asked, WriteModel { store, source, id: Some(id) }).await,
                Err(error) => Err(sent.failed(error.into()).await),
            }
        };
        tokio::spawn(write.in_current_span()).await.unwrap_or(Err(CommitError::Unknown))
    }

    /// Whether who asks would be let in now.
    ///
    /// # Errors
    /// As [`still_holds`].
    pub fn still_holds(&self, asked: &Asked) -> Result<(), IdentityError> {
        still_holds(&asked.validity, &self.published.load(), jiff::Timestamp::now())
    }

    /// Records what is about to be sent to the server that owns the tuples.
    async fn sent(&self, asked: Asked, what: &'static str, items: Vec<String>) -> Result<Sent, CommitError> {
        self.still_holds(&asked)?;
        let sent = Sent { audit: self.audit.clone(), asked, what, items, revision: self.published.load().revision };
        sent.record("sent", None).await.map_err(|AuditError| CommitError::Audit)?;
        Ok(sent)
    }

    /// Waits until the rules that documents of the commit of `revision` wait for hold; the revision from which on they
    /// do.
    ///
    /// # Errors
    /// When the server doesn't take them in time. They are stored and will be taken; the documents are hidden meanwhile.
    pub async fn settled(&self, revision: u64, awaits_rules: bool) -> Result<u64, CommitError> {
        let Some(remote) = self.remote.as_ref().filter(|_| awaits_rules) else { return Ok(revision) };
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

/// Something that is on its way to the server that owns the tuples.
struct Sent {
    audit: Audit,
    asked: Asked,
    what: &'static str,
    items: Vec<String>,
    revision: u64,
}

impl Sent {
    /// Records that it failed; where the reply was lost it may have been done.
    async fn failed(&self, error: CommitError) -> CommitError {
        if let Err(AuditError) = self.record("failed", Some(error.to_string())).await {
            tracing::error!(%error, "what became of a write to the authorization server is not in the audit");
        }
        error
    }

    async fn record(&self, outcome: &str, why: Option<String>) -> Result<(), AuditError> {
        let details = why.map(|why| ("reason".to_owned(), why.into())).into_iter().collect();
        let record = Record {
            at: jiff::Timestamp::now().to_string(),
            asked: self.asked.clone(),
            event: &format!("{}.{outcome}", self.what),
            revision: self.revision,
            items: self.items.clone(),
            details,
            ..Record::default()
        };
        self.audit.record(&record).await
    }
}
