//! A Qdrant collection follows the catalog's operation log.
//!
//! One process applies, by a lease; the lease saves work and protects nothing. What protects is that every write may be
//! repeated and may come late (`index/qdrant.rs`). How far the collection is stands in the collection itself, so that one
//! that was lost, replaced or restored from an older copy says so, and is then compared with the catalog and mended.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::points::Points;
use super::{CollectionIndexes, IndexFollowError, Legs, Lists};
use crate::catalog::collections::Pair;
use crate::catalog::operations::{self, OperationKind, OperationRow};
use crate::catalog::{Catalog, CatalogTx, vectors};
use crate::index::qdrant::{Ask, Expected, Point, QdrantCollection, QdrantError, StoredPoint, Watermark, fields_name};
use crate::index::{Analyser, ChunkKey, ChunkMask, Depth, IndexError, Tokens, pieces, sparse};
use crate::lease::Lease;
use crate::wire::FieldType;

/// Operations read from the log at once.
const BATCH: u32 = 64;
/// Chunks compared at once.
const COMPARED_AT_ONCE: u32 = 2_048;
/// Pause between two looks at a log that another process applies, and between two attempts after a failure.
const PAUSE: Duration = Duration::from_millis(500);
/// Pause between two looks at the watermark by one who waits for it.
const LOOK: Duration = Duration::from_millis(10);
/// One who can't apply for so long lets another process try: Qdrant may be away from this one alone.
const LEAVE_AFTER: Duration = Duration::from_secs(3);
/// Without a reason, everything is compared this often.
const COMPARE_EVERY: Duration = Duration::from_secs(15 * 60);

/// What a comparison found and mended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reconciled {
    pub compared: u64,
    /// Points that were missing.
    pub inserted: u64,
    /// Points with another audience or version.
    pub described: u64,
    /// Points that stood for nothing.
    pub removed: u64,
}

/// Both legs in one round trip.
pub(super) async fn search(
    collection: &QdrantCollection,
    analyser: &Analyser,
    legs: Legs,
    mask: &ChunkMask,
    depth: Depth,
    key: &(dyn Fn(u32) -> ChunkKey + Send + Sync),
) -> Result<Lists, IndexError> {
    let query = legs.text.as_ref().map(|text| sparse::of_query(&analyser.query(text)));
    let (asks_vector, asks_text) = (legs.vector.is_some(), query.is_some());
    let ask = Ask {
        dense: legs.vector.map(|vector| vector.to_vec()),
        // A query without terms finds nothing.
        sparse: query.filter(|query| !query.indices.is_empty()),
        depth,
    };
    let found = collection.search(&ask, mask, key).await?;
    Ok(Lists {
        vector: asks_vector.then_some(found.dense),
        keyword: asks_text.then_some(found.sparse),
        is_short: found.is_short,
        ..Lists::default()
    })
}

/// Waits until the collection is at this position, whoever applies; no where it can't be asked. One that is being made or
/// mended is waited for.
pub(super) async fn at_least(indexes: &CollectionIndexes, collection: &QdrantCollection, position: u64) -> bool {
    loop {
        if collection.floor() >= position {
            return true;
        }
        indexes.wake();
        match collection.look().await {
            Ok(found) if found >= position => return true,
            Ok(_) => tokio::time::sleep(LOOK).await,
            Err(error) if qdrant(&error).is_some_and(QdrantError::is_being_mended) => tokio::time::sleep(LOOK).await,
            Err(error) => {
                tracing::warn!(%error, "the position of an index can't be read");
                return false;
            }
        }
    }
}

fn qdrant(error: &IndexError) -> Option<&QdrantError> {
    match error {
        IndexError::Remote(error) => error.downcast_ref(),
        _ => None,
    }
}

/// Keeps one collection in step with the log.
pub(super) struct QdrantFollower {
    pair: Pair,
    catalog: Catalog,
    indexes: Arc<CollectionIndexes>,
    points: Arc<QdrantCollection>,
    source: Arc<Points>,
    compared_at: Option<Instant>,
}

impl QdrantFollower {
    pub(super) fn new(
        catalog: Catalog,
        indexes: Arc<CollectionIndexes>,
        points: Arc<QdrantCollection>,
        source: Arc<Points>,
    ) -> Self {
        Self { pair: indexes.pair, catalog, indexes, points, source, compared_at: None }
    }

    fn collection(&self) -> u32 {
        self.pair.collection
    }

