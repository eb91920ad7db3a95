//! Places for work that goes on at one time: so many in all, and of these so many for one credential and one subject, so
//! that nobody can hold them all.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Payer;

/// How many places there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    pub all: usize,
    pub credential: usize,
    pub subject: usize,
}

/// Places of one kind.
#[derive(Debug)]
pub struct Places {
    shares: Shares,
    all: Arc<Semaphore>,
    /// Those who hold places or wait for one, and others until there are too many of them.
    own: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    _own: Vec<OwnedSemaphorePermit>,
    _all: OwnedSemaphorePermit,
}

/// Whose places are all taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    #[error("as much is being done as may be at one time")]
    All,
    /// The credential's, or the subject's.
    #[error("as much is being done for this caller as may be at one time")]
    Own,
}

impl Places {
    pub fn new(shares: Shares) -> Arc<Self> {
        Arc::new(Self { shares, all: Arc::new(Semaphore::new(shares.all)), own: Mutex::default() })
    }

    /// A place now.
    ///
    /// # Errors
    /// When there is none.
    pub fn try_take(&self, payer: &Payer) -> Result<Place, Taken> {
        self.try_take_many(payer, 1)
    }

    /// So many places at once, now.
    ///
    /// # Errors
    /// When there are not as many.
    pub fn try_take_many(&self, payer: &Payer, count: u32) -> Result<Place, Taken> {
        let own = self.own(payer).into_iter().map(|own| own.try_acquire_many_owned(count).map_err(|_| Taken::Own));
        let own = own.collect::<Result<_, _>>()?;
        let all = self.all.clone().try_acquire_many_owned(count).map_err(|_| Taken::All)?;
        Ok(Place { _own: own, _all: all })
    }

    /// Whether there would be a place now, at little cost; it may be gone when it is taken.
    ///
    /// # Errors
    /// When there is none.
    pub fn has_room(&self, payer: &Payer) -> Result<(), Taken> {
        if self.own(payer).iter().any(|own| own.available_permits() == 0) {
            return Err(Taken::Own);
        }
        if self.all.available_permits() == 0 { Err(Taken::All) } else { Ok(()) }
    }

    /// A place as soon as there is one: each waits for its own first, so that no more than its share of those that wait
    /// for the rest are anybody's.
    pub async fn take(&self, payer: &Payer) -> Place {
        let mut held = Vec::with_capacity(2);
        for own in self.own(payer) {
            // The semaphores are never closed.
            held.extend(own.acquire_owned().await);
        }
        loop {
            if let Ok(all) = self.all.clone().acquire_owned().await {
                return Place { _own: held, _all: all };
            }
        }
    }

    pub fn shares(&self) -> Shares {
        self.shares
    }

    /// Places that nobody has.
    pub fn free(&self) -> usize {
        self.all.available_permits()
    }

    fn own(&self, payer: &Payer) -> Vec<Arc<Semaphore>> {
        let credential = (format!("c {}", payer.credential), self.shares.credential);
        let subject = payer.with_subject().map(|subject| (format!("s {subject}"), self.shares.subject));
        let mut own = self.own.lock();
        if own.len() > 2 * self.shares.all + 64 {
            own.retain(|_, held| held.strong_count() > 0);
        }
        // The narrower one first: who waits for it holds nothing that others of the credential could have.
        let of = |(name, share): (String, usize)| {
            let known = own.get(&name).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let made = Arc::new(Semaphore::new(share));
                own.insert(name, Arc::downgrade(&made));
                made
            })
        };
        subject.into_iter().chain(std::iter::once(credential)).map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payer(credential: &str, subject: Option<&str>) -> Payer {
        Payer { credential: credential.to_owned(), subject: subject.map(str::to_owned) }
    }

    #[tokio::test]
    async fn one_key_gets_its_share_one_subject_its_own_and_others_the_rest() {
        let places = Places::new(Shares { all: 6, credential: 4, subject: 2 });
        let take = |credential, subject| places.try_take(&payer(credential, subject));
        let ann: Vec<_> = (0..2).map(|_| take("chat", Some("user:ann")).unwrap()).collect();
        assert_eq!(take("chat", Some("user:ann")).unwrap_err(), Taken::Own, "the subject's two");
        assert_eq!(places.has_room(&payer("chat", Some("user:ann"))), Err(Taken::Own));
        assert_eq!(places.has_room(&payer("chat", Some("user:bob"))), Ok(()));
        drop(take("other", Some("user:ann")).expect("with another key it is somebody else's to spend"));
        let bob: Vec<_> = (0..2).map(|_| take("chat", Some("user:bob")).unwrap()).collect();
        assert_eq!(take("chat", None).unwrap_err(), Taken::Own, "the key's four");
        let other: Vec<_> = (0..2).map(|_| take("ingest", None).unwrap()).collect();
        assert_eq!(take("third", None).unwrap_err(), Taken::All);
        let third = payer("third", None);
        assert_eq!(places.has_room(&third), Err(Taken::All));
        let waiting = places.take(&third);
        drop((ann, bob));
        waiting.await;
        drop(other);
        assert_eq!(places.free(), 6, "all were given back");
    }

    #[tokio::test]
    async fn who_left_is_forgotten() {
        let places = Places::new(Shares { all: 1, credential: 1, subject: 1 });
        for n in 0..1_000 {
            drop(places.try_take(&payer(&n.to_string(), None)).unwrap());
        }
        assert!(places.own.lock().len() < 100, "{}", places.own.lock().len());
    }
}
