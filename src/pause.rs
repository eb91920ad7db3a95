//! Places where a test can hold a request still while something else happens. Outside the test build [`at`] is nothing.

/// Waits here if a test has armed the place.
#[cfg(not(usher_mutants))]
#[inline(always)]
pub async fn at(_place: &'static str) {}

#[cfg(usher_mutants)]
pub use armed::{Pause, arm, at};

#[cfg(usher_mutants)]
mod armed {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tokio::sync::Semaphore;

    // Process-wide state of the test build only; the tests that arm a place run one at a time.
    static ARMED: Mutex<Option<(&'static str, Arc<Shared>)>> = Mutex::new(None);

    struct Shared {
        reached: Semaphore,
        released: Semaphore,
    }

    /// An armed place; the first request that reaches it waits until it is released.
    pub struct Pause(Arc<Shared>);

    pub fn arm(place: &'static str) -> Pause {
        let shared = Arc::new(Shared { reached: Semaphore::new(0), released: Semaphore::new(0) });
        *ARMED.lock() = Some((place, shared.clone()));
        Pause(shared)
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

    /// Waits here if a test has armed the place.
    pub async fn at(place: &'static str) {
        let shared = {
            let mut armed = ARMED.lock();
            match armed.take() {
                Some((name, shared)) if name == place => shared,
                other => {
                    *armed = other;
                    return;
                }
            }
        };
        shared.reached.add_permits(1);
        let _ = shared.released.acquire().await;
    }
}
