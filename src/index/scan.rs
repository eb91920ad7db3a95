//! The masked scan: the embedded vector index, which compares the query with exactly what the mask allows.

use std::ops::Range;
use std::path::Path;

use crate::index::{ChunkMask, IndexError, KeyOf, Scored, VectorStore, Work};

/// A folder of vector segments, open for one process.
#[derive(Debug)]
pub struct MaskedScan;

/// Widths and bounds of the scan; constants of a deployment, never functions of what is stored.
#[derive(Debug, Clone)]
pub struct ScanConfig {
    /// Threads of one search over a large mask.
    pub threads: usize,
}

/// An opened store, and what the owner must do before searching all of it.
#[derive(Debug)]
pub struct OpenedScan {
    pub store: MaskedScan,
    /// Rows below the expected number that are missing or damaged; write them again with [`MaskedScan::repair`].
    pub damaged: Vec<Range<u32>>,
}

#[allow(clippy::unimplemented, reason = "first signatures")]
impl MaskedScan {
    /// Opens or creates the store in `folder`, checks every row, and forgets what lies beyond `expected_rows`.
    ///
    /// # Errors
    /// Other dimensions than the folder was made with; folder in use; I/O.
    pub fn open(
        _folder: &Path,
        _dimensions: usize,
        _expected_rows: u32,
        _config: ScanConfig,
    ) -> Result<OpenedScan, IndexError> {
        unimplemented!()
    }

    /// Writes rows again that were reported as damaged; durable on return.
    ///
    /// # Errors
    /// As for [`VectorStore::append`].
    pub fn repair(&self, _first: u32, _rows: &[f32]) -> Result<(), IndexError> {
        unimplemented!()
    }
}

#[allow(clippy::unimplemented, reason = "first signatures")]
impl VectorStore for MaskedScan {
    fn dimensions(&self) -> usize {
        unimplemented!()
    }

    fn len(&self) -> u32 {
        unimplemented!()
    }

    fn append(&self, _first: u32, _rows: &[f32]) -> Result<(), IndexError> {
        unimplemented!()
    }

    fn search(
        &self,
        _query: &[f32],
        _mask: &ChunkMask,
        _depth: usize,
        _key: KeyOf<'_>,
        _work: &mut Work,
    ) -> Result<Vec<Scored>, IndexError> {
        unimplemented!()
    }

    fn row(&self, _chunk: u32) -> Result<Vec<f32>, IndexError> {
        unimplemented!()
    }

    fn erase(&self, _chunks: Range<u32>) -> Result<(), IndexError> {
        unimplemented!()
    }
}
