//! Requests in time: a bucket of tokens for each class of route, per credential and per subject.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::Payer;

/// Keys beyond which those with a full bucket are looked for and forgotten.
const MANY: usize = 10_000;

/// What a route costs, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Questions, and passages that are asked about again.
    Query,
    /// What is looked up: documents, tuples, settings.
    Read,
    /// What changes something.
    Write,
    /// Decisions and lists on OpenFGA's surface.
    Check,
    /// What may walk through everything: explanations, impact, readers, reports.
    Survey,
}

impl Class {
    pub const ALL: [Self; 5] = [Self::Query, Self::Read, Self::Write, Self::Check, Self::Survey];

    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Read => "read",
            Self::Write => "write",
            Self::Check => "check",
            Self::Survey => "survey",
        }
    }
}

/// Requests per second of one class, for a credential as a whole and for one subject that it acts for; 0: no limit. As
/// many seconds' worth as [`BURST_S`] says may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub credential: u32,
    pub subject: u32,
}

/// Seconds whose requests a bucket holds.
pub const BURST_S: u32 = 10;

type Limiter = RateLimiter<String, HashMapStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// A bucket for each key.
struct Buckets {
    limiter: Limiter,
    /// The number of keys at which the next look is worth its time.
    look_at: AtomicUsize,
}

/// The buckets of all classes.
pub struct Rates {
    by_class: Vec<(Class, Option<Buckets>, Option<Buckets>)>,
    clock: DefaultClock,
}

/// What is left to a payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub class: Class,
    /// Most requests at once, and the seconds after which an empty bucket holds as many again.
    pub quota: u32,
    pub window_s: u32,
    pub remaining: u32,
    /// How long a refused one should wait.
    pub retry_after: Option<Duration>,
}

impl Rates {
    pub fn new(rate: impl Fn(Class) -> Rate) -> Self {
        let buckets = |per_s: u32| {
            let burst = NonZeroU32::new(per_s.saturating_mul(BURST_S))?;
            let quota = Quota::per_second(NonZeroU32::new(per_s)?).allow_burst(burst);
            let limiter = RateLimiter::hashmap(quota).with_middleware::<StateInformationMiddleware>();
            Some(Buckets { limiter, look_at: AtomicUsize::new(MANY) })
        };
        let of = |class| {
            let rate = rate(class);
            (class, buckets(rate.credential), buckets(rate.subject))
        };
        Self { by_class: Class::ALL.into_iter().map(of).collect(), clock: DefaultClock::default() }
    }

    /// Takes a token of the class from the payer's buckets; says what is left where there is a limit.
    ///
    /// # Errors
    /// When a bucket is empty.
    pub fn take(&self, class: Class, payer: &Payer) -> Result<Option<Left>, Left> {
        let Some((_, credential, subject)) = self.by_class.iter().find(|(of, ..)| *of == class) else {
            return Ok(None);
        };
        // The subject's first: what it is refused costs the credential nothing.
        if let (Some(buckets), Some(subject)) = (subject, payer.with_subject()) {
            buckets.take(class, &subject, &self.clock)?;
        }
        credential.as_ref().map(|buckets| buckets.take(class, &payer.credential, &self.clock)).transpose()
    }
}

impl Buckets {
    fn take(&self, class: Class, key: &String, clock: &DefaultClock) -> Result<Left, Left> {
        if self.limiter.len() > self.look_at.load(Ordering::Relaxed) {
            self.limiter.retain_recent();
            self.look_at.store(MANY.max(2 * self.limiter.len()), Ordering::Relaxed);
        }
        let left = |quota: Quota, remaining, retry_after| Left {
            class,
            quota: quota.burst_size().get(),
            window_s: BURST_S,
            remaining,
            retry_after,
        };
        match self.limiter.check_key(key) {
            Ok(state) => Ok(left(state.quota(), state.remaining_burst_capacity(), None)),
            Err(until) => Err(left(until.quota(), 0, Some(until.wait_time_from(clock.now())))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_for_one_class_one_key_and_one_subject() {
        let rates = Rates::new(|class| match class {
            Class::Query => Rate { credential: 2, subject: 1 },
            _ => Rate { credential: 0, subject: 0 },
        });
        let payer = |subject: Option<&str>| Payer { credential: "k".into(), subject: subject.map(str::to_owned) };
        let ann = payer(Some("user:ann"));
        let taken = (0..100).take_while(|_| rates.take(Class::Query, &ann).is_ok()).count();
        assert_eq!(taken, BURST_S as usize, "the subject's");
        let rest = (0..100).take_while(|_| rates.take(Class::Query, &payer(None)).is_ok()).count();
        assert_eq!(rest, BURST_S as usize, "what is left of the key's: what the subject was refused cost nothing");
        let refused = rates.take(Class::Query, &payer(None)).unwrap_err();
        assert_eq!((refused.quota, refused.remaining), (2 * BURST_S, 0));
        assert!(refused.retry_after.unwrap() <= Duration::from_millis(500));
        let other = Payer { credential: "other".into(), subject: None };
        assert_eq!(rates.take(Class::Query, &other).unwrap().unwrap().remaining, 2 * BURST_S - 1);
        assert_eq!(rates.take(Class::Write, &ann), Ok(None), "no limit");
    }
}
