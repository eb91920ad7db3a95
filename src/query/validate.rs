//! From a request to a question whose every part is within limits.

use std::time::Duration;

use unicode_normalization::UnicodeNormalization;

use super::QueryError;
use crate::invisible::cleaned;
use crate::service::QueryLimits;
use crate::wire::bounds::{MAX_COLLECTIONS, MAX_DIMENSIONS, MAX_QUERY, MAX_TOKENS, MAX_TOP_K};
use crate::wire::{FieldProblem, Fields, Filter, Include, Mode, Query};

/// Bytes of what a caller asserts.
const MAX_CONTEXT: usize = 32 * 1024;

/// A valid question. Its reader comes from elsewhere.
#[derive(Debug, Clone)]
pub struct Question {
    /// NFC; empty only with a vector.
    pub text: String,
    pub vector: Option<Vec<f32>>,
    pub mode: Mode,
    pub top_k: usize,
    pub collections: Vec<String>,
    pub filter: Option<Filter>,
    pub min_score: f64,
    pub min_relevance: Option<f64>,
    /// Whether the reranker is asked, where there is one.
    pub reranks: bool,
    /// Passages of one document.
    pub max_per_document: Option<usize>,
    /// How much passages are to differ, 0 to 1.
    pub diversity: f64,
    pub include: Vec<Include>,
    pub min_revision: Option<String>,
    pub max_staleness: Option<Duration>,
    pub context: Fields,
    pub deadline: Duration,
    pub max_tokens: usize,
}

impl Question {
    pub fn includes(&self, what: Include) -> bool {
        self.include.contains(&what)
    }
}

/// Whether the context that a caller asserts is within its limit.
pub fn is_small(context: &Fields) -> bool {
    context.iter().map(|(name, value)| name.len() + value.to_string().len()).sum::<usize>() <= MAX_CONTEXT
}

/// # Errors
/// Every part that is out of bounds, with its JSON pointer.
pub fn parse(query: Query, limits: &QueryLimits, has_reranker: bool) -> Result<Question, QueryError> {
    let mut problems = Vec::new();
    let mut refuse = |pointer: &str, detail: &str| {
        problems.push(FieldProblem { pointer: pointer.to_owned(), detail: detail.to_owned() });
    };
    let text: String = cleaned(query.query.as_deref().unwrap_or_default()).nfc().collect();
    let needs_text = query.mode != Mode::Vector || query.vector.is_none();
    if text.len() > MAX_QUERY || (needs_text && text.trim().is_empty()) {
        refuse("/query", "must be 1 to 8,192 bytes of text");
    }
    if let Some(vector) = &query.vector {
        if vector.is_empty() || vector.len() > MAX_DIMENSIONS || vector.iter().any(|x| !x.is_finite()) {
            refuse("/vector", "must be a list of finite numbers, as many as the collection's embedder has dimensions");
        }
        if query.mode == Mode::Keyword {
            refuse("/vector", "has no meaning with mode `keyword`");
        }
    }
    let top_k = query.top_k.unwrap_or(10);
    if !(1..=MAX_TOP_K).contains(&top_k) {
        refuse("/top_k", "must be 1 to 100");
    }
    if query.collections.len() > MAX_COLLECTIONS {
        refuse("/collections", "at most 64 collections can be asked at once");
    }
    let min_score = query.min_score.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&min_score) {
        refuse("/min_score", "must be 0 to 1");
    }
    if query.min_relevance.is_some_and(|least| !(0.0..=1.0).contains(&least)) {
        refuse("/min_relevance", "must be 0 to 1");
    }
    if query.rerank == Some(true) && !has_reranker {
        refuse("/rerank", "can't be done: this service has no reranker");
    }
    if query.max_per_document == Some(0) {
        refuse("/max_per_document", "must be at least 1");
    }
    let diversity = query.diversity.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&diversity) {
        refuse("/diversity", "must be 0 to 1");
    }
    if !is_small(&query.context) {
        refuse("/context", "must be at most 32 KiB");
    }
    let deadline = query.deadline_ms.map_or(limits.default_deadline, Duration::from_millis);
    if deadline.is_zero() || deadline > limits.max_deadline {
        refuse("/deadline_ms", "must be at least 1 and at most the service's limit");
    }
    if query.max_tokens.is_some_and(|tokens| tokens == 0 || tokens > MAX_TOKENS) {
        refuse("/max_tokens", "must be 1 to 200,000");
    }
    if !problems.is_empty() {
        return Err(QueryError::Invalid(problems));
    }
    Ok(Question {
        text,
        vector: query.vector,
        mode: query.mode,
        top_k,
        collections: query.collections,
        filter: query.filter,
        min_score,
        min_relevance: query.min_relevance,
        reranks: query.rerank.unwrap_or(true),
        max_per_document: query.max_per_document,
        diversity,
        include: query.include.unwrap_or_else(|| vec![Include::Text, Include::Metadata]),
        min_revision: query.min_revision,
        max_staleness: query.max_staleness_ms.map(Duration::from_millis),
        context: query.context,
        deadline,
        max_tokens: query.max_tokens.unwrap_or(2_000),
    })
}
