//! Random worlds for tests: clustered vectors, masks, keys.

use usher_support::Random;

use crate::{ChunkKey, ChunkMask, Scored};

pub fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
}

/// Unit vectors around random centres, in documents of a few chunks around a point near a centre.
pub struct Clustered {
    pub dimensions: usize,
    centres: Vec<Vec<f32>>,
    random: Random,
    document: Vec<f32>,
    left: u64,
}

impl Clustered {
    pub fn new(seed: u64, dimensions: usize, clusters: usize) -> Self {
        let mut random = Random::new(seed);
        let centres = (0..clusters)
            .map(|_| {
                let mut centre: Vec<f32> = (0..dimensions).map(|_| random.normal()).collect();
                normalise(&mut centre);
                centre
            })
            .collect();
        Self { dimensions, centres, random, document: Vec::new(), left: 0 }
    }

    fn near(random: &mut Random, point: &[f32], noise: f32) -> Vec<f32> {
        let scale = noise / (point.len() as f32).sqrt();
        let mut vector: Vec<f32> = point.iter().map(|value| value + random.normal() * scale).collect();
        normalise(&mut vector);
        vector
    }

    /// The next chunk.
    pub fn chunk(&mut self) -> Vec<f32> {
        if self.left == 0 {
            let centre = self.random.below(self.centres.len() as u64) as usize;
            self.document = Self::near(&mut self.random, &self.centres[centre], 0.7);
            self.left = 1 + self.random.below(6);
        }
        self.left -= 1;
        Self::near(&mut self.random, &self.document, 0.5)
    }

    /// `count` chunks, row-major.
    pub fn rows(&mut self, count: usize) -> Vec<f32> {
        (0..count).flat_map(|_| self.chunk()).collect()
    }

    /// A query near one of these rows, or between two of them.
    pub fn query(&mut self, rows: &[f32]) -> Vec<f32> {
        let count = (rows.len() / self.dimensions) as u64;
        let mut pick = || {
            let at = self.random.below(count) as usize * self.dimensions;
            rows[at..at + self.dimensions].to_vec()
        };
        let (one, other) = (pick(), pick());
        let mixed: Vec<f32> =
            if self.random.below(3) == 0 { one.iter().zip(&other).map(|(a, b)| a + b).collect() } else { one };
        Self::near(&mut self.random, &mixed, 0.5)
    }
}

/// A mask in which each chunk is with this probability, alone or in runs of random length.
pub fn mask(random: &mut Random, len: u32, share: f64, run: u64) -> ChunkMask {
    let mut mask = ChunkMask::new(len);
    let mut at = 0;
    while at < len {
        let end = at.saturating_add(1 + random.below(run) as u32);
        if random.unit() < share {
            mask.set_range(at..end.min(len));
        }
        at = end;
    }
    mask
}

/// A chunk's key, in an order that has nothing to do with its ordinal.
pub fn key(chunk: u32) -> ChunkKey {
    let mut random = Random::new(u64::from(chunk));
    let mut key = [0; 16];
    key[..8].copy_from_slice(&random.next().to_be_bytes());
    key[8..].copy_from_slice(&random.next().to_be_bytes());
    key
}

/// The document of a chunk in the tests of limits per document: a few long ones, and many short ones.
pub fn document(chunk: u32) -> u32 {
    if chunk % 4_000 < 1_800 { chunk / 600 } else { 1_000 + chunk / 3 }
}

/// What of a ranked list stands where of each document at most `most` count, and four more may stand in it.
pub fn by_document(ranked: &[Scored], chunks: usize, most: usize) -> Vec<Scored> {
    let mut list: Vec<Scored> = Vec::new();
    let mut counted = 0;
    for hit in ranked {
        let before = list.iter().filter(|other| document(other.chunk) == document(hit.chunk)).count();
        if counted == chunks {
            break;
        }
        if before < most + 4 {
            counted += usize::from(before < most);
            list.push(*hit);
        }
    }
    list
}
