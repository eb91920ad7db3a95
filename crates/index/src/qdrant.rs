//! A collection's chunks as points of a Qdrant collection: the distributed form of both indexes.
//!
//! One point per chunk, its id the chunk ordinal (never used for two texts), with a named dense vector, a named sparse
//! one ([`super::sparse`]) and a payload of numbers: audience, document, version, the operation that last touched it, and
//! the declared metadata. No text, no title and no id of a document ever goes there.
//!
//! Qdrant proposes; the mask decides. A search sends a filter that describes at least the masked chunks, drops what is not
//! masked, and asks for more where too much was dropped. Every answer carries the collection's watermark (a point of its
//! own), so that a Qdrant that was restored from an older copy, or replaced, is noticed by the very search that it would
//! have spoiled.
//!
//! Writes are safe to repeat and to come late: insertion never replaces a point, and everything else is conditional on
//! the number of the operation that a point last saw (`docs/distributed.md`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use qdrant_client::qdrant::{
    Condition, Filter, PointId, Query, QueryBatchPoints, QueryPoints, ScoredPoint, SearchParams, Value, VectorInput,
    point_id, value::Kind,
};

use super::{ChunkKey, ChunkMask, Depth, IndexError, Scored};
use crate::sparse::SparseVector;

mod client;
mod form;
mod layout;
mod leg;
mod points;

pub use client::{Connection, Consistency, QdrantError, QdrantSettings, Quantisation};
use leg::Leg;

pub use form::{Form, Permission, choose};
pub use layout::{Watermark, fields_name};
pub use points::{Expected, Point, StoredPoint};

/// Names within a point.
const DENSE: &str = "dense";
const SPARSE: &str = "bm25";
const AUDIENCE: &str = "a";
const DOCUMENT: &str = "d";
const VERSION: &str = "v";
const SEQUENCE: &str = "s";
/// Declared metadata, one key each.
const METADATA: &str = "m";
/// The point that says how far the collection is. Chunk ordinals have 32 bits.
const WATERMARK: u64 = 1 << 63;

/// One Usher collection in Qdrant.
pub struct QdrantCollection {
    connection: Connection,
    /// Name by which it is searched: an alias, so that another form of it can take its place without a gap.
    alias: String,
    /// Who owns it.
    instance: String,
    dimensions: usize,
    /// The highest position that this process has seen: what is there must never be older.
    floor: AtomicU64,
    /// Something is wrong that only a comparison with the catalog can mend.
    is_suspect: AtomicBool,
}

/// Computes a chunk's key, across threads.
pub type SharedKey<'a> = &'a (dyn Fn(u32) -> ChunkKey + Send + Sync);

/// What one search asks, of either index or both.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    pub dense: Option<Vec<f32>>,
    pub sparse: Option<SparseVector>,
    pub depth: Depth,
}

/// Lists of one search, each in the order (score descending, key ascending).
#[derive(Debug, Default)]
pub struct Found {
    pub dense: Vec<Scored>,
    pub sparse: Vec<Scored>,
    /// More candidates were dropped than could be made up for: readable matches may be missing.
    pub is_short: bool,
    /// The position that the answer was made at.
    pub position: u64,
}

impl QdrantCollection {
    /// A handle; nothing is connected before the first call.
    pub fn new(connection: Connection, name: &str, instance: &str, dimensions: usize) -> Self {
        let alias = format!("{}-{name}", connection.settings().prefix);
        Self {
            connection,
            alias,
            instance: instance.to_owned(),
            dimensions,
            floor: AtomicU64::new(0),
            is_suspect: AtomicBool::new(false),
        }
    }

    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub fn alias(&self) -> &str {
        &self.alias
    }

    /// The highest position seen so far.
    pub fn floor(&self) -> u64 {
        self.floor.load(Ordering::Acquire)
    }

    /// Whether a search met a state that should not be; the applier compares everything then.
    pub fn is_suspect(&self) -> bool {
        self.is_suspect.load(Ordering::Acquire)
    }

    /// Searches under a mask, with the form of filter that is cheapest for it, in one round trip for both legs.
    ///
    /// # Errors
    /// When Qdrant does not answer in time, or is not at least where it was before.
    pub async fn search(&self, ask: &Ask, mask: &ChunkMask, key: SharedKey<'_>) -> Result<Found, IndexError> {
        self.search_with(ask, mask, &choose(mask), key).await
    }

