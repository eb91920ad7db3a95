//! Short codes of a vector, each a function of that vector alone: one bit and one byte per rotated coordinate.
//!
//! The 1-bit code with its estimator follows RaBitQ (Gao and Long, SIGMOD 2024): the signs of the rotated vector, and
//! one factor that makes the estimate of the dot product unbiased. The query keeps four bits per coordinate, as four
//! planes of signs, so that comparing is four times xor and popcount and the sum is an integer.

use super::rotate::Rotation;
use crate::rank::BINS;

/// Planes of a query: each coordinate is one of the 16 odd multiples of a step, as four signs of weight 1, 2, 4, 8.
pub(super) const PLANES: usize = 4;
/// The largest multiple.
const REACH: i32 = (1 << PLANES) - 1;
/// The step with the least error for 16 levels on a normal distribution is 0.3352 deviations (Max 1960); half of it.
const HALF_STEP: f32 = 0.1676;
/// Bins per unit of an estimate; estimates from -1.5 to 1.5 have bins of their own, all others share the outermost.
const BINS_PER_UNIT: f32 = 8192.0;
const LOWEST: f32 = -1.5;

/// Makes codes for vectors of one dimension.
#[derive(Debug, Clone)]
pub(super) struct Coder {
    rotation: Rotation,
    dimensions: usize,
}

/// Codes of one stored vector.
#[derive(Debug, Clone, Default)]
pub(super) struct Codes {
    /// Signs, 64 coordinates to a word, the first in the lowest bit; padded with zeros.
    pub(super) signs: Vec<u64>,
    /// The estimate of a dot product is this times the sum of the query's coordinates under these signs.
    pub(super) factor: f32,
    /// Rotated coordinates, rounded to multiples of `scale`.
    pub(super) bytes: Vec<i8>,
    pub(super) scale: f32,
}

/// A query in both forms.
#[derive(Debug, Clone)]
pub(super) struct CodedQuery {
    /// One word array per plane, as in [`Codes::signs`].
    pub(super) planes: [Vec<u64>; PLANES],
    step: f32,
    dimensions: i32,
    pub(super) bytes: Vec<i8>,
    scale: f32,
}

impl Coder {
    pub(super) fn new(dimensions: usize) -> Self {
        Self { rotation: Rotation::new(dimensions), dimensions }
    }

    /// Codes a finite vector. `codes` is overwritten; its buffers are used again.
    pub(super) fn code(&self, vector: &[f32], rotated: &mut Vec<f32>, codes: &mut Codes) {
        self.rotate(vector, rotated);
        let (mut square, mut absolute) = (0.0f32, 0.0f32);
        for value in rotated.iter() {
            square += value * value;
            absolute += value.abs();
        }
        codes.factor = if absolute > 0.0 { square / absolute } else { 0.0 };
        codes.signs.clear();
        codes.signs.extend(rotated.chunks(64).map(|part| signs(part.iter().map(|value| *value > 0.0))));
        codes.scale = quantise(rotated, &mut codes.bytes);
    }

    /// Codes a finite query.
    pub(super) fn query(&self, query: &[f32]) -> CodedQuery {
        let mut rotated = Vec::new();
        self.rotate(query, &mut rotated);
        let length = rotated.iter().map(|value| value * value).sum::<f32>().sqrt();
        let step = HALF_STEP * length / (self.dimensions as f32).sqrt();
        // Level 0..=15 of each coordinate; level l stands for (2 l - 15) steps.
        let level = |value: f32| {
            if step > 0.0 { ((value / step + REACH as f32) / 2.0).round().clamp(0.0, REACH as f32) as u32 } else { 0 }
        };
        let planes = std::array::from_fn(|plane| {
            rotated.chunks(64).map(|part| signs(part.iter().map(|&value| level(value) >> plane & 1 == 1))).collect()
        });
        let mut bytes = Vec::new();
        let scale = quantise(&rotated, &mut bytes);
        CodedQuery { planes, step, dimensions: self.dimensions as i32, bytes, scale }
    }

