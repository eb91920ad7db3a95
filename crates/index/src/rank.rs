//! Selection of the best candidates, without a dependence on the order in which they are offered.
//!
//! Two forms: [`Best`] for scores that decide the answer, [`Bins`] for the coarse estimates of a first stage. Both keep
//! every candidate that ties with the last place, so that what survives is a function of the set of candidates only.

use std::collections::HashMap;

use crate::depth::PerDocument;
use crate::{Depth, KeyOf, Scored};

/// The best of the chunks that are offered, to the depth, and all that tie with the last of them, or with the last of
/// their document.
pub(crate) struct Best {
    depth: Depth,
    floor: f64,
    kept: Vec<Scored>,
    room: usize,
}

impl Best {
    pub(crate) fn new(depth: impl Into<Depth>) -> Self {
        let depth = depth.into();
        let room = depth.chunks.saturating_mul(2).max(256);
        Self { depth, floor: f64::NEG_INFINITY, kept: Vec::new(), room }
    }

    /// Offers a candidate; `score` is not NaN.
    #[inline]
    pub(crate) fn push(&mut self, chunk: u32, score: f64) {
        if score < self.floor {
            return;
        }
        self.kept.push(Scored { chunk, score });
        if self.kept.len() >= self.room {
            self.shrink();
            // Where most candidates tie, shrinking gains nothing; the room grows, or each offer would shrink again.
            self.room = self.room.max(self.kept.len() * 2);
        }
    }

    /// The selection from this and another one's candidates; both have the same depth.
    pub(crate) fn and(mut self, other: Best) -> Best {
        for Scored { chunk, score } in other.kept {
            self.push(chunk, score);
        }
        self
    }

    fn shrink(&mut self) {
        let depth = self.depth.chunks;
        if depth == 0 {
            self.kept.clear();
            self.floor = f64::INFINITY;
        } else if let Some(limit) = self.depth.per_document.clone() {
            self.shrink_by_document(&limit);
        } else if self.kept.len() > depth {
            let (_, last, _) = self.kept.select_nth_unstable_by(depth - 1, |a, b| b.score.total_cmp(&a.score));
            let floor = last.score;
            self.floor = floor;
            self.kept.retain(|candidate| candidate.score >= floor);
        }
    }

    /// Drops what has as many better ones of its own document as may stand in the list, and what is worse than the score
    /// with which enough are counted. Neither can come back by later offers.
    fn shrink_by_document(&mut self, limit: &PerDocument) {
        let mut offered = std::mem::take(&mut self.kept);
        offered.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
        let mut held: HashMap<u32, usize> = HashMap::new();
        let mut counted = 0;
        for tied in offered.chunk_by(|a, b| a.score == b.score) {
            let documents = tied.iter().map(|candidate| (*candidate, (limit.of)(candidate.chunk)));
            let fits = |(_, document): &(Scored, u32)| held.get(document).is_none_or(|held| *held < limit.held);
            let fitting: Vec<_> = documents.filter(fits).collect();
            for (candidate, document) in fitting {
                let held = held.entry(document).or_default();
                *held += 1;
                counted += usize::from(*held <= limit.counted);
                self.kept.push(candidate);
            }
            if let Some(last) = tied.first().filter(|_| counted >= self.depth.chunks) {
                self.floor = last.score;
                return;
            }
        }
    }

    /// The best and all ties with the last, in no particular order.
    pub(crate) fn survivors(mut self) -> Vec<Scored> {
        self.shrink();
        self.kept
    }

    /// The list, ordered by (score descending, key ascending). Keys are computed for equal scores only.
    pub(crate) fn ranked(self, key: KeyOf<'_>) -> Vec<Scored> {
        let depth = self.depth.clone();
        let mut list = self.survivors();
        list.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
        for tied in list.chunk_by_mut(|a, b| a.score == b.score) {
            if tied.len() > 1 {
                tied.sort_by_cached_key(|candidate| key(candidate.chunk));
            }
        }
        let mut quota = depth.quota();
        list.retain(|candidate| quota.takes(depth.document_of(candidate.chunk)));
        list
    }
}

/// The number of bins of an estimate; a public constant.
pub(crate) const BINS: u16 = 24_576;

/// Chunks by a coarse estimate in `0..BINS`: the smallest set of whole bins, from the top, that holds `width` chunks.
pub(crate) struct Bins {
    width: u64,
    counts: Vec<u32>,
    /// Chunks in lower bins can't be among the survivors any more. Only ever rises.
    floor: u16,
    at_or_above: u64,
    kept: Vec<(u16, u32)>,
}

impl Bins {
    pub(crate) fn new(width: usize) -> Self {
        Self { width: width as u64, counts: vec![0; BINS as usize], floor: 0, at_or_above: 0, kept: Vec::new() }
    }

    /// The lowest bin that is still worth offering.
    #[inline]
    pub(crate) fn floor(&self) -> u16 {
        self.floor
    }

    /// Offers a chunk; a bin of `BINS` or more counts as the last.
    #[inline]
    pub(crate) fn push(&mut self, bin: u16, chunk: u32) {
        let bin = bin.min(BINS - 1);
        if bin < self.floor {
            return;
        }
        self.kept.push((bin, chunk));
        self.count(bin, 1);
    }

