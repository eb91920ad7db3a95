//! Readers' rights as the service resolves them, and as a list of ids would give them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use usher::authority::{Authority, CallerContext, Reader};
use usher::authz::SubjectRef;
use usher::index::ChunkMask;
use usher::limits::Effort;
use usher::snapshot::{CollectionState, Snapshot};

/// The mask of what a reader may read of a collection, as a query asks for it.
///
/// # Errors
/// When the reader can't be resolved, or there is no such collection.
pub fn mask(
    authority: &Authority,
    snapshot: &Arc<Snapshot>,
    subject: &str,
    collection: &str,
) -> anyhow::Result<Arc<ChunkMask>> {
    let reader = Reader { subjects: vec![SubjectRef::parse(subject)?], collections: None, context: BTreeMap::new() };
    let names = [collection.to_owned()];
    let view = authority.view(
        snapshot.clone(),
        &reader,
        &CallerContext::default(),
        &names,
        Timestamp::now(),
        &Effort::unbounded(),
    )?;
    Ok(authority.mask(view.collections.first().context("a collection")?, None, &Effort::unbounded())?)
}

/// What an index does with a list of ids: looks each of its documents up.
pub fn filter(collection: &CollectionState, ids: impl IntoIterator<Item = String>) -> ChunkMask {
    let ids: HashSet<String> = ids.into_iter().collect();
    let mut mask = ChunkMask::new(collection.next_chunk());
    for entry in collection.documents().filter(|entry| ids.contains(&*entry.id)) {
        mask.set_range(entry.first_chunk..entry.first_chunk + entry.chunk_count);
    }
    mask
}
