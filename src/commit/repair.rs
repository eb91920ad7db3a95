//! Where memory and catalog differ: hiding documents, and building anew what is derived.
//!
//! This should never find anything. The catalog is right, whatever memory says.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Change, CommitError, Draft, Edited};
use crate::audit::Told;
use crate::authz::{GraphChange, GraphEdit, NodeId, Tuple};
use crate::catalog;
use crate::catalog::CatalogTx;
use crate::catalog::documents::read;
use crate::catalog::tuples::of_object;
use crate::progress::Progress;
use crate::snapshot::build::{all_tuples, parse};
use crate::snapshot::names::objects_of;
use crate::snapshot::{CollectionState, DocumentEntry, Snapshot, StoreState, document_entry};

/// How memory differs from the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// One of both has the document, the other has not.
    Existence,
    /// Version, chunks, sections, or what hides it.
    State,
    /// The tuples of the document or of a section, or its audience.
    Rules,
}

/// Compares one document of a snapshot with the catalog, its rules canonicalised afresh. Only where both are of one
/// revision does a difference mean anything. O(tuples of the document and its sections).
///
/// # Errors
/// When the catalog can't be read.
pub async fn compare(
    tx: &mut CatalogTx,
    snapshot: &Snapshot,
    collection: &CollectionState,
    ordinal: u32,
) -> Result<Option<Difference>, CommitError> {
    let (row, entry) = match (read(tx, collection.id, ordinal).await?, collection.document(ordinal)) {
        (None, None) => return Ok(None),
        (Some(row), Some(entry)) => (row, entry),
        (None, Some(_)) | (Some(_), None) => return Ok(Some(Difference::Existence)),
    };
    let store = snapshot.store(&collection.settings.store).ok_or(CommitError::UnknownStore)?;
    let nodes: Vec<NodeId> = entry.sections.iter().map(|section| section.node).collect();
    if !is_same(entry, &document_entry(&row, &collection.fields, entry.node, &nodes)?) {
        return Ok(Some(Difference::State));
    }
    let (own, sections) = objects_of(&collection.binding, collection.id, &row);
    for (object, node) in std::iter::once(own).chain(sections).zip(std::iter::once(entry.node).chain(nodes)) {
        let keys = of_object(tx, &store.row.id, &object).await?;
        let tuples: Vec<Tuple> = keys.iter().map(parse).collect::<Result<_, _>>()?;
        if store.graph.node(&object) != Some(node) || !store.graph.agrees(node, &tuples) {
            return Ok(Some(Difference::Rules));
        }
    }
    Ok(None)
}

fn is_same(held: &DocumentEntry, stored: &DocumentEntry) -> bool {
    let sections = |entry: &DocumentEntry| -> Vec<_> {
        entry.sections.iter().map(|it| (it.id.clone(), it.first, it.count, it.start, it.end, it.is_apart)).collect()
    };
    let of = |entry: &DocumentEntry| {
        let hiding = (entry.parked, entry.awaits_rules, entry.expires_at);
        (entry.id.clone(), entry.version, entry.first_chunk, entry.chunk_count, hiding, sections(entry))
    };
    of(held) == of(stored)
}

/// Hides those of the documents that differ from the catalog, until [`RebuildDocuments`] shows them again; tells which.
pub struct Hide {
    pub collection: String,
    pub ordinals: Vec<u32>,
}

impl Change for Hide {
    type Output = Vec<(u32, Difference)>;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<Self::Output, CommitError>> {
        async move { hide(draft, &self.collection, &self.ordinals).await }.boxed()
    }

    fn told(&self, differing: &Vec<(u32, Difference)>, _: &Edited) -> Option<Told> {
        told_of("drift.hide", &self.collection, differing.len())
    }
}

async fn hide(draft: &mut Draft, name: &str, ordinals: &[u32]) -> Result<Vec<(u32, Difference)>, CommitError> {
    let collection = draft.next.collection(name).ok_or(CommitError::UnknownCollection)?.clone();
    let mut differing = Vec::new();
    for ordinal in ordinals {
        if let Some(difference) = compare(&mut draft.tx, &draft.next, &collection, *ordinal).await? {
            differing.push((*ordinal, difference));
        }
    }
    let revision = draft.next.revision;
    let state = draft.collection_mut(name)?;
    for (ordinal, _) in &differing {
        // What memory lacks is hidden already.
        if let Some(entry) = collection.document(*ordinal) {
            let mut entry = DocumentEntry::clone(entry);
            entry.parked = true;
            state.put(entry);
            state.documents_revision = revision;
        }
    }
    Ok(differing)
}

