//! One list of a search over its rounds: each asks for more, until there is enough of what the mask lets through.

use qdrant_client::qdrant::VectorInput;

use super::SharedKey;
use crate::{ChunkMask, Depth, Scored};

/// Times that more candidates are asked for, four times as many each.
const ROUNDS: u32 = 3;
/// Times that they are asked for without the documents of which the list holds all that it may.
const ROUNDS_BY_DOCUMENT: u32 = 8;

/// How many points each round asks for.
pub(super) fn limits(depth: &Depth) -> impl Iterator<Item = u64> {
    let rounds = if depth.per_document.is_some() { ROUNDS_BY_DOCUMENT } else { ROUNDS };
    let chunks = depth.chunks as u64;
    (0..rounds).map(move |round| chunks.saturating_mul(4_u64.pow(round.min(ROUNDS - 1))))
}

pub(super) struct Leg {
    pub vector: &'static str,
    pub input: VectorInput,
    pub wants_more: bool,
    /// Masked points of all rounds, best first, ties by key.
    known: Vec<Scored>,
    /// Documents of which the list holds all that it may, ascending: they are not asked for again.
    pub exhausted: Vec<u32>,
    pub list: Vec<Scored>,
}

impl Leg {
    pub fn new(vector: &'static str, input: VectorInput) -> Self {
        let (known, exhausted, list) = (Vec::new(), Vec::new(), Vec::new());
        Self { vector, input, wants_more: true, known, exhausted, list }
    }

    /// Takes the masked points of a round, which has all of the rounds before but those of exhausted documents, and more.
    pub fn take(&mut self, points: Vec<Scored>, is_cut: bool, mask: &ChunkMask, depth: &Depth, key: SharedKey<'_>) {
        let limits = depth.per_document.is_some();
        let is_exhausted = |hit: &Scored| limits && self.exhausted.binary_search(&depth.document_of(hit.chunk)).is_ok();
        self.known.retain(is_exhausted);
        self.known.extend(points.into_iter().filter(|hit| !is_exhausted(hit)));
        self.known.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| key(a.chunk).cmp(&key(b.chunk))));
        let mut quota = depth.quota();
        let known = self.known.iter().copied();
        self.list = known.filter(|hit| quota.takes(depth.document_of(hit.chunk))).collect();
        self.wants_more = is_cut && !quota.is_full() && (self.known.len() as u64) < u64::from(mask.count());
        self.exhausted = quota.exhausted().collect();
        self.exhausted.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::tests::world::{by_document, document, key, mask};
    use usher_support::Random;

    /// A server with these points in this order, of which a filter covers more than the mask.
    #[test]
    fn rounds_end_with_the_list_of_brute_force() {
        let mut random = Random::new(21);
        for round in 0..60 {
            let mut all: Vec<Scored> =
                (0..6_000).map(|chunk| Scored { chunk, score: f64::from(random.normal()) }).collect();
            // Long documents come first.
            all.iter_mut().filter(|hit| document(hit.chunk) < 1_000).for_each(|hit| hit.score += 3.0);
            all.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| key(a.chunk).cmp(&key(b.chunk))));
            let share = [1.0, 0.7, 0.3][round % 3];
            let seen = mask(&mut random, 6_000, share, 1);
            let (chunks, most) = ([1, 10, 100][random.below(3_usize)], 1 + random.below(4_usize));
            let depth = Depth::by_document(chunks, most, Arc::new(document));
            let mut leg = Leg::new("dense", VectorInput::new_dense(vec![1.0]));
            let mut rounds = 0;
            for limit in limits(&depth) {
                if !leg.wants_more {
                    break;
                }
                rounds += 1;
                let others = all.iter().filter(|hit| leg.exhausted.binary_search(&document(hit.chunk)).is_err());
                let points: Vec<Scored> = others.take(limit as usize).copied().collect();
                let is_cut = points.len() as u64 >= limit;
                leg.take(
                    points.into_iter().filter(|hit| seen.contains(hit.chunk)).collect(),
                    is_cut,
                    &seen,
                    &depth,
                    &key,
                );
            }
            let seen: Vec<Scored> = all.into_iter().filter(|hit| seen.contains(hit.chunk)).collect();
            let expected = if most < chunks { by_document(&seen, chunks, most) } else { seen[..chunks].to_vec() };
            assert_eq!(leg.list, expected, "{share} masked, depth {chunks}, {most} of a document");
            assert!(!leg.wants_more && rounds <= 8, "{rounds} rounds");
        }
    }
}
