//! THE write path: every change of documents, tuples, models, collections and keys passes here, in one order.
//!
//! One task owns the catalog's write transaction. It takes what is waiting (tuples, models and keys before documents, so
//! that loading documents never delays a revocation), applies each change to a draft inside a savepoint, commits the
//! group with the records of its changes, swaps the snapshot in, and only then acknowledges. What follows a commit is the
//! writer's too, so that nothing is lost with a caller that doesn't wait. A change that fails is undone alone. When the
//! outcome of a commit is unknown nothing more is written until the catalog is reopened; a commit that found the disk full
//! was not done, and writing goes on. What is different where other processes write to the same catalog is the writer's
//! [`Footing`].

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::audit::Told;
use crate::authority::changes::ChangeLog;
use crate::authz::GraphChange;
use crate::catalog::records::RecordsRow;
use crate::catalog::{Catalog, CatalogError, CatalogTx, meta};
use crate::failpoint;
use crate::indexes::Indexes;
use crate::snapshot::names::ChunkKeys;
use crate::snapshot::{CollectionState, Publishing, Snapshot};
use crate::wire::TupleKey;

pub mod acl;
mod alone;
pub mod carrier;
pub mod collections;
mod describe;
pub mod documents;
mod draft;
mod error;
pub mod follow;
mod footing;
pub mod keys;
mod queue;
pub mod reindex;
pub mod repair;
pub mod shared;
pub mod stores;
pub mod tuples;

pub use alone::Alone;
pub use carrier::Carrier;
use carrier::CarryError;
pub use draft::Draft;
pub use error::CommitError;
pub use footing::Footing;
pub use queue::Committer;
use queue::{Group, Job, next_group, refuse};
pub use shared::Shared;

/// While nothing is to be done, what is left is looked at this often: what others commit, records that wait.
const POLL: Duration = Duration::from_secs(1);

/// A change: applied to the draft, it says what it did. Nothing is visible before the group is committed.
pub trait Change: Send + 'static {
    type Output: Send + 'static;
    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<Self::Output, CommitError>>;

    /// Whether it goes before waiting documents: all that is short and may be a revocation.
    fn is_urgent(&self) -> bool {
        true
    }

    /// What the audit says of it, if it did anything. The tuples that it changed stand there too.
    fn told(&self, output: &Self::Output, edited: &Edited) -> Option<Told>;
}

/// What one change has done to tuples.
#[derive(Debug, Default)]
pub struct Edited {
    pub deleted: Vec<TupleKey>,
    pub written: Vec<TupleKey>,
    /// What the server that owns the tuples has yet to do.
    pub to_delete: Vec<TupleKey>,
    pub to_write: Vec<TupleKey>,
}

impl Edited {
    pub fn is_empty(&self) -> bool {
        self.deleted.is_empty() && self.written.is_empty()
    }
}

/// What an acknowledged change returns: its output and the revision from which on it holds.
#[derive(Debug, Clone)]
pub struct Committed<T> {
    pub output: T,
    pub revision: u64,
}

/// Everything the writer needs.
pub struct Writer {
    pub catalog: Catalog,
    pub published: Publishing,
    pub changes: Arc<ChangeLog>,
    pub chunk_keys: ChunkKeys,
    pub indexes: Arc<Indexes>,
    /// The store whose tuples an OpenFGA server owns.
    pub external: Option<Arc<str>>,
    pub carrier: Carrier,
    pub footing: Box<dyn Footing>,
}

/// A group whose changes are made, and nothing is committed.
struct Made {
    tx: CatalogTx,
    before: Arc<Snapshot>,
    next: Snapshot,
    changes: Vec<(Arc<str>, Arc<GraphChange>)>,
    /// The records of the changes.
    row: Option<RecordsRow>,
    /// Earlier records that the audit has.
    forgotten: BTreeSet<u64>,
}

impl Writer {
    async fn run(self, mut waiting: mpsc::Receiver<Box<dyn Job>>, is_open: Arc<AtomicBool>) {
        let mut queue: VecDeque<Box<dyn Job>> = VecDeque::new();
        loop {
            if queue.is_empty() {
                let Some(job) = self.next(&mut waiting).await else { break };
                queue.push_back(job);
            }
            while let Ok(job) = waiting.try_recv() {
                queue.push_back(job);
            }
            let mut group = next_group(&mut queue);
            if !is_open.load(Ordering::Relaxed) {
                refuse(group, CommitError::Stopped);
                continue;
            }
            match self.commit(&mut group).await {
                Ok((row, revision)) => self.acknowledge(group, row, revision),
                Err(error) => {
                    is_open.store(!matches!(error, CommitError::Undecided), Ordering::Relaxed);
                    refuse(group, error);
                }
            }
        }
        self.carrier.end().await;
    }

    /// The next job; until it comes, what others commit is followed, and records are carried that could not be before.
    async fn next(&self, waiting: &mut mpsc::Receiver<Box<dyn Job>>) -> Option<Box<dyn Job>> {
        let mut tidied = Instant::now();
        loop {
            tokio::select! {
                biased;
                job = waiting.recv() => return job,
                () = self.footing.pause(self) => self.footing.follow(self).await,
            }
            if tidied.elapsed() >= POLL {
                self.carrier.tidy().await;
                tidied = Instant::now();
            }
        }
    }

