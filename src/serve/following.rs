//! The last part of a start: this process's own index files follow what the catalog has logged while they were away, or
//! are filled. Requests are answered meanwhile; searches wait.

use std::sync::Arc;
use std::time::Duration;

use crate::indexes::CollectionIndexes;
use crate::progress::Stage;
use crate::service::Service;

/// How often the progress is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Watches until all of them hold what the collections had when the service was opened; then the start is complete.
pub(super) async fn watch(service: Arc<Service>) {
    let snapshot = service.published.load();
    let own = snapshot.collections.values().filter_map(|collection| {
        let indexes = service.indexes.get(collection.pair()).filter(|indexes| indexes.local().is_some())?;
        Some(Following { end: collection.last_operation, indexes })
    });
    let mut behind: Vec<Following> = own.collect();
    drop(snapshot);
    let progress = service.metrics.progress();
    let left = |behind: &[Following]| behind.iter().map(Following::left).sum::<u64>();
    let total = left(&behind);
    progress.enter(Stage::Following, total);
    while left(&behind) > 0 {
        progress.reach(total.saturating_sub(left(&behind)));
        tokio::time::sleep(LOOK).await;
        // Those of a collection that has gone meanwhile follow nothing any more.
        let is_there = |it: &Following| service.indexes.get(it.indexes.pair).is_some();
        behind.retain(is_there);
    }
    progress.complete();
    tracing::debug!(ms = progress.took().as_millis() as u64, "the start is complete");
}

struct Following {
    indexes: Arc<CollectionIndexes>,
    /// The newest operation at the start.
    end: u64,
}

impl Following {
    fn left(&self) -> u64 {
        self.end.saturating_sub(self.indexes.reached())
    }
}
