//! `hash-v1`, the built-in embedder: no weights, no download, the same bits on every machine.
//!
//! Words, word pairs and character n-grams are hashed (XXH3) to pseudo-random signs over 384 dimensions, a random
//! projection of the sparse bag of features (Achlioptas, "Database-friendly random projections", 2003), accumulated in
//! integers. It finds spelling variants, inflections and compounds; it knows no synonyms and no translations. For
//! demonstrations, tests and starts without a network.

use std::collections::HashMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{EmbedError, Embedder, Role, normalise};
use crate::limits::Payer;

const DIMENSIONS: usize = 384;
/// Words of a text beyond this are ignored.
const MAX_WORDS: usize = 4096;

/// Weight of a feature class, in 1/16.
const WORD: i64 = 48;
const PAIR: i64 = 16;
const NGRAM: i64 = 6;

/// Damped term frequency, `256 · (1 + ln n)` for n = 1..=16, so that no floating point enters the sums.
const DAMPED: [i64; 16] = [256, 433, 537, 611, 668, 715, 754, 788, 818, 845, 870, 892, 913, 932, 949, 966];

#[derive(Debug, Default)]
pub struct HashEmbedder;

impl Embedder for HashEmbedder {
    fn id(&self) -> &str {
        "hash-v1"
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS
    }

    /// It knows spelling only, which the keyword leg mostly knows better.
    fn fusion_weight(&self) -> f64 {
        0.0
    }

    fn embed<'a>(&'a self, texts: &'a [String], _: Role, _: &'a Payer) -> BoxFuture<'a, Result<Vec<f32>, EmbedError>> {
        async move {
            let mut rows = Vec::with_capacity(texts.len() * DIMENSIONS);
            for text in texts {
                rows.extend(embed(text));
                // Other requests go on while a long document is embedded.
                tokio::task::yield_now().await;
            }
            Ok(rows)
        }
        .boxed()
    }
}

/// The vector of one text.
pub fn embed(text: &str) -> Vec<f32> {
    let mut counts: HashMap<(u64, i64), usize> = HashMap::new();
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let mut previous: Option<&str> = None;
    for word in folded.unicode_words().take(MAX_WORDS) {
        let mut count = |class: u64, weight: i64, feature: &[u8]| {
            *counts.entry((xxh3_64_with_seed(feature, class), weight)).or_default() += 1;
        };
        count(1, WORD, word.as_bytes());
        if let Some(previous) = previous {
            count(2, PAIR, format!("{previous} {word}").as_bytes());
        }
        previous = Some(word);
        let marked: Vec<char> = std::iter::once('\u{2}').chain(word.chars()).chain(std::iter::once('\u{3}')).collect();
        for n in 3..=5 {
            for gram in marked.windows(n) {
                count(n as u64, NGRAM, gram.iter().collect::<String>().as_bytes());
            }
        }
    }
    let mut sums = [0_i64; DIMENSIONS];
    for ((feature, weight), times) in counts {
        let damped = DAMPED.get(times.min(DAMPED.len()) - 1).copied().unwrap_or_default();
        add(&mut sums, feature, weight * damped);
    }
    let mut vector: Vec<f32> = sums.iter().map(|sum| *sum as f32).collect();
    normalise(&mut vector);
    vector
}

/// Adds `amount` with the 384 signs that belong to the feature.
fn add(sums: &mut [i64; DIMENSIONS], feature: u64, amount: i64) {
    for (block, sums) in (0_u64..).zip(sums.chunks_mut(64)) {
        let bits = xxh3_64(&(feature ^ block.wrapping_mul(0x9E37_79B9_7F4A_7C15)).to_le_bytes());
        for (bit, sum) in sums.iter_mut().enumerate() {
            let sign = 1 - 2 * ((bits >> bit) & 1) as i64;
            *sum += sign * amount;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        embed(a).iter().zip(embed(b)).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn related_spellings_are_near_and_others_are_not() {
        assert!(cosine("parental leave", "Parental  LEAVE") > 0.999);
        // By the weights of shared features this is 0.35; projecting to 384 dimensions moves it by about 0.05.
        let related = cosine("parental leave policy", "policies on parental leaves");
        assert!((0.2..0.5).contains(&related), "{related}");
        let unrelated = cosine("parental leave policy", "quarterly revenue forecast");
        assert!(unrelated.abs() < 0.2, "{unrelated}");
    }

    #[test]
    fn vectors_are_stable_and_of_unit_length() {
        let vector = embed("the quick brown fox");
        let length: f32 = vector.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5);
        assert_eq!(embed(""), vec![0.0; DIMENSIONS]);
        // Bits must never change: stored vectors were made with them.
        let bits: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(format!("{:016x}", xxh3_64(&bits)), "9ec2cef0bfd22378");
    }
}
