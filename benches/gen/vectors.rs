//! Unit vectors along a tree of topics: branches, leaves, documents, chunks, each near the one above.

use crate::access::Document;
use crate::random::{Kind, Stream};

pub const DIMENSIONS: usize = 384;
/// Leaves of the first unit: the root of its chunks' number. With more units they grow as the root of all chunks.
const LEAVES: u32 = 100;
const BRANCHES: u32 = 16;
/// Length of the noise beside what it is added to.
const LEAF_NOISE: f32 = 1.0;
const DOCUMENT_NOISE: f32 = 0.7;
const CHUNK_NOISE: f32 = 0.5;

/// Leaves that a unit can draw from.
pub fn leaves(unit: u32) -> u32 {
    (LEAVES * LEAVES * (unit + 1)).isqrt()
}

/// The centres of all leaves.
pub struct Topics {
    leaves: Vec<Vec<f32>>,
}

impl Topics {
    pub fn new(seed: u64, units: u32) -> Self {
        let random = |kind, index: u32| {
            let mut stream = Stream::new(seed, kind, u64::from(index));
            normalised((0..DIMENSIONS).map(|_| stream.normal()).collect())
        };
        let branches: Vec<Vec<f32>> = (0..BRANCHES).map(|index| random(Kind::Branch, index)).collect();
        let leaf = |index: u32| {
            let mut stream = Stream::new(seed, Kind::Leaf, u64::from(index));
            near(&mut stream, &branches[(index % BRANCHES) as usize], LEAF_NOISE)
        };
        Self { leaves: (0..leaves(units.saturating_sub(1))).map(leaf).collect() }
    }

    /// All chunks of a document, row-major.
    pub fn document(&self, seed: u64, document: &Document) -> Vec<f32> {
        let mut stream = Stream::new(seed, Kind::Vector, u64::from(document.index));
        let centre = near(&mut stream, &self.leaves[document.leaf as usize], DOCUMENT_NOISE);
        (0..document.chunks).flat_map(|_| near(&mut stream, &centre, CHUNK_NOISE)).collect()
    }

    /// Between a topic and another one.
    pub fn between(&self, stream: &mut Stream, leaf: u32) -> Vec<f32> {
        let other = &self.leaves[stream.below(self.leaves.len() as u32) as usize];
        let middle = self.leaves[leaf as usize].iter().zip(other).map(|(a, b)| a + b).collect();
        near(stream, &normalised(middle), CHUNK_NOISE)
    }
}

/// A unit vector near another one.
pub fn near(stream: &mut Stream, point: &[f32], noise: f32) -> Vec<f32> {
    let scale = noise / (point.len() as f32).sqrt();
    normalised(point.iter().map(|value| value + stream.normal() * scale).collect())
}

fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
    vector
}
