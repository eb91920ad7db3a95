//! No answer from an older state than the newest one at the request's begin, whichever process made that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::Service;
use crate::catalog::Catalog;
use crate::catalog::commits::Head;
use crate::snapshot::follow::SnapshotFollowError;

/// Why a request has no state to answer from.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Stale {
    #[error("the catalog does not say what its newest state is")]
    Unknown,
    #[error("the newest state can't be reached in time")]
    Behind,
    #[error("the newest state can't be followed: {0}")]
    Stuck(Arc<SnapshotFollowError>),
}

impl Stale {
    /// The reason without names of anything.
    fn reason(&self) -> &'static str {
        match self {
            Self::Unknown => "gets no answer from the catalog",
            Self::Behind => "is behind the catalog",
            Self::Stuck(error) => match **error {
                SnapshotFollowError::OtherHistory => "has seen another history of the catalog and is about to end",
                SnapshotFollowError::NewerSchema => "is older than the catalog's schema: upgrade it",
                SnapshotFollowError::Load(_) | SnapshotFollowError::Index(_) => {
                    "can't follow the catalog: its log says why"
                }
            },
        }
    }
}

/// Looks at the catalog's newest state, shared by all requests that had arrived when the look began.
#[derive(Default)]
struct Heads {
    arrived: AtomicU64,
    /// The last look: how many requests had arrived before it began, and what it saw.
    last: tokio::sync::Mutex<(u64, Option<Head>)>,
}

impl Heads {
    /// The newest state, looked at after the call began.
    async fn look(&self, catalog: &Catalog) -> Option<Head> {
        let ticket = self.arrived.fetch_add(1, Ordering::SeqCst) + 1;
        let mut last = self.last.lock().await;
        if last.0 < ticket {
            let covers = self.arrived.load(Ordering::SeqCst);
            let head = catalog.head().await;
            let head = head.map_err(|error| tracing::debug!(%error, "the catalog's head can't be read")).ok();
            *last = (covers, head);
        }
        last.1
    }
}

/// What a process has that shares its catalog with others.
#[derive(Default)]
pub struct Others {
    heads: Heads,
    is_leaving: AtomicBool,
}

impl Others {
    /// This process is about to stop: nobody should begin to ask it.
    pub fn leave(&self) {
        self.is_leaving.store(true, Ordering::SeqCst);
    }

    /// Why this process should not be asked at the moment, and others should. Anybody may see it.
    pub async fn not_ready(&self, service: &Service) -> Option<&'static str> {
        if self.is_leaving.load(Ordering::SeqCst) {
            return Some("is stopping");
        }
        if let Err(stale) = self.caught_up(service).await {
            return Some(stale.reason());
        }
        let snapshot = service.published.load();
        let mut settings = snapshot.collections.values().map(|collection| &collection.settings);
        let has_embedder = settings.all(|settings| {
            service.embedders.get(&settings.embedder).is_some_and(|held| held.dimensions() == settings.dimensions)
        });
        (!has_embedder).then_some("lacks the embedder of a collection: configure it as in the other processes")
    }

    /// As [`Service::fresh`].
    async fn caught_up(&self, service: &Service) -> Result<(), Stale> {
        if crate::mutants::active("ignore_the_head") {
            return Ok(());
        }
        let published = &service.published;
        let until = tokio::time::Instant::from(Instant::now() + service.limits.default_deadline);
        // What is published was committed before, so the head is no older, unless the catalog was set back.
        let before = published.load().revision;
        let head = tokio::time::timeout_at(until, self.heads.look(&service.catalog)).await;
        let head = head.ok().flatten().ok_or(Stale::Unknown)?;
        let stuck = |error| Err(Stale::Stuck(Arc::new(error)));
        if !head.is_compatible() {
            return stuck(SnapshotFollowError::NewerSchema);
        }
        if head.revision < before {
            return stuck(SnapshotFollowError::OtherHistory);
        }
        let reached = tokio::time::timeout_at(until, published.at_least(head.revision)).await;
        let Ok(snapshot) = reached else {
            return Err(published.problem().map_or(Stale::Behind, Stale::Stuck));
        };
        if snapshot.revision == head.revision && snapshot.origin != head.origin {
            return stuck(SnapshotFollowError::OtherHistory);
        }
        Ok(())
    }
}

impl Service {
    /// Waits until this process answers from a state that is no older than the newest one when the call began; no
    /// longer than the default deadline. Where the catalog is this process's own, there is nothing to wait for.
    ///
    /// # Errors
    /// When that state is not known or not reached.
    pub async fn fresh(&self) -> Result<(), Stale> {
        match &self.others {
            Some(others) => others.caught_up(self).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_look_that_began_before_a_request_is_not_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path(), 4).await.unwrap();
        let heads = Arc::new(Heads::default());
        for revision in 1..200 {
            let mut tx = catalog.begin().await.unwrap();
            crate::catalog::meta::set_revision(&mut tx, revision).await.unwrap();
            tx.commit().await.unwrap();
            let looks = (0..20).map(|_| {
                let (heads, catalog) = (heads.clone(), catalog.clone());
                tokio::spawn(async move { heads.look(&catalog).await.unwrap().revision })
            });
            for look in futures::future::join_all(looks).await {
                assert_eq!(look.unwrap(), revision);
            }
        }
    }
}
