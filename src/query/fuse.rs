//! Verification of all candidates, then reciprocal rank fusion of what passed (Cormack, Clarke and Büttcher 2009). Ranks count verified hits only, so that no gap betrays a dropped one.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::allow::{Allowed, AllowedCollection};
use super::caveats::Caveats;
use super::relevance::Measured;
use super::search::{Hits, WeightedList};
use super::{QueryError, Question};
use crate::authority::View;
use crate::gate::text::PassageText;
use crate::gate::{Candidate, VerifiedChunk};
use crate::service::Service;
use crate::service::turn::Turn;
use crate::wire::Ranks;

/// The constant of reciprocal rank fusion: the first places count much more than the others, of which the passages
/// themselves say more.
const K: f64 = 3.0;

/// Candidates that the reader may read at the newest snapshot, with the lists they stand in.
pub(super) struct Verified {
    /// The state of the search, which the answer names.
    searched: Arc<View>,
    /// The newest one, on which the hits were verified.
    view: View,
    chunks: HashMap<Candidate, VerifiedChunk>,
    vector: Vec<WeightedList>,
    keyword: Vec<WeightedList>,
    caveats: Caveats,
}

/// Verified chunks in their final order.
pub(super) struct Ranked {
    pub searched: Arc<View>,
    pub view: View,
    pub hits: Vec<RankedChunk>,
    pub caveats: Caveats,
}

pub(super) struct RankedChunk {
    pub chunk: VerifiedChunk,
    pub score: f64,
    /// What a reranker says that it is, 0 to 1.
    pub probability: Option<f64>,
    pub ranks: Ranks,
    pub measured: Measured,
    /// Absent until it is weighed.
    pub text: Option<PassageText>,
}

impl RankedChunk {
    /// By score, equal ones by key.
    pub fn order(a: &Self, b: &Self) -> Ordering {
        b.score.total_cmp(&a.score).then_with(|| a.chunk.key().cmp(b.chunk.key()))
    }
}

/// Asks the gate about the union of all lists.
pub(super) async fn verify(
    service: &Service,
    turn: &Turn,
    allowed: Allowed,
    hits: Hits,
) -> Result<Verified, QueryError> {
    let (authority, searched) = (service.authority.clone(), allowed.view.clone());
    let newest = service.published.load();
    let view = turn.compute(move |effort| authority.verifying_view(&searched, newest, effort)).await;
    let view = view.map_err(QueryError::at("verify"))??;
    let mut union: Vec<Candidate> =
        hits.vector.iter().chain(&hits.keyword).flat_map(|list| list.candidates.iter().copied()).collect();
    union.sort_unstable();
    union.dedup();
    let verified = service.gate.verify(&view, &union).await?;
    let is_same = |chunk: &VerifiedChunk| {
        chunk.is_as_in(&allowed.view, &view) || crate::mutants::active("named_by_the_verifying_state")
    };
    let verified = verified.into_iter().filter(is_same);
    let chunks: HashMap<_, _> = verified.map(|chunk| (chunk.candidate(), chunk)).collect();
    let was_removed = |of: &AllowedCollection| of.indexes.may_be_ahead_of(of.view.state.last_operation);
    // What did not pass, or not as it was found, has changed since the search's snapshot.
    let is_incomplete = chunks.len() < union.len() || allowed.collections.iter().any(was_removed);
    let (is_cut, is_degraded) = (hits.is_cut, hits.is_degraded);
    Ok(Verified {
        searched: allowed.view,
        view,
        chunks,
        vector: hits.vector,
        keyword: hits.keyword,
        caveats: Caveats { is_cut, is_degraded, is_incomplete, ..allowed.caveats },
    })
}

/// Fuses the verified lists; everything is counted over verified hits.
pub(super) fn fuse(verified: Verified) -> Ranked {
    let mut scores: BTreeMap<Candidate, (f64, Ranks)> = BTreeMap::new();
    let is_counted = |candidate: &Candidate| {
        crate::mutants::active("fusing_before_verifying") || verified.chunks.contains_key(candidate)
    };
    for (lists, is_vector) in [(&verified.vector, true), (&verified.keyword, false)] {
        for list in lists {
            for (candidate, rank) in list.candidates.iter().filter(|candidate| is_counted(candidate)).zip(1_u32..) {
                let (score, ranks) = scores.entry(*candidate).or_default();
                *score += list.weight / (K + f64::from(rank));
                let place = if is_vector { &mut ranks.vector } else { &mut ranks.keyword };
                *place = Some(rank);
            }
        }
    }
    // The best possible score: first in a list of each leg that was asked.
    let best = |lists: &[WeightedList]| lists.iter().map(|list| list.weight).fold(0.0, f64::max);
    let weights = best(&verified.vector) + best(&verified.keyword);
    let maximum = weights / (K + 1.0);
    let mut hits: Vec<RankedChunk> = scores
        .into_iter()
        .filter_map(|(candidate, (score, ranks))| {
            let chunk = verified.chunks.get(&candidate)?.clone();
            Some(RankedChunk {
                chunk, // Rounding could put the best score just above one.
                score: (score / maximum).min(1.0),
                probability: None,
                ranks,
                measured: Measured::default(),
                text: None,
            })
        })
        .collect();
    hits.sort_by(RankedChunk::order);
    Ranked { searched: verified.searched, view: verified.view, hits, caveats: verified.caveats }
}

/// Those that may be in the answer: of each document no more than the question wants.
pub(super) fn narrow(mut ranked: Ranked, question: &Question) -> Ranked {
    if let Some(most) = question.max_per_document {
        let mut per_document: HashMap<(u32, String), usize> = HashMap::new();
        ranked.hits.retain(|hit| {
            let count = per_document.entry((hit.chunk.collection(), hit.chunk.document_id().to_owned())).or_default();
            *count += 1;
            *count <= most
        });
    }
    ranked
}
