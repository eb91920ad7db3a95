//! Maps keyed by dense internal numbers, with a multiplicative hash.
//!
//! The keys are numbers that this process gave out, never text that a caller chooses, so no keyed hash is needed.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
};

/// Folds machine words by multiplication; the high bits, which hash tables use too, are well mixed by the final swap.
#[derive(Default)]
pub(super) struct WordHasher(u64);

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(MULTIPLIER);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

pub(super) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<WordHasher>>;
pub(super) type FastSet<K> = HashSet<K, BuildHasherDefault<WordHasher>>;