    fn count(&mut self, bin: u16, chunks: u32) {
        if let Some(count) = self.counts.get_mut(bin as usize) {
            *count += chunks;
            self.at_or_above += u64::from(chunks);
        }
        while let Some(&lowest) = self.counts.get(self.floor as usize)
            && self.at_or_above - u64::from(lowest) >= self.width
            && self.floor < BINS - 1
        {
            self.at_or_above -= u64::from(lowest);
            self.floor += 1;
        }
    }

    /// The chunks of the highest bins that together hold at least `width` chunks of all parts, or all chunks.
    pub(crate) fn survivors(parts: Vec<Bins>) -> Vec<u32> {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else { return Vec::new() };
        for part in parts {
            // Below its floor a part has lost candidates, but there they can't survive in the union either.
            let kept = all.kept.len();
            all.kept.extend(part.kept);
            for at in kept..all.kept.len() {
                if let Some(&(bin, _)) = all.kept.get(at)
                    && bin >= all.floor
                {
                    all.count(bin, 1);
                }
            }
        }
        let floor = all.floor;
        all.kept.into_iter().filter(|&(bin, _)| bin >= floor).map(|(_, chunk)| chunk).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_with_the_last_place_go_by_key_in_any_order_of_offers() {
        let scores: Vec<f64> = (0..5000u32).map(|at| f64::from(at * 7919 % 97)).collect();
        let key = |chunk: u32| {
            let mut key = [0; 16];
            key[..4].copy_from_slice(&chunk.wrapping_mul(2_654_435_761).to_be_bytes());
            key
        };
        let mut expected: Vec<Scored> = (0u32..).zip(&scores).map(|(chunk, &score)| Scored { chunk, score }).collect();
        expected.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| key(a.chunk).cmp(&key(b.chunk))));
        for depth in [0_usize, 1, 10, 77, 4999, 5000, 9000] {
            let (mut up, mut down) = (Best::new(depth), Best::new(depth));
            for chunk in 0..5000u32 {
                up.push(chunk, scores[chunk as usize]);
                down.push(4999 - chunk, scores[4999 - chunk as usize]);
            }
            let expected = &expected[..depth.min(5000)];
            assert_eq!(up.ranked(&key), expected, "depth {depth}");
            assert_eq!(down.ranked(&key), expected, "depth {depth}");
        }
    }

    #[test]
    fn of_each_document_the_first_few_count_in_any_order_of_offers() {
        let mut random = usher_support::Random::new(7);
        for _ in 0..300 {
            let chunks = random.below(3_000) as u32;
            let (documents, levels) = (1 + random.below(60), 1 + random.below(400));
            let documents: std::sync::Arc<Vec<u32>> =
                std::sync::Arc::new((0..chunks).map(|_| (random.below(documents) * random.below(3)) as u32).collect());
            let scores: Vec<f64> = (0..chunks).map(|_| random.below(levels) as f64).collect();
            let key =
                |chunk: u32| (u128::from(chunk).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_be_bytes();
            let (length, counted, held) = (random.below(120), 1 + random.below(4), random.below(5));
            let table = documents.clone();
            let limit = PerDocument {
                counted,
                held: counted + held,
                of: std::sync::Arc::new(move |chunk| table[chunk as usize]),
            };
            let depth = Depth { chunks: length, per_document: Some(limit) };
            // Brute force: all in order; each document's first few stand, and fewer count.
            let mut all: Vec<u32> = (0..chunks).collect();
            all.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]).then_with(|| key(*a).cmp(&key(*b))));
            let (mut expected, mut count) = (Vec::new(), 0);
            for chunk in all {
                let before =
                    expected.iter().filter(|other: &&u32| documents[**other as usize] == documents[chunk as usize]);
                let before = before.count();
                if count == length {
                    break;
                }
                if before < counted + held {
                    count += usize::from(before < counted);
                    expected.push(chunk);
                }
            }
            let (mut up, mut first, mut second) =
                (Best::new(depth.clone()), Best::new(depth.clone()), Best::new(depth.clone()));
            for chunk in 0..chunks {
                up.push(chunk, scores[chunk as usize]);
                let down = chunks - 1 - chunk;
                let part = if random.chance(50) { &mut first } else { &mut second };
                part.push(down, scores[down as usize]);
            }
            let found = |best: Best| best.ranked(&key).iter().map(|hit| hit.chunk).collect::<Vec<_>>();
            assert_eq!(found(up), expected);
            assert_eq!(found(first.and(second)), expected);
        }
    }

    #[test]
    fn bins_keep_the_whole_last_bin_whatever_the_partition() {
        let bins: Vec<u16> = (0..10_000u32).map(|at| (at * 7919 % 1009) as u16 + 23_800).collect();
        for width in [1, 10, 500, 9_999, 20_000] {
            let mut sorted: Vec<u16> = bins.iter().map(|&bin| bin.min(BINS - 1)).collect();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            let floor = sorted.get(width - 1).copied().unwrap_or(0);
            let expected: Vec<u32> =
                (0u32..).zip(&bins).filter(|(_, bin)| **bin.min(&&(BINS - 1)) >= floor).map(|(at, _)| at).collect();
            for parts in [1, 2, 7] {
                let mut partial: Vec<Bins> = (0..parts).map(|_| Bins::new(width)).collect();
                for (chunk, &bin) in (0u32..).zip(&bins) {
                    partial[chunk as usize * 31 % parts].push(bin, chunk);
                }
                let mut found = Bins::survivors(partial);
                found.sort_unstable();
                assert_eq!(found, expected, "width {width}, {parts} parts");
            }
        }
    }
}
