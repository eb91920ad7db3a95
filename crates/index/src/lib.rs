//! The two search indexes of a collection: which chunks are nearest to a query, among those that a mask allows.
//!
//! Every chunk that is ever added to a collection has a dense `u32` *chunk ordinal* in commit order, never used again;
//! row `i` of the vector store is chunk `i`. An index doesn't know which chunks are live, current or readable: each
//! search gets a [`ChunkMask`], computed by the caller from one snapshot, and answers exactly as if the masked chunks
//! were the only ones in the world. The formulas of every score and tie are in `docs/ranking.md`.
//!
//! Both indexes are derived from the catalog and hold nothing that it couldn't restore. They return chunk ordinals and
//! scores, never text.

use std::ops::Range;
use std::path::PathBuf;

use usher_base::effort::{Effort, Spent};

pub mod analyse;
pub mod depth;
pub mod filter;
mod folder;
pub mod mask;
pub mod qdrant;
mod rank;
pub mod scan;
pub mod sparse;
pub mod tantivy;

pub use analyse::{AnalysedQuery, Analyser, Tokens};
pub use depth::Depth;
pub use mask::ChunkMask;
pub use scan::MaskedScan;
pub use tantivy::TantivyKeywords;

/// A keyed hash of a chunk, which orders equal scores. Keyed by the catalog, so that the order tells nothing about when
/// a chunk was added.
pub type ChunkKey = [u8; 16];

/// Computes a chunk's key on demand; called for tied candidates only.
pub type KeyOf<'a> = &'a dyn Fn(u32) -> ChunkKey;

/// A chunk that was found, with its score in one leg. Lists are ordered by (score descending, key ascending).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub chunk: u32,
    pub score: f64,
}

/// What a search did, in counts that no neighbour on the machine can disturb. Added to, never reset, by a search.
#[derive(Debug, Clone, Default)]
pub struct Work {
    /// Stored f32 rows compared with the query.
    pub vectors_scored: u64,
    /// 8-bit codes compared with the query.
    pub bytes_scanned: u64,
    /// 1-bit codes compared with the query.
    pub codes_scanned: u64,
    /// Postings decoded or looked up, under the mask or not.
    pub postings_read: u64,
    /// Chunks that got a keyword score.
    pub chunks_scored: u64,
    /// 64-bit words of the mask that were read.
    pub mask_words: u64,
    /// What the search may still cost.
    pub effort: Effort,
}

impl Work {
    /// Nothing yet, within what a request may still cause.
    pub fn within(effort: Effort) -> Self {
        Self { effort, ..Self::default() }
    }

    /// Adds what another search did.
    pub fn add(&mut self, other: &Work) {
        self.vectors_scored += other.vectors_scored;
        self.bytes_scanned += other.bytes_scanned;
        self.codes_scanned += other.codes_scanned;
        self.postings_read += other.postings_read;
        self.chunks_scored += other.chunks_scored;
        self.mask_words += other.mask_words;
    }
}

/// A durable store of one vector per chunk ordinal, searched under a mask.
pub trait VectorStore: Send + Sync {
    /// Length of every row and query.
    fn dimensions(&self) -> usize;

    /// Number of durable rows.
    fn len(&self) -> u32;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes consecutive rows, row-major, from chunk ordinal `first` on; they are on disk when this returns. Rows from
    /// `first` to the old end were never committed by the catalog (a crash came between) and are replaced.
    ///
    /// Rows are unit vectors, or all zeros.
    ///
    /// # Errors
    /// [`IndexError::Gap`] if `first` is beyond the end; wrong length, not finite, not normalised; I/O. After a failed
    /// write or sync nothing more is accepted until the store is opened again ([`IndexError::Stopped`]), unless it was a
    /// write that found the disk full.
    fn append(&self, first: u32, rows: &[f32]) -> Result<(), IndexError>;

    /// The masked chunks with the largest dot product, to the depth, best first, ties by key. Fewer only if fewer are
    /// masked.
    ///
    /// # Errors
    /// Query of a wrong length, not finite or not normalised; a mask bit beyond the end; a masked row that is damaged.
    fn search(
        &self,
        query: &[f32],
        mask: &ChunkMask,
        depth: &Depth,
        key: KeyOf<'_>,
        work: &mut Work,
    ) -> Result<Vec<Scored>, IndexError>;

    /// One stored vector, for export, and for comparing chunks that the gate has passed: a vector counts as text.
    ///
    /// # Errors
    /// [`IndexError::BeyondEnd`]; a damaged row.
    fn row(&self, chunk: u32) -> Result<Vec<f32>, IndexError>;

