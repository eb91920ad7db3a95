//! The best hits in their final order: where they stand in the lists, and how well each answers by itself. It reads
//! verified passages alone.

use super::diversify;
use super::fuse::{Ranked, RankedChunk};
use super::relevance::{Measure, Measured};
use super::{QueryError, Question, assemble};
use crate::gate::VerifiedChunk;
use crate::service::Service;
use crate::wire::Mode;

/// Hits that are weighed, at least: beyond them fusion has hardly ever put what answers.
const DEPTH: usize = 30;

/// Parts of the score in hybrid mode, chosen on the tuning half of the sample's questions and two public collections
/// (`docs/quality.md`).
const OF_PLACES: f64 = 0.5;
const OF_COVERAGE: f64 = 0.2;
const OF_COSINE: f64 = 0.3;

/// Reads and measures the best hits, orders them where both legs were asked, and lets the others go.
pub(super) async fn weigh(
    service: &Service,
    question: &Question,
    mut ranked: Ranked,
    measure: Measure<'_>,
) -> Result<Ranked, QueryError> {
    ranked.hits.truncate(depth(service, question));
    let chunks: Vec<VerifiedChunk> = ranked.hits.iter().map(|hit| hit.chunk.clone()).collect();
    let mut texts = assemble::read(service, &chunks).await?;
    let measured = measure.all(service, &ranked.view, &chunks, &texts).await?;
    for hit in &mut ranked.hits {
        let candidate = hit.chunk.candidate();
        hit.text = texts.remove(&candidate);
        hit.measured = measured.get(&candidate).copied().unwrap_or_default();
    }
    let count = ranked.hits.len();
    // A version that was replaced between the gate and this line has no text any more.
    ranked.hits.retain(|hit| hit.text.is_some());
    ranked.caveats.is_incomplete |= ranked.hits.len() < count;
    if question.mode == Mode::Hybrid {
        for hit in &mut ranked.hits {
            hit.score = score(hit.score, hit.measured);
        }
        ranked.hits.sort_by(RankedChunk::order);
    }
    ranked.hits.retain(|hit| hit.score >= question.min_score);
    Ok(ranked)
}

/// 0 to 1. Where no vectors are compared, the other parts are all there is.
fn score(places: f64, measured: Measured) -> f64 {
    let words = OF_PLACES * places + OF_COVERAGE * measured.coverage.unwrap_or(0.0);
    match measured.cosine {
        Some(cosine) => words + OF_COSINE * cosine.clamp(0.0, 1.0),
        None => words / (OF_PLACES + OF_COVERAGE),
    }
}

/// As many as any later stage chooses from.
fn depth(service: &Service, question: &Question) -> usize {
    let reranked = service.reranker.as_ref().filter(|_| question.reranks).map_or(0, |reranker| reranker.settings.depth);
    let chosen_from = if question.diversity > 0.0 { diversify::pool(question) } else { 0 };
    DEPTH.max(question.top_k).max(reranked).max(chosen_from)
}
