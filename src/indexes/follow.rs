//! The local indexes follow the catalog's operation log: keywords always, vectors where the catalog keeps them.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{CollectionIndexes, Local};
use crate::catalog::collections::Pair;
use crate::catalog::index_text::IndexText;
use crate::catalog::operations::OperationKind;
use crate::catalog::{Catalog, CatalogError, CatalogTx, vectors};
use crate::embed::{self, Embedder, Role};
use crate::index::{Analyser, IndexError, KeywordIndex, KeywordOp, MaskedScan, VectorStore, pieces};
use crate::progress::Progress;

/// Operations read from the log at once.
const BATCH: u32 = 64;
/// Chunks read at once, when an index is filled from them.
const FILLED_AT_ONCE: u32 = 1024;
/// Damaged rows computed again at once.
const EMBEDDED_AT_ONCE: u32 = 256;

/// Applies the operation log of one collection as it grows. What is removed stays for as long as a query may be looking
/// for it in an older state: it finds the old version then, and the newest state the new one.
pub(super) async fn follow_log(catalog: Catalog, indexes: Arc<CollectionIndexes>, local: Arc<Local>) {
    let collection = indexes.pair.collection;
    let mut dead = Dead::new();
    loop {
        let count = dead.iter().take_while(|gone| gone.since.elapsed() >= local.erase_after).count();
        let due: Vec<Gone> = dead.drain(..count).collect();
        let applied = apply_batch(&catalog, &indexes, &local, &mut dead, &due).await;
        if applied.is_ok() {
            erase(&catalog, collection, &local, due).await;
        } else {
            due.into_iter().rev().for_each(|gone| dead.push_front(gone));
        }
        match applied {
            Ok(true) => indexes.follows(),
            Ok(false) => {
                indexes.follows();
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
pub enum IndexFollowError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Embed(#[from] crate::embed::EmbedError),
}

/// Applies the next operations, and the removals that are due; says whether there were any.
async fn apply_batch(
    catalog: &Catalog,
    indexes: &CollectionIndexes,
    local: &Arc<Local>,
    dead: &mut Dead,
    due: &[Gone],
) -> Result<bool, IndexFollowError> {
    let collection = indexes.pair.collection;
    // Operations and texts from one state: an operation whose text is not there yet would be applied as nothing.
    let mut tx = catalog.read().await?;
    let cut = catalog.operations_cut(&mut tx, collection).await?;
    if indexes.applied() < cut {
        drop(tx);
        return fill(catalog, indexes, local, cut).await.map(|()| true);
    }
    let rows = catalog.operations(&mut tx, collection, indexes.applied(), BATCH).await?;
    if rows.is_empty() && due.is_empty() {
        return Ok(false);
    }
    let last = rows.last().map_or(indexes.applied(), |row| row.sequence);
    let mut operations: Vec<KeywordOp> =
        due.iter().map(|gone| KeywordOp::Remove { chunks: gone.chunks.clone() }).collect();
    let (mut removed, mut end_of_added) = (Vec::new(), 0);
    for row in rows {
        match row.kind {
            OperationKind::Remove => {
                let chunks = row.first_chunk..row.first_chunk + row.chunk_count;
                removed.push(Gone { since: Instant::now(), sequence: row.sequence, chunks });
            }
            OperationKind::Add => {
                end_of_added = row.first_chunk + row.chunk_count;
                let (first, count, analyser) = (row.first_chunk, row.chunk_count, &indexes.analyser);
                for text in catalog.keyword_texts(&mut tx, collection, first, count, analyser).await? {
                    operations.push(add(analyser, &text));
                }
            }
            // Local files know neither audiences nor metadata; which vectors there are is looked up below.
            OperationKind::Describe | OperationKind::Cover => {}
        }
    }
    let end = vectors::covered(&mut tx, indexes.pair).await?;
    add_vectors(&mut tx, indexes.pair, local, end).await?;
    drop(tx);
    // After a crash the log is read again from the oldest removal that was not done; adding twice changes nothing.
    let waiting = dead.front().or(removed.first()).map(|gone| gone.sequence.saturating_sub(1));
    let settled = waiting.unwrap_or(last).max(local.keywords.position()?);
    if !operations.is_empty() || settled > local.keywords.position()? {
        let target = local.clone();
        tokio::task::spawn_blocking(move || target.keywords.apply(&operations, settled))
            .await
            .unwrap_or(Err(IndexError::Stopped))?;
    }
    indexes.shown.send_modify(|shown| *shown = end_of_added.max(*shown));
    indexes.applied.send_replace(last);
    dead.extend(removed);
    Ok(true)
}

/// Chunks that were removed, by which operation and when.
struct Gone {
    since: Instant,
    sequence: u64,
    chunks: Range<u32>,
}

/// What is still in the indexes, oldest first.
type Dead = VecDeque<Gone>;

/// Erases vectors that no query can be looking for any more. What fails here is made up for by the next start.
async fn erase(catalog: &Catalog, collection: u32, local: &Arc<Local>, due: Vec<Gone>) {
    if due.is_empty() {
        return;
    }
    let mut due: Vec<Range<u32>> = due.into_iter().map(|gone| gone.chunks).collect();
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
    KeywordOp::Add { chunk: text.chunk, tokens: text.tokens(analyser) }
}

/// Fills a keyword index with the live chunks, as if it had followed the log up to where it was cut. What the log still
/// holds is applied after it, and adding or removing a chunk twice changes nothing.
async fn fill(
    catalog: &Catalog,
    indexes: &CollectionIndexes,
    local: &Arc<Local>,
    cut: u64,
) -> Result<(), IndexFollowError> {
    let collection = indexes.pair.collection;
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
    for part in pieces(0..chunks, FILLED_AT_ONCE) {
        let end = part.end;
        let mut tx = catalog.read().await?;
        let (count, analyser) = (part.len() as u32, &indexes.analyser);
        let texts = catalog.keyword_texts(&mut tx, collection, part.start, count, analyser).await?;
        drop(tx);
        let operations: Vec<_> = texts.iter().map(|text| add(analyser, text)).collect();
        if !operations.is_empty() {
            // Not yet where the log begins: after a crash it is filled again.
            apply(Some(operations), 0).await?;
        }
        indexes.note_reached(cut * u64::from(end) / u64::from(chunks.max(1)));
    }
    let mut tx = catalog.read().await?;
    let end = vectors::covered(&mut tx, indexes.pair).await?;
    add_vectors(&mut tx, indexes.pair, local, end).await?;
    drop(tx);
    apply(Some(Vec::new()), cut).await?;
    indexes.shown.send_modify(|shown| *shown = chunks.max(*shown));
    indexes.applied.send_replace(cut);
    Ok(())
}

/// Brings the vectors up to chunk `end` from the catalog. Chunks that are gone already become zeros.
pub(super) async fn add_vectors(
    tx: &mut CatalogTx,
    pair: Pair,
    local: &Arc<Local>,
    end: u32,
) -> Result<(), IndexFollowError> {
    // Most often there is nothing to do: a commit has written them.
    if local.vectors.len() >= end {
        return Ok(());
    }
    let _alone = local.filling.lock().await;
    write_rows(tx, pair, local, local.vectors.len()..end, MaskedScan::append).await
}

/// Writes the catalog's vectors of a range, a part at a time.
async fn write_rows(
    tx: &mut CatalogTx,
    pair: Pair,
    local: &Arc<Local>,
    chunks: Range<u32>,
    write: fn(&MaskedScan, u32, &[f32]) -> Result<(), IndexError>,
) -> Result<(), IndexFollowError> {
    for part in pieces(chunks, FILLED_AT_ONCE) {
        let rows = rows(tx, pair, local.vectors.dimensions(), part.clone()).await?;
        let target = local.clone();
        tokio::task::spawn_blocking(move || write(&target.vectors, part.start, &rows))
            .await
            .unwrap_or(Err(IndexError::Stopped))?;
    }
    Ok(())
}

/// Rows of a range of chunks, row-major; zeros for those that are gone.
async fn rows(
    tx: &mut CatalogTx,
    pair: Pair,
    dimensions: usize,
    chunks: Range<u32>,
) -> Result<Vec<f32>, IndexFollowError> {
    let mut rows = vec![0.0; chunks.len() * dimensions];
    for (chunk, vector) in vectors::of_chunks(tx, pair, chunks.clone()).await? {
        let vector = vector.ok_or(CatalogError::Malformed { what: "vector of a passage" })?;
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
    pair: Pair,
    local: &Arc<Local>,
    embedder: Option<&Arc<dyn Embedder>>,
    progress: &Progress,
) -> Result<(), IndexFollowError> {
    for range in &local.damaged {
        let Some(embedder) = embedder else {
            let mut tx = catalog.read().await?;
            write_rows(&mut tx, pair, local, range.clone(), MaskedScan::repair).await?;
            progress.add(range.len() as u64);
            continue;
        };
        let collection = pair.collection;
        tracing::warn!(collection, first = range.start, end = range.end, "computing damaged vectors again");
        for part in pieces(range.clone(), EMBEDDED_AT_ONCE) {
            let mut rows = vec![0.0; part.len() * embedder.dimensions()];
            let mut tx = catalog.read().await?;
            for text in catalog.index_texts(&mut tx, collection, part.start, part.len() as u32).await? {
                let row = embed::rows(embedder.as_ref(), &[text.with(str::to_owned)], Role::Passage).await?;
                let at = (text.chunk - part.start) as usize * embedder.dimensions();
                if let Some(place) = rows.get_mut(at..at + embedder.dimensions()).filter(|p| p.len() == row.len()) {
                    place.copy_from_slice(&row);
                }
            }
            let target = local.clone();
            let done = part.len() as u64;
            tokio::task::spawn_blocking(move || target.vectors.repair(part.start, &rows))
                .await
                .unwrap_or(Err(IndexError::Stopped))?;
            progress.add(done);
        }
    }
    Ok(())
}
