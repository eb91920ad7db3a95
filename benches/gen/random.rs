//! One stream of random numbers per entity, and the distributions, computed only with exactly defined operations.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a stream is for; part of its number, so never renumber.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Branch = 1,
    Leaf = 2,
    Document = 3,
    Folder = 4,
    Group = 5,
    User = 6,
    Run = 7,
    Text = 8,
    Vector = 9,
    Question = 10,
    Planted = 11,
}

/// Random numbers of one entity.
pub struct Stream(ChaCha8Rng);

impl Stream {
    pub fn new(seed: u64, kind: Kind, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut random = ChaCha8Rng::from_seed(key);
        random.set_stream((kind as u64) << 56 | index);
        Self(random)
    }

    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Below `bound`; 0 where that is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u32
    }

    /// From 0 to 1, never 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Nearly normal, deviation 1: four uniform numbers from one draw.
    pub fn normal(&mut self) -> f32 {
        let bits = self.bits();
        let sum: u64 = (0..4).map(|part| bits >> (part * 16) & 0xffff).sum();
        (sum as f32 / 65_536.0 - 2.0) * 1.732_050_8
    }

    pub fn lognormal(&mut self, median: f64, deviation: f64) -> f64 {
        median * exp(f64::from(self.normal()) * deviation)
    }
}

/// `(1 + x/4096)^4096`: the system's `exp` may differ between machines.
fn exp(x: f64) -> f64 {
    (0..12).fold(1.0 + x / 4096.0, |power, _| power * power)
}

/// Ranks from 0 on, the lower the likelier.
pub struct Zipf {
    sums: Vec<f64>,
}

impl Zipf {
    /// `cost` of rank 1, 2, …: the inverse of its weight.
    pub fn new(count: usize, cost: impl Fn(f64) -> f64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=count.max(1)).map(|rank| {
            sum += 1.0 / cost(rank as f64);
            sum
        });
        Self { sums: sums.collect() }
    }

    pub fn rank(&self, stream: &mut Stream) -> u32 {
        let at = stream.unit() * self.sums.last().copied().unwrap_or(1.0);
        self.sums.partition_point(|sum| *sum <= at).min(self.sums.len() - 1) as u32
    }
}