    /// As [`Self::search`], with a form of the caller's choice; every form gives the same set of chunks.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn search_with(
        &self,
        ask: &Ask,
        mask: &ChunkMask,
        form: &Form,
        key: SharedKey<'_>,
    ) -> Result<Found, IndexError> {
        let dense = ask.dense.as_ref().map(|vector| VectorInput::new_dense(vector.clone()));
        let sparse = ask.sparse.as_ref();
        let sparse = sparse.map(|vector| VectorInput::new_sparse(vector.indices.clone(), vector.values.clone()));
        let mut legs: Vec<Leg> = [(DENSE, dense), (SPARSE, sparse)]
            .into_iter()
            .filter_map(|(vector, input)| Some(Leg::new(vector, input?)))
            .collect();
        let mut found = Found::default();
        for limit in leg::limits(&ask.depth) {
            let wanting = legs.iter().filter(|leg| leg.wants_more);
            let mut batch: Vec<_> = wanting.map(|leg| self.leg(leg, form, limit)).collect();
            batch.push(self.watermark_query());
            let floor = self.floor();
            let mut answers = self.batch(batch).await?;
            let watermark = answers.pop().and_then(|points| Watermark::of(points.first()?));
            found.position = self.accept(watermark.as_ref(), floor)?;
            for (leg, points) in legs.iter_mut().filter(|leg| leg.wants_more).zip(answers) {
                let is_cut = points.len() as u64 >= limit;
                leg.take(masked(points, mask), is_cut, mask, &ask.depth, key);
            }
            found.is_short = legs.iter().any(|leg| leg.wants_more);
            if !found.is_short {
                break;
            }
        }
        for leg in legs {
            if leg.vector == DENSE { found.dense = leg.list } else { found.sparse = leg.list }
        }
        Ok(found)
    }

    /// Reads how far the collection is.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn look(&self) -> Result<u64, IndexError> {
        let floor = self.floor();
        self.accept(self.watermark().await?.as_ref(), floor)
    }

    fn leg(&self, leg: &Leg, form: &Form, limit: u64) -> QueryPoints {
        QueryPoints {
            collection_name: self.alias.clone(),
            query: Some(Query::new_nearest(leg.input.clone())),
            using: Some(leg.vector.to_owned()),
            filter: form.filter_without(&leg.exhausted),
            params: (leg.vector == DENSE).then(|| form.params(&self.connection.settings().quantisation)),
            limit: Some(limit),
            with_payload: Some(false.into()),
            ..QueryPoints::default()
        }
    }

    fn watermark_query(&self) -> QueryPoints {
        QueryPoints {
            collection_name: self.alias.clone(),
            filter: Some(Filter::must([Condition::has_id([WATERMARK])])),
            params: Some(SearchParams::default()),
            limit: Some(1),
            with_payload: Some(true.into()),
            ..QueryPoints::default()
        }
    }

    async fn batch(&self, query_points: Vec<QueryPoints>) -> Result<Vec<Vec<ScoredPoint>>, IndexError> {
        let count = query_points.len();
        let request = QueryBatchPoints {
            collection_name: self.alias.clone(),
            query_points,
            read_consistency: self.connection.read_consistency(),
            timeout: None,
        };
        let client = self.connection.client();
        let answer = self.connection.read("search", || client.query_batch(request.clone())).await;
        if matches!(answer, Err(QdrantError::Missing { .. })) {
            self.is_suspect.store(true, Ordering::Release);
        }
        let answer = answer?;
        let lists: Vec<_> = answer.result.into_iter().map(|batch| batch.result).collect();
        if lists.len() != count {
            return Err(QdrantError::Answer { problem: "a list is missing" }.into());
        }
        Ok(lists)
    }

    /// Accepts an answer made at this watermark, if that is no lower than the floor when the call began (others may have
    /// seen a higher one meanwhile); anything else makes the collection suspect.
    fn accept(&self, watermark: Option<&Watermark>, floor: u64) -> Result<u64, IndexError> {
        let problem = match watermark {
            None => QdrantError::NotOurs { alias: self.alias.clone(), problem: "it has no watermark" },
            Some(mark) if mark.instance != self.instance => {
                QdrantError::NotOurs { alias: self.alias.clone(), problem: "another instance owns it" }
            }
            Some(mark) if !mark.is_complete => QdrantError::Filling { alias: self.alias.clone() },
            Some(mark) if mark.position < floor => self.went_back(mark.position, floor),
            Some(mark) => {
                self.saw(mark.position);
                return Ok(mark.position);
            }
        };
        if !matches!(problem, QdrantError::Filling { .. }) {
            self.is_suspect.store(true, Ordering::Release);
        }
        Err(problem.into())
    }

    /// What is there is older than it was: only a comparison with the catalog can mend it.
    fn went_back(&self, found: u64, expected: u64) -> QdrantError {
        self.is_suspect.store(true, Ordering::Release);
        QdrantError::WentBack { alias: self.alias.clone(), found, expected }
    }

    /// Notes that the collection has been at this position.
    fn saw(&self, position: u64) {
        self.floor.fetch_max(position, Ordering::AcqRel);
    }
}

/// The masked ones of the points.
fn masked(points: Vec<ScoredPoint>, mask: &ChunkMask) -> Vec<Scored> {
    points
        .into_iter()
        .filter_map(|point| Some(Scored { chunk: chunk_of(point.id.as_ref()?)?, score: f64::from(point.score) }))
        .filter(|hit| mask.contains(hit.chunk) || usher_base::faults::mutants::active("points_of_qdrant_unmasked"))
        .collect()
}

/// The chunk that a point stands for.
fn chunk_of(id: &PointId) -> Option<u32> {
    match id.point_id_options.as_ref()? {
        point_id::PointIdOptions::Num(number) => u32::try_from(*number).ok(),
        point_id::PointIdOptions::Uuid(_) => None,
    }
}

fn ids(chunks: impl IntoIterator<Item = u32>) -> Vec<PointId> {
    chunks.into_iter().map(|chunk| u64::from(chunk).into()).collect()
}

fn integer(payload: &HashMap<String, Value>, key: &str) -> Option<i64> {
    match payload.get(key)?.kind.as_ref()? {
        Kind::IntegerValue(number) => Some(*number),
        _ => None,
    }
}

fn text<'a>(payload: &'a HashMap<String, Value>, key: &str) -> Option<&'a str> {
    match payload.get(key)?.kind.as_ref()? {
        Kind::StringValue(text) => Some(text),
        _ => None,
    }
}
