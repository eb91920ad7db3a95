//! A cache that is weighed in bytes, of which one credential can fill no more than its share: who asks as everybody pushes
//! out what it brought in itself, and not what others did.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::limits::CacheLimits;

/// Owners beyond which those without anything are forgotten.
const MANY: usize = 1_000;

/// Entries by key; each belongs to whom it was computed for first, and serves everybody.
pub struct ShareCache<K, V> {
    cache: moka::sync::Cache<K, Held<K, V>>,
    share: u64,
    owners: Mutex<HashMap<Arc<str>, Arc<Owner<K>>>>,
}

struct Held<K, V> {
    value: V,
    bytes: u32,
    owner: Arc<Owner<K>>,
}

impl<K, V: Clone> Clone for Held<K, V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), bytes: self.bytes, owner: self.owner.clone() }
    }
}

/// What one credential has in the cache.
struct Owner<K> {
    bytes: AtomicU64,
    /// Oldest first; some may be gone.
    keys: Mutex<VecDeque<K>>,
}

impl<K, V> ShareCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub fn new(limits: CacheLimits) -> Self {
        let gone = |_: Arc<K>, held: Held<K, V>, _| {
            held.owner.bytes.fetch_sub(u64::from(held.bytes), Ordering::Relaxed);
        };
        let cache = moka::sync::Cache::builder()
            .max_capacity(limits.bytes)
            .weigher(|_: &K, held: &Held<K, V>| held.bytes)
            .eviction_listener(gone)
            .build();
        Self { cache, share: limits.share, owners: Mutex::default() }
    }

    pub fn get(&self, key: &K) -> Option<V> {
        self.cache.get(key).map(|held| held.value)
    }

    /// Keeps a value of so many bytes, which was computed for `owner`; its own oldest ones make room for it.
    pub fn insert(&self, owner: &str, key: K, value: V, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        if u64::from(bytes) > self.share {
            return;
        }
        let owner = self.owner(owner);
        let held = owner.bytes.fetch_add(u64::from(bytes), Ordering::Relaxed) + u64::from(bytes);
        self.cache.insert(key.clone(), Held { value, bytes, owner: owner.clone() });
        owner.keys.lock().push_back(key);
        if held > self.share {
            self.make_room(&owner);
        }
    }

    fn make_room(&self, owner: &Arc<Owner<K>>) {
        while owner.bytes.load(Ordering::Relaxed) > self.share {
            let Some(oldest) = owner.keys.lock().pop_front() else { return };
            if self.cache.get(&oldest).is_some_and(|held| Arc::ptr_eq(&held.owner, owner)) {
                self.cache.invalidate(&oldest);
            }
        }
        // What the cache itself let go is still named here.
        let mut keys = owner.keys.lock();
        if keys.len() > MANY && keys.len() as u64 > 2 * self.cache.entry_count() {
            keys.retain(|key| self.cache.contains_key(key));
        }
    }

    fn owner(&self, name: &str) -> Arc<Owner<K>> {
        let mut owners = self.owners.lock();
        if let Some(owner) = owners.get(name) {
            return owner.clone();
        }
        if owners.len() > MANY.max(2 * self.cache.entry_count() as usize) {
            owners.retain(|_, owner| owner.bytes.load(Ordering::Relaxed) > 0);
        }
        let owner = Arc::new(Owner { bytes: AtomicU64::new(0), keys: Mutex::default() });
        owners.insert(name.into(), owner.clone());
        owner
    }

    /// Bytes of everything in it; for metrics and tests.
    pub fn bytes(&self) -> u64 {
        self.cache.run_pending_tasks();
        self.cache.weighted_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_pushes_out_its_own_and_nobody_elses() {
        let cache = ShareCache::new(CacheLimits { bytes: 100_000, share: 50_000 });
        for n in 0..40 {
            cache.insert("innocent", n, n, 1_000);
        }
        for n in 1_000..6_000 {
            cache.insert("attacker", n, n, 1_000);
            // Asked for again and again, so that it would be thought popular.
            for _ in 0..5 {
                let _ = cache.get(&n);
            }
        }
        assert!(cache.bytes() <= 100_000, "{}", cache.bytes());
        let kept = (0..40).filter(|n| cache.get(n).is_some()).count();
        assert_eq!(kept, 40, "of the innocent's entries");
        let own = (1_000..6_000).filter(|n| cache.get(n).is_some()).count();
        assert!((1..=50).contains(&own), "{own} of the attacker's");
        assert!(cache.get(&5_999).is_some(), "its newest");
        // Entries have sizes: one that is larger than a share is not kept.
        cache.insert("innocent", 77, 77, 60_000);
        assert_eq!(cache.get(&77), None);
    }

    #[test]
    fn an_entry_that_another_has_brought_in_again_is_the_others() {
        let cache = ShareCache::new(CacheLimits { bytes: 10_000, share: 3_000 });
        cache.insert("a", 1, "old", 1_000);
        cache.insert("b", 1, "new", 1_000);
        (2..20).for_each(|n| cache.insert("a", n, "own", 1_000));
        assert_eq!(cache.get(&1), Some("new"));
        assert!((2..20).filter(|n| cache.get(n).is_some()).count() <= 3);
    }

    #[test]
    fn owners_without_entries_are_forgotten() {
        let cache = ShareCache::new(CacheLimits { bytes: 10, share: 10 });
        for n in 0..20_000 {
            cache.insert(&n.to_string(), n, (), 1);
        }
        cache.bytes();
        cache.insert("last", 0, (), 1);
        assert!(cache.owners.lock().len() <= 3 * MANY, "{}", cache.owners.lock().len());
    }
}
