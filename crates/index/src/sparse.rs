//! BM25 as a product of two sparse vectors, for an engine that knows nothing but numbers.
//!
//! The engine adds up, over the terms that query and chunk share, the chunk's weight (how often the term occurs in it, its
//! length set against a constant) times the query's (how rare the term is, from a fixed public table). Nothing is counted
//! over stored texts: the true frequencies would tell about texts that the reader may not see. What is lost against the
//! local index, which counts under the mask, is named in `docs/ranking.md`.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

use super::AnalysedQuery;

/// Constants of BM25, as in `docs/ranking.md`.
const K1: f64 = 1.2;
const B: f64 = 0.75;
const AVERAGE_LENGTH: f64 = 200.0;

/// Stem, and in how many of 1,000 passages of some 180 words it occurs. Counted over 5,952 passages of prose in the
/// documentation of open-source software; stems of fewer than four are left out.
const ENGLISH: &str = include_str!("sparse/english.tsv");
/// What is taken for a term that no table has.
const RARE: f64 = 1.0;
const PASSAGES: f64 = 1_000.0;

/// Numbers by term; indices ascend.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SparseVector {
    pub indices: Vec<u32>,
    pub values: Vec<f32>,
}

impl SparseVector {
    fn of(weights: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
        for (index, weight) in weights {
            *sums.entry(index).or_default() += weight;
        }
        Self { indices: sums.keys().copied().collect(), values: sums.values().map(|weight| *weight as f32).collect() }
    }
}

/// A term's place. Two terms may share one (one pair in four thousand millions does); they count as one term then.
pub fn index_of(term: &str) -> u32 {
    xxh3_64(term.as_bytes()) as u32
}

/// A chunk's weights from its tokens, repetitions included.
pub fn of_chunk(tokens: &[String]) -> SparseVector {
    let mut counts: HashMap<&str, f64> = HashMap::new();
    for token in tokens {
        *counts.entry(token).or_default() += 1.0;
    }
    let length = tokens.len() as f64;
    let norm = K1 * (1.0 - B + B * length / AVERAGE_LENGTH);
    SparseVector::of(counts.into_iter().map(|(term, tf)| (index_of(term), tf * (K1 + 1.0) / (tf + norm))))
}

/// A query's weights, under the analyser with this name.
pub fn of_query(query: &AnalysedQuery, analyser: &str) -> SparseVector {
    SparseVector::of(query.terms().iter().map(|term| (index_of(term), idf(term, analyser))))
}

/// How rare a term is, from the analyser's table alone.
pub fn idf(term: &str, analyser: &str) -> f64 {
    static TABLE: LazyLock<HashMap<&str, f64>> = LazyLock::new(|| {
        let line = |line: &'static str| {
            let (term, count) = line.split_once('\t')?;
            Some((term, count.parse().ok()?))
        };
        ENGLISH.lines().filter_map(line).collect()
    });
    let known = (analyser == "english").then(|| TABLE.get(term)).flatten();
    let count = known.copied().unwrap_or(RARE);
    (1.0 + (PASSAGES - count + 0.5) / (count + 0.5)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Analyser;

    #[test]
    fn the_product_is_bm25_with_the_table() {
        let analyser = Analyser::by_name("english").unwrap();
        let tokens = analyser.tokens("The gentian is blue. Gentians grow in the Alps, the blue ones too.");
        let query = analyser.query("which gentians are blue");
        let (chunk, weights) = (of_chunk(&tokens), of_query(&query, "english"));
        let product: f64 = weights
            .indices
            .iter()
            .zip(&weights.values)
            .filter_map(|(index, weight)| {
                let at = chunk.indices.binary_search(index).ok()?;
                Some(f64::from(*weight) * f64::from(chunk.values[at]))
            })
            .sum();
        let length = tokens.len() as f64;
        let expected: f64 = query
            .terms()
            .iter()
            .map(|term| {
                let tf = tokens.iter().filter(|token| *token == term).count() as f64;
                idf(term, "english") * (tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / 200.0)))
            })
            .sum();
        assert!((product - expected).abs() < 1e-5, "{product} {expected}");
    }

    #[test]
    fn the_table_holds_stems_of_the_analyser_in_order_and_ranks_them() {
        let analyser = Analyser::by_name("english").unwrap();
        let terms: Vec<&str> = ENGLISH.lines().map(|line| line.split_once('\t').unwrap().0).collect();
        assert!(terms.len() > 2_000 && terms.is_sorted());
        let strange = terms.iter().filter(|term| analyser.tokens(term).len() != 1).count();
        assert_eq!(strange, 0);
        let stems = ["the", "use", "file", "permission", "gentian"].map(|word| analyser.tokens(word)[0].clone());
        let idfs = stems.map(|stem| idf(&stem, "english"));
        assert!(idfs.is_sorted(), "{idfs:?}");
        assert_eq!(idf("the", "simple"), idf("gentian", "simple"));
        let indices: std::collections::HashSet<u32> = terms.iter().map(|term| index_of(term)).collect();
        assert_eq!(indices.len(), terms.len());
    }
}
