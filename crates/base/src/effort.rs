//! What one request may still spend: time, and steps of work. Computation looks at it as it goes, so that a deadline ends
//! the work and not only the answer.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Steps between two looks at what is left.
pub const SLICE: u32 = 1_024;

/// The request's time or its steps are used up, or nobody waits for it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Spent {
    #[error("the time for it is over")]
    Time,
    #[error("it takes more work than one request may cause")]
    Steps,
}

/// Shared by all parts of one request's work.
#[derive(Clone, Default)]
pub struct Effort {
    /// None: it is the service's own work.
    bounds: Option<Arc<Bounds>>,
    /// Given back when the last part that has it has ended.
    held: Option<Arc<dyn Any + Send + Sync>>,
}

struct Bounds {
    /// Whose work it is.
    credential: Box<str>,
    until: Instant,
    left: AtomicU64,
    is_unwanted: AtomicBool,
}

impl std::fmt::Debug for Effort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let left = self.bounds.as_ref().map(|bounds| bounds.left.load(Ordering::Relaxed));
        write!(f, "Effort {{ left: {left:?} }}")
    }
}

/// Says, when it is dropped, that nobody waits for the work any more.
#[must_use = "the work ends when this is dropped"]
#[derive(Debug)]
pub struct Wanted(Effort);

impl Drop for Wanted {
    fn drop(&mut self) {
        if let Some(bounds) = &self.0.bounds {
            bounds.is_unwanted.store(true, Ordering::Relaxed);
        }
    }
}

impl Effort {
    /// So many steps for a credential, until then, and as long as somebody waits for it.
    pub fn new(credential: &str, until: Instant, steps: u64) -> (Self, Wanted) {
        let (left, is_unwanted) = (AtomicU64::new(steps), AtomicBool::new(false));
        let bounds = Bounds { credential: credential.into(), until, left, is_unwanted };
        let effort = Self { bounds: Some(Arc::new(bounds)), held: None };
        (effort.clone(), Wanted(effort))
    }

    /// For work of the service's own.
    pub fn unbounded() -> Self {
        Self::default()
    }

    /// The same, for a part that keeps `held` as long as it goes on, beside what this one keeps.
    pub fn holding(&self, held: impl Any + Send + Sync) -> Self {
        Self { bounds: self.bounds.clone(), held: Some(Arc::new((held, self.held.clone()))) }
    }

    /// Whose work it is; empty for the service's own.
    pub fn credential(&self) -> &str {
        self.bounds.as_ref().map_or("", |bounds| &bounds.credential)
    }

    /// The same, keeping nothing.
    pub fn bare(&self) -> Self {
        Self { bounds: self.bounds.clone(), held: None }
    }

    /// Pays for work before it is done.
    ///
    /// # Errors
    /// When it must not be done any more; it stays so.
    pub fn spend(&self, steps: u64) -> Result<(), Spent> {
        let Some(bounds) = &self.bounds else { return Ok(()) };
        let left = bounds.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(steps));
        if left.is_err() {
            bounds.left.store(0, Ordering::Relaxed);
            return Err(Spent::Steps);
        }
        if bounds.is_unwanted.load(Ordering::Relaxed) || Instant::now() >= bounds.until {
            return Err(Spent::Time);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn steps_time_and_being_unwanted_end_it_and_what_is_held_goes_with_the_last_part() {
        let held = Arc::new(());
        let later = Instant::now() + Duration::from_secs(60);
        let (effort, wanted) = Effort::new("key", later, 10);
        let effort = effort.holding(held.clone());
        let part = effort.holding(());
        assert_eq!((part.spend(6), effort.spend(4), part.spend(1)), (Ok(()), Ok(()), Err(Spent::Steps)));
        assert_eq!(effort.spend(1), Err(Spent::Steps), "it stays so");
        drop((effort, wanted));
        assert_eq!(Arc::strong_count(&held), 2, "a part still works");
        drop(part);
        assert_eq!(Arc::strong_count(&held), 1);

        let (effort, wanted) = Effort::new("key", later, 10);
        assert_eq!(effort.spend(1), Ok(()));
        drop(wanted);
        assert_eq!(effort.spend(1), Err(Spent::Time));
        let (late, _wanted) = Effort::new("key", Instant::now(), 10);
        assert_eq!(late.spend(1), Err(Spent::Time));
        assert_eq!(Effort::unbounded().spend(u64::MAX), Ok(()));
    }
}
