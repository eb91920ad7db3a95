//! One request's turn to compute: whom its work is counted against, what it may still cost, and a place to do it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinError;

use crate::limits::Payer;
use crate::limits::effort::{Effort, Spent, Wanted};
use crate::limits::places::{Places, Taken};
use crate::service::Service;

/// Work that a request causes ends soon after this is dropped, wherever it goes on.
#[derive(Debug)]
pub struct Turn {
    payer: Payer,
    until: Instant,
    effort: Effort,
    places: Arc<Places>,
    _wanted: Wanted,
}

/// Why a computation gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotComputed {
    #[error(transparent)]
    Spent(#[from] Spent),
    /// There was no place for it in time: nothing was computed.
    #[error("{0}")]
    NoPlace(Taken),
    #[error("a computation broke off: {0}")]
    BrokeOff(#[from] JoinError),
}

/// How long a decision or a list of OpenFGA's surface may take: that server's default.
pub const EVALUATION: Duration = Duration::from_secs(3);
/// How long an administrator's question may take.
pub const SURVEY: Duration = Duration::from_secs(20);
/// How long the splitting of one document may take.
pub const LAYOUT: Duration = Duration::from_secs(60);
/// A query has its own deadline.
const QUERY_STEPS: u64 = u64::MAX;

impl Service {
    /// For a query with this deadline.
    pub fn query_turn(&self, payer: Payer, until: Instant) -> Turn {
        Turn::new(self.computing.clone(), payer, until, QUERY_STEPS)
    }

    /// For what is looked up as a reader.
    pub fn read_turn(&self, payer: Payer) -> Turn {
        self.query_turn(payer, Instant::now() + self.limits.max_deadline)
    }

    /// For a decision or a list of OpenFGA's surface.
    pub fn evaluation_turn(&self, payer: Payer) -> Turn {
        Turn::new(self.evaluations.clone(), payer, Instant::now() + EVALUATION, self.limits.steps)
    }

    /// For splitting a document.
    pub fn layout_turn(&self, payer: Payer) -> Turn {
        Turn::new(self.layouts.clone(), payer, Instant::now() + LAYOUT, QUERY_STEPS)
    }

    /// For an administrator's question.
    pub fn survey_turn(&self, payer: Payer) -> Turn {
        Turn::new(self.surveys.clone(), payer, Instant::now() + SURVEY, self.limits.steps)
    }
}

impl Turn {
    /// So many steps, until then, at the places that all turns share.
    pub fn new(places: Arc<Places>, payer: Payer, until: Instant, steps: u64) -> Self {
        let (effort, wanted) = Effort::new(&payer.credential, until, steps);
        Self { payer, until, effort, places, _wanted: wanted }
    }

    /// Whom it is counted against.
    pub fn payer(&self) -> &Payer {
        &self.payer
    }

    /// The same turn, with something that is kept as long as any of its work goes on.
    pub fn holding(self, held: impl Send + Sync + 'static) -> Self {
        Self { effort: self.effort.holding(held), ..self }
    }

    /// Pays for what is done on the way.
    ///
    /// # Errors
    /// When nothing more may be done.
    pub fn spend(&self, steps: u64) -> Result<(), Spent> {
        self.effort.spend(steps)
    }

    /// The effort of one computation, once there is a place for it, which it keeps.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn place(&self) -> Result<Effort, NotComputed> {
        let place = tokio::time::timeout_at(self.until.into(), self.places.take(&self.payer)).await;
        // One that was given back just now came too late all the same.
        let taken = |_| NotComputed::NoPlace(self.places.has_room(&self.payer).err().unwrap_or(Taken::All));
        Ok(self.effort.holding(place.map_err(taken)?))
    }

    /// Computes beside the threads that serve connections.
    ///
    /// # Errors
    /// When there is no place in time, or the work broke off.
    pub async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Effort) -> T + Send + 'static,
    ) -> Result<T, NotComputed> {
        let effort = self.place().await?;
        Ok(crate::spans::blocking(move || work(&effort)).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::limits::places::Shares;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_place_goes_with_the_work_which_ends_when_nobody_waits_for_it() {
        let places = Places::new(Shares { all: 1, credential: 1, subject: 1 });
        let turn = |seconds| {
            let payer = Payer { credential: "key".into(), subject: None };
            Turn::new(places.clone(), payer, Instant::now() + Duration::from_secs(seconds), u64::MAX)
        };
        let done = Arc::new(AtomicUsize::new(0));
        let endless = |done: Arc<AtomicUsize>| {
            move |effort: &Effort| {
                while effort.spend(1).is_ok() {
                    done.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        };
        let gone = turn(60);
        let late = tokio::time::timeout(Duration::from_millis(50), gone.compute(endless(done.clone()))).await;
        assert!(late.is_err());
        assert_eq!(places.free(), 0, "the answer is over, the work is not");
        let refused = turn(0).place().await.unwrap_err();
        assert!(matches!(refused, NotComputed::NoPlace(Taken::Own)), "no place in time: {refused}");
        drop(gone);
        let next = turn(60).place().await.unwrap();
        let before = done.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(done.load(Ordering::Relaxed), before, "the work has ended before its place was free");
        drop(next);

        let timed = turn(1);
        let begin = Instant::now();
        timed.compute(endless(done)).await.unwrap();
        assert!(begin.elapsed() < Duration::from_secs(3), "the deadline alone ends it too");
        assert_eq!(places.free(), 1);
    }
}