/// Whether an object of no collection is held as the catalog says.
///
/// # Errors
/// When the catalog can't be read.
pub async fn compare_object(tx: &mut CatalogTx, store: &StoreState, node: NodeId) -> Result<bool, CommitError> {
    let Some(object) = store.graph.object(node) else { return Ok(false) };
    let keys = of_object(tx, &store.row.id, &object).await?;
    let tuples: Vec<Tuple> = keys.iter().map(parse).collect::<Result<_, _>>()?;
    Ok(store.graph.agrees(node, &tuples))
}

/// Whether memory holds as many tuples as the catalog.
///
/// # Errors
/// When the catalog can't be read.
pub async fn compare_size(tx: &mut CatalogTx, store: &StoreState) -> Result<bool, CommitError> {
    Ok(catalog::tuples::count(tx, &store.row.id).await? == store.graph.tuple_count() as u64)
}

/// Builds a collection's graph anew from the catalog, and the entries of some of its documents. What differs even then
/// stays hidden; tells which.
pub struct RebuildDocuments {
    pub collection: String,
    pub ordinals: Vec<u32>,
}

impl Change for RebuildDocuments {
    type Output = Vec<(u32, Difference)>;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<Self::Output, CommitError>> {
        async move {
            let collection = draft.next.collection(&self.collection).ok_or(CommitError::UnknownCollection)?.clone();
            let store = collection.settings.store.as_str();
            let mut edit = renewed(draft, store).await?;
            let mut entries = Vec::new();
            for ordinal in &self.ordinals {
                let Some(row) = read(&mut draft.tx, collection.id, *ordinal).await? else {
                    draft.collection_mut(&self.collection)?.remove(*ordinal);
                    continue;
                };
                let (own, sections) = objects_of(&collection.binding, collection.id, &row);
                let node = edit.intern(&own);
                let sections: Vec<NodeId> = sections.iter().map(|object| edit.intern(object)).collect();
                entries.push(document_entry(&row, &collection.fields, node, &sections)?);
            }
            replace(draft, store, edit)?;
            let revision = draft.next.revision;
            let state = draft.collection_mut(&self.collection)?;
            entries.into_iter().for_each(|entry| state.put(entry));
            // One that memory lacked may be older than the newest.
            state.sort_versions();
            state.documents_revision = revision;
            hide(draft, &self.collection, &self.ordinals).await
        }
        .boxed()
    }

    fn told(&self, _: &Vec<(u32, Difference)>, _: &Edited) -> Option<Told> {
        told_of("drift.rebuild_documents", &self.collection, self.ordinals.len())
    }
}

/// Builds a store's graph anew from the catalog, if one of the objects differs or the number of tuples does; how many
/// things differed.
pub struct RebuildGraph {
    pub store: String,
    pub nodes: Vec<NodeId>,
}

impl Change for RebuildGraph {
    type Output = u64;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<u64, CommitError>> {
        async move {
            let store = draft.next.store(&self.store).ok_or(CommitError::UnknownStore)?.clone();
            let mut differing = 0;
            for node in &self.nodes {
                differing += u64::from(!compare_object(&mut draft.tx, &store, *node).await?);
            }
            if differing == 0 {
                differing += u64::from(!compare_size(&mut draft.tx, &store).await?);
            }
            if differing > 0 {
                let edit = renewed(draft, &self.store).await?;
                replace(draft, &self.store, edit)?;
            }
            Ok(differing)
        }
        .boxed()
    }

    fn told(&self, differing: &u64, _: &Edited) -> Option<Told> {
        told_of("drift.rebuild_graph", &self.store, usize::try_from(*differing).unwrap_or(usize::MAX))
    }
}

/// All tuples of the store as the catalog has them.
async fn renewed(draft: &mut Draft, store: &str) -> Result<GraphEdit, CommitError> {
    let bound = draft.next.bound_types(store);
    let empty = draft.store_mut(store)?.graph.rewrite(&bound);
    Ok(all_tuples(&mut draft.tx, store, empty, &Progress::default()).await?)
}

/// Every audience is another one now, so no cached set is kept.
fn replace(draft: &mut Draft, store: &str, edit: GraphEdit) -> Result<(), CommitError> {
    let (bound, revision) = (draft.next.bound_types(store), draft.next.revision);
    let state = draft.store_mut(store)?;
    (state.graph, state.bound, state.audiences_revision) = (edit.finish().0, bound, revision);
    draft.note_change(store, GraphChange::all());
    Ok(())
}

/// Memory was mended; the catalog is as it was.
fn told_of(event: &'static str, place: &str, count: usize) -> Option<Told> {
    (count > 0).then(|| Told::new(event, vec![place.to_owned()]).with("count", count.into()))
}
