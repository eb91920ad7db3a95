//! A set of chunk ordinals as a dense bit array: what one reader may find in one collection, in one snapshot.
//!
//! 1,000,000 chunks take 125 KB. The number of members is kept, because it picks the tier of a search; a mask says
//! nothing about how large the collection is beyond its own length.

use std::ops::Range;
use std::sync::Arc;

use super::filter::Restriction;

/// A mask in the words of an engine elsewhere, which holds audiences and metadata instead of ordinals: it covers at least
/// the masked chunks. What it covers beyond them, the mask drops.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Description {
    /// Numbers of the audiences in the collection that the reader may see, and of those that it may not.
    pub allowed: Vec<i64>,
    pub denied: Vec<i64>,
    /// What the metadata filter says of a point.
    pub restriction: Option<Restriction>,
}

/// A set of chunk ordinals below [`len`](Self::len).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChunkMask {
    // INVARIANT: words.len() == len.div_ceil(64), bits at `len` and above are zero, `count` is the number of ones.
    words: Vec<u64>,
    len: u32,
    count: u32,
    description: Option<Arc<Description>>,
}

impl ChunkMask {
    /// An empty set over the ordinals `0..len`.
    pub fn new(len: u32) -> Self {
        Self { words: vec![0; len.div_ceil(64) as usize], len, count: 0, description: None }
    }

    /// The same mask, with a description that covers it.
    pub fn described(self, description: Description) -> Self {
        Self { description: Some(Arc::new(description)), ..self }
    }

    /// What else is known to cover the mask.
    pub fn description(&self) -> Option<&Arc<Description>> {
        self.description.as_ref()
    }

    /// All ordinals `0..len`.
    pub fn full(len: u32) -> Self {
        let mut mask = Self::new(len);
        mask.set_range(0..len);
        mask
    }

    /// The bound of the ordinals, not the number of members.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether no chunk is a member.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of members. O(1).
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether every ordinal below [`len`](Self::len) is a member.
    pub fn is_full(&self) -> bool {
        self.count == self.len
    }

    /// Adds a chunk; one at or beyond `len` is ignored.
    pub fn set(&mut self, chunk: u32) {
        if chunk >= self.len {
            return;
        }
        if let Some(word) = self.words.get_mut(chunk as usize / 64) {
            let bit = 1u64 << (chunk % 64);
            self.count += u32::from(*word & bit == 0);
            *word |= bit;
        }
    }

    /// Adds all chunks of the range below `len`.
    pub fn set_range(&mut self, chunks: Range<u32>) {
        self.each_word(chunks, |word, bits| word | bits);
    }

    /// Removes all chunks of the range.
    pub fn clear_range(&mut self, chunks: Range<u32>) {
        self.each_word(chunks, |word, bits| word & !bits);
    }

    /// Whether the chunk is a member.
    #[inline]
    pub fn contains(&self, chunk: u32) -> bool {
        self.words.get(chunk as usize / 64).is_some_and(|word| word >> (chunk % 64) & 1 == 1)
    }

    /// Keeps only the members that `other` has too.
    pub fn intersect_with(&mut self, other: &ChunkMask) {
        let mut count = 0;
        let theirs = other.words.iter().copied().chain(std::iter::repeat(0));
        for (word, other) in self.words.iter_mut().zip(theirs) {
            *word &= other;
            count += word.count_ones();
        }
        self.count = count;
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().zip((0u32..).step_by(64)).flat_map(|(&word, base)| Bits(word).map(move |bit| base + bit))
    }

    /// The largest member.
    pub fn last(&self) -> Option<u32> {
        let at = self.words.iter().rposition(|&word| word != 0)?;
        let word = self.words.get(at)?;
        Some(at as u32 * 64 + word.ilog2())
    }

    /// 64 ordinals per word, the lowest in the lowest bit; bits at `len` and above are zero.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    fn each_word(&mut self, chunks: Range<u32>, change: impl Fn(u64, u64) -> u64) {
        let end = chunks.end.min(self.len);
        let mut at = chunks.start;
        while at < end {
            let stop = (at / 64 * 64).saturating_add(64).min(end);
            let bits = (u64::MAX >> (64 - (stop - at))) << (at % 64);
            if let Some(word) = self.words.get_mut(at as usize / 64) {
                let changed = change(*word, bits);
                self.count = self.count + changed.count_ones() - word.count_ones();
                *word = changed;
            }
            at = stop;
        }
    }
}

/// The positions of the ones of a word, ascending.
pub(crate) struct Bits(pub u64);

impl Iterator for Bits {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use usher_support::Random;

    #[test]
    fn behaves_as_a_set() {
        let mut random = Random::new(61);
        for len in [0, 1, 63, 64, 65, 1_000] {
            let (mut mask, mut set) = (ChunkMask::new(len), BTreeSet::new());
            for _ in 0..400 {
                let start = random.below(u64::from(len) + 3) as u32;
                let chunks = start..start.saturating_add(random.below(90) as u32);
                match random.below(4) {
                    0 => {
                        mask.set(start);
                        set.extend((start < len).then_some(start));
                    }
                    1 => {
                        mask.set_range(chunks.clone());
                        set.extend(chunks.filter(|chunk| *chunk < len));
                    }
                    2 => {
                        mask.clear_range(chunks.clone());
                        set.retain(|chunk| !chunks.contains(chunk));
                    }
                    _ => {
                        let mut other = ChunkMask::new(random.below(u64::from(len) + 70) as u32);
                        (0..300).for_each(|_| other.set(random.below(1_000) as u32));
                        mask.intersect_with(&other);
                        set.retain(|chunk| other.contains(*chunk));
                    }
                }
                assert_eq!(mask.count() as usize, set.len());
                assert!(mask.iter().eq(set.iter().copied()));
                assert_eq!(mask.last(), set.last().copied());
                assert_eq!((mask.is_empty(), mask.is_full()), (set.is_empty(), set.len() == len as usize));
                assert!((0..len + 70).all(|chunk| mask.contains(chunk) == set.contains(&chunk)));
            }
            assert!(ChunkMask::full(len).is_full() && ChunkMask::full(len).count() == len);
        }
    }
}