    /// Overwrites rows with zeros, durably, so that nothing of a deleted text stays on disk. The ordinals stay taken.
    ///
    /// # Errors
    /// [`IndexError::BeyondEnd`]; I/O as for [`append`](Self::append).
    fn erase(&self, chunks: Range<u32>) -> Result<(), IndexError>;
}

/// A range of chunks cut into pieces of at most `most`.
pub fn pieces(chunks: Range<u32>, most: u32) -> impl Iterator<Item = Range<u32>> {
    let end = chunks.end;
    chunks.step_by(most as usize).map(move |first| first..end.min(first.saturating_add(most)))
}

/// One operation of the keyword index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeywordOp {
    /// Makes the chunk findable by these tokens, as [`Analyser::tokens`] gives them; none holds a line break. A chunk that
    /// is added again is replaced.
    Add { chunk: u32, tokens: Tokens },
    /// Forgets all chunks of the range; unknown ones are ignored.
    Remove { chunks: Range<u32> },
}

/// A durable inverted index over the chunks of a collection, searched under a mask.
pub trait KeywordIndex: Send + Sync {
    /// The last position of the operation log that is durably applied; 0 for an empty index.
    ///
    /// # Errors
    /// I/O.
    fn position(&self) -> Result<u64, IndexError>;

    /// Applies operations in order in one durable commit that carries `position`, and shows them to the next search.
    /// Applying the same operations again changes nothing.
    ///
    /// # Errors
    /// [`IndexError::Backwards`] if `position` is lower than the current one; I/O. Nothing is applied on error.
    fn apply(&self, operations: &[KeywordOp], position: u64) -> Result<(), IndexError>;

    /// The masked chunks with the largest BM25 score that hold at least one of the query's terms and all of its phrases, to
    /// the depth, best first, ties by key. All statistics are counted under the mask.
    ///
    /// # Errors
    /// I/O.
    fn search(
        &self,
        query: &AnalysedQuery,
        mask: &ChunkMask,
        depth: &Depth,
        key: KeyOf<'_>,
        work: &mut Work,
    ) -> Result<Vec<Scored>, IndexError>;

    /// Forgets everything, durably, and returns to position 0; the owner then applies its log from the start.
    ///
    /// # Errors
    /// I/O.
    fn clear(&self) -> Result<(), IndexError>;

    /// Rewrites the index without what was removed or replaced, so that no removed word stays on disk. Searches go on
    /// meanwhile; costs about as much as writing the index anew.
    ///
    /// # Errors
    /// I/O.
    fn compact(&self) -> Result<(), IndexError>;
}

impl IndexError {
    /// Whether the disk refused (full, or failing), now or earlier: nothing was written, reads can go on.
    pub fn is_storage_refusal(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Stopped)
    }
}

fn and(cause: Option<&(dyn std::error::Error + Send + Sync)>) -> String {
    cause.map(|cause| format!(": {cause}")).unwrap_or_default()
}

/// Why an index refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("a vector has {found} dimensions, the collection has {expected}")]
    Dimensions { expected: usize, found: usize },
    #[error("vector {position} holds a number that is not finite")]
    NotFinite { position: usize },
    #[error("vector {position} is neither of length 1 nor zero")]
    NotNormalised { position: usize },
    #[error("row {first} can't follow {len} rows")]
    Gap { first: u32, len: u32 },
    #[error("chunk {chunk} is beyond the {len} rows of the store")]
    BeyondEnd { chunk: u32, len: u32 },
    #[error("the store can hold no more chunks")]
    Full,
    /// These chunk ordinals must be written again before a search may include them.
    #[error("{} ranges of vectors are damaged", rows.len())]
    DamagedRows { rows: Vec<Range<u32>> },
    /// The keyword index is missing or unreadable and must be created anew.
    #[error("the keyword index in {} is missing or damaged{}", path.display(), and(source.as_deref()))]
    DamagedKeywords {
        path: PathBuf,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    #[error("the index in {} was written with other settings", path.display())]
    OtherFormat { path: PathBuf },
    #[error("{} is in use by another process", path.display())]
    Locked { path: PathBuf },
    #[error("an earlier write failed; the index must be opened again")]
    Stopped,
    #[error("position {position} is before {current}")]
    Backwards { position: u64, current: u64 },
    #[error("the keyword engine failed: {0}")]
    Engine(#[from] ::tantivy::TantivyError),
    /// It does not hold yet what it has to; a later attempt may succeed.
    #[error("the index is being filled")]
    Filling,
    /// The search may do no more: it found nothing.
    #[error(transparent)]
    Spent(#[from] Spent),
    /// An index on another machine; a later attempt may succeed.
    #[error("{0}")]
    Remote(Box<dyn std::error::Error + Send + Sync>),
}

#[cfg(test)]
mod tests;
