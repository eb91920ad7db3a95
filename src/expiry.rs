//! Removes documents whose time has come. They are hidden from the instant on in any case; this frees their text.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::commit::documents::DeleteDocuments;
use crate::lease::Duty;
use crate::service::Service;

const PERIOD: Duration = Duration::from_secs(60);

/// The sweep, which one process does for all.
pub struct Sweep {
    pub service: Arc<Service>,
}

impl Duty for Sweep {
    fn name(&self) -> &str {
        "expiry"
    }

    fn work(&self) -> BoxFuture<'_, ()> {
        sweep(&self.service).boxed()
    }
}

async fn sweep(service: &Service) {
    loop {
        tokio::time::sleep(PERIOD).await;
        let now = Timestamp::now();
        let snapshot = service.published.load();
        for collection in snapshot.collections.values() {
            let ids: Vec<String> = collection
                .documents()
                .filter(|document| document.expires_at.is_some_and(|end| end <= now))
                .map(|document| document.id.to_string())
                .take(1000)
                .collect();
            if ids.is_empty() {
                continue;
            }
            let change = DeleteDocuments { collection: collection.name.to_string(), ids, if_version: None };
            match service.committer.submit(change).await {
                Ok(removed) => tracing::info!(removed = removed.output.documents, "expired documents were removed"),
                Err(error) => tracing::warn!(%error, "expired documents could not be removed"),
            }
        }
    }
}
