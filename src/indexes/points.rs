//! What an index elsewhere keeps of each chunk, from the newest snapshot.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::remote::Reconciled;
use crate::catalog::collections::Pair;
use crate::index::qdrant::Expected;
use crate::snapshot::{AudienceNumbers, CollectionState, Published, Snapshot};
use crate::wire::FieldType;

/// Sums of what comparisons have mended since the start.
#[derive(Debug, Default)]
pub struct ReconciledTotals {
    pub comparisons: AtomicU64,
    pub inserted: AtomicU64,
    pub described: AtomicU64,
    pub removed: AtomicU64,
}

/// The newest snapshot as an index elsewhere sees it.
pub struct Points {
    published: Arc<Published>,
    numbers: Arc<AudienceNumbers>,
    totals: Arc<ReconciledTotals>,
}

fn find(snapshot: &Snapshot, collection: u32) -> Option<&Arc<CollectionState>> {
    snapshot.collections.values().find(|state| state.id == collection)
}

impl Points {
    pub fn new(published: Arc<Published>, numbers: Arc<AudienceNumbers>, totals: Arc<ReconciledTotals>) -> Self {
        Self { published, numbers, totals }
    }

    /// The revision of that state.
    pub(super) fn revision(&self) -> u64 {
        self.published.load().revision
    }

    /// The live ones among these chunks of a collection, ascending.
    pub(super) fn live(&self, collection: u32, chunks: Range<u32>) -> Vec<(u32, Expected)> {
        let snapshot = self.published.load();
        let Some(state) = find(&snapshot, collection) else { return Vec::new() };
        let Some(store) = snapshot.store(&state.settings.store) else { return Vec::new() };
        let mut live = Vec::new();
        let mut at = chunks.start;
        while at < chunks.end {
            let Some(entry) = state.document_of_chunk(at) else {
                at += 1;
                continue;
            };
            let mut metadata = state.fields.plain(&entry.fields);
            metadata.insert("source".to_owned(), entry.source().into());
            let end = (entry.first_chunk + entry.chunk_count).min(chunks.end);
            for chunk in at..end {
                let section = entry.section_of(chunk - entry.first_chunk);
                let object = section.map_or(entry.node, |section| section.node);
                // An audience that has no number is one of a graph that is being changed; the next state has it.
                let Some(audience) = self.numbers.of_object(store, object) else { continue };
                let (document, version) = (entry.ordinal, entry.version);
                live.push((chunk, Expected { audience, document, version, metadata: metadata.clone() }));
            }
            at = end;
        }
        live
    }

    /// The declared fields of a collection, and the first chunk ordinal that was never given; absent where the
    /// collection or its generation is.
    pub(super) fn shape(&self, pair: Pair) -> Option<(BTreeMap<String, FieldType>, u32)> {
        let snapshot = self.published.load();
        let state = find(&snapshot, pair.collection)?;
        state.settings.form(pair.generation)?;
        Some((state.settings.fields.clone(), state.next_chunk()))
    }

    /// Counts what a comparison mended.
    pub(super) fn note_reconciled(&self, done: &Reconciled) {
        let Reconciled { compared: _, inserted, described, removed } = *done;
        self.totals.comparisons.fetch_add(1, Ordering::Relaxed);
        self.totals.inserted.fetch_add(inserted, Ordering::Relaxed);
        self.totals.described.fetch_add(described, Ordering::Relaxed);
        self.totals.removed.fetch_add(removed, Ordering::Relaxed);
    }
}
