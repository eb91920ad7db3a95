//! Measures of one answer, and means of them with intervals.
//!
//! nDCG with the grades as gains and a discount of log2 (Järvelin and Kekäläinen 2002); intervals by the bootstrap over
//! questions (Efron 1979; for retrieval, Sakai 2006).

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::cases::{Case, Wanted, plain};
use crate::wire::Passage;

/// Resamples of a bootstrap.
const RESAMPLES: u64 = 2_000;

pub struct Hit {
    document: String,
    text: String,
}

impl Hit {
    pub fn of(passage: &Passage) -> Self {
        Self { document: passage.document_id.clone(), text: plain(passage.text.as_deref().unwrap_or_default()) }
    }

    pub fn answers(&self, wanted: &Wanted) -> bool {
        self.document == wanted.document && wanted.quote.as_ref().is_none_or(|quote| self.text.contains(quote))
    }
}

/// What one answer is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub id: String,
    /// Nothing that the reader may read answers the question: then there is nothing to measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
    /// Whether the service says that it can be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answerable: Option<bool>,
    /// Passages that answer the question, in documents that the reader may not read.
    pub leaks: usize,
}

/// Each 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Values {
    #[serde(rename = "ndcg@10")]
    pub ndcg: f64,
    /// Of what the reader may read.
    #[serde(rename = "recall@10")]
    pub recall_10: f64,
    #[serde(rename = "recall@100")]
    pub recall_100: f64,
    pub mrr: f64,
    #[serde(rename = "success@3")]
    pub success: f64,
}

/// A measure's name, and what it is of one answer.
pub type Measure = (&'static str, fn(&Values) -> f64);

pub const MEASURES: [Measure; 5] = [
    ("ndcg@10", |values| values.ndcg),
    ("recall@10", |values| values.recall_10),
    ("recall@100", |values| values.recall_100),
    ("mrr", |values| values.mrr),
    ("success@3", |values| values.success),
];

impl Measured {
    pub fn of(case: &Case, hits: &[Hit], answerable: Option<bool>) -> Self {
        let leaks = hits.iter().filter(|hit| case.denied.iter().any(|denied| hit.answers(denied))).count();
        let values = (!case.wanted.is_empty()).then(|| values(&case.wanted, hits));
        Self { id: case.id.clone(), values, answerable, leaks }
    }
}

fn values(wanted: &[Wanted], hits: &[Hit]) -> Values {
    // One document counts once, where its first passage is, unless passages are meant.
    let by_document = wanted.iter().all(|wanted| wanted.quote.is_none());
    let mut ranked: Vec<&Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        if !by_document || ranked.iter().all(|held| held.document != hit.document) {
            ranked.push(hit);
        }
    }
    let places: Vec<Option<usize>> =
        wanted.iter().map(|wanted| ranked.iter().position(|hit| hit.answers(wanted))).collect();
    let within = |depth: usize| places.iter().flatten().filter(|place| **place < depth).count() as f64;
    let discount = |place: usize| 1.0 / ((place + 2) as f64).log2();
    let found = wanted.iter().zip(&places).filter_map(|(wanted, place)| Some((wanted.gain, (*place)?)));
    let gained: f64 = found
        .filter(|(_, place)| *place < 10)
        .map(|(gain, place)| gain * discount(place))
        .fold(0.0, |sum, gain| sum + gain);
    let mut gains: Vec<f64> = wanted.iter().map(|wanted| wanted.gain).collect();
    gains.sort_by(|a, b| b.total_cmp(a));
    let ideal: f64 = gains.iter().take(10).enumerate().map(|(place, gain)| gain * discount(place)).sum();
    let count = wanted.len() as f64;
    Values {
        // Two quotes can stand in one passage.
        ndcg: (gained / ideal).min(1.0),
        recall_10: within(10) / count,
        recall_100: within(100) / count,
        mrr: places.iter().flatten().min().map_or(0.0, |first| 1.0 / (first + 1) as f64),
        success: f64::from(within(3) > 0.0),
    }
}

/// A mean, and where it lies in 95 of 100 resamples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

impl Mean {
    /// The same numbers give the same interval.
    pub fn of(values: &[f64]) -> Self {
        let count = values.len().max(1);
        let mut means: Vec<f64> = (0..RESAMPLES)
            .map(|round| {
                let drawn =
                    (0..values.len() as u64).map(|n| xxh3_64_with_seed(&n.to_le_bytes(), round) as usize % count);
                drawn.filter_map(|at| values.get(at)).sum::<f64>() / count as f64
            })
            .collect();
        means.sort_by(f64::total_cmp);
        let at = |share: f64| means.get((RESAMPLES as f64 * share) as usize).copied().unwrap_or_default();
        Self { mean: values.iter().sum::<f64>() / count as f64, low: at(0.025), high: at(0.975) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(document: &str, quote: Option<&str>, gain: f64) -> Wanted {
        Wanted { document: document.into(), quote: quote.map(str::to_owned), gain }
    }

    fn hits(all: &[(&str, &str)]) -> Vec<Hit> {
        all.iter().map(|(document, text)| Hit { document: (*document).into(), text: plain(text) }).collect()
    }

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn documents_count_once_by_their_grades() {
        let wanted = [wanted("a", None, 3.0), wanted("b", None, 1.0), wanted("c", None, 1.0)];
        let found = values(&wanted, &hits(&[("x", ""), ("b", ""), ("b", ""), ("a", "")]));
        // Places: b 2, a 3; gains 3, 1, 1 at best.
        let discount = |place: f64| 1.0 / (place + 1.0).log2();
        near(found.ndcg, (discount(2.0) + 3.0 * discount(3.0)) / (3.0 * discount(1.0) + discount(2.0) + discount(3.0)));
        near(found.recall_10, 2.0 / 3.0);
        near(found.mrr, 0.5);
        near(found.success, 1.0);
        assert_eq!(values(&wanted, &[]), Values::default());
    }

    #[test]
    fn a_quote_is_found_in_its_document_alone_whatever_its_markup() {
        let wanted = [wanted("a", Some("ends on 31 March"), 1.0)];
        near(values(&wanted, &hits(&[("b", "ends on 31 March"), ("a", "It ends on\n**31 March**.")])).mrr, 0.5);
        let case =
            Case { id: "q".into(), question: String::new(), reader: None, denied: wanted.to_vec(), wanted: vec![] };
        let measured = Measured::of(&case, &hits(&[("a", "It ends on 31 March.")]), None);
        assert_eq!((measured.leaks, measured.values), (1, None));
    }

    #[test]
    fn intervals_hold_their_mean_and_narrow_with_more_questions() {
        let few: Vec<f64> = (0..20).map(|n| f64::from(n % 2)).collect();
        let many: Vec<f64> = (0..2_000).map(|n| f64::from(n % 2)).collect();
        let [few, many] = [few, many].map(|values| Mean::of(&values));
        for mean in [few, many] {
            near(mean.mean, 0.5);
            assert!(mean.low < 0.5 && 0.5 < mean.high, "{mean:?}");
        }
        assert!(many.high - many.low < (few.high - few.low) / 5.0, "{few:?} {many:?}");
        assert_eq!(Mean::of(&[1.0; 9]), Mean { mean: 1.0, low: 1.0, high: 1.0 });
    }
}
