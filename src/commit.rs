//! THE write path: every change of documents, tuples, models, collections and keys passes here, in one order.
//!
//! One task owns the catalog's write transaction. It takes what is waiting (tuples, models and keys before documents, so
//! that loading documents never delays a revocation), applies each change to a draft inside a savepoint, commits the
//! group with the records of its changes, swaps the snapshot in, and only then acknowledges. What follows a commit is the
//! writer's too, so that nothing is lost with a caller that doesn't wait. A change that fails is undone alone. When the
//! outcome of a commit is unknown nothing more is written until the catalog is reopened; a commit that found the disk full
//! was not done, and writing goes on. Where other processes write to the same catalog, `shared.rs` says what is different.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

use crate::audit::{self, Asked, Record, Told};
use crate::authority::changes::ChangeLog;
use crate::catalog::records::RecordsRow;
use crate::catalog::{Catalog, CatalogError, CatalogTx, meta};
use crate::failpoint;
use crate::indexes::Indexes;
use crate::snapshot::follow::FollowError;
use crate::snapshot::names::ChunkKeys;
use crate::snapshot::{CollectionState, Publishing, Snapshot, StoreState};
use crate::wire::TupleKey;

pub mod acl;
pub mod carrier;
pub mod collections;
mod describe;
pub mod documents;
mod error;
pub mod follow;
pub mod keys;
pub mod reindex;
pub mod repair;
pub mod shared;
pub mod stores;
pub mod tuples;

pub use carrier::Carrier;
use carrier::CarryError;
pub use error::CommitError;

/// At most this many changes share one transaction.
const GROUP: usize = 64;
/// At most this many changes wait; more are refused with [`CommitError::Busy`].
const WAITING: usize = 4096;

/// A change: applied to the draft, it says what it did. Nothing is visible before the group is committed.
pub trait Change: Send + 'static {
    type Output: Send + 'static;
    /// Whether it goes before waiting documents.
    const URGENT: bool = true;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<Self::Output, CommitError>>;

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

/// The next state while it is being made.
pub struct Draft {
    pub tx: CatalogTx,
    pub next: Snapshot,
    before: Arc<Snapshot>,
    pub now: Timestamp,
    pub chunk_keys: ChunkKeys,
    pub indexes: Arc<Indexes>,
    /// The store whose tuples an OpenFGA server owns.
    pub external: Option<Arc<str>>,
    changes: Vec<(Arc<str>, Arc<crate::authz::GraphChange>)>,
    /// Of the change that is being applied.
    pub edited: Edited,
    /// Records of the group so far, as lines of the audit.
    records: Vec<String>,
}

impl Draft {
    /// The store for writing.
    pub fn store_mut(&mut self, id: &str) -> Result<&mut StoreState, CommitError> {
        self.next.stores.get_mut(id).map(Arc::make_mut).ok_or(CommitError::UnknownStore)
    }

    /// The collection for writing.
    pub fn collection_mut(&mut self, name: &str) -> Result<&mut CollectionState, CommitError> {
        self.next.collections.get_mut(name).map(Arc::make_mut).ok_or(CommitError::UnknownCollection)
    }

    /// The chunk ordinals of the collection below this were given before the group began.
    fn chunks_before(&self, name: &str) -> u32 {
        self.before.collection(name).map_or(0, |collection| collection.next_chunk())
    }

    /// Whether the store's tuples are only replicated here.
    pub fn is_external(&self, store: &str) -> bool {
        self.external.as_deref() == Some(store)
    }

    /// Tells the cached allowed sets what changed in a store's graph.
    pub fn note_change(&mut self, store: &str, change: crate::authz::GraphChange) {
        self.changes.push((store.into(), Arc::new(change)));
    }

    pub fn now_text(&self) -> String {
        self.now.to_string()
    }

