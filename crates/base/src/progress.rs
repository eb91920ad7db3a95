//! How far a start has come: what it is doing, and how much of that is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A stage that takes longer is spoken of in the log.
const LONG: Duration = Duration::from_secs(2);

/// What a start does, in this order, as far as there is something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Opens the embedders; a model may have to be fetched.
    Embedders,
    /// Opens the catalog, compares it with its seal and brings its schema up to date.
    Catalog,
    /// Checks the whole catalog, which was not stopped in order.
    Check,
    /// Reads the tuples.
    Tuples,
    /// Groups what the tuples grant.
    Graph,
    /// Reads what decides about documents.
    Documents,
    /// Checks every vector.
    Vectors,
    /// Makes vectors again that are damaged or missing.
    Repair,
    /// Makes what a first start needs, and starts the tasks.
    Tasks,
    /// Lets the indexes follow what the catalog has logged; requests are answered already.
    Following,
}

impl Stage {
    pub const ALL: [Self; 10] = [
        Self::Embedders,
        Self::Catalog,
        Self::Check,
        Self::Tuples,
        Self::Graph,
        Self::Documents,
        Self::Vectors,
        Self::Repair,
        Self::Tasks,
        Self::Following,
    ];

    /// For metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedders => "embedders",
            Self::Catalog => "catalog",
            Self::Check => "check",
            Self::Tuples => "tuples",
            Self::Graph => "graph",
            Self::Documents => "documents",
            Self::Vectors => "vectors",
            Self::Repair => "repair",
            Self::Tasks => "tasks",
            Self::Following => "following",
        }
    }

    /// For people who wait.
    pub fn text(self) -> &'static str {
        match self {
            Self::Embedders => "opening the embedders",
            Self::Catalog => "opening the catalog",
            Self::Check => "checking the catalog, which was not stopped in order",
            Self::Tuples => "reading the tuples",
            Self::Graph => "grouping what the tuples grant",
            Self::Documents => "reading the documents' rights",
            Self::Vectors => "checking the vectors",
            Self::Repair => "making vectors again",
            Self::Tasks => "starting the tasks",
            Self::Following => "bringing the indexes up to date",
        }
    }
}

/// Shared by whoever works on a start and whoever asks how far it is. One that nobody looks at costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    done: AtomicU64,
    total: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    begun: Option<Instant>,
    present: Option<(Stage, Instant)>,
    took: Vec<(Stage, Duration)>,
    all: Option<Duration>,
}

impl Progress {
    /// The next stage begins; of `total` parts, none of which is done. 0: nobody knows how many there are.
    pub fn enter(&self, stage: Stage, total: u64) {
        let now = Instant::now();
        let mut state = self.0.state.lock();
        state.begun.get_or_insert(now);
        state.leave(now);
        state.present = Some((stage, now));
        self.0.done.store(0, Ordering::Relaxed);
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// So many parts there are of the present stage.
    pub fn expect(&self, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// More of the present stage is done.
    pub fn add(&self, done: u64) {
        self.0.done.fetch_add(done, Ordering::Relaxed);
    }

    /// So much of the present stage is done.
    pub fn reach(&self, done: u64) {
        self.0.done.store(done, Ordering::Relaxed);
    }

    /// The start is complete.
    pub fn complete(&self) {
        let now = Instant::now();
        let mut state = self.0.state.lock();
        state.leave(now);
        state.all = state.begun.map(|begun| now.duration_since(begun));
    }

    /// What the start is doing; nothing before it begins and after it is complete.
    pub fn stage(&self) -> Option<Stage> {
        self.0.state.lock().present.map(|(stage, _)| stage)
    }

    pub fn is_complete(&self) -> bool {
        self.0.state.lock().all.is_some()
    }

    /// How much of the present stage is done, where that is known: 0 to 99, since what is whole has ended.
    pub fn percent(&self) -> Option<u8> {
        let (done, total) = (self.0.done.load(Ordering::Relaxed), self.0.total.load(Ordering::Relaxed));
        let percent = u128::from(done) * 100 / u128::from(Some(total).filter(|total| *total > 0)?);
        Some(percent.min(99) as u8)
    }

    /// Time since the start began, or that it has taken.
    pub fn took(&self) -> Duration {
        let state = self.0.state.lock();
        state.all.or(state.begun.map(|begun| begun.elapsed())).unwrap_or_default()
    }

    /// Stages that have ended, with the time that each has taken.
    pub fn stages(&self) -> Vec<(Stage, Duration)> {
        self.0.state.lock().took.clone()
    }
}

impl State {
    fn leave(&mut self, now: Instant) {
        let Some((stage, since)) = self.present.take() else { return };
        let took = now.duration_since(since);
        match self.took.iter_mut().find(|(held, _)| *held == stage) {
            Some((_, sum)) => *sum += took,
            None => self.took.push((stage, took)),
        }
        let ms = took.as_millis() as u64;
        if took < LONG {
            tracing::debug!(stage = stage.name(), ms, "a stage of the start is over");
        } else {
            tracing::info!(stage = stage.name(), ms, "a stage of the start is over");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_has_its_share_and_its_time() {
        let progress = Progress::default();
        assert_eq!((progress.stage(), progress.percent(), progress.is_complete()), (None, None, false));
        progress.enter(Stage::Catalog, 0);
        assert_eq!((progress.stage(), progress.percent()), (Some(Stage::Catalog), None));
        progress.enter(Stage::Tuples, 300);
        assert_eq!(progress.percent(), Some(0));
        progress.add(100);
        progress.add(50);
        assert_eq!(progress.percent(), Some(50));
        progress.reach(300);
        assert_eq!(progress.percent(), Some(99), "it has not ended");
        progress.enter(Stage::Catalog, 0);
        progress.complete();
        assert!(progress.is_complete() && progress.stage().is_none());
        let stages: Vec<Stage> = progress.stages().into_iter().map(|(stage, _)| stage).collect();
        assert_eq!(stages, [Stage::Catalog, Stage::Tuples], "the second time counts with the first");
        assert!(progress.took() >= progress.stages().iter().map(|(_, took)| *took).sum::<Duration>());
    }
}
