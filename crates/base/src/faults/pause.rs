//! Places where a test can hold a request still while something else happens, or make it dawdle. Outside the test build
//! [`at`] is nothing.

/// Waits here if a test has armed the place for this request.
#[cfg(not(usher_mutants))]
#[inline(always)]
pub async fn at(_place: &'static str, _request_id: &str) {}

#[cfg(usher_mutants)]
pub use armed::{Pause, arm, at, stir};

#[cfg(usher_mutants)]
mod armed {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::Arc;
    use std::time::Duration;

    use parking_lot::Mutex;
    use tokio::sync::Semaphore;

    // Process-wide state of the test build only.
    static ARMED: Mutex<Vec<(&'static str, String, Arc<Shared>)>> = Mutex::new(Vec::new());

    static STIRRED: Mutex<Option<(&'static str, Duration)>> = Mutex::new(None);

    struct Shared {
        reached: Semaphore,
        released: Semaphore,
    }

    /// An armed place; the named request waits there, once, until it is released.
    pub struct Pause(Arc<Shared>);

    pub fn arm(place: &'static str, request_id: &str) -> Pause {
        let shared = Arc::new(Shared { reached: Semaphore::new(0), released: Semaphore::new(0) });
        ARMED.lock().push((place, request_id.to_owned(), shared.clone()));
        Pause(shared)
    }

    /// From now on everybody whose name contains `part` waits at one place of four for a random while, at most `most`.
    pub fn stir(part: &'static str, most: Duration) {
        *STIRRED.lock() = Some((part, most));
    }

    impl Pause {
        /// Waits until a request stands at the place.
        pub async fn reached(&self) {
            // The semaphore is never closed.
            let _ = self.0.reached.acquire().await;
        }

        /// Lets the request go on.
        pub fn release(self) {
            self.0.released.add_permits(1);
        }
    }

    /// Waits here if a test has armed the place for this request, or for a while if it stirs such requests.
    pub async fn at(place: &'static str, request_id: &str) {
        let stirred = *STIRRED.lock();
        if let Some((_, most)) = stirred.filter(|(part, _)| request_id.contains(part)) {
            let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX).max(1);
            let random = RandomState::new().hash_one(request_id);
            if random.is_multiple_of(4) {
                tokio::time::sleep(Duration::from_micros(random / 4 % most)).await;
            }
        }
        let shared = {
            let mut armed = ARMED.lock();
            let found = armed.iter().position(|(name, request, _)| *name == place && request == request_id);
            let Some(found) = found else { return };
            armed.remove(found).2
        };
        shared.reached.add_permits(1);
        let _ = shared.released.acquire().await;
    }
}