    /// Has the group's commit hold the record of a change.
    fn record(&mut self, asked: &Asked, told: Option<Told>) -> Result<(), CommitError> {
        let Some(Told { event, items, details }) = told else { return Ok(()) };
        let Edited { deleted, written, to_delete, to_write } = std::mem::take(&mut self.edited);
        let record = Record {
            at: self.now_text(),
            id: Some(uuid::Uuid::now_v7().to_string()),
            asked: asked.clone(),
            event,
            revision: self.next.revision,
            items,
            deleted,
            written,
            to_delete,
            to_write,
            details,
            question: None,
        };
        let line = audit::line(&record).and_then(|line| String::from_utf8(line).ok()).ok_or(CommitError::Audit)?;
        self.records.push(line);
        Ok(())
    }
}

/// Handle on the writer; clones feed the same task.
#[derive(Clone)]
pub struct Committer {
    queue: mpsc::Sender<Box<dyn Job>>,
    waiting: Arc<AtomicU64>,
    #[cfg(usher_mutants)]
    audit: audit::Audit,
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
}

impl Committer {
    /// Starts the writer task; it ends, after finishing what waits, when every handle is dropped.
    pub fn start(writer: Writer) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(WAITING);
        let committer = Self {
            queue,
            waiting: Arc::default(),
            #[cfg(usher_mutants)]
            audit: writer.carrier.audit(),
        };
        (committer, tokio::spawn(writer.run(waiting)))
    }

    /// Changes that wait, or are being made.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Hands a change to the writer and waits for its acknowledgement: it is durable, it is recorded, and every later query
    /// sees it. Whoever doesn't wait has it done all the same.
    ///
    /// # Errors
    /// Whatever the change refuses; then nothing of it was done.
    pub async fn submit<C: Change>(&self, asked: Asked, change: C) -> Result<Committed<C::Output>, CommitError> {
        let (reply, answer) = oneshot::channel();
        #[cfg(usher_mutants)]
        let late = Late::default();
        let job = Pending {
            change,
            asked,
            output: None,
            reply,
            span: tracing::Span::current(),
            _waiting: Waiting::of(&self.waiting),
            #[cfg(usher_mutants)]
            late: late.clone(),
        };
        self.queue.try_send(Box::new(job)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommitError::Stopped,
        })?;
        let answer = answer.await.unwrap_or(Err(CommitError::Stopped));
        #[cfg(usher_mutants)]
        let late = late.lock().take().filter(|_| answer.is_ok());
        #[cfg(usher_mutants)]
        if let Some(record) = late {
            let _ = self.audit.queue(record.into_bytes(), 0, None).await;
        }
        answer
    }
}

/// Counts a change until it is acknowledged.
struct Waiting(Arc<AtomicU64>);

