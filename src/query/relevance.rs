//! How well a passage answers, by itself: a function of the question and of what its reader sees of the passage, so that
//! it means the same in every answer, whatever else was found (`docs/ranking.md`).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::fuse::RankedChunk;
use super::search::Vectors;
use super::{QueryError, Question};
use crate::authority::View;
use crate::embed::Calibration;
use crate::embed::calibration::KEYWORDS;
use crate::gate::text::PassageText;
use crate::gate::{Candidate, VerifiedChunk};
use crate::index::{Analyser, ChunkMask};
use crate::indexes::{CollectionIndexes, Legs};
use crate::invisible::cleaned;
use crate::limits::Effort;
use crate::service::Service;
use crate::service::turn::NotComputed;

/// From here on a passage counts as an answer, unless the question or a reranker says.
const ANSWERS_FROM: f64 = 0.13;

/// Bytes of a passage that are looked at for the question's words.
const MAX_READ: usize = 16 * 1024;

/// The best passages, however many are wanted: among them an answer is looked for.
const JUDGED: usize = 10;

/// Passages that are shown where none is relevant enough.
const NEAR_MISSES: usize = 3;

/// What of one passage could be measured.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measured {
    pub cosine: Option<f64>,
    /// The part of the question's terms that it holds.
    pub coverage: Option<f64>,
    pub relevance: Option<f64>,
}

/// What is needed to measure passages of one question.
pub(super) struct Measure<'a> {
    pub question: &'a Question,
    pub indexes: &'a [(Arc<str>, Arc<CollectionIndexes>)],
    pub vectors: &'a Vectors,
    /// Pays for it, and has a place.
    pub effort: Effort,
}

impl Measure<'_> {
    /// Cosine, coverage and relevance of passages whose texts were read.
    ///
    /// # Errors
    /// When an index fails, or the effort is spent.
    pub async fn all(
        &self,
        service: &Service,
        view: &View,
        chunks: &[VerifiedChunk],
        texts: &HashMap<Candidate, PassageText>,
    ) -> Result<HashMap<Candidate, Measured>, QueryError> {
        let mut by_collection: BTreeMap<u32, Vec<Candidate>> = BTreeMap::new();
        for chunk in chunks {
            by_collection.entry(chunk.collection()).or_default().push(chunk.candidate());
        }
        let mut measured = HashMap::new();
        for (id, found) in by_collection {
            let indexes = self.indexes.iter().find(|(_, held)| held.pair.collection == id);
            let (Some((_, indexes)), Some(collection)) = (indexes, view.collection(id)) else { continue };
            let embedder = &collection.state.settings.embedder;
            let vector = self.vectors.of(embedder);
            let cosines = match vector {
                Some(vector) => self.cosines(indexes, vector, &found).await?,
                None => HashMap::new(),
            };
            let calibration = match vector {
                Some(_) => service.embedders.calibration(embedder),
                None => Some(KEYWORDS),
            };
            let coverages = self.coverages(&indexes.analyser, &found, texts).await?;
            measured.extend(found.into_iter().map(|chunk| {
                let (cosine, coverage) = (cosines.get(&chunk.chunk).copied(), coverages.get(&chunk).copied());
                let calibrated = |(calibration, coverage): (Calibration, f64)| {
                    let cosine = if vector.is_some() { cosine? } else { 0.0 };
                    Some(calibration.relevance(cosine, coverage))
                };
                let relevance = calibration.zip(coverage).and_then(calibrated);
                (chunk, Measured { cosine, coverage, relevance })
            }));
        }
        Ok(measured)
    }

    /// By chunk. The index compares the rows of exactly these chunks.
    async fn cosines(
        &self,
        indexes: &Arc<CollectionIndexes>,
        vector: &Arc<Vec<f32>>,
        found: &[Candidate],
    ) -> Result<HashMap<u32, f64>, QueryError> {
        let end = found.iter().map(|candidate| candidate.chunk + 1).max().unwrap_or_default();
        let mut mask = ChunkMask::new(end);
        found.iter().for_each(|candidate| mask.set(candidate.chunk));
        let legs = Legs { vector: Some(vector.clone()), text: None, effort: self.effort.clone() };
        let lists = indexes.search(legs, Arc::new(mask), found.len().into(), Arc::new(|_| [0; 16])).await?;
        Ok(lists.vector.unwrap_or_default().into_iter().map(|scored| (scored.chunk, scored.score)).collect())
    }

    /// The part of the question's words that each passage holds; none for a question without any.
    async fn coverages(
        &self,
        analyser: &Analyser,
        found: &[Candidate],
        texts: &HashMap<Candidate, PassageText>,
    ) -> Result<HashMap<Candidate, f64>, QueryError> {
        let seen = found.iter().filter_map(|chunk| {
            let text = texts.get(chunk)?;
            Some((
                *chunk,
                cleaned(&text.document.title).into_owned(),
                cleaned(text.text.get(..text.text.floor_char_boundary(MAX_READ))?).into_owned(),
            ))
        });
        let (seen, analyser, effort): (Vec<_>, _, _) = (seen.collect(), *analyser, self.effort.clone());
        let question = self.question.text.clone();
        let work = crate::spans::blocking(move || {
            let query = analyser.query(&question);
            let (mut measure, mut coverages) = (query.coverage(), HashMap::with_capacity(seen.len()));
            for (chunk, title, text) in seen {
                effort.spend(1)?;
                let coverage = measure.of(&[&title, &text], &analyser.languages_of(&text));
                coverages.extend(coverage.map(|coverage| (chunk, coverage)));
            }
            Ok(coverages)
        });
        let done = work.await.map_err(|error| QueryError::NotComputed(error.into()))?;
        done.map_err(|spent| QueryError::at("assemble")(NotComputed::Spent(spent)))
    }
}

