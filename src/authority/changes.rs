//! Recent changes of each store's graph, from which cached sets learn whether they still hold.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::RwLock;

use crate::authz::GraphChange;

/// Changes kept per store; a set that is older is resolved again.
const KEPT: usize = 4096;

/// A bounded log of (revision, change), written before a snapshot is published.
#[derive(Debug, Default)]
pub struct ChangeLog {
    stores: RwLock<HashMap<Arc<str>, StoreLog>>,
}

#[derive(Debug, Default)]
struct StoreLog {
    changes: VecDeque<(u64, Arc<GraphChange>)>,
    /// Changes up to this revision may have been forgotten.
    forgotten: u64,
}

impl ChangeLog {
    pub fn append(&self, revision: u64, changes: Vec<(Arc<str>, Arc<GraphChange>)>) {
        let mut stores = self.stores.write();
        for (store, change) in changes {
            let log = stores.entry(store).or_default();
            log.changes.push_back((revision, change));
            if log.changes.len() > KEPT
                && let Some((revision, _)) = log.changes.pop_front()
            {
                log.forgotten = revision;
            }
        }
    }

    /// Changes of a store after revision `from` and up to `to`; `None` when some of them are forgotten.
    pub fn between(&self, store: &str, from: u64, to: u64) -> Option<Vec<Arc<GraphChange>>> {
        let stores = self.stores.read();
        let Some(log) = stores.get(store) else { return Some(Vec::new()) };
        if from < log.forgotten {
            return None;
        }
        let start = log.changes.partition_point(|(revision, _)| *revision <= from);
        Some(log.changes.range(start..).take_while(|(r, _)| *r <= to).map(|(_, change)| change.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_stretch_is_reported_not_skipped() {
        let log = ChangeLog::default();
        for revision in 1..=(KEPT as u64 + 10) {
            log.append(revision, vec![("s".into(), Arc::new(GraphChange::default()))]);
        }
        assert!(log.between("s", 0, 5000).is_none());
        assert!(log.between("s", 9, 5000).is_none());
        assert_eq!(log.between("s", 10, KEPT as u64 + 10).map(|c| c.len()), Some(KEPT));
        assert_eq!(log.between("s", 20, 22).map(|c| c.len()), Some(2));
        assert_eq!(log.between("other", 0, 9).map(|c| c.len()), Some(0));
    }
}
