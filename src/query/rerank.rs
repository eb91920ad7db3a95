//! The best hits once more, by a model that reads question and passage together, where one is configured. It sees verified
//! passages alone, and where it fails or is late the order stays as it was.

use std::time::Duration;

use super::fuse::{Ranked, RankedChunk};
use super::{QueryError, Question};
use crate::catalog::index_text::index_text;
use crate::service::Service;
use crate::service::turn::Turn;

/// Puts the best hits into the reranker's order, before the others; equal ones stay as they were. `within`: how much time
/// is left for it.
pub(super) async fn rerank(
    service: &Service,
    turn: &Turn,
    question: &Question,
    mut ranked: Ranked,
    within: Duration,
) -> Result<Ranked, QueryError> {
    let Some(reranker) = service.reranker.as_ref().filter(|_| question.reranks && !question.text.trim().is_empty())
    else {
        return Ok(ranked);
    };
    let count = reranker.settings.depth.max(question.top_k).min(ranked.hits.len());
    if count == 0 {
        return Ok(ranked);
    }
    let text = |hit: &RankedChunk| {
        hit.text.as_ref().map_or_else(String::new, |text| index_text(&text.document.title, &text.text))
    };
    let passages: Vec<String> = ranked.hits.iter().take(count).map(text).collect();
    match reranker.scores(&question.text, &passages, turn.payer(), within).await {
        Ok(scores) => {
            for (hit, score) in ranked.hits.iter_mut().zip(scores) {
                hit.probability = Some(score);
            }
            // What was not read compares with nothing; those that were are enough. Stable.
            ranked.hits.truncate(count);
            let score = |probability: Option<f64>| probability.unwrap_or(-1.0);
            ranked.hits.sort_by(|a, b| score(b.probability).total_cmp(&score(a.probability)));
            for (hit, rank) in ranked.hits.iter_mut().zip(1..) {
                hit.ranks.rerank = Some(rank);
            }
        }
        Err(failure) => {
            tracing::warn!("the reranker {failure}");
            ranked.caveats.is_not_reranked = true;
        }
    }
    Ok(ranked)
}