/// Hits by whether they are relevant enough to be shown.
pub(super) struct Parted {
    pub relevant: Vec<RankedChunk>,
    /// The best that are not, where none is; most relevant first.
    pub near_misses: Vec<RankedChunk>,
    /// Whether one answers; absent where nobody can say.
    pub answerable: Option<bool>,
    /// Some were left out because nobody can say how relevant they are.
    pub is_unknown: bool,
}

/// How relevant each is: what a reranker says, where it has read some, since nothing else compares with that.
pub(super) fn settle(hits: &mut [RankedChunk]) {
    if hits.iter().any(|hit| hit.probability.is_some()) {
        hits.iter_mut().for_each(|hit| hit.measured.relevance = hit.probability);
    }
}

/// Leaves out what is less relevant than `least`, if the question says so, and as many as it doesn't want.
pub(super) fn part(service: &Service, hits: Vec<RankedChunk>, question: &Question) -> Parted {
    let of = |hit: &RankedChunk| hit.measured.relevance;
    let is_known = hits.is_empty() || hits.iter().any(|hit| of(hit).is_some());
    let reranker = service.reranker.as_ref().filter(|_| hits.iter().any(|hit| hit.probability.is_some()));
    let least = question.min_relevance;
    let from = least.or(reranker.map(|reranker| reranker.settings.answers_from)).unwrap_or(ANSWERS_FROM);
    let best = hits.iter().take(JUDGED);
    let answerable = is_known.then(|| best.into_iter().any(|hit| of(hit).is_some_and(|relevance| relevance >= from)));
    let Some(least) = least else {
        let relevant = hits.into_iter().take(question.top_k).collect();
        return Parted { relevant, near_misses: Vec::new(), answerable, is_unknown: false };
    };
    let is_unknown = hits.iter().any(|hit| of(hit).is_none());
    let is_relevant = |hit: &RankedChunk| of(hit).is_some_and(|relevance| relevance >= least);
    let (mut relevant, mut near_misses): (Vec<_>, Vec<_>) = hits.into_iter().partition(is_relevant);
    // Stable, so that equally relevant ones keep the order of their ranks.
    let known = |hit: &RankedChunk| of(hit).unwrap_or(-1.0);
    near_misses.sort_by(|a, b| known(b).total_cmp(&known(a)));
    near_misses.truncate(if relevant.is_empty() { NEAR_MISSES } else { 0 });
    relevant.truncate(question.top_k);
    Parted { relevant, near_misses, answerable, is_unknown }
}
