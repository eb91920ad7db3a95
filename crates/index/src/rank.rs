//! Selection of the best candidates, without a dependence on the order in which they are offered.
//!
//! Two forms: [`Best`] for scores that decide the answer, [`Bins`] for the coarse estimates of a first stage. Both keep
//! every candidate that ties with the last place, so that what survives is a function of the set of candidates only.

use crate::{KeyOf, Scored};

/// The best `depth` of the chunks that are offered, and all that tie with the last of them.
pub(crate) struct Best {
    depth: usize,
    floor: f64,
    kept: Vec<Scored>,
    room: usize,
}

impl Best {
    pub(crate) fn new(depth: usize) -> Self {
        Self { depth, floor: f64::NEG_INFINITY, kept: Vec::new(), room: depth.saturating_mul(2).max(256) }
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
        if self.depth == 0 {
            self.kept.clear();
            self.floor = f64::INFINITY;
        } else if self.kept.len() > self.depth {
            let (_, last, _) = self.kept.select_nth_unstable_by(self.depth - 1, |a, b| b.score.total_cmp(&a.score));
            let floor = last.score;
            self.floor = floor;
            self.kept.retain(|candidate| candidate.score >= floor);
        }
    }

    /// The best and all ties with the last, in no particular order.
    pub(crate) fn survivors(mut self) -> Vec<Scored> {
        self.shrink();
        self.kept
    }

    /// At most `depth` chunks, ordered by (score descending, key ascending). Keys are computed for equal scores only.
    pub(crate) fn ranked(self, key: KeyOf<'_>) -> Vec<Scored> {
        let depth = self.depth;
        let mut list = self.survivors();
        list.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
        for tied in list.chunk_by_mut(|a, b| a.score == b.score) {
            if tied.len() > 1 {
                tied.sort_by_cached_key(|candidate| key(candidate.chunk));
            }
        }
        list.truncate(depth);
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
        for depth in [0, 1, 10, 77, 4999, 5000, 9000] {
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
