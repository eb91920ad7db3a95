//! What ends with time. Documents are hidden from the instant on in any case, and are removed here, which frees their
//! text; keys that will end soon are spoken of.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::audit::Asked;
use crate::commit::documents::DeleteDocuments;
use crate::identity::lifetime;
use crate::lease::Duty;
use crate::service::Service;
use crate::snapshot::Published;

const PERIOD: Duration = Duration::from_secs(60);
/// Pause between two warnings of one key.
const REMINDED: Duration = Duration::from_secs(24 * 3_600);

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
            match service.committer.submit(Asked::duty("expiry"), change).await {
                Ok(removed) => {
                    tracing::info!(removed = removed.output.documents.len(), "expired documents were removed")
                }
                Err(error) => tracing::warn!(%error, "expired documents could not be removed"),
            }
        }
    }
}

/// Says in the log which keys will end soon, and when the last one does that may make others. Runs until cancelled.
pub async fn warn_of_keys(published: Arc<Published>) {
    loop {
        let (now, snapshot) = (Timestamp::now(), published.load());
        let keys = || snapshot.keys.values().map(AsRef::as_ref);
        for (key, end) in keys().filter_map(|key| Some((key, lifetime::end(key, now)?))) {
            if end.duration_since(now) < lifetime::SOON {
                tracing::warn!(key = %key.id, %end, is_admin = lifetime::is_admin(key), "an API key will end soon");
            }
        }
        match lifetime::admin_end(keys(), now) {
            Some(end) if end.duration_since(now) < lifetime::SOON => {
                tracing::error!(%end, "the last key that may make others will end; make a new one with `usher keys create`");
            }
            Some(_) => {}
            None => tracing::error!("no key may make others any more; make one with `usher keys create --data`"),
        }
        tokio::time::sleep(REMINDED).await;
    }
}
