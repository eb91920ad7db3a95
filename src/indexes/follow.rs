//! The local indexes follow the catalog's operation log: keywords always, vectors where the catalog keeps them.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{CollectionIndexes, Local, VectorHome};
use crate::catalog::documents::OperationKind;
use crate::catalog::index_text::IndexText;
use crate::catalog::{Catalog, CatalogError};
use crate::embed::{self, Embedder, Role};
use crate::index::{Analyser, IndexError, KeywordIndex, KeywordOp, VectorStore};

/// Operations read from the log at once.
const BATCH: u32 = 64;
/// Chunks read at once, when an index is filled from them.
const FILLED_AT_ONCE: u32 = 1024;
/// Damaged rows computed again at once.
const EMBEDDED_AT_ONCE: usize = 256;

/// Applies the operation log of one collection as it grows.
pub(super) async fn follow_log(catalog: Catalog, collection: u32, indexes: Arc<CollectionIndexes>, local: Arc<Local>) {
    let mut dead = Dead::new();
    loop {
        erase_due(&catalog, collection, &local, &mut dead).await;
        match apply_batch(&catalog, collection, &indexes, &local, &mut dead).await {
            Ok(true) => {
                indexes.is_failing.send_replace(false);
            }
            Ok(false) => {
                // A wake-up between the read and this line is kept by `Notify`; the time-out covers the rest.
                let _ = tokio::time::timeout(Duration::from_secs(5), indexes.wake.notified()).await;
            }
            Err(error) => {
                indexes.is_failing.send_replace(true);
                tracing::error!(collection, %error, "the keyword index can't follow the log; trying again");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Embed(#[from] crate::embed::EmbedError),
}

/// Applies the next operations; says whether there were any.
async fn apply_batch(
    catalog: &Catalog,
    collection: u32,
    indexes: &CollectionIndexes,
    local: &Arc<Local>,
    dead: &mut Dead,
) -> Result<bool, FollowError> {
    // Operations and texts from one state: an operation whose text is not there yet would be applied as nothing.
    let mut tx = catalog.read().await?;
    let cut = catalog.operations_cut(&mut tx, collection).await?;
    if indexes.applied() < cut {
        drop(tx);
        return fill(catalog, collection, indexes, local, cut).await.map(|()| true);
    }
    let rows = catalog.operations(&mut tx, collection, indexes.applied(), BATCH).await?;
    let Some(last) = rows.last().map(|row| row.sequence) else { return Ok(false) };
    let (mut operations, mut removed, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match row.kind {
            OperationKind::Remove => {
                let chunks = row.first_chunk..row.first_chunk + row.chunk_count;
                operations.push(KeywordOp::Remove { chunks: chunks.clone() });
                removed.push(chunks);
            }
            OperationKind::Add => {
                added.push(row.first_chunk + row.chunk_count);
                for text in catalog.index_texts(&mut tx, collection, row.first_chunk, row.chunk_count).await? {
                    operations.push(add(&indexes.analyser, &text));
                }
            }
            // Local files know neither audiences nor metadata.
            OperationKind::Describe => {}
        }
    }
    drop(tx);
    if let Some(end) = added.into_iter().max() {
        add_vectors(catalog, collection, local, end).await?;
    }
    let target = local.clone();
    tokio::task::spawn_blocking(move || target.keywords.apply(&operations, last))
        .await
        .unwrap_or(Err(IndexError::Stopped))?;
    indexes.applied.send_replace(last);
    dead.extend(removed.into_iter().map(|chunks| (Instant::now(), chunks)));
    Ok(true)
}

/// Vectors of chunks that were removed, with the time of it, oldest first.
type Dead = VecDeque<(Instant, Range<u32>)>;

/// Erases vectors that no query can be looking for any more. What fails here is made up for by the next start.
async fn erase_due(catalog: &Catalog, collection: u32, local: &Arc<Local>, dead: &mut Dead) {
    let count = dead.iter().take_while(|(since, _)| since.elapsed() >= local.erase_after).count();
    if count == 0 {
        return;
    }
    let mut due: Vec<Range<u32>> = dead.drain(..count).map(|(_, chunks)| chunks).collect();
    // Neighbours in one piece: each piece waits for the disk.
    due.sort_by_key(|chunks| chunks.start);
    due.dedup_by(|next, last| {
        let is_near = next.start <= last.end;
        last.end = if is_near { last.end.max(next.end) } else { last.end };
        is_near
    });
    // Chunks below this are committed: nothing appends there any more.
    let Ok((_, committed)) = catalog.next_ordinals(collection).await else { return };
    let committed = committed.min(local.vectors.len());
    due.retain(|chunks| chunks.end <= committed);
    let target = local.clone();
    let erase = move || {
        due.into_iter().try_for_each(|chunks| target.vectors.erase(chunks))?;
        target.vectors.compact(committed).map(|_| ())
    };
    if let Err(error) = tokio::task::spawn_blocking(erase).await.unwrap_or(Err(IndexError::Stopped)) {
        tracing::warn!(collection, %error, "vectors of removed chunks could not be erased yet");
    }
}

fn add(analyser: &Analyser, text: &IndexText) -> KeywordOp {
    KeywordOp::Add { chunk: text.chunk, tokens: text.with(|text| analyser.tokens(text)) }
}

/// Fills a keyword index with the live chunks, as if it had followed the log up to where it was cut. What the log still
/// holds is applied after it, and adding or removing a chunk twice changes nothing.
async fn fill(
    catalog: &Catalog,
    collection: u32,
    indexes: &CollectionIndexes,
    local: &Arc<Local>,
    cut: u64,
) -> Result<(), FollowError> {
    tracing::info!(collection, "filling a keyword index from the catalog's chunks");
    let apply = async |operations: Option<Vec<KeywordOp>>, position: u64| {
        let target = local.clone();
        let work = move || match operations {
            Some(operations) => target.keywords.apply(&operations, position),
            None => target.keywords.clear(),
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(IndexError::Stopped))
    };
    apply(None, 0).await?;
    let (_, chunks) = catalog.next_ordinals(collection).await?;
    for first in (0..chunks).step_by(FILLED_AT_ONCE as usize) {
        let mut tx = catalog.read().await?;
        let texts = catalog.index_texts(&mut tx, collection, first, FILLED_AT_ONCE).await?;
        drop(tx);
        let operations: Vec<_> = texts.iter().map(|text| add(&indexes.analyser, text)).collect();
        if !operations.is_empty() {
            // Not yet where the log begins: after a crash it is filled again.
            apply(Some(operations), 0).await?;
        }
    }
    add_vectors(catalog, collection, local, chunks).await?;
    apply(Some(Vec::new()), cut).await?;
    indexes.applied.send_replace(cut);
    Ok(())
}

/// Brings the vectors up to chunk `end` from the catalog, where it keeps them. Chunks that are gone already become zeros.
async fn add_vectors(catalog: &Catalog, collection: u32, local: &Arc<Local>, end: u32) -> Result<(), FollowError> {
    if local.home == VectorHome::Files {
        return Ok(());
    }
    let from = local.vectors.len();
    for first in (from..end).step_by(FILLED_AT_ONCE as usize) {
        let rows = vectors(catalog, collection, local, first..end.min(first + FILLED_AT_ONCE)).await?;
        let target = local.clone();
        tokio::task::spawn_blocking(move || target.vectors.append(first, &rows))
            .await
            .unwrap_or(Err(IndexError::Stopped))?;
    }
    Ok(())
}

/// Writes rows again that are missing or damaged.
async fn rewrite_vectors(
    catalog: &Catalog,
    collection: u32,
    local: &Arc<Local>,
    chunks: Range<u32>,
) -> Result<(), FollowError> {
    for first in chunks.clone().step_by(FILLED_AT_ONCE as usize) {
        let rows = vectors(catalog, collection, local, first..chunks.end.min(first + FILLED_AT_ONCE)).await?;
        let target = local.clone();
        tokio::task::spawn_blocking(move || target.vectors.repair(first, &rows))
            .await
            .unwrap_or(Err(IndexError::Stopped))?;
    }
    Ok(())
}

/// Rows of a range of chunks, row-major; zeros for those that are gone.
async fn vectors(
    catalog: &Catalog,
    collection: u32,
    local: &Local,
    chunks: Range<u32>,
) -> Result<Vec<f32>, FollowError> {
    let dimensions = local.vectors.dimensions();
    let mut rows = vec![0.0; chunks.len() * dimensions];
    let mut tx = catalog.read().await?;
    for (chunk, vector) in catalog.chunk_vectors(&mut tx, collection, chunks.start, chunks.len() as u32).await? {
        if vector.len() != dimensions {
            return Err(IndexError::Dimensions { expected: dimensions, found: vector.len() }.into());
        }
        let at = (chunk - chunks.start) as usize * dimensions;
        if let Some(place) = rows.get_mut(at..at + dimensions) {
            place.copy_from_slice(&vector);
        }
    }
    Ok(rows)
}

/// Makes what was damaged or missing at opening again.
pub(super) async fn repair(
    catalog: &Catalog,
    collection: u32,
    local: &Arc<Local>,
    embedder: &Arc<dyn Embedder>,
) -> Result<(), FollowError> {
    for range in &local.damaged {
        if local.home == VectorHome::Catalog {
            rewrite_vectors(catalog, collection, local, range.clone()).await?;
            continue;
        }
        tracing::warn!(collection, first = range.start, end = range.end, "computing damaged vectors again");
        for first in range.clone().step_by(EMBEDDED_AT_ONCE) {
            let count = (range.end - first).min(EMBEDDED_AT_ONCE as u32);
            let mut rows = vec![0.0; count as usize * embedder.dimensions()];
            let mut tx = catalog.read().await?;
            for text in catalog.index_texts(&mut tx, collection, first, count).await? {
                let row = embed::rows(embedder.as_ref(), &[text.with(str::to_owned)], Role::Passage).await?;
                let at = (text.chunk - first) as usize * embedder.dimensions();
                if let Some(place) = rows.get_mut(at..at + embedder.dimensions()).filter(|p| p.len() == row.len()) {
                    place.copy_from_slice(&row);
                }
            }
            let target = local.clone();
            tokio::task::spawn_blocking(move || target.vectors.repair(first, &rows))
                .await
                .unwrap_or(Err(IndexError::Stopped))?;
        }
    }
    Ok(())
}