    pub(super) async fn run(mut self, lease: Arc<dyn Lease>) {
        let name = format!("index/{}", self.pair);
        let (mut mark, mut failing) = (None, None);
        loop {
            if !lease.holds(&name) {
                mark = None;
                lease.set_able(&name, self.follow_other().await);
                continue;
            }
            let done = match self.step(&mut mark).await {
                // One that was restored from an older copy is noticed also where nobody asks this process.
                Ok(false) if mark.is_some() => self.points.look().await.map(|_| false).map_err(Into::into),
                done => done,
            };
            match done {
                Ok(has_applied) => {
                    failing = None;
                    if !has_applied {
                        let _ = tokio::time::timeout(PAUSE, self.indexes.wake.notified()).await;
                    }
                }
                Err(error) => {
                    mark = None;
                    let since = *failing.get_or_insert_with(|| {
                        tracing::error!(indexes = %self.pair, %error, "Qdrant can't follow the log; trying again");
                        Instant::now()
                    });
                    if since.elapsed() > LEAVE_AFTER {
                        failing = None;
                        lease.set_able(&name, false);
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// While another process applies: how far it is. Says whether this one could.
    async fn follow_other(&self) -> bool {
        let looked = self.points.look().await;
        if let Ok(position) = looked {
            self.indexes.applied.send_replace(position);
        }
        tokio::time::sleep(PAUSE).await;
        !looked.is_err_and(|error| qdrant(&error).is_some_and(QdrantError::is_away))
    }

    /// Makes the collection if it is missing, compares it where that is due, and applies what the log has; says whether
    /// there was anything to do.
    async fn step(&mut self, mark: &mut Option<Watermark>) -> Result<bool, IndexFollowError> {
        let Some((fields, _)) = self.source.shape(self.pair) else { return Ok(false) };
        let current = match mark.take() {
            Some(current) if !self.points.is_suspect() && current.position >= self.points.floor() => current,
            _ => self.points.ensure(&fields).await?,
        };
        let mut tx = self.catalog.read().await?;
        let cut = self.catalog.operations_cut(&mut tx, self.collection()).await?;
        let last = operations::last(&mut tx, self.collection()).await?;
        let is_due = self.compared_at.is_some_and(|at| at.elapsed() >= COMPARE_EVERY);
        let is_other = !current.is_complete
            || current.position < cut
            || current.position > last
            || current.position < self.points.floor()
            || current.fields != fields_name(&fields)
            || self.points.is_suspect();
        if is_other || is_due {
            drop(tx);
            *mark = Some(self.compare(current, &fields, last, is_other).await?);
            return Ok(true);
        }
        let rows = self.catalog.operations(&mut tx, self.collection(), current.position, BATCH).await?;
        // What a chunk says is taken from the newest state, which must not be older than the operation.
        let revision = self.source.revision();
        let rows: Vec<_> = rows.into_iter().take_while(|row| row.revision <= revision).collect();
        let Some(last) = rows.last().map(|row| row.sequence) else {
            self.indexes.applied.send_replace(current.position);
            *mark = Some(current);
            return Ok(false);
        };
        for row in &rows {
            self.apply(&mut tx, row).await?;
        }
        let next = Watermark { position: last, ..current };
        self.points.advance(&next).await?;
        self.indexes.applied.send_replace(last);
        *mark = Some(next);
        Ok(true)
    }

    async fn apply(&self, tx: &mut CatalogTx, row: &OperationRow) -> Result<(), IndexFollowError> {
        let chunks = row.first_chunk..row.first_chunk + row.chunk_count;
        match row.kind {
            OperationKind::Add | OperationKind::Cover => {
                let live = self.source.live(self.collection(), chunks);
                self.insert(tx, live, row.sequence).await.map(|_| ())
            }
            OperationKind::Remove => Ok(self.points.delete(chunks, row.sequence).await?),
            OperationKind::Describe => {
                for part in pieces(chunks, COMPARED_AT_ONCE) {
                    for (chunks, expected) in alike(&self.source.live(self.collection(), part)) {
                        self.points.describe(&chunks, expected, row.sequence).await?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Inserts chunks as the catalog holds them, and says how many; those that it holds no more are left out, and those
    /// whose vectors of the next generation come with a later operation.
    async fn insert(
        &self,
        tx: &mut CatalogTx,
        chunks: Vec<(u32, Expected)>,
        sequence: u64,
    ) -> Result<u64, IndexFollowError> {
        let (Some((first, _)), Some((last, _))) = (chunks.first(), chunks.last()) else { return Ok(0) };
        let (first, count) = (*first, last - first + 1);
        let vectors = vectors::of_chunks(tx, self.pair, first..last + 1).await?;
        let vectors = vectors.into_iter().filter_map(|(chunk, vector)| Some((chunk, vector?)));
        let mut vectors: BTreeMap<u32, Vec<f32>> = vectors.collect();
        if vectors.is_empty() {
            return Ok(0);
        }
        let texts = self.catalog.keyword_texts(tx, self.collection(), first, count, &self.indexes.analyser).await?;
        let mut tokens: BTreeMap<u32, Tokens> =
            texts.iter().map(|text| (text.chunk, text.tokens(&self.indexes.analyser))).collect();
        let mut points = Vec::with_capacity(chunks.len());
        for (chunk, expected) in chunks {
            // Both, or the chunk has gone between the newest state and this view of the catalog.
            let (Some(vector), Some(tokens)) = (vectors.remove(&chunk), tokens.remove(&chunk)) else { continue };
            let sparse = sparse::of_chunk(&tokens);
            let sparse = (!sparse.indices.is_empty()).then_some(sparse);
            points.push(Point { chunk, expected, dense: Some(vector), sparse });
        }
        let inserted = points.len() as u64;
        self.points.insert(points, sequence).await?;
        Ok(inserted)
    }

    /// Compares every point with the catalog and mends what differs. Operations after `last` are applied after it, and
    /// applying one twice changes nothing.
    async fn compare(
        &mut self,
        current: Watermark,
        fields: &BTreeMap<String, FieldType>,
        last: u64,
        is_other: bool,
    ) -> Result<Watermark, IndexFollowError> {
        if is_other {
            tracing::info!(
                indexes = %self.pair,
                position = current.position,
                last,
                "comparing Qdrant with the catalog"
            );
        }
        if current.position > last {
            // The catalog is older than the points: their numbers may come to mean other texts.
            self.points.clear().await?;
        }
        let was_whole = current.is_complete;
        let fields_changed = current.fields != fields_name(fields);
        if fields_changed && let Some(name) = self.points.physical().await? {
            self.points.index_fields(&name, fields).await?;
        }
        let mut done = Reconciled::default();
        let mut from = 0;
        loop {
            let Some((_, end)) = self.source.shape(self.pair) else { return Ok(current) };
            let stored = self.points.stored(from, COMPARED_AT_ONCE).await?;
            // The range that this page speaks of: to its last point, or to the end where it is not full.
            let is_full = stored.len() as u32 >= COMPARED_AT_ONCE;
            let to = stored.last().filter(|_| is_full).map_or(end.max(from), |point| point.chunk + 1);
            for part in pieces(from..to, COMPARED_AT_ONCE) {
                self.compare_range(part, &stored, last, fields_changed, &mut done).await?;
            }
            // Points beyond every ordinal that was given.
            let beyond: Vec<u32> = stored.iter().map(|point| point.chunk).filter(|chunk| *chunk >= to).collect();
            done.removed += beyond.len() as u64;
            self.points.delete_orphans(&beyond, last).await?;
            if !is_full {
                break;
            }
            from = to;
        }
        let next = Watermark { position: last, is_complete: true, fields: fields_name(fields), ..current };
        self.points.reset(&next).await?;
        self.indexes.applied.send_replace(last);
        self.compared_at = Some(Instant::now());
        if was_whole && done.inserted + done.described + done.removed > 0 {
            tracing::warn!(indexes = %self.pair, ?done, "Qdrant differed from the catalog and was mended");
        }
        self.source.note_reconciled(&done);
        Ok(next)
    }

    async fn compare_range(
        &self,
        chunks: Range<u32>,
        stored: &[StoredPoint],
        last: u64,
        describe_all: bool,
        done: &mut Reconciled,
    ) -> Result<(), IndexFollowError> {
        let live = self.source.live(self.collection(), chunks.clone());
        let first = stored.partition_point(|point| point.chunk < chunks.start);
        let end = stored.partition_point(|point| point.chunk < chunks.end);
        let stored: BTreeMap<u32, &StoredPoint> =
            stored.get(first..end).unwrap_or_default().iter().map(|point| (point.chunk, point)).collect();
        let is_live = |chunk: &u32| live.binary_search_by_key(chunk, |(live, _)| *live).is_ok();
        let orphans: Vec<u32> = stored.keys().copied().filter(|chunk| !is_live(chunk)).collect();
        let (mut missing, mut wrong) = (Vec::new(), Vec::new());
        done.compared += live.len() as u64;
        for (chunk, expected) in live {
            match stored.get(&chunk) {
                None => missing.push((chunk, expected)),
                Some(point) => {
                    let is_same = point.audience == Some(expected.audience) && point.version == Some(expected.version);
                    if describe_all || !is_same {
                        wrong.push((chunk, expected));
                    }
                }
            }
        }
        done.removed += orphans.len() as u64;
        self.points.delete_orphans(&orphans, last).await?;
        done.described += wrong.len() as u64;
        for (chunks, expected) in alike(&wrong) {
            self.points.correct(&chunks, expected, last).await?;
        }
        if !missing.is_empty() {
            let mut tx = self.catalog.read().await?;
            done.inserted += self.insert(&mut tx, missing, last).await?;
        }
        Ok(())
    }
}

/// Runs of chunks of which the same is to be said: those of one document and audience.
fn alike(chunks: &[(u32, Expected)]) -> impl Iterator<Item = (Vec<u32>, &Expected)> {
    let runs = chunks.chunk_by(|(_, one), (_, other)| one == other);
    runs.filter_map(|run| Some((run.iter().map(|(chunk, _)| *chunk).collect(), &run.first()?.1)))
}
