//! Baseline d: brute force over what a reader may read, by `docs/ranking.md`, sharing nothing with the indexes.

use std::collections::HashMap;

use usher::index::ChunkKey;
use usher_bench::vectors::DIMENSIONS;
use usher_bench::{Corpus, Planted};

use crate::load::Loaded;

/// Average length that BM25 assumes.
const LENGTH: f64 = 200.0;

/// A chunk of the corpus with its score.
pub type Found = (u32, f64);

pub struct Exact {
    rows: std::sync::Arc<Vec<f32>>,
    /// Chunks that hold a word, with how often.
    postings: HashMap<String, Vec<(u32, u32)>>,
    lengths: Vec<u32>,
    keys: Vec<ChunkKey>,
}

impl Exact {
    pub fn new(corpus: &Corpus, loaded: &Loaded) -> Self {
        let (state, service) = (loaded.state(), loaded.service());
        let (mut lengths, mut keys) = (Vec::new(), Vec::new());
        let mut postings: HashMap<String, Vec<(u32, u32)>> = HashMap::new();
        for document in corpus.documents() {
            let texts = corpus.texts(document);
            let entry = state.document_by_id(&document.id()).expect("every document was stored");
            for (number, text) in (0..).zip(&texts.chunks) {
                let chunk = document.first_chunk + number;
                let mut counts: HashMap<&str, u32> = HashMap::new();
                let mut length = 0;
                for word in texts.title.split(' ').chain(text.split(' ')) {
                    *counts.entry(word).or_default() += 1;
                    length += 1;
                }
                for (word, count) in counts {
                    match postings.get_mut(word) {
                        Some(list) => list.push((chunk, count)),
                        None => drop(postings.insert(word.to_owned(), vec![(chunk, count)])),
                    }
                }
                lengths.push(length);
                keys.push(service.chunk_keys.key(state.id, &document.id(), entry.version, entry.place(number)));
            }
        }
        Self { rows: loaded.rows.clone(), postings, lengths, keys }
    }

    /// The `depth` readable chunks nearest to the query, best first.
    pub fn vectors(&self, readable: &[bool], query: &[f32], depth: usize) -> Vec<Found> {
        let rows = self.rows.chunks_exact(DIMENSIONS).zip(readable).zip(0_u32..);
        let score = |row: &[f32]| row.iter().zip(query).fold(0.0, |sum, (a, b)| sum + f64::from(*a) * f64::from(*b));
        let scored = rows.filter(|((_, readable), _)| **readable).map(|((row, _), chunk)| (chunk, score(row)));
        self.best(scored.collect(), depth)
    }

    /// The `depth` readable chunks with the highest BM25 score among those that hold a word of the question.
    pub fn keywords(&self, readable: &[bool], question: &str, depth: usize) -> Vec<Found> {
        let count = readable.iter().filter(|readable| **readable).count() as f64;
        let mut words: Vec<&str> = Vec::new();
        for word in question.split(' ') {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        let mut scores: HashMap<u32, f64> = HashMap::new();
        for word in words {
            let all = self.postings.get(word).map(Vec::as_slice).unwrap_or_default();
            let held: Vec<_> = all.iter().filter(|(chunk, _)| readable[*chunk as usize]).collect();
            let df = held.len() as f64;
            let idf = (1.0 + (count - df + 0.5) / (df + 0.5)).ln();
            for (chunk, tf) in held {
                let (tf, dl) = (f64::from(*tf), f64::from(self.lengths[*chunk as usize]));
                *scores.entry(*chunk).or_default() += idf * (tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * dl / LENGTH)));
            }
        }
        self.best(scores.into_iter().collect(), depth)
    }

    fn best(&self, mut scored: Vec<Found>, depth: usize) -> Vec<Found> {
        let order = |a: &Found, b: &Found| {
            b.1.total_cmp(&a.1).then_with(|| self.keys[a.0 as usize].cmp(&self.keys[b.0 as usize]))
        };
        if scored.len() > depth && depth > 0 {
            scored.select_nth_unstable_by(depth - 1, order);
            scored.truncate(depth);
        }
        scored.sort_by(order);
        scored
    }

    /// Maximum likelihood over 20 neighbours of 100 chunks among the first 10,000 (Levina and Bickel 2004).
    pub fn intrinsic_dimension(&self) -> f64 {
        let count = (self.rows.len() / DIMENSIONS).min(10_000);
        let mut readable = vec![false; self.rows.len() / DIMENSIONS];
        readable[..count].fill(true);
        let estimates = (0..count).step_by(count.div_ceil(100)).map(|chunk| {
            let query = &self.rows[chunk * DIMENSIONS..(chunk + 1) * DIMENSIONS];
            let near = self.vectors(&readable, query, 21);
            let distances: Vec<f64> = near
                .iter()
                .filter(|(other, _)| *other as usize != chunk)
                .map(|(_, dot)| (2.0 - 2.0 * dot).sqrt())
                .collect();
            let last = distances.last().copied().unwrap_or(1.0);
            let sum: f64 = distances.iter().take(distances.len().saturating_sub(1)).map(|d| (last / d).ln()).sum();
            sum / (distances.len() as f64 - 2.0)
        });
        let estimates: Vec<f64> = estimates.collect();
        estimates.len() as f64 / estimates.iter().sum::<f64>()
    }
}

/// Which chunks a planted reader may read, by the corpus alone.
pub fn readable(corpus: &Corpus, reader: &Planted) -> Vec<bool> {
    let mut chunks = Vec::with_capacity(corpus.chunk_count() as usize);
    for (document, readable) in corpus.documents().iter().zip(&reader.documents) {
        chunks.extend(std::iter::repeat_n(*readable, document.chunks as usize));
    }
    chunks
}
