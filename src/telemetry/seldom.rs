//! Lines of the log that callers can cause at will: a few of each kind a minute, so that nobody can fill the disk.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long a while is.
const WINDOW: Duration = Duration::from_secs(60);
/// Lines of one kind in a while.
const MOST: u32 = 20;

/// One kind of line.
pub struct Seldom(Mutex<State>);

struct State {
    since: Option<Instant>,
    passed: u32,
    left_out: u64,
}

impl Seldom {
    #[allow(clippy::new_without_default, reason = "it stands in a static beside the line")]
    pub const fn new() -> Self {
        Self(Mutex::new(State { since: None, passed: 0, left_out: 0 }))
    }

    /// Whether the line may be written now; then how many were left out since the last one.
    pub fn pass(&self) -> Option<u64> {
        self.pass_at(Instant::now())
    }

    fn pass_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock();
        if state.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            (state.since, state.passed) = (Some(now), 0);
        }
        if state.passed >= MOST {
            state.left_out += 1;
            LEFT_OUT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            return None;
        }
        state.passed += 1;
        Some(std::mem::take(&mut state.left_out))
    }
}

/// Lines left out by this process, of all kinds.
pub(super) static LEFT_OUT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_makes_few_lines_and_the_next_one_says_how_many_are_missing() {
        let (seldom, begin) = (Seldom::new(), Instant::now());
        let (mut passed, mut told) = (0, 0);
        for second in 0..600 {
            for _ in 0..100 {
                if let Some(left_out) = seldom.pass_at(begin + Duration::from_secs(second)) {
                    passed += 1;
                    told += left_out;
                }
            }
        }
        assert_eq!(passed, 10 * u64::from(MOST));
        let last = seldom.pass_at(begin + Duration::from_secs(700)).unwrap();
        assert_eq!(passed + told + last, 60_000);
    }
}