impl Waiting {
    fn of(all: &Arc<AtomicU64>) -> Self {
        all.fetch_add(1, Ordering::Relaxed);
        Self(all.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A waiting change of any type.
trait Job: Send {
    fn is_urgent(&self) -> bool;
    /// Applies the change; says whether it holds.
    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, bool>;
    fn acknowledge(self: Box<Self>, outcome: Result<u64, CommitError>);
}

struct Pending<C: Change> {
    change: C,
    asked: Asked,
    output: Option<Result<C::Output, CommitError>>,
    reply: oneshot::Sender<Result<Committed<C::Output>, CommitError>>,
    /// Of the request: what is logged on the way names it.
    span: tracing::Span,
    _waiting: Waiting,
    #[cfg(usher_mutants)]
    late: Late,
}

/// Under the deliberate bug `record_after_the_answer`: the record that is left to whoever waits for the answer.
#[cfg(usher_mutants)]
type Late = Arc<parking_lot::Mutex<Option<String>>>;

impl<C: Change> Job for Pending<C> {
    fn is_urgent(&self) -> bool {
        C::URGENT
    }

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, bool> {
        let span = self.span.clone();
        async move {
            draft.edited = Edited::default();
            let output = self.change.apply(draft).await;
            let output = output.and_then(|output| {
                draft.record(&self.asked, self.change.told(&output, &draft.edited))?;
                #[cfg(usher_mutants)]
                if crate::mutants::active("record_after_the_answer") {
                    *self.late.lock() = draft.records.pop();
                }
                Ok(output)
            });
            let holds = output.is_ok();
            self.output = Some(output);
            holds
        }
        .instrument(span)
        .boxed()
    }

    fn acknowledge(self: Box<Self>, outcome: Result<u64, CommitError>) {
        let answer = match (self.output, outcome) {
            // A change that was refused by itself keeps its own reason.
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (Some(Ok(output)), Ok(revision)) => Ok(Committed { output, revision }),
            (None, Ok(_)) => Err(CommitError::Stopped),
        };
        // The caller may have gone; the change holds all the same.
        let _ = self.reply.send(answer);
    }
}

impl Writer {
    async fn run(self, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
        let mut queue: VecDeque<Box<dyn Job>> = VecDeque::new();
        let mut is_stopped = false;
        loop {
            if queue.is_empty() {
                let Some(job) = self.next(&mut waiting).await else { break };
                queue.push_back(job);
            }
            while let Ok(job) = waiting.try_recv() {
                queue.push_back(job);
            }
            let group = next_group(&mut queue);
            if is_stopped {
                group.into_iter().for_each(|job| job.acknowledge(Err(CommitError::Stopped)));
                continue;
            }
            is_stopped = self.commit_group(group).await;
        }
        self.carrier.end().await;
    }

    /// Applies and commits one group; says whether writing must stop.
    async fn commit_group(&self, mut group: Vec<Box<dyn Job>>) -> bool {
        if let Err(error) = self.carrier.catch_up().await {
            tracing::error!(%error, "nothing is changed without a record, and earlier ones can't be carried");
            let error = match error {
                CarryError::Catalog(error) => self.refusal(error),
                CarryError::Audit(_) | CarryError::Io(_) => CommitError::Audit,
            };
            refuse(group, error);
            return false;
        }
        let mut draft = match self.begin().await {
            Ok(draft) => draft,
            Err(error) => {
                refuse(group, error.into());
                return false;
            }
        };
        let mut any_holds = false;
        for job in &mut group {
            match apply_alone(&mut draft, job.as_mut()).await {
                Ok(holds) => any_holds |= holds,
                Err(error) => {
                    // The savepoint itself failed: nothing of the group can be trusted.
                    refuse(group, self.refusal(error));
                    return false;
                }
            }
        }
        if !any_holds {
            group.into_iter().for_each(|job| job.acknowledge(Ok(draft.next.revision)));
            return false;
        }
        if let Err(error) = describe::log_moves(&mut draft).await {
            refuse(group, self.refusal(error));
            return false;
        }
        let Draft { mut tx, mut next, before, changes, records, .. } = draft;
        let revision = next.revision;
        let listed = async {
            meta::set_revision(&mut tx, revision).await?;
            self.list(&mut tx, &before, &mut next).await?;
            Ok((self.carrier.enter(&mut tx, &records).await?, self.carrier.forget(&mut tx).await?))
        };
        let (row, forgotten) = match listed.await {
            Ok(listed) => listed,
            Err(error) => {
                refuse(group, self.refusal(error));
                return false;
            }
        };
        // Not in the first start, which would not get through.
        let is_eager = crate::mutants::active("acknowledge_before_commit");
        if is_eager && !self.published.load().keys.is_empty() {
            group.drain(..).for_each(|job| job.acknowledge(Ok(revision)));
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        if let Err(error) = failpoint::hit("commit.before") {
            refuse(group, self.refusal(error.into()));
            return false;
        }
        let outcome = match self.end(tx).await {
            // A failure injected here is a commit that holds and says that it failed, as when its sync fails.
            Ok(()) => failpoint::hit("commit.after").map_err(CatalogError::from),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {}
            Err(error) if error.is_undone() => {
                refuse(group, self.refusal(error));
                return false;
            }
            Err(error) if self.catalog.is_shared() => {
                tracing::warn!(%error, revision, "the reply to a commit was lost");
                match self.find_out(&next).await {
                    Ok(revision) => {
                        self.carrier.forgotten(&forgotten);
                        self.acknowledge(group, row, revision);
                    }
                    Err(error) => {
                        // Its records are there if it was done.
                        self.carrier.look_again();
                        refuse(group, error);
                    }
                }
                return false;
            }
            Err(error) => {
                self.carrier.look_again();
                tracing::error!(%error, "the outcome of a commit is unknown; writing stops until a restart");
                refuse(group, CommitError::Stopped);
                return true;
            }
        }
        self.changes.append(revision, changes);
        for state in next.collections.values() {
            let was = before.collection(&state.name).map(|was| &was.settings);
            if was.is_none_or(|was| !Arc::ptr_eq(was, &state.settings))
                && let Err(error) = self.indexes.settle(state.id, &state.settings)
            {
                tracing::error!(collection = %state.name, %error, "its indexes can't be opened; it is not searched");
            }
        }
        self.carrier.forgotten(&forgotten);
        self.published.publish(next.clone());
        self.tell_indexes(&before, &next);
        // Only a crash can come here; an error changes nothing any more.
        let _ = failpoint::hit("commit.before_acknowledge");
        self.acknowledge(group, row, revision);
        false
    }

    /// Acknowledges a group that is committed, once its records are in the audit.
    fn acknowledge(&self, group: Vec<Box<dyn Job>>, row: Option<RecordsRow>, revision: u64) {
        self.carrier.carry(row, revision, move |carried| {
            for job in group {
                job.acknowledge(carried.as_ref().map(|()| revision).map_err(|_| CommitError::Audit));
            }
        });
    }

    /// Indexes of collections that are gone are removed; the others follow what was logged for them.
    fn tell_indexes(&self, before: &Snapshot, next: &Snapshot) {
        for was in before.collections.values() {
            if !next.collections.values().any(|state| state.id == was.id) {
                self.indexes.remove(was.id);
            }
        }
        let was = |state: &CollectionState| before.collection(&state.name).map(|was| was.last_operation);
        if next.collections.values().any(|state| was(state) != Some(state.last_operation)) {
            self.indexes.wake_all();
        }
    }

    async fn begin(&self) -> Result<Draft, FollowError> {
        let tx = self.locked().await?;
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
}

/// Urgent changes first, in order of arrival; documents follow only when nothing urgent waits, one change per group, so
/// that a group stays short.
fn next_group(queue: &mut VecDeque<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let (urgent, other): (VecDeque<_>, VecDeque<_>) = queue.drain(..).partition(|job| job.is_urgent());
    let (mut first, second) = if urgent.is_empty() { (other, urgent) } else { (urgent, other) };
    let size = if first.front().is_some_and(|job| job.is_urgent()) { GROUP.min(first.len()) } else { 1 };
    let group = first.drain(..size).collect();
    first.extend(second);
    *queue = first;
    group
}

/// Applies one change inside a savepoint; a refusal undoes it and nothing else.
async fn apply_alone(draft: &mut Draft, job: &mut dyn Job) -> Result<bool, CatalogError> {
    let before = (draft.next.clone(), draft.changes.len(), draft.records.len());
    draft.tx.savepoint().await?;
    let holds = job.apply(draft).await;
    if !holds {
        draft.tx.undo().await?;
        draft.next = before.0;
        draft.changes.truncate(before.1);
        draft.records.truncate(before.2);
    }
    draft.tx.release().await?;
    Ok(holds)
}

/// Refuses every member of a group for one reason.
fn refuse(group: Vec<Box<dyn Job>>, error: CommitError) {
    let error = Arc::new(error);
    for job in group {
        let copy = |error: &Arc<CommitError>| CatalogError::Io(std::io::Error::other(error.clone()));
        job.acknowledge(Err(match &*error {
            CommitError::Storage(_) => CommitError::Storage(copy(&error)),
            CommitError::Unavailable(cause) => CommitError::Unavailable(cause.clone()),
            CommitError::NotTaken => CommitError::NotTaken,
            CommitError::Unknown => CommitError::Unknown,
            CommitError::Stopped => CommitError::Stopped,
            CommitError::Audit => CommitError::Audit,
            _ => CommitError::Catalog(copy(&error)),
        }));
    }
}
