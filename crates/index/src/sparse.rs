//! BM25 as a product of two sparse vectors, for an engine that knows nothing but numbers.
//!
//! The engine adds up, over the terms that query and chunk share, the chunk's weight (how often the term occurs in it, its
//! length set against a constant) times the query's (how rare the term is, from a fixed public table). Nothing is counted
//! over stored texts: the true frequencies would tell about texts that the reader may not see. What is lost against the
//! local index, which counts under the mask, is named in `docs/ranking.md`.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

use super::{AnalysedQuery, Tokens};

/// Constants of BM25, as in `docs/ranking.md`.
const K1: f64 = 1.2;
const B: f64 = 0.75;
const FORM: f64 = 0.9;
const EXACT: f64 = 0.1;
/// Words of an average chunk. A constant: weights are stored, and the true average tells about hidden text.
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

/// A chunk's weights from its tokens: of each form, and of each spelling.
pub fn of_chunk(tokens: &Tokens) -> SparseVector {
    let mut counts: HashMap<String, f64> = HashMap::new();
    let mut before = None;
    for token in &tokens.terms {
        *counts.entry(token.form.clone()).or_default() += 1.0;
        // A spelling with two forms stands there once.
        let here = Some((token.position, &token.spelling));
        if before != here {
            *counts.entry(exact(&token.spelling)).or_default() += 1.0;
        }
        before = here;
    }
    let norm = K1 * (1.0 - B + B * f64::from(tokens.length) / AVERAGE_LENGTH);
    SparseVector::of(counts.into_iter().map(|(term, tf)| (index_of(&term), tf * (K1 + 1.0) / (tf + norm))))
}

/// The term of a spelling, which no form is called.
fn exact(spelling: &str) -> String {
    format!("={spelling}")
}

/// A query's weights.
pub fn of_query(query: &AnalysedQuery) -> SparseVector {
    let mut weights = Vec::new();
    for term in query.terms() {
        let (count, mut least) = (f64::from(term.count), f64::INFINITY);
        for form in &term.forms {
            let idf = idf(form);
            least = least.min(idf);
            weights.push((index_of(form), FORM * count * idf));
        }
        weights.push((index_of(&exact(&term.spelling)), EXACT * count * least));
    }
    SparseVector::of(weights)
}

/// How rare a form is, from its language's table alone.
pub fn idf(form: &str) -> f64 {
    static TABLE: LazyLock<HashMap<&str, f64>> = LazyLock::new(|| {
        let line = |line: &'static str| {
            let (term, count) = line.split_once('\t')?;
            Some((term, count.parse().ok()?))
        };
        ENGLISH.lines().filter_map(line).collect()
    });
    let count = form.strip_prefix("en:").and_then(|stem| TABLE.get(stem)).copied().unwrap_or(RARE);
    (1.0 + (PASSAGES - count + 0.5) / (count + 0.5)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Analyser;

    #[test]
    fn the_product_is_bm25_with_the_table() {
        let analyser = Analyser::by_name("english").unwrap();
        let tokens = analyser
            .tokens(&["The gentian is blue. Gentians grow in the Alps, the blue ones too."], analyser.language_of(""));
        let (chunk, weights) = (of_chunk(&tokens), of_query(&analyser.query("which gentians are blue")));
        let product: f64 = weights
            .indices
            .iter()
            .zip(&weights.values)
            .filter_map(|(index, weight)| {
                let at = chunk.indices.binary_search(index).ok()?;
                Some(f64::from(*weight) * f64::from(chunk.values[at]))
            })
            .sum();
        let weight = |tf: f64| tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * 13.0 / 200.0));
        let gentian = idf("en:gentian") * (0.9 * weight(2.0) + 0.1 * weight(1.0));
        let expected = gentian + idf("en:blue") * (0.9 * weight(2.0) + 0.1 * weight(2.0));
        assert_eq!(tokens.length, 13);
        assert!((product - expected).abs() < 1e-5, "{product} {expected}");
    }

    #[test]
    fn the_table_holds_stems_of_the_analyser_in_order_and_ranks_them() {
        let analyser = Analyser::by_name("english").unwrap();
        let form = |word: &str| analyser.tokens(&[word], analyser.language_of("")).terms.remove(0).form;
        let terms: Vec<&str> = ENGLISH.lines().map(|line| line.split_once('\t').unwrap().0).collect();
        assert!(terms.len() > 2_000 && terms.is_sorted());
        assert!(terms.iter().all(|term| form(term).starts_with("en:")));
        let idfs = ["the", "use", "file", "permission", "gentian"].map(|word| idf(&form(word)));
        assert!(idfs.is_sorted(), "{idfs:?}");
        assert_eq!(idf(":the"), idf(":gentian"));
        let indices: std::collections::HashSet<u32> = terms.iter().map(|term| index_of(term)).collect();
        assert_eq!(indices.len(), terms.len());
    }
}
