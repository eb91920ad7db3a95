//! Does memory still say what the catalog says? A slow walk over all documents, again and again.
//!
//! What differs is hidden at once, then everything derived from the store's tuples is built anew. A difference is a
//! defect; the walk only keeps it from lasting.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use crate::commit::CommitError;
use crate::commit::repair::{Hide, Rebuild, compare};
use crate::service::Service;

const PERIOD: Duration = Duration::from_secs(1);

/// Where the walk is.
#[derive(Debug, Default)]
pub struct Place {
    collection: String,
    ordinal: u32,
}

/// Runs until cancelled.
pub async fn watch(service: Arc<Service>, documents_per_s: u32) {
    let mut place = Place::default();
    loop {
        tokio::time::sleep(PERIOD).await;
        if let Err(error) = step(&service, &mut place, documents_per_s).await {
            tracing::warn!(%error, "documents could not be compared with the catalog; tried again later");
        }
    }
}

/// Looks at up to `documents` documents of one collection, and goes on to the next one at its end.
///
/// # Errors
/// When the catalog can't be read, or the repair not be made. What differs is hidden then, if that was possible.
pub async fn step(service: &Service, place: &mut Place, documents: u32) -> Result<(), CommitError> {
    let snapshot = service.published.load();
    let collections = &snapshot.collections;
    let from_here = collections.range::<str, _>((Bound::Included(place.collection.as_str()), Bound::Unbounded)).next();
    let Some((name, collection)) = from_here.or_else(|| collections.first_key_value()) else { return Ok(()) };
    if **name != *place.collection {
        *place = Place { collection: name.to_string(), ordinal: 0 };
    }
    let first = place.ordinal;
    let end = first.saturating_add(documents).min(collection.next_document());
    let mut suspected = Vec::new();
    let mut tx = service.catalog.read().await?;
    for ordinal in first..end {
        if compare(&mut tx, &snapshot, collection, ordinal).await?.is_some() {
            suspected.push(ordinal);
        }
    }
    drop(tx);
    place.ordinal = end;
    if end >= collection.next_document() {
        // Names are not empty, so the next one is after this.
        *place = Place { collection: format!("{name}\0"), ordinal: 0 };
    }
    service.metrics.drift_checked(u64::from(end.saturating_sub(first)));
    if suspected.is_empty() {
        return Ok(());
    }
    repair(service, name, suspected).await
}

/// The catalog may have moved on since the snapshot; only the writer can tell for certain.
async fn repair(service: &Service, name: &str, suspected: Vec<u32>) -> Result<(), CommitError> {
    let hide = Hide { collection: name.to_owned(), ordinals: suspected };
    let differing = service.committer.submit(hide).await?.output;
    if differing.is_empty() {
        return Ok(());
    }
    for (ordinal, difference) in &differing {
        tracing::error!(collection = name, ordinal, ?difference, "a document differs from the catalog; hidden");
    }
    let ordinals: Vec<u32> = differing.iter().map(|(ordinal, _)| *ordinal).collect();
    let rebuild = Rebuild { collection: name.to_owned(), ordinals };
    let left = service.committer.submit(rebuild).await?.output;
    for (ordinal, difference) in &left {
        tracing::error!(collection = name, ordinal, ?difference, "a document can't be repaired; it stays hidden");
    }
    let repaired = differing.len().saturating_sub(left.len());
    service.metrics.drift_repaired(repaired as u64);
    tracing::warn!(collection = name, repaired, "the graph was built anew from the catalog");
    Ok(())
}
