//! A whole snapshot, derived from the catalog: the first one of a process, or one that is made anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::build::all_tuples;
use super::{CollectionState, Snapshot, StoreState};
use crate::authz::Graph;
use crate::catalog::{CatalogError, CatalogTx, collections, commits, documents, keys, operations, stores, tuples};
use crate::progress::{Progress, Stage};

/// Documents read at once.
const PAGE: u32 = 5_000;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("the stored authorization model {id} of store {store} can't be compiled: {source}")]
    Model { store: String, id: String, source: crate::authz::ModelError },
    #[error(transparent)]
    Fields(#[from] crate::index::filter::FilterError),
}

/// Builds graphs and document tables of the state that the transaction sees. `before`: the snapshot of this process that
/// it replaces, whose names and compiled models are kept. `progress` hears how far it is.
///
/// # Errors
/// When the catalog can't be read or holds what this release can't understand; nothing is served then.
pub async fn load(tx: &mut CatalogTx, before: Option<&Snapshot>, progress: &Progress) -> Result<Snapshot, LoadError> {
    let head = commits::head(&mut *tx).await?;
    let keys = keys::all(&mut *tx).await?;
    let mut snapshot = Snapshot {
        revision: head.revision,
        origin: head.origin,
        committed_at: Timestamp::now(),
        stores: BTreeMap::new(),
        collections: BTreeMap::new(),
        keys: Arc::new(keys.into_iter().map(|row| (row.id.clone(), Arc::new(row))).collect()),
    };
    for row in stores::all(&mut *tx).await? {
        let models = stores::models(&mut *tx, &row.id).await?;
        let id: Arc<str> = row.id.as_str().into();
        let mut loaded = StoreState::new(row, head.revision);
        if let Some(held) = before.and_then(|before| before.store(&id)) {
            loaded.models.clone_from(&held.models);
        }
        loaded.take_models(models)?;
        snapshot.stores.insert(id, Arc::new(loaded));
    }
    for row in collections::all(&mut *tx).await? {
        let name: Arc<str> = row.name.as_str().into();
        snapshot.collections.insert(name, Arc::new(CollectionState::new(row.id, &row.name, row.settings)?));
    }
    let stores: Vec<Arc<str>> = snapshot.stores.keys().cloned().collect();
    for id in stores {
        let bound = snapshot.bound_types(&id);
        // Numbers of objects and audiences are never given twice in a process's life.
        let empty = match before.and_then(|before| before.store(&id)) {
            Some(held) => held.graph.rewrite(&bound),
            None => Graph::new(bound.clone()).edit(),
        };
        progress.enter(Stage::Tuples, tuples::last(&mut *tx, &id).await?);
        let edit = all_tuples(&mut *tx, &id, empty, progress).await?;
        progress.enter(Stage::Graph, 0);
        let graph = edit.finish().0;
        if let Some(loaded) = snapshot.stores.get_mut(&id).map(Arc::make_mut) {
            (loaded.graph, loaded.bound) = (graph, bound);
        }
    }
    let mut given = 0;
    for collection in snapshot.collections.values() {
        given += u64::from(documents::next_ordinals(&mut *tx, collection.id).await?.0);
    }
    progress.enter(Stage::Documents, given);
    let names: Vec<Arc<str>> = snapshot.collections.keys().cloned().collect();
    for name in &names {
        load_documents(&mut *tx, &mut snapshot, name, progress).await?;
    }
    Ok(snapshot)
}

/// Reads all documents of a collection into its table, which is empty.
pub(super) async fn load_documents(
    tx: &mut CatalogTx,
    snapshot: &mut Snapshot,
    name: &str,
    progress: &Progress,
) -> Result<(), CatalogError> {
    let Some(id) = snapshot.collection(name).map(|collection| collection.id) else { return Ok(()) };
    let mut from = 0;
    loop {
        let rows = documents::page(&mut *tx, id, from, PAGE).await?;
        let Some(last) = rows.last() else { break };
        progress.add(u64::from(last.ordinal + 1 - from));
        from = last.ordinal + 1;
        snapshot.enter(name, &rows)?;
    }
    let revision = snapshot.revision;
    if let Some(collection) = snapshot.collections.get_mut(name).map(Arc::make_mut) {
        collection.sort_versions();
        count(&mut *tx, collection, revision).await?;
    }
    Ok(())
}

/// Takes over the numbers that the collection has given.
pub(super) async fn count(
    tx: &mut CatalogTx,
    collection: &mut CollectionState,
    revision: u64,
) -> Result<(), CatalogError> {
    let (document, chunk) = documents::next_ordinals(&mut *tx, collection.id).await?;
    collection.reserve(document, chunk);
    collection.last_operation = operations::last(&mut *tx, collection.id).await?;
    collection.documents_revision = revision;
    Ok(())
}
