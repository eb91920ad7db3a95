//! A fixed orthogonal transform that spreads every vector evenly over its coordinates, so that one bit or one byte per
//! coordinate says as much as it can.
//!
//! Rounds of random signs and fast Walsh-Hadamard transforms (Ailon and Chazelle 2009). Where the dimension is no power
//! of two, the rounds transform the largest power of two at the start and at the end in turn, so that a code needs no
//! padding. The signs come from a constant: the same for every collection, and a function of nothing that is stored.

use std::f32::consts::FRAC_1_SQRT_2;

const ROUNDS: usize = 4;
const SEED: u64 = 0x7573_6865_7220_7631;

/// The transform for one dimension.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    /// The largest power of two that is not greater than the dimension.
    window: usize,
    /// `ROUNDS` times one sign per coordinate.
    signs: Vec<Vec<f32>>,
}

impl Rotation {
    pub(super) fn new(dimensions: usize) -> Self {
        let window = if dimensions == 0 { 0 } else { 1 << dimensions.ilog2() };
        let mut state = SEED;
        let mut sign = || if split_mix(&mut state) >> 63 == 0 { 1.0 } else { -1.0 };
        let signs = (0..ROUNDS).map(|_| (0..dimensions).map(|_| sign()).collect()).collect();
        Self { window, signs }
    }

    /// Rotates in place; lengths and dot products are kept up to rounding. O(d log d).
    pub(super) fn apply(&self, vector: &mut [f32]) {
        let offset = vector.len().saturating_sub(self.window);
        for (round, signs) in self.signs.iter().enumerate() {
            for (value, sign) in vector.iter_mut().zip(signs) {
                *value *= sign;
            }
            let start = if round % 2 == 0 { 0 } else { offset };
            if let Some(part) = vector.get_mut(start..start + self.window) {
                hadamard(part);
            }
        }
    }
}

/// The Walsh-Hadamard transform of a power of two of values, scaled to keep lengths.
fn hadamard(values: &mut [f32]) {
    let mut half = 1;
    while half < values.len() {
        for pair in values.chunks_exact_mut(half * 2) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = ((*a + *b) * FRAC_1_SQRT_2, (*a - *b) * FRAC_1_SQRT_2);
            }
        }
        half *= 2;
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_dot_products_and_spreads_a_single_coordinate() {
        for dimensions in [1, 2, 3, 8, 100, 384, 512, 768] {
            let rotation = Rotation::new(dimensions);
            let a: Vec<f32> = (0..dimensions).map(|at| (at as f32).sin()).collect();
            let b: Vec<f32> = (0..dimensions).map(|at| (at as f32 * 0.7).cos()).collect();
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let (mut ra, mut rb) = (a.clone(), b.clone());
            rotation.apply(&mut ra);
            rotation.apply(&mut rb);
            let scale = dot(&a, &a).sqrt() * dot(&b, &b).sqrt();
            assert!((dot(&a, &b) - dot(&ra, &rb)).abs() <= 1e-4 * scale.max(1.0), "{dimensions}");
        }
        let mut single = vec![0.0; 384];
        single[5] = 1.0;
        Rotation::new(384).apply(&mut single);
        assert!(single.iter().all(|value: &f32| value.abs() < 0.35));
    }
}
