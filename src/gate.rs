//! The one gate: text reaches a caller only through a value that is made here.
//!
//! Every route that returns text (query, document reads, neighbours, recheck) brings candidates and gets
//! [`VerifiedChunk`]s or a [`VerifiedDocument`] back; only these open the catalog's text. Verification asks the newest
//! snapshot, whatever snapshot found the candidates: current version, not parked, not expired, every subject of the
//! reader allowed on document and section. What fails is simply absent.
//!
//! No code outside this module can make a verified value:
//!
//! ```compile_fail
//! let forged = usher::gate::VerifiedChunk { collection: 1, ordinal: 2, key: [0; 16], document: 0, number: 0 };
//! ```

pub mod text;

use std::ops::Range;
use std::sync::Arc;

use crate::authority::{CollectionView, View};
use crate::index::ChunkKey;
use crate::snapshot::DocumentEntry;
use crate::snapshot::names::ChunkKeys;

/// A chunk that a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Candidate {
    pub collection: u32,
    pub chunk: u32,
}

/// A chunk of the current version of a document, readable by the reader at the newest snapshot.
#[derive(Debug, Clone)]
pub struct VerifiedChunk {
    collection: u32,
    ordinal: u32,
    number: u32,
    key: ChunkKey,
    document: Arc<DocumentEntry>,
}

impl VerifiedChunk {
    pub fn collection(&self) -> u32 {
        self.collection
    }

    pub fn ordinal(&self) -> u32 {
        self.ordinal
    }

    /// Number of the chunk within its document.
    pub fn number(&self) -> u32 {
        self.number
    }

    pub fn key(&self) -> &ChunkKey {
        &self.key
    }

    pub fn candidate(&self) -> Candidate {
        Candidate { collection: self.collection, chunk: self.ordinal }
    }

    pub fn document_id(&self) -> &str {
        &self.document.id
    }

    pub fn version(&self) -> u64 {
        self.document.version
    }
}

/// A document that the reader may read, with the spans that it may not.
#[derive(Debug, Clone)]
pub struct VerifiedDocument {
    collection: u32,
    document: Arc<DocumentEntry>,
    hidden: Vec<Range<usize>>,
}

impl VerifiedDocument {
    pub fn collection(&self) -> u32 {
        self.collection
    }

    pub fn ordinal(&self) -> u32 {
        self.document.ordinal
    }

    pub fn version(&self) -> u64 {
        self.document.version
    }

    pub fn id(&self) -> &str {
        &self.document.id
    }

    /// Bytes of the text that the reader may not see, ascending.
    pub fn hidden_spans(&self) -> &[Range<usize>] {
        &self.hidden
    }
}

/// Lets through the candidates that the reader of `newest` may read, in their order.
pub fn verify(newest: &View, keys: &ChunkKeys, candidates: &[Candidate]) -> Vec<VerifiedChunk> {
    candidates
        .iter()
        .filter_map(|candidate| {
            let view = newest.collection(candidate.collection)?;
            let document = current_document(view, candidate.chunk)?;
            let number = candidate.chunk.checked_sub(document.first_chunk)?;
            let passes = crate::mutants::active("skip_verification")
                || crate::mutants::active("trust_the_searchs_audience") && !document.is_hidden(newest.now)
                || view.may_read_chunk(document, number);
            passes.then(|| VerifiedChunk {
                collection: candidate.collection,
                ordinal: candidate.chunk,
                number,
                key: keys.key(candidate.collection, &document.id, document.version, number),
                document: document.clone(),
            })
        })
        .collect()
}

/// The document whose current version holds the chunk; a chunk of an older version has none.
fn current_document(view: &CollectionView, chunk: u32) -> Option<&Arc<DocumentEntry>> {
    view.state.document_of_chunk(chunk)
}

/// The chunks just before and after a verified one, each verified for itself.
pub fn verify_neighbours(newest: &View, keys: &ChunkKeys, chunk: &VerifiedChunk) -> Vec<VerifiedChunk> {
    let neighbours: Vec<_> = [chunk.number.checked_sub(1), chunk.number.checked_add(1)]
        .into_iter()
        .flatten()
        .filter(|number| *number < chunk.document.chunk_count)
        .map(|number| Candidate { collection: chunk.collection, chunk: chunk.document.first_chunk + number })
        .collect();
    verify(newest, keys, &neighbours)
}

/// The document, if the reader of `newest` may read it; hidden and absent are the same.
pub fn verify_document(newest: &View, collection: &str, id: &str) -> Option<VerifiedDocument> {
    let view = newest.collections.iter().find(|view| *view.state.name == *collection)?;
    verified(view, view.state.document_by_id(id)?)
}

/// The documents of a collection that the reader of `newest` may read, from number `from` on, at most `limit`; none of a
/// collection that is beyond its reach.
pub fn verify_documents(newest: &View, collection: &str, from: u32, limit: usize) -> Vec<VerifiedDocument> {
    let views = newest.collections.iter().filter(|view| *view.state.name == *collection);
    let all = views.flat_map(|view| view.state.documents_from(from).filter_map(|document| verified(view, document)));
    all.take(limit).collect()
}

fn verified(view: &CollectionView, document: &Arc<DocumentEntry>) -> Option<VerifiedDocument> {
    if !view.may_read_document(document) {
        return None;
    }
    let mut hidden: Vec<_> = document
        .sections
        .iter()
        .filter(|section| !view.may_read_section(section))
        .map(|section| section.start..section.end)
        .collect();
    hidden.sort_by_key(|span| span.start);
    Some(VerifiedDocument { collection: view.state.id, document: document.clone(), hidden })
}
