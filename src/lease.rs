//! Work that one process does for all that share a catalog: whoever holds the lease does it, and another takes over when
//! the owner stops or dies.
//!
//! A lease saves work and never protects anything: a process that was suspended may go on for a moment after another took
//! over. So the work itself must bear being done twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::catalog::Catalog;
use crate::catalog::leases::LeaseState;

/// A lease that is not renewed for so long is free.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(5);
/// Pause between two renewals, and between two looks at whether a lease is free. A dead owner's work is taken over within
/// [`TIME_TO_LIVE`] and this.
pub const PACE: Duration = Duration::from_secs(1);

/// Work for one process.
pub trait Duty: Send + Sync + 'static {
    /// Of the lease.
    fn name(&self) -> &str;

    /// Does the work until it is cancelled.
    fn work(&self) -> BoxFuture<'_, ()>;

    /// How long ago the work was known to be complete, where that can be said.
    fn done(&self) -> Option<Duration> {
        None
    }

    /// The process that does the work says this of it.
    fn done_elsewhere(&self, _ago: Duration) {}
}

/// The leases of one process.
#[derive(Clone)]
pub struct Leases {
    catalog: Catalog,
    owner: [u8; 16],
}

impl Leases {
    /// # Errors
    /// When the system has no randomness.
    pub fn new(catalog: Catalog) -> Result<Self, getrandom::Error> {
        let mut owner = [0; 16];
        getrandom::fill(&mut owner)?;
        Ok(Self { catalog, owner })
    }

    /// Does the duty whenever this process holds its lease, until cancelled.
    pub async fn run(self, duty: Arc<dyn Duty>) {
        loop {
            if self.take(&*duty).await.is_some_and(|state| state.is_held) {
                tracing::info!(lease = duty.name(), "this process takes the work");
                tokio::select! {
                    () = duty.work() => {}
                    () = self.lost(&*duty) => tracing::warn!(lease = duty.name(), "the work was lost to another process"),
                }
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Takes or renews a lease; says whether it is held.
    async fn hold(&self, name: &str) -> Option<bool> {
        let take = self.catalog.take_lease(name, &self.owner, TIME_TO_LIVE, None);
        Some(tokio::time::timeout(PACE, take).await.ok()?.ok()?.is_held)
    }

    /// Renews the lease until that fails for so long that another may have it.
    async fn lost(&self, duty: &dyn Duty) {
        let mut renewed = Instant::now();
        while renewed.elapsed() < TIME_TO_LIVE {
            tokio::time::sleep(PACE).await;
            let begun = Instant::now();
            match self.take(duty).await {
                Some(state) if state.is_held => renewed = begun,
                Some(_) => return,
                None => {}
            }
        }
    }

    /// Nothing where the catalog does not answer.
    async fn take(&self, duty: &dyn Duty) -> Option<LeaseState> {
        let take = self.catalog.take_lease(duty.name(), &self.owner, TIME_TO_LIVE, duty.done());
        let state = match tokio::time::timeout(PACE, take).await {
            Ok(Ok(state)) => state,
            Ok(Err(error)) => {
                tracing::debug!(lease = duty.name(), %error, "a lease could not be looked at");
                return None;
            }
            Err(_) => return None,
        };
        if let Some(ago) = state.done.filter(|_| !state.is_held) {
            duty.done_elsewhere(ago);
        }
        Some(state)
    }

    /// Lets others take over at once.
    pub async fn give_back(&self) {
        let give_back = self.catalog.give_back_leases(&self.owner);
        if !matches!(tokio::time::timeout(PACE, give_back).await, Ok(Ok(()))) {
            tracing::warn!("leases could not be given back; they run out");
        }
    }
}

/// Who of several processes does what one of them is enough for.
pub trait Lease: Send + Sync {
    /// Whether this process holds the named lease at present.
    fn holds(&self, name: &str) -> bool;

    /// Whether this process can do the work; where not, the lease is left to others until it can.
    fn set_able(&self, name: &str, is_able: bool);
}

/// For a process that has nobody to share work with: it holds everything.
pub struct Alone;

impl Lease for Alone {
    fn holds(&self, _: &str) -> bool {
        true
    }

    fn set_able(&self, _: &str, _: bool) {}
}

/// Leases that are asked for by name, and held while this process lives.
pub struct Holdings {
    leases: Leases,
    /// When each was last renewed; absent: it is another's.
    renewed: Mutex<BTreeMap<String, Option<Instant>>>,
    /// What can't be done here at present, and is left to others.
    unable: Mutex<BTreeSet<String>>,
}

impl Lease for Holdings {
    /// The lease is tried for from the first question on.
    fn holds(&self, name: &str) -> bool {
        let mut renewed = self.renewed.lock();
        match renewed.get(name) {
            Some(at) => at.is_some_and(|at| at.elapsed() < TIME_TO_LIVE),
            None => {
                renewed.insert(name.to_owned(), None);
                false
            }
        }
    }

    fn set_able(&self, name: &str, is_able: bool) {
        let mut unable = self.unable.lock();
        if is_able {
            unable.remove(name);
        } else if unable.insert(name.to_owned()) {
            tracing::warn!(lease = name, "the work can't be done here and is left to other processes");
            self.renewed.lock().insert(name.to_owned(), None);
        }
    }
}

impl Holdings {
    pub fn new(leases: Leases) -> Self {
        Self { leases, renewed: Mutex::default(), unable: Mutex::default() }
    }

    /// Takes and renews what was asked for, until cancelled.
    pub async fn keep(self: Arc<Self>) {
        loop {
            let names: Vec<String> = self.renewed.lock().keys().cloned().collect();
            for name in names {
                let begun = Instant::now();
                if self.unable.lock().contains(&name) {
                    continue;
                }
                // Without an answer it is held until it may have run out.
                if let Some(is_held) = self.leases.hold(&name).await {
                    let is_held = is_held && !self.unable.lock().contains(&name);
                    self.renewed.lock().insert(name, is_held.then_some(begun));
                }
            }
            tokio::time::sleep(PACE).await;
        }
    }
}
