//! Copies of a model, each for one piece of work at a time.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::places::Place;

/// Copies in memory that work on passages; more cores work on one passage together.
const MAX: usize = 8;

/// Texts of one payer that wait for one copy or are worked on: the next one is there when the last is done.
const MIN_TURNS: usize = 2;

/// How many copies there are, and cores for each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    pub copies: usize,
    pub cores: usize,
}

impl Count {
    /// For a model that may use so many cores.
    pub fn of(threads: usize) -> Self {
        let copies = threads.clamp(1, MAX);
        Self { copies, cores: (threads / copies).max(1) }
    }

    /// Pieces of work that keep them busy.
    pub fn turns(self) -> usize {
        self.copies.max(MIN_TURNS)
    }
}

pub(super) struct Copies<M> {
    idle: Arc<Mutex<Vec<M>>>,
    /// As many permits as there are copies; a permit is given back after its copy.
    pub places: Arc<Semaphore>,
}

impl<M: Send + 'static> Copies<M> {
    pub fn of(models: Vec<M>) -> Self {
        Self { places: Arc::new(Semaphore::new(models.len())), idle: Arc::new(Mutex::new(models)) }
    }

    /// What a copy makes of one piece of work, in its turn and this place, whether or not somebody still waits for it.
    pub async fn run<T: Send + 'static>(
        &self,
        place: (Place, OwnedSemaphorePermit),
        work: impl FnOnce(&mut M) -> Result<T, fastembed::Error> + Send + 'static,
    ) -> Option<T> {
        let idle = self.idle.clone();
        let ran = tokio::task::spawn_blocking(move || {
            let mut model = idle.lock().pop()?;
            let made = std::panic::catch_unwind(AssertUnwindSafe(|| work(&mut model)));
            idle.lock().push(model);
            drop(place);
            // SECURITY: the library's own words may quote the text.
            made.ok()?.ok()
        });
        ran.await.ok().flatten()
    }
}
