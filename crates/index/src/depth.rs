//! How long a list is, and how much of one document may stand in it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// The document that a chunk is of: a number that no two documents of a collection share.
pub type DocumentOf = Arc<dyn Fn(u32) -> u32 + Send + Sync>;

/// Chunks of one document that a list has beyond those that count: the best one of a document in one list need not be the
/// best in the other, and neither must be missing there.
const SPARE: usize = 4;

/// How long a list is. Without a limit per document it ends with so many chunks; with one, of each document only the first
/// few count towards its end, and the list has a few more of it.
#[derive(Clone, Default)]
pub struct Depth {
    pub chunks: usize,
    pub per_document: Option<PerDocument>,
}

/// How much of one document counts, and how much stands in the list.
#[derive(Clone)]
pub struct PerDocument {
    pub counted: usize,
    pub held: usize,
    pub of: DocumentOf,
}

impl From<usize> for Depth {
    fn from(chunks: usize) -> Self {
        Self { chunks, per_document: None }
    }
}

impl Depth {
    /// So many chunks, of each document at most `most` counted.
    pub fn by_document(chunks: usize, most: usize, of: DocumentOf) -> Self {
        let per_document = PerDocument { counted: most, held: most.saturating_add(SPARE), of };
        // Where all that fits into the list counts, nothing is limited.
        Self { chunks, per_document: Some(per_document).filter(|limit| limit.counted < chunks) }
    }

    /// The same, of no more chunks than there are.
    pub fn at_most(&self, chunks: usize) -> Self {
        Self { chunks: self.chunks.min(chunks), per_document: self.per_document.clone() }
    }

    /// A quota for one list of this length.
    pub fn quota<D: Eq + Hash>(&self) -> Quota<D> {
        let limit = self.per_document.as_ref();
        Quota {
            chunks: self.chunks,
            counted_each: limit.map_or(usize::MAX, |limit| limit.counted),
            held_each: limit.map_or(usize::MAX, |limit| limit.held),
            counted: 0,
            held: HashMap::new(),
        }
    }

    /// The document that a chunk is of, where that matters.
    pub fn document_of(&self, chunk: u32) -> u32 {
        self.per_document.as_ref().map_or(0, |limit| (limit.of)(chunk))
    }
}

impl std::fmt::Debug for Depth {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let limit = self.per_document.as_ref().map(|limit| (limit.counted, limit.held));
        formatter.debug_struct("Depth").field("chunks", &self.chunks).field("per_document", &limit).finish()
    }
}

/// Walks what is ranked, best first, and says what of it stands in the list.
#[derive(Debug)]
pub struct Quota<D> {
    chunks: usize,
    counted_each: usize,
    held_each: usize,
    counted: usize,
    held: HashMap<D, usize>,
}

impl<D: Eq + Hash> Quota<D> {
    /// Whether the next one, a chunk of this document, stands in the list.
    pub fn takes(&mut self, document: D) -> bool {
        if self.is_full() {
            return false;
        }
        let held = self.held.entry(document).or_default();
        if *held >= self.held_each {
            return false;
        }
        *held += 1;
        self.counted += usize::from(*held <= self.counted_each);
        true
    }

    /// Whether the list is at its end: there may be more that it does not hold.
    pub fn is_full(&self) -> bool {
        self.counted >= self.chunks
    }

    /// Documents of which it takes no more.
    pub fn exhausted(self) -> impl Iterator<Item = D> {
        self.held.into_iter().filter(move |(_, held)| *held >= self.held_each).map(|(document, _)| document)
    }
}
