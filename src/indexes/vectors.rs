//! Vectors of local files, which commits write and starts mend, and of the catalog.

use std::ops::Range;
use std::sync::Arc;

use super::{IndexFollowError, Indexes, VectorHome, follow};
use crate::catalog::collections::Pair;
use crate::catalog::{Catalog, CatalogTx, vectors};
use crate::embed::Embedder;
use crate::index::{IndexError, VectorStore};
use crate::progress::Progress;

impl Indexes {
    /// Writes vectors durably, ahead of the commit that names them.
    ///
    /// # Errors
    /// I/O.
    pub async fn append_vectors(&self, pair: Pair, first: u32, rows: Vec<f32>) -> Result<(), IndexError> {
        let Some(local) = self.local(pair) else { return Ok(()) };
        let _alone = local.filling.lock().await;
        let target = local.clone();
        let write = move || target.vectors.append(first, &rows);
        crate::spans::blocking(write).await.unwrap_or(Err(IndexError::Stopped))
    }

    /// Brings the vectors of local files up to chunk `end` from the catalog, as the transaction sees it.
    ///
    /// # Errors
    /// When the catalog lacks one of them; I/O.
    pub async fn take_vectors(&self, tx: &mut CatalogTx, pair: Pair, end: u32) -> Result<(), IndexFollowError> {
        match self.local(pair) {
            Some(local) => follow::add_vectors(tx, pair, &local, end).await,
            None => Ok(()),
        }
    }

    /// Vectors of chunks of the generation that is searched; chunks that have none are left out.
    ///
    /// # Errors
    /// When the catalog or the files can't be read.
    pub async fn vectors(
        &self,
        catalog: &Catalog,
        pair: Pair,
        chunks: &[u32],
    ) -> Result<Vec<(u32, Vec<f32>)>, IndexFollowError> {
        if self.home() == VectorHome::Catalog {
            return Ok(vectors::of_these(&mut catalog.read().await?, pair, chunks).await?);
        }
        let Some(local) = self.local(pair) else { return Ok(Vec::new()) };
        let chunks = chunks.to_vec();
        let read = move || chunks.into_iter().map(|chunk| Ok((chunk, local.vectors.row(chunk)?))).collect();
        Ok(crate::spans::blocking(read).await.unwrap_or(Err(IndexError::Stopped))?)
    }

    /// Makes damaged and missing vectors of local files again, with the embedder, or without one from the catalog's
    /// vectors. Those of chunks that are gone become zeros.
    ///
    /// # Errors
    /// When the catalog or the embedder fails; searches that need the rows fail until it succeeds.
    pub async fn repair(
        &self,
        catalog: &Catalog,
        pair: Pair,
        embedder: Option<&Arc<dyn Embedder>>,
        progress: &Progress,
    ) -> Result<(), IndexFollowError> {
        match self.local(pair) {
            Some(local) => follow::repair(catalog, pair, &local, embedder, progress).await,
            None => Ok(()),
        }
    }

    /// Vectors of a pair that [`Self::repair`] has to make again.
    pub fn damaged(&self, pair: Pair) -> u64 {
        self.local(pair).map_or(0, |local| local.damaged.iter().map(|range| range.len() as u64).sum())
    }

    /// Erases the vectors of all chunks below `committed` that are not live, as far as their removal did not, and gives
    /// their space back. `live` is ascending.
    ///
    /// # Errors
    /// I/O.
    pub fn erase_dead(
        &self,
        pair: Pair,
        live: impl Iterator<Item = Range<u32>>,
        committed: u32,
    ) -> Result<(), IndexError> {
        let Some(local) = self.local(pair) else { return Ok(()) };
        let committed = committed.min(local.vectors.len());
        let mut from = 0;
        for range in live.chain(std::iter::once(committed..committed)) {
            local.vectors.erase(from..range.start.max(from).min(committed))?;
            from = from.max(range.end).min(committed);
        }
        local.vectors.compact(committed).map(|_| ())
    }
}