    fn rotate(&self, vector: &[f32], rotated: &mut Vec<f32>) {
        rotated.clear();
        rotated.extend_from_slice(vector);
        self.rotation.apply(rotated);
    }
}

impl CodedQuery {
    /// The bin of the estimated dot product. `difference` is the sum over the planes of weight times the number of
    /// coordinates where plane and code differ.
    #[inline(always)]
    pub(super) fn bin(&self, factor: f32, difference: u32) -> u16 {
        let sum = REACH * self.dimensions - 2 * difference as i32;
        let estimate = factor * (sum as f32 * self.step);
        // The cast saturates, so that estimates out of range share the outermost bins.
        (((estimate - LOWEST) * BINS_PER_UNIT) as u16).min(BINS - 1)
    }

    /// The estimate from 8-bit codes, from the integer product and the row's scale.
    #[inline(always)]
    pub(super) fn estimate(&self, scale: f32, product: f64) -> f64 {
        product * f64::from(scale) * f64::from(self.scale)
    }
}

fn signs(bits: impl Iterator<Item = bool>) -> u64 {
    bits.enumerate().fold(0, |word, (at, bit)| word | u64::from(bit) << at)
}

/// Rounds to multiples of a scale so that the largest is ±127; returns the scale.
fn quantise(values: &[f32], bytes: &mut Vec<i8>) -> f32 {
    let largest = values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let scale = largest / 127.0;
    bytes.clear();
    bytes.extend(values.iter().map(|value| if scale > 0.0 { (value / scale).round() as i8 } else { 0 }));
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(seed: u64, dimensions: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / 16_777_216.0 - 0.5
        };
        let values: Vec<f32> = (0..dimensions).map(|_| next()).collect();
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        values.into_iter().map(|value| value / length).collect()
    }

    #[test]
    fn estimates_are_near_the_dot_product() {
        let coder = Coder::new(384);
        let (mut rotated, mut codes) = (Vec::new(), Codes::default());
        let (mut worst_bits, mut worst_bytes) = (0.0f64, 0.0f64);
        for seed in 0..200 {
            let (a, b) = (unit(seed * 2 + 1, 384), unit(seed * 2 + 2, 384));
            // Pairs of every similarity.
            let share = seed as f32 / 200.0;
            let mixed: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a * share + b * (1.0 - share)).collect();
            let dot: f64 = mixed.iter().zip(&a).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            coder.code(&mixed, &mut rotated, &mut codes);
            let query = coder.query(&a);
            let difference: u32 = (0..PLANES)
                .map(|plane| {
                    let differs = query.planes[plane].iter().zip(&codes.signs).map(|(a, b)| (a ^ b).count_ones());
                    differs.sum::<u32>() << plane
                })
                .sum();
            let bits = f64::from(query.bin(codes.factor, difference)) / f64::from(BINS_PER_UNIT) + f64::from(LOWEST);
            let product: i32 = query.bytes.iter().zip(&codes.bytes).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            worst_bits = worst_bits.max((bits - dot).abs());
            worst_bytes = worst_bytes.max((query.estimate(codes.scale, f64::from(product)) - dot).abs());
        }
        assert!(worst_bits < 0.15, "{worst_bits}");
        assert!(worst_bytes < 0.004, "{worst_bytes}");
    }

    #[test]
    fn a_zero_vector_is_estimated_as_zero() {
        let coder = Coder::new(100);
        let (mut rotated, mut codes) = (Vec::new(), Codes::default());
        coder.code(&[0.0; 100], &mut rotated, &mut codes);
        assert_eq!((codes.factor, codes.scale), (0.0, 0.0));
        let query = coder.query(&[0.0; 100]);
        assert_eq!(query.bin(0.3, 700), query.bin(0.0, 0));
    }
}
