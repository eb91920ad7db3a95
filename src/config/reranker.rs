//! `[reranker]` of the file: the server that reads the best passages once more.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::embedders::bearer;
use super::{ConfigError, outside};
use crate::embed::rerank::{RerankApi, Settings};
use crate::wire::bounds::MAX_TOP_K;

/// The table as it can be written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawReranker {
    /// `tei` (Text Embeddings Inference) or `cohere` (the form of Cohere, Jina, vLLM and others).
    #[schemars(example = &"tei")]
    pub kind: String,
    /// Address of the server, without the path of the call.
    #[schemars(example = &"http://127.0.0.1:8001")]
    pub url: String,
    /// Name of the model as the server knows it (`cohere`)
    #[schemars(example = &"rerank-v3.5")]
    pub model: Option<String>,
    /// File with the key that is sent as a bearer token.
    #[schemars(example = &"reranker.key")]
    pub key_file: Option<PathBuf>,
    /// Passages that are read for each question, 1 to 100; as many as are asked for, if those are more [default: 30]
    pub depth: Option<usize>,
    /// For all calls of one question, which wait at most half of what is left of its deadline [default: 1000]
    pub timeout_ms: Option<u64>,
    /// Calls at one time [default: 4]
    pub max_in_flight: Option<usize>,
    /// Score from which on a passage counts as an answer, 0 to 1 [default: 0.5]
    pub answers_from: Option<f64>,
    /// Send texts and key unencrypted to another machine [default: false]
    pub allow_plain_http: Option<bool>,
}

pub(super) fn resolve(raw: RawReranker) -> Result<Settings, ConfigError> {
    let mistake = |option, problem| ConfigError::Value { option, problem };
    let address =
        outside::address(&raw.url, raw.allow_plain_http).map_err(|problem| mistake("reranker.url", problem))?;
    let kind = match raw.kind.as_str() {
        "tei" => RerankApi::Tei,
        "cohere" => RerankApi::Cohere,
        _ => return Err(mistake("reranker.kind", "must be `tei` or `cohere`")),
    };
    let model = raw.model.unwrap_or_default();
    if model.is_empty() == (kind == RerankApi::Cohere) || model.len() > 256 {
        return Err(mistake("reranker.model", "is needed for the kind `cohere`, and for that alone"));
    }
    let depth = raw.depth.unwrap_or(30);
    if !(1..=MAX_TOP_K).contains(&depth) {
        return Err(mistake("reranker.depth", "must be 1 to 100"));
    }
    let timeout_ms = raw.timeout_ms.unwrap_or(1_000);
    if !(1..=60_000).contains(&timeout_ms) {
        return Err(mistake("reranker.timeout_ms", "must be 1 to 60000"));
    }
    let max_in_flight = raw.max_in_flight.unwrap_or(4);
    if !(1..=256).contains(&max_in_flight) {
        return Err(mistake("reranker.max_in_flight", "must be 1 to 256"));
    }
    let answers_from = raw.answers_from.unwrap_or(0.5);
    if !(0.0..=1.0).contains(&answers_from) {
        return Err(mistake("reranker.answers_from", "must be 0 to 1"));
    }
    let key = raw.key_file.as_deref().map(bearer).transpose()?;
    let (url, timeout) = (address.url().clone(), Duration::from_millis(timeout_ms));
    Ok(Settings { kind, url, model, key, depth, timeout, max_in_flight, answers_from })
}