    /// Makes and commits one group. What is returned is to be acknowledged: the records of the group, and its revision.
    ///
    /// # Errors
    /// Why all of it is refused. After [`CommitError::Undecided`] nothing more may be written.
    async fn commit(&self, group: &mut Group) -> Result<(Option<RecordsRow>, u64), CommitError> {
        self.carry_the_rest().await?;
        let mut draft = self.begin().await?;
        let mut any_holds = false;
        for job in group.iter_mut() {
            // An error here is of the savepoint itself: nothing of the group can be trusted.
            any_holds |= draft.apply(job.as_mut()).await.map_err(|error| self.footing.refusal(error))?;
        }
        let revision = draft.next.revision;
        if !any_holds {
            return Ok((None, revision));
        }
        let made = self.finish(draft).await.map_err(|error| self.footing.refusal(error))?;
        // Not in the first start, which would not get through.
        if crate::mutants::active("acknowledge_before_commit") && !self.published.load().keys.is_empty() {
            group.drain(..).for_each(|job| job.acknowledge(Ok(revision)));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        failpoint::hit("commit.before").map_err(|error| self.footing.refusal(error.into()))?;
        let Made { tx, before, next, changes, row, forgotten } = made;
        // A failure injected here is a commit that holds and says that it failed, as when its sync fails.
        let committed = self.footing.end(tx).await.and_then(|()| Ok(failpoint::hit("commit.after")?));
        match committed {
            Ok(()) => {
                self.settle(&before, &next);
                self.publish(&before, next, changes);
                // Only a crash can come here; an error changes nothing any more.
                let _ = failpoint::hit("commit.before_acknowledge");
            }
            Err(error) if error.is_undone() => return Err(self.footing.refusal(error)),
            Err(error) => self.footing.find_out(self, &next, error).await.inspect_err(|_| {
                // Its records are there if it was done.
                self.carrier.look_again();
            })?,
        }
        self.carrier.forgotten(&forgotten);
        Ok((row, revision))
    }

    /// Nothing is changed without a record: those of earlier changes come first.
    async fn carry_the_rest(&self) -> Result<(), CommitError> {
        self.carrier.catch_up().await.map_err(|error| {
            tracing::error!(%error, "nothing is changed without a record, and earlier ones can't be carried");
            match error {
                CarryError::Catalog(error) => self.footing.refusal(error),
                CarryError::Audit(_) | CarryError::Io(_) => CommitError::Audit,
            }
        })
    }

    async fn begin(&self) -> Result<Draft, CommitError> {
        let tx = self.footing.begin(self).await?;
        let before = self.published.load();
        let mut next = Snapshot::clone(&before);
        next.revision += 1;
        next.committed_at = Timestamp::now();
        Ok(Draft {
            tx,
            now: next.committed_at,
            next,
            before,
            chunk_keys: self.chunk_keys.clone(),
            indexes: self.indexes.clone(),
            external: self.external.clone(),
            changes: Vec::new(),
            edited: Edited::default(),
            records: Vec::new(),
        })
    }

    /// Adds to the transaction what goes with all changes alike.
    async fn finish(&self, mut draft: Draft) -> Result<Made, CatalogError> {
        describe::log_moves(&mut draft).await?;
        let Draft { mut tx, mut next, before, changes, records, .. } = draft;
        meta::set_revision(&mut tx, next.revision).await?;
        self.footing.list(&mut tx, &before, &mut next).await?;
        let row = self.carrier.enter(&mut tx, &records).await?;
        let forgotten = self.carrier.forget(&mut tx).await?;
        Ok(Made { tx, before, next, changes, row, forgotten })
    }

    /// Has the indexes know settings that the group has changed.
    fn settle(&self, before: &Snapshot, next: &Snapshot) {
        for state in next.collections.values() {
            let was = before.collection(&state.name).map(|was| &was.settings);
            if was.is_none_or(|was| !Arc::ptr_eq(was, &state.settings))
                && let Err(error) = self.indexes.settle(state.id, &state.settings)
            {
                tracing::error!(collection = %state.name, %error, "its indexes can't be opened; it is not searched");
            }
        }
    }

    /// Publishes a state that the catalog has. Indexes of collections that are gone are removed; the others follow what was
    /// logged for them.
    fn publish(&self, before: &Snapshot, next: Snapshot, changes: Vec<(Arc<str>, Arc<GraphChange>)>) {
        self.changes.append(next.revision, changes);
        let is_there = |id: u32| next.collections.values().any(|state| state.id == id);
        let gone: Vec<u32> = before.collections.values().map(|was| was.id).filter(|id| !is_there(*id)).collect();
        let was = |state: &CollectionState| before.collection(&state.name).map(|was| was.last_operation);
        let has_more = next.collections.values().any(|state| was(state) != Some(state.last_operation));
        self.published.publish(next);
        gone.into_iter().for_each(|id| self.indexes.remove(id));
        if has_more {
            self.indexes.wake_all();
        }
    }

    /// Acknowledges a group that is committed, once its records are in the audit.
    fn acknowledge(&self, group: Group, row: Option<RecordsRow>, revision: u64) {
        self.carrier.carry(row, revision, move |carried| {
            for job in group {
                job.acknowledge(carried.as_ref().map(|()| revision).map_err(|_| CommitError::Unrecorded));
            }
        });
    }
}
