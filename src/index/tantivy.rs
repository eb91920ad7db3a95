//! The embedded keyword index: exact BM25 over tantivy postings, with statistics counted under the mask.

use std::path::Path;

use crate::index::{AnalysedQuery, ChunkMask, IndexError, KeyOf, KeywordIndex, KeywordOp, Scored, Work};

/// A folder with a tantivy index, open for one process.
pub struct TantivyKeywords;

#[allow(clippy::unimplemented, reason = "first signatures")]
impl TantivyKeywords {
    /// Opens an index that was made by [`create`](Self::create) with the same analyser name; verifies every checksum.
    ///
    /// # Errors
    /// [`IndexError::DamagedKeywords`] if it is missing or damaged, [`IndexError::OtherFormat`] if its analyser or
    /// format is another: in both cases call [`create`](Self::create) and apply the log from the start. Folder in use;
    /// I/O.
    pub fn open(_folder: &Path, _analyser: &str) -> Result<Self, IndexError> {
        unimplemented!()
    }

    /// Makes an empty index at position 0, removing whatever the folder held.
    ///
    /// # Errors
    /// Folder in use; I/O.
    pub fn create(_folder: &Path, _analyser: &str) -> Result<Self, IndexError> {
        unimplemented!()
    }
}

#[allow(clippy::unimplemented, reason = "first signatures")]
impl KeywordIndex for TantivyKeywords {
    fn position(&self) -> Result<u64, IndexError> {
        unimplemented!()
    }

    fn apply(&self, _operations: &[KeywordOp], _position: u64) -> Result<(), IndexError> {
        unimplemented!()
    }

    fn search(
        &self,
        _query: &AnalysedQuery,
        _mask: &ChunkMask,
        _depth: usize,
        _key: KeyOf<'_>,
        _work: &mut Work,
    ) -> Result<Vec<Scored>, IndexError> {
        unimplemented!()
    }

    fn clear(&self) -> Result<(), IndexError> {
        unimplemented!()
    }

    fn compact(&self) -> Result<(), IndexError> {
        unimplemented!()
    }
}
