//! Rerankers in a server of their own.
//!
//! SECURITY: as for embedders (`http.rs`): texts go to the configured address alone, and an answer is believed as far as
//! it can be checked.

use futures::{StreamExt, TryStreamExt, stream};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::embed::http::{client, endpoint, in_order, parse, read_answer, unreachable};
use crate::embed::{Failure, Role, Turns};
use crate::limits::Payer;

/// Passages of one call: what Text Embeddings Inference takes unless it is configured otherwise.
const BATCH: usize = 32;
/// Bytes of an answer for each passage, and beside them: some servers send the passage back.
const MAX_ANSWER: usize = 64 * 1024;

/// The two ways of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RerankApi {
    /// `POST /rerank`, of Text Embeddings Inference.
    Tei,
    /// `POST /v1/rerank`, of Cohere, Jina, vLLM and others.
    Cohere,
}

#[derive(Debug, Clone)]
pub struct Settings {
    pub kind: RerankApi,
    /// The server's address; the path of the call is added.
    pub url: Url,
    pub model: String,
    pub key: Option<HeaderValue>,
    pub max_in_flight: usize,
}

/// One reranking server.
pub(super) struct Server {
    settings: Settings,
    endpoint: Url,
    client: reqwest::Client,
    turns: Turns,
    in_flight: Semaphore,
}

#[derive(Deserialize)]
struct TeiScore {
    index: usize,
    score: f64,
}

#[derive(Deserialize)]
struct CohereAnswer {
    results: Vec<CohereScore>,
}

#[derive(Deserialize)]
struct CohereScore {
    index: usize,
    relevance_score: f64,
}

impl RerankApi {
    fn path(self) -> &'static str {
        match self {
            Self::Tei => "/rerank",
            Self::Cohere => "/v1/rerank",
        }
    }

    fn request(self, model: &str, question: &str, passages: &[&str]) -> Value {
        match self {
            Self::Tei => json!({"query": question, "texts": passages, "raw_scores": false, "truncate": true}),
            Self::Cohere => json!({"model": model, "query": question, "documents": passages,
                "top_n": passages.len(), "return_documents": false}),
        }
    }

    /// A score of each passage, in their order, 0 to 1.
    fn scores(self, body: &[u8], count: usize) -> Result<Vec<f64>, Failure> {
        let found: Vec<(usize, f64)> = match self {
            Self::Tei => parse::<Vec<TeiScore>>(body)?.into_iter().map(|row| (row.index, row.score)).collect(),
            Self::Cohere => {
                let rows = parse::<CohereAnswer>(body)?.results;
                rows.into_iter().map(|row| (row.index, row.relevance_score)).collect()
            }
        };
        let scores = in_order(found, count)?;
        if scores.iter().any(|score| !(0.0..=1.0).contains(score)) {
            return Err(Failure::NoProbability);
        }
        Ok(scores)
    }
}

impl Server {
    /// # Errors
    /// When the system's certificates can't be used.
    pub fn new(settings: Settings) -> Result<Self, Failure> {
        let client = client(&settings.url)?;
        let endpoint = endpoint(&settings.url, settings.kind.path());
        let (turns, in_flight) = (Turns::of(settings.max_in_flight), Semaphore::new(settings.max_in_flight));
        Ok(Self { settings, endpoint, client, turns, in_flight })
    }

    /// How likely each passage answers the question, 0 to 1.
    pub async fn scores(&self, question: &str, passages: &[&str], payer: &Payer) -> Result<Vec<f64>, Failure> {
        let _turn = self.turns.take(Role::Query, payer).await;
        let calls: Vec<_> = passages.chunks(BATCH).map(|part| self.call(question, part)).collect();
        stream::iter(calls).buffered(self.settings.max_in_flight).try_concat().await
    }

    async fn call(&self, question: &str, passages: &[&str]) -> Result<Vec<f64>, Failure> {
        // Never closed, so taking a permit can't fail.
        let _place = self.in_flight.acquire().await.ok();
        let body = self.settings.kind.request(&self.settings.model, question, passages);
        let mut request = self.client.post(self.endpoint.clone()).json(&body);
        if let Some(key) = &self.settings.key {
            request = request.header(AUTHORIZATION, key.clone());
        }
        let response = request.send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::OK => {}
            status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => {
                return Err(Failure::Busy { status: status.as_u16() });
            }
            status => return Err(Failure::Status { status: status.as_u16() }),
        }
        let body = read_answer(response, MAX_ANSWER * (passages.len() + 1)).await?;
        self.settings.kind.scores(&body, passages.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_ordered_and_checked() {
        let tei = |body: &str| RerankApi::Tei.scores(body.as_bytes(), 2);
        assert_eq!(tei(r#"[{"index":1,"score":0.5},{"index":0,"score":0}]"#).unwrap(), [0.0, 0.5]);
        assert!(matches!(tei(r#"[{"index":1,"score":0.5}]"#), Err(Failure::Count { expected: 2, found: 1 })));
        assert!(matches!(tei(r#"[{"index":1,"score":1},{"index":1,"score":1}]"#), Err(Failure::Index { index: 1 })));
        assert!(matches!(tei(r#"[{"index":1,"score":7.5},{"index":0,"score":1}]"#), Err(Failure::NoProbability)));
        let cohere = |body: &str| RerankApi::Cohere.scores(body.as_bytes(), 1);
        let answer = r#"{"id":"x","results":[{"index":0,"relevance_score":0.25,"document":{"text":"t"}}],"meta":{}}"#;
        assert_eq!(cohere(answer).unwrap(), [0.25]);
        for malformed in ["{}", "[]", "", r#"{"results":[{"index":0,"relevance_score":null}]}"#] {
            assert!(matches!(cohere(malformed), Err(Failure::Malformed { .. })), "{malformed}");
        }
    }
}
