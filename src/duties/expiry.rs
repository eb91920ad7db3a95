//! What ends with time. Documents are hidden from the instant on in any case, and are removed here, which frees their
//! text; keys that will end soon are spoken of.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::audit::Asked;
use crate::commit::documents::{DeleteDocuments, Only};
use crate::identity::lifetime;
use crate::lease::Duty;
use crate::service::Service;
use crate::snapshot::Published;

const PERIOD: Duration = Duration::from_secs(60);
/// Documents of a collection that one commit removes; the others go in the next one.
const MOST: usize = 100;
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
        let names: Vec<String> = service.published.load().collections.keys().map(ToString::to_string).collect();
        for name in names {
            while remove_some(service, &name, now).await {}
        }
    }
}

/// Removes some of a collection's documents that have expired by now. Says whether there may be more.
async fn remove_some(service: &Service, name: &str, now: Timestamp) -> bool {
    let snapshot = service.published.load();
    let Some(collection) = snapshot.collection(name) else { return false };
    let expired = collection.documents().filter(|document| document.expires_at.is_some_and(|end| end <= now));
    let ids: Vec<String> = expired.map(|document| document.id.to_string()).take(MOST).collect();
    if ids.is_empty() {
        return false;
    }
    let change = DeleteDocuments { collection: name.to_owned(), ids, only: Only::Expired(now) };
    match service.committer.submit(Asked::duty("expiry"), change).await {
        Ok(removed) => {
            tracing::info!(removed = removed.output.documents.len(), "expired documents were removed");
            true
        }
        Err(error) => {
            tracing::warn!(%error, "expired documents could not be removed");
            false
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
