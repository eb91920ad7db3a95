use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// When a server that fails is left alone, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Pauses {
    /// Failures in a row before the first pause.
    pub failures: u32,
    /// The first pause; each probe that fails doubles it.
    pub first: Duration,
    pub longest: Duration,
    /// How long one call may try for all, after a pause.
    pub probe: Duration,
}

/// Leaves a server alone that has failed several times in a row; after a pause one call at a time finds out whether it is
/// back (a circuit breaker: Nygard, Release It!, 2007).
pub struct Breaker {
    pauses: Pauses,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    /// Nothing is called before; absent: everything is.
    left_alone_until: Option<Instant>,
    is_probing: bool,
    pause: Duration,
}

impl Breaker {
    pub fn new(pauses: Pauses) -> Self {
        Self { pauses, state: Mutex::default() }
    }

    /// Whether a call may be made now; its outcome is [noted](Self::note).
    pub fn admits(&self) -> bool {
        let mut state = self.state.lock();
        let Some(until) = state.left_alone_until else { return true };
        let now = Instant::now();
        if now < until {
            return false;
        }
        state.left_alone_until = Some(now + self.pauses.probe);
        state.is_probing = true;
        true
    }

    pub fn note(&self, failed: bool) {
        let mut state = self.state.lock();
        if !failed {
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        // Many calls that fail together are one failure: only a probe that fails makes the pause longer.
        if state.failures == self.pauses.failures || std::mem::take(&mut state.is_probing) {
            state.pause = (state.pause * 2).clamp(self.pauses.first, self.pauses.longest);
            state.left_alone_until = Some(Instant::now() + state.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSES: Pauses = Pauses {
        failures: 3,
        first: Duration::from_millis(40),
        longest: Duration::from_millis(60),
        probe: Duration::from_secs(60),
    };

    fn wait(pause: Duration) {
        std::thread::sleep(pause + Duration::from_millis(5));
    }

    #[test]
    fn a_server_that_fails_is_left_alone_and_one_call_tries_for_all() {
        let breaker = Breaker::new(PAUSES);
        for _ in 0..PAUSES.failures {
            assert!(breaker.admits());
            breaker.note(true);
        }
        assert!(!breaker.admits());
        wait(PAUSES.first);
        assert!(breaker.admits());
        assert!(!breaker.admits(), "one tries for all");
        breaker.note(false);
        assert!(breaker.admits() && breaker.admits());
    }

    #[test]
    fn only_a_probe_that_fails_makes_the_pause_longer() {
        let breaker = Breaker::new(PAUSES);
        (0..4 * PAUSES.failures).for_each(|_| breaker.note(true));
        wait(PAUSES.first);
        assert!(breaker.admits());
        let noted = Instant::now();
        breaker.note(true);
        while !breaker.admits() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(noted.elapsed() >= PAUSES.longest, "{:?}", noted.elapsed());
    }
}
