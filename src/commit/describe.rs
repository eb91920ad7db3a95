//! Where an index elsewhere keeps audiences and metadata beside each chunk: logging what it has to change.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Draft;
use crate::catalog::CatalogError;
use crate::catalog::operations::{self, OperationKind};

/// Logs, for every document whose audience or whose sections' audience the group has changed, that its chunks must be
/// described anew. Where all indexes are local there is nothing to log: they know no audiences.
pub(super) async fn log_moves(draft: &mut Draft) -> Result<(), CatalogError> {
    if !draft.indexes.keep_audiences() {
        return Ok(());
    }
    let mut found: BTreeSet<(String, u32, u32)> = BTreeSet::new();
    for collection in draft.next.collections.values() {
        let mut note = |chunks: Range<u32>| found.insert((collection.name.to_string(), chunks.start, chunks.end));
        for (_, change) in draft.changes.iter().filter(|(store, _)| **store == *collection.settings.store) {
            if change.is_regrouped() {
                note(0..collection.next_chunk());
            }
            for node in change.moved() {
                // Chunks that the group itself adds are described by their addition.
                if let Some(entry) = collection
                    .document_of_node(*node)
                    .filter(|entry| entry.chunk_count > 0 && entry.first_chunk < draft.chunks_before(&collection.name))
                {
                    note(entry.first_chunk..entry.first_chunk + entry.chunk_count);
                }
            }
        }
    }
    for (name, first, end) in found {
        let revision = draft.next.revision;
        let Ok(state) = draft.collection_mut(&name) else { continue };
        let id = state.id;
        let kind = OperationKind::Describe;
        let last = operations::log(&mut draft.tx, id, kind, first, end - first, revision).await?;
        if let Ok(state) = draft.collection_mut(&name) {
            state.last_operation = last;
        }
    }
    Ok(())
}
