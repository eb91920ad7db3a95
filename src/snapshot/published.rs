//! What the writer publishes and readers pin.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::Snapshot;
use super::follow::SnapshotFollowError;

/// The newest snapshot of this process, for whoever reads it.
pub struct Published {
    current: arc_swap::ArcSwap<Snapshot>,
    revision: watch::Sender<u64>,
    /// Somebody waits for a state that another process made.
    wanted: Notify,
    /// Why what others commit can't be followed at the moment.
    problem: Mutex<Option<Arc<SnapshotFollowError>>>,
}

impl Published {
    /// The newest snapshot.
    pub fn load(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Waits until a snapshot of at least `revision` is published; the writer looks at once for what others committed.
    pub async fn at_least(&self, revision: u64) -> Arc<Snapshot> {
        let mut watched = self.revision.subscribe();
        if *watched.borrow() < revision {
            self.want();
        }
        // The sender lives as long as `self`, so waiting can't fail.
        let _ = watched.wait_for(|current| *current >= revision).await;
        self.load()
    }

    /// The numbers of the snapshots as they are published.
    pub fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Has the writer look for what others committed.
    pub fn want(&self) {
        self.wanted.notify_one();
    }

    /// Why what others commit can't be followed at the moment.
    pub fn problem(&self) -> Option<Arc<SnapshotFollowError>> {
        self.problem.lock().clone()
    }

    /// Publishes a state that the catalog knows nothing of: only the test build uses it, for deliberate bugs.
    #[cfg(usher_mutants)]
    pub fn disturb(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = Snapshot::clone(&self.load());
        change(&mut snapshot);
        self.set(snapshot);
    }

    fn set(&self, snapshot: Snapshot) {
        let revision = snapshot.revision;
        self.current.store(Arc::new(snapshot));
        self.revision.send_replace(revision);
    }
}

/// The writing side: whoever has it, and nobody else, publishes. There is one for each [`Published`], and it reads as well.
pub struct Publishing(Arc<Published>);

impl Publishing {
    /// Publishes the first snapshot of the process.
    pub fn begin(snapshot: Snapshot) -> Self {
        Self(Arc::new(Published {
            revision: watch::Sender::new(snapshot.revision),
            current: arc_swap::ArcSwap::from_pointee(snapshot),
            wanted: Notify::new(),
            problem: Mutex::default(),
        }))
    }

    /// The side for readers.
    pub fn published(&self) -> Arc<Published> {
        self.0.clone()
    }

    /// Publishes the next snapshot.
    pub fn publish(&self, snapshot: Snapshot) {
        self.0.set(snapshot);
    }

    /// Waits until somebody wants a newer state, or for a time.
    pub async fn wanted(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.0.wanted.notified()).await;
    }

    /// Says why what others commit can't be followed at the moment, or that it can.
    pub fn note(&self, problem: Option<Arc<SnapshotFollowError>>) {
        *self.0.problem.lock() = problem;
    }
}

impl Deref for Publishing {
    type Target = Published;

    fn deref(&self) -> &Published {
        &self.0
    }
}
