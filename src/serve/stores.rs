//! What a start opens and mends: the catalog, the first snapshot, the indexes.

use super::ServeError;
use crate::catalog::{Catalog, vectors};
use crate::config::Config;
use crate::embed::{Embedders, pinned};
use crate::indexes::{Indexes, VectorHome};
use crate::progress::{Progress, Stage};
use crate::snapshot::Snapshot;
use crate::snapshot::load::load;

/// The catalog, whole and in the one spelling.
pub(super) async fn catalog(config: &Config, progress: &Progress) -> Result<Catalog, ServeError> {
    let catalog = Catalog::open_with(&config.catalog, config.catalog.readers(), progress).await?;
    // Before anything is derived from it.
    if !catalog.was_sealed() {
        progress.enter(Stage::Check, 0);
        catalog.check().await?;
    }
    if catalog.meta(crate::transfer::UNFINISHED).await?.is_some() {
        return Err(ServeError::Unfinished { path: config.data.clone() });
    }
    // Whatever is read from here on has one spelling.
    crate::authz::names::set_email_case(config.email_case);
    if !crate::spelling::is_current(&catalog).await? {
        return Err(ServeError::Spelling);
    }
    Ok(catalog)
}

/// Refuses passages whose vectors are not in the catalog, where they are to be.
pub(super) async fn refuse_without_vectors(config: &Config, catalog: &Catalog) -> Result<(), ServeError> {
    for row in catalog.collections().await? {
        if vectors::is_missing(&mut catalog.read().await?, row.settings.pair(row.id), 0..u32::MAX).await? {
            return Err(ServeError::VectorsElsewhere { path: config.data.clone() });
        }
    }
    Ok(())
}

/// The first snapshot, with open indexes.
pub(super) async fn snapshot(
    catalog: &Catalog,
    indexes: &Indexes,
    progress: &Progress,
) -> Result<Snapshot, ServeError> {
    let mut tx = catalog.read().await?;
    let snapshot = load(&mut tx, None, progress).await?;
    indexes.open_all(&mut tx, &snapshot, progress).await.map_err(ServeError::Indexes)?;
    indexes.remove_unknown();
    Ok(snapshot)
}

/// Makes damaged vectors again, and erases those that a stop has left.
pub(super) async fn mend(
    catalog: &Catalog,
    indexes: &Indexes,
    snapshot: &Snapshot,
    embedders: &Embedders,
    progress: &Progress,
) -> Result<(), ServeError> {
    let pairs = snapshot.collections.values().flat_map(|collection| collection.pairs());
    let damaged: u64 = pairs.map(|pair| indexes.damaged(pair)).sum();
    if damaged > 0 {
        progress.enter(Stage::Repair, damaged);
    }
    for collection in snapshot.collections.values() {
        let Some(embedder) = embedders.get(&collection.settings.embedder) else {
            let configured = embedders.iter().map(|(name, it)| format!("`{name}` is `{}`", it.id()));
            let cure = match pinned::Model::of(&collection.settings.embedder) {
                Some(model) => format!("`usher models pull {}`, with the service's --data, brings it", model.name),
                None => "configure it, or remove the collection".to_owned(),
            };
            return Err(ServeError::Embedder {
                cure,
                collection: collection.name.to_string(),
                embedder: collection.settings.embedder.clone(),
                configured: configured.collect::<Vec<_>>().join(", "),
            });
        };
        let embedder = Some(embedder).filter(|_| indexes.home() == VectorHome::Files);
        for pair in collection.pairs() {
            // Those of the next generation are in the catalog.
            let embedder = embedder.filter(|_| pair == collection.pair());
            indexes.repair(catalog, pair, embedder, progress).await?;
            if let Err(error) = indexes.erase_dead(pair, collection.live_chunks(), collection.next_chunk()) {
                tracing::warn!(indexes = %pair, %error, "vectors of removed chunks could not be erased yet");
            }
        }
    }
    Ok(())
}
