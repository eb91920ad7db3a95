//! How rows of the catalog become parts of a snapshot: the one way for the first snapshot of a process, for its own
//! commits, and for following those of others.

use std::sync::Arc;

use super::names::objects_of;
use super::{CollectionState, Snapshot, StoreState, document_entry};
use crate::authz::{Graph, GraphChange, GraphEdit, Model, NodeId, ObjectRef, Tuple};
use crate::catalog::collections::CollectionSettings;
use crate::catalog::documents::DocumentRow;
use crate::catalog::stores::{ModelRow, StoreRow};
use crate::catalog::tuples::select;
use crate::catalog::{CatalogError, CatalogTx, from_json};
use crate::index::filter::{DeclaredFields, FilterError};
use crate::progress::Progress;
use crate::snapshot::load::LoadError;

/// Tuples read at once.
const PAGE: usize = 5_000;

impl Snapshot {
    /// Groups the objects of a store anew if its collections or its model bind other types than before; says whether.
    pub fn rebind(&mut self, store: &str) -> bool {
        let (bound, revision) = (self.bound_types(store), self.revision);
        let Some(state) = self.stores.get_mut(store).filter(|state| state.bound != bound) else { return false };
        let state = Arc::make_mut(state);
        state.graph = state.graph.rebind(bound.clone());
        state.bound = bound;
        state.audiences_revision = revision;
        true
    }

    /// Puts the state of documents into a collection's table, in place of older states; rows come in the order of their
    /// chunks. Objects that no tuple names become known to the graph, which is told.
    pub fn enter(&mut self, collection: &str, rows: &[DocumentRow]) -> Result<Option<GraphChange>, CatalogError> {
        let Some(collection) = self.collections.get_mut(collection) else { return Ok(None) };
        let Some(store) = self.stores.get_mut(collection.settings.store.as_str()) else { return Ok(None) };
        let collection = Arc::make_mut(collection);
        let (id, binding, fields) = (collection.id, collection.binding.clone(), collection.fields.clone());
        let (graph, mut edit) = (store.graph.clone(), None);
        let mut node = |object: ObjectRef| {
            graph.node(&object).unwrap_or_else(|| edit.get_or_insert_with(|| graph.edit()).intern(&object))
        };
        for row in rows {
            let (own, sections) = objects_of(&binding, id, row);
            let own = node(own);
            let sections: Vec<NodeId> = sections.into_iter().map(&mut node).collect();
            collection.put(document_entry(row, &fields, own, &sections)?);
        }
        let Some(edit) = edit else { return Ok(None) };
        let (graph, change) = edit.finish();
        Arc::make_mut(store).graph = graph;
        Ok(Some(change))
    }
}

impl StoreState {
    /// A store without models and tuples.
    pub fn new(row: StoreRow, revision: u64) -> Self {
        let (graph, models, bound) = (Graph::new(Vec::new()), Vec::new(), Vec::new());
        Self { row, graph, models, bound, audiences_revision: revision }
    }

    /// Takes the graph after an edit that wrote or deleted `tuples`.
    pub fn take_graph<'t>(&mut self, graph: Graph, tuples: impl IntoIterator<Item = &'t Tuple>, revision: u64) {
        let is_bound = |tuple: &Tuple| self.bound.iter().any(|bound| bound.object_type == tuple.object.object_type);
        if tuples.into_iter().any(is_bound) {
            self.audiences_revision = revision;
        }
        self.graph = graph;
    }

    /// Compiles the store's models; those that are held already are kept.
    #[allow(clippy::result_large_err, reason = "made where a model can't be read, which ends the work")]
    pub fn take_models(&mut self, rows: Vec<ModelRow>) -> Result<(), LoadError> {
        let mut models = Vec::with_capacity(rows.len());
        for row in rows {
            models.push(match self.model(&row.id) {
                Some(held) => held.clone(),
                None => Arc::new(compile(&self.row.id, &row)?),
            });
        }
        self.models = models;
        Ok(())
    }
}

#[allow(clippy::result_large_err, reason = "made where a model can't be read, which ends the work")]
fn compile(store: &str, row: &ModelRow) -> Result<Model, LoadError> {
    let source = from_json(&row.body, "authorization model")?;
    let wrong = |source| LoadError::Model { store: store.to_owned(), id: row.id.clone(), source };
    Model::compile(&row.id, source).map_err(wrong)
}

impl CollectionState {
    /// Takes other settings; typed values of newly declared fields come with the documents.
    pub fn take_settings(&mut self, settings: CollectionSettings, revision: u64) -> Result<(), FilterError> {
        self.fields = Arc::new(DeclaredFields::new(&settings.fields)?);
        self.settings = Arc::new(settings);
        self.documents_revision = revision;
        Ok(())
    }
}

/// Writes all tuples of a store, as the transaction sees them, into an edit that begins with none.
pub async fn all_tuples(
    tx: &mut CatalogTx,
    store: &str,
    mut edit: GraphEdit,
    progress: &Progress,
) -> Result<GraphEdit, CatalogError> {
    let mut after = 0;
    loop {
        let rows = select(&mut *tx, store, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(edit) };
        after = last.change;
        progress.reach(after);
        for row in rows {
            // The table's unique index makes a second copy impossible.
            let _ = edit.write(&parse(&row.key)?);
        }
    }
}

/// A stored tuple; one that can't be read is damage.
pub fn parse(key: &crate::wire::TupleKey) -> Result<Tuple, CatalogError> {
    Tuple::parse(key).map_err(|_| CatalogError::Malformed { what: "tuple" })
}
