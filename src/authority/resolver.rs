//! Reader to allowed audiences, cached, with the interval of revisions in which each cached set is exact.
//!
//! A set enters the cache at the revision that it was computed for. Before it serves another revision it is carried
//! through every change in between, so that a slow computation can never bring back what a revocation took away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::AuthorityError;
use super::changes::ChangeLog;
use super::shares::ShareCache;
use crate::authz::{AllowedSet, Binding, Carried, ConditionUse, Context, SubjectRef};
use crate::limits::{CacheLimits, Effort};
use crate::snapshot::{Snapshot, StoreState};

/// A resolved set and where it holds.
pub struct Resolved {
    /// Distinguishes this set from every other one in the process.
    pub uid: u64,
    set: AllowedSet,
    from: u64,
    through: AtomicU64,
    computed_at: Timestamp,
    valid_until: Option<Timestamp>,
}

impl Resolved {
    pub fn set(&self) -> &AllowedSet {
        &self.set
    }

    fn holds_at(&self, now: Timestamp) -> bool {
        self.computed_at <= now && self.valid_until.is_none_or(|end| now < end)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    store: String,
    model: String,
    binding: Binding,
    subject: SubjectRef,
}

/// What a cached set takes beside itself: its key's text, and the cache's own.
const ENTRY: usize = 512;

/// Counts for metrics.
#[derive(Debug, Default)]
pub struct ResolverCounts {
    pub hits: AtomicU64,
    pub carried: AtomicU64,
    pub extended: AtomicU64,
    pub dropped: AtomicU64,
    /// Dropped, and then resolved to the same set as before: dropped beyond need.
    pub dropped_needlessly: AtomicU64,
    pub resolved: AtomicU64,
    pub audiences_evaluated: AtomicU64,
}

/// Resolves readers and remembers the answers.
pub struct Resolver {
    cache: ShareCache<Key, Arc<Resolved>>,
    changes: Arc<ChangeLog>,
    next_uid: AtomicU64,
    pub counts: ResolverCounts,
}

impl Resolver {
    pub fn new(changes: Arc<ChangeLog>, limits: CacheLimits) -> Self {
        Self { cache: ShareCache::new(limits), changes, next_uid: AtomicU64::new(1), counts: ResolverCounts::default() }
    }

    /// The audiences that `subject` may read in the snapshot.
    ///
    /// # Errors
    /// When the store has no model, the subject can't be a reader, or it takes more than the effort allows.
    #[allow(clippy::too_many_arguments, reason = "whose rights, to what, where, when, and how much it may cost")]
    pub fn resolve(
        &self,
        snapshot: &Snapshot,
        store_id: &str,
        binding: &Binding,
        subject: &SubjectRef,
        context: &Context,
        now: Timestamp,
        effort: &Effort,
    ) -> Result<Arc<Resolved>, AuthorityError> {
        let store = snapshot.store(store_id).ok_or(AuthorityError::NoModel)?;
        let model = store.latest_model().ok_or(AuthorityError::NoModel)?;
        let key = Key {
            store: store_id.to_owned(),
            model: model.id().to_owned(),
            binding: binding.clone(),
            subject: subject.clone(),
        };
        let cached = self.cache.get(&key).filter(|cached| cached.holds_at(now));
        if let Some(cached) = &cached
            && let Some(current) = self.carry(cached, &key, snapshot.revision, store, context, effort)
        {
            return Ok(current);
        }
        let set = AllowedSet::resolve_within(effort, &store.graph, model, binding, subject, context)?;
        self.counts.resolved.fetch_add(1, Ordering::Relaxed);
        self.counts.audiences_evaluated.fetch_add(u64::from(set.stats().audiences_evaluated), Ordering::Relaxed);
        if cached.is_some_and(|old| old.set.bitmap() == set.bitmap()) {
            self.counts.dropped_needlessly.fetch_add(1, Ordering::Relaxed);
        }
        Ok(self.enter(key, set, snapshot.revision, now, effort))
    }

    /// The cached set, if it holds at `revision`, after looking at every change since it was last known to hold.
    fn carry(
        &self,
        cached: &Arc<Resolved>,
        key: &Key,
        revision: u64,
        store: &StoreState,
        context: &Context,
        effort: &Effort,
    ) -> Option<Arc<Resolved>> {
        if revision < cached.from {
            return None;
        }
        let through = cached.through.load(Ordering::Acquire);
        if revision <= through {
            self.counts.hits.fetch_add(1, Ordering::Relaxed);
            return Some(cached.clone());
        }
        let changes = self.changes.between(&key.store, through, revision)?;
        let changes: Vec<_> = changes.iter().map(Arc::as_ref).collect();
        match cached.set.carry(effort, &changes, &store.graph, store.latest_model()?, context) {
            Carried::Unchanged => {
                cached.through.fetch_max(revision, Ordering::AcqRel);
                self.counts.carried.fetch_add(1, Ordering::Relaxed);
                Some(cached.clone())
            }
            Carried::Extended(set) => {
                self.counts.extended.fetch_add(1, Ordering::Relaxed);
                Some(self.enter(key.clone(), set, revision, cached.computed_at, effort))
            }
            Carried::Dropped => {
                self.counts.dropped.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Bytes of the cached sets.
    pub fn cached_bytes(&self) -> u64 {
        self.cache.bytes()
    }

    fn enter(&self, key: Key, set: AllowedSet, revision: u64, now: Timestamp, effort: &Effort) -> Arc<Resolved> {
        let mut through = revision;
        if crate::mutants::active("set_inserted_after_its_invalidation") {
            std::thread::sleep(std::time::Duration::from_millis(20));
            through = u64::MAX;
        }
        let (is_shared, valid_until) = match set.conditions() {
            ConditionUse::None => (true, None),
            ConditionUse::Until(end) => (true, Some(end)),
            ConditionUse::Context => (false, None),
        };
        let resolved = Arc::new(Resolved {
            uid: self.next_uid.fetch_add(1, Ordering::Relaxed),
            set,
            from: revision,
            through: AtomicU64::new(through),
            computed_at: now,
            valid_until,
        });
        if is_shared {
            // A newer set of the same reader is kept: an older snapshot's query must not throw it out.
            let newer = self.cache.get(&key).is_some_and(|other| other.from > revision && other.holds_at(now));
            if !newer {
                let bytes = resolved.set.memory_bytes() + size_of::<Key>() + ENTRY;
                self.cache.insert(effort.credential(), key, resolved.clone(), bytes);
            }
        }
        resolved
    }
}
