//! What waits for the writer: changes of any type, and whoever waits for each.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

use super::{Change, CommitError, Committed, Draft, Edited, Writer};
#[cfg(usher_mutants)]
use crate::audit;
use crate::audit::Asked;
use crate::catalog::CatalogError;
use crate::identity::lifetime::still_holds;

/// At most this many changes share one transaction.
const GROUP: usize = 64;
/// At most this many changes wait; more are refused with [`CommitError::Busy`].
const WAITING: usize = 4096;

/// Handle on the writer; clones feed the same task.
#[derive(Clone)]
pub struct Committer {
    queue: mpsc::Sender<Box<dyn Job>>,
    waiting: Arc<AtomicU64>,
    is_open: Arc<AtomicBool>,
    #[cfg(usher_mutants)]
    audit: audit::Audit,
}

impl Committer {
    /// Starts the writer task; it ends, after finishing what waits, when every handle is dropped.
    pub fn start(writer: Writer) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(WAITING);
        let committer = Self {
            queue,
            waiting: Arc::default(),
            is_open: Arc::new(AtomicBool::new(true)),
            #[cfg(usher_mutants)]
            audit: writer.carrier.audit(),
        };
        let is_open = committer.is_open.clone();
        (committer, tokio::spawn(writer.run(waiting, is_open)))
    }

    /// Changes that wait, or are being made.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether changes are still taken; none are after a failure that only a restart can clear up.
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
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

/// Changes that share one transaction.
pub(super) type Group = Vec<Box<dyn Job>>;

/// A waiting change of any type.
pub(super) trait Job: Send {
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
        self.change.is_urgent()
    }

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, bool> {
        let span = self.span.clone();
        async move {
            draft.edited = Edited::default();
            let output = match still_holds(&self.asked.validity, &draft.next, draft.now) {
                Ok(()) => self.change.apply(draft).await,
                Err(error) => Err(error.into()),
            };
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

/// Urgent changes first, in order of arrival; documents follow only when nothing urgent waits, one change per group, so
/// that a group stays short.
pub(super) fn next_group(queue: &mut VecDeque<Box<dyn Job>>) -> Group {
    let (urgent, other): (VecDeque<_>, VecDeque<_>) = queue.drain(..).partition(|job| job.is_urgent());
    let (mut first, second) = if urgent.is_empty() { (other, urgent) } else { (urgent, other) };
    let size = if first.front().is_some_and(|job| job.is_urgent()) { GROUP.min(first.len()) } else { 1 };
    let group = first.drain(..size).collect();
    first.extend(second);
    *queue = first;
    group
}

/// Refuses every member of a group for one reason.
pub(super) fn refuse(group: Group, error: CommitError) {
    let error = Arc::new(error);
    for job in group {
        let copy = |error: &Arc<CommitError>| CatalogError::Io(std::io::Error::other(error.clone()));
        job.acknowledge(Err(match &*error {
            CommitError::Storage(_) => CommitError::Storage(copy(&error)),
            CommitError::Unavailable(cause) => CommitError::Unavailable(cause.clone()),
            CommitError::NotTaken => CommitError::NotTaken,
            CommitError::Unknown => CommitError::Unknown,
            CommitError::Stopped => CommitError::Stopped,
            CommitError::Undecided => CommitError::Undecided,
            CommitError::Audit => CommitError::Audit,
            _ => CommitError::Catalog(copy(&error)),
        }));
    }
}
