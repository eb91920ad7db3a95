//! The first snapshot of a process, derived from the catalog.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::names::{document_object, section_object};
use super::{CollectionState, Snapshot, StoreState, document_entry};
use crate::authz::{Graph, Model, Tuple};
use crate::catalog::tuples::TupleFilter;
use crate::catalog::{Catalog, CatalogError, from_json};
use crate::index::IndexError;
use crate::indexes::Indexes;

/// Rows read at once.
const PAGE: u32 = 5_000;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("the stored authorization model {id} of store {store} can't be compiled: {source}")]
    Model { store: String, id: String, source: crate::authz::ModelError },
    #[error("a stored tuple can't be read: {0}")]
    Tuple(#[from] crate::authz::TupleError),
    #[error(transparent)]
    Fields(#[from] crate::index::filter::FilterError),
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Builds graph and document tables and opens the indexes.
///
/// # Errors
/// When the catalog can't be read or holds what this release can't understand; nothing is served then.
pub async fn load(catalog: &Catalog, indexes: &Indexes) -> Result<Snapshot, LoadError> {
    let mut snapshot = Snapshot {
        revision: catalog.revision().await?,
        committed_at: Timestamp::now(),
        stores: BTreeMap::new(),
        collections: BTreeMap::new(),
        keys: Arc::new(catalog.keys().await?.into_iter().map(|row| (row.id.clone(), Arc::new(row))).collect()),
    };
    for row in catalog.stores().await? {
        let mut models = Vec::new();
        for model in catalog.models(&row.id).await? {
            let source = from_json(&model.body, "authorization model")?;
            let compiled = Model::compile(&model.id, source).map_err(|source| LoadError::Model {
                store: row.id.clone(),
                id: model.id.clone(),
                source,
            })?;
            models.push(Arc::new(compiled));
        }
        let id = row.id.as_str().into();
        let state = StoreState { row, graph: Graph::new(Vec::new()), models, bound: Vec::new(), audiences_revision: 0 };
        snapshot.stores.insert(id, Arc::new(state));
    }
    for row in catalog.collections().await? {
        let name: Arc<str> = row.name.as_str().into();
        snapshot.collections.insert(name, Arc::new(CollectionState::new(row.id, &row.name, row.settings)?));
    }
    let stores: Vec<Arc<str>> = snapshot.stores.keys().cloned().collect();
    for store in stores {
        load_tuples(catalog, &mut snapshot, &store).await?;
    }
    let names: Vec<Arc<str>> = snapshot.collections.keys().cloned().collect();
    for name in names {
        load_documents(catalog, indexes, &mut snapshot, &name).await?;
    }
    Ok(snapshot)
}

async fn load_tuples(catalog: &Catalog, snapshot: &mut Snapshot, store: &str) -> Result<(), LoadError> {
    let bound = snapshot.bound_types(store);
    let mut edit = Graph::new(bound.clone()).edit();
    let mut after = 0;
    loop {
        let rows = catalog.tuples(store, &TupleFilter::default(), after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.change;
        for row in rows {
            // The table's unique index makes a second copy impossible.
            let _ = edit.write(&Tuple::parse(&row.key)?);
        }
    }
    if let Some(state) = snapshot.stores.get_mut(store).map(Arc::make_mut) {
        state.graph = edit.finish().0;
        state.bound = bound;
    }
    Ok(())
}

async fn load_documents(
    catalog: &Catalog,
    indexes: &Indexes,
    snapshot: &mut Snapshot,
    name: &str,
) -> Result<(), LoadError> {
    let Some(mut collection) = snapshot.collection(name).map(|collection| CollectionState::clone(collection)) else {
        return Ok(());
    };
    let Some(store) = snapshot.stores.get_mut(collection.settings.store.as_str()).map(Arc::make_mut) else {
        return Ok(());
    };
    let mut edit = store.graph.edit();
    let mut from = 0;
    loop {
        let rows = catalog.documents(collection.id, from, PAGE).await?;
        let Some(last) = rows.last() else { break };
        from = last.ordinal + 1;
        for row in rows {
            let node = edit.intern(&document_object(&collection.binding.object_type, &row.id));
            let section_type = collection.binding.section_type.clone().unwrap_or_default();
            let sections: Vec<_> = row
                .sections
                .iter()
                .map(|section| edit.intern(&section_object(&section_type, &row.id, &section.id)))
                .collect();
            let fields = collection.fields.clone();
            collection.put(document_entry(&row, &fields, node, &sections)?);
        }
    }
    store.graph = edit.finish().0;
    collection.sort_versions();
    let (document, chunk) = catalog.next_ordinals(collection.id).await?;
    collection.reserve(document, chunk);
    collection.last_operation = catalog.last_operation(collection.id).await?;
    indexes.open(collection.id, &collection.settings, collection.next_chunk())?;
    snapshot.collections.insert(collection.name.clone(), Arc::new(collection));
    Ok(())
}
