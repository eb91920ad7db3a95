//! `[reranker]` of the file: the model that reads the best passages once more, in a server or in this process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::embedders::{self, bearer, hub, threads};
use super::{ConfigError, outside};
use crate::embed::local::Source;
use crate::embed::rerank::{Place, RerankApi, ServerSettings, Settings};
use crate::wire::bounds::MAX_TOP_K;

/// The table as it can be written. Which keys may stand in it depends on its kind.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawReranker {
    /// `tei` (Text Embeddings Inference) or `cohere` (the form of Cohere, Jina, vLLM and others): a server; `dir` or `hub`: a
    /// model in this process.
    #[schemars(example = &"tei")]
    pub kind: String,
    /// Address of the server, without the path of the call (`tei`, `cohere`)
    #[schemars(example = &"http://127.0.0.1:8001")]
    pub url: Option<String>,
    /// Name of the model as the server or the hub knows it (`cohere`, `hub`)
    #[schemars(example = &"rerank-v3.5")]
    pub model: Option<String>,
    /// Folder with a model and its manifest, `reranker.toml` (`dir`)
    #[schemars(example = &"models/reranker")]
    pub path: Option<PathBuf>,
    /// Commit, branch or tag of the model's repository (`hub`) [default: main]
    pub revision: Option<String>,
    /// Cores that the model may use (`dir`, `hub`) [default: all]
    #[schemars(example = 2)]
    pub threads: Option<usize>,
    /// File with the key that is sent as a bearer token (`tei`, `cohere`)
    #[schemars(example = &"reranker.key")]
    pub key_file: Option<PathBuf>,
    /// Passages that are read for each question, 1 to 100; as many as are asked for, if those are more [default: 30]
    pub depth: Option<usize>,
    /// For all passages of one question, which waits at most half of what is left of its deadline [default: 1000]
    pub timeout_ms: Option<u64>,
    /// Calls at one time (`tei`, `cohere`) [default: 4]
    pub max_in_flight: Option<usize>,
    /// Score from which on a passage counts as an answer, 0 to 1 [default: 0.5]
    pub answers_from: Option<f64>,
    /// Send texts and key unencrypted to another machine (`tei`, `cohere`) [default: false]
    pub allow_plain_http: Option<bool>,
}

/// The option of this name, for mistakes.
fn named(key: &str) -> &'static str {
    match key {
        "url" => "reranker.url",
        "path" => "reranker.path",
        "revision" => "reranker.revision",
        "threads" => "reranker.threads",
        "key_file" => "reranker.key_file",
        "max_in_flight" => "reranker.max_in_flight",
        "allow_plain_http" => "reranker.allow_plain_http",
        _ => "reranker.model",
    }
}

fn mistake(option: &'static str, problem: &'static str) -> ConfigError {
    ConfigError::Value { option, problem }
}

/// `models` is where downloaded models are unless the environment says otherwise.
pub(super) fn resolve(raw: RawReranker, models: &Path) -> Result<Settings, ConfigError> {
    let depth = raw.depth.unwrap_or(30);
    if !(1..=MAX_TOP_K).contains(&depth) {
        return Err(mistake("reranker.depth", "must be 1 to 100"));
    }
    let timeout_ms = raw.timeout_ms.unwrap_or(1_000);
    if !(1..=60_000).contains(&timeout_ms) {
        return Err(mistake("reranker.timeout_ms", "must be 1 to 60000"));
    }
    let answers_from = raw.answers_from.unwrap_or(0.5);
    if !(0.0..=1.0).contains(&answers_from) {
        return Err(mistake("reranker.answers_from", "must be 0 to 1"));
    }
    let place = match raw.kind.as_str() {
        "tei" => server(raw, RerankApi::Tei)?,
        "cohere" => server(raw, RerankApi::Cohere)?,
        "dir" => {
            only(&raw, &["path", "threads"])?;
            let path =
                raw.path.ok_or(mistake("reranker.path", "is needed: the folder with the model and `reranker.toml`"))?;
            here(raw.threads, Source::Dir { path }, models)?
        }
        "hub" => {
            only(&raw, &["model", "revision", "threads"])?;
            let model = raw.model.ok_or(mistake("reranker.model", "is needed, such as `BAAI/bge-reranker-base`"))?;
            let of_hub = |(key, problem)| mistake(named(key), problem);
            let source = Source::Hub(hub(model, raw.revision, models).map_err(of_hub)?);
            here(raw.threads, source, models)?
        }
        _ => return Err(mistake("reranker.kind", "must be `tei`, `cohere`, `dir` or `hub`")),
    };
    Ok(Settings { place, depth, timeout: Duration::from_millis(timeout_ms), answers_from })
}

/// Refuses keys that would have no effect.
fn only(raw: &RawReranker, allowed: &[&str]) -> Result<(), ConfigError> {
    let given = [
        ("url", raw.url.is_some()),
        ("model", raw.model.is_some()),
        ("path", raw.path.is_some()),
        ("revision", raw.revision.is_some()),
        ("threads", raw.threads.is_some()),
        ("key_file", raw.key_file.is_some()),
        ("max_in_flight", raw.max_in_flight.is_some()),
        ("allow_plain_http", raw.allow_plain_http.is_some()),
    ];
    let other = given.into_iter().find(|(key, is_given)| *is_given && !allowed.contains(key));
    other.map_or(Ok(()), |(key, _)| Err(mistake(named(key), "is not a key of this kind of reranker")))
}

/// A model in this process.
fn here(given: Option<usize>, source: Source, models: &Path) -> Result<Place, ConfigError> {
    let threads = threads(given).map_err(|(key, problem)| mistake(named(key), problem))?;
    Ok(Place::Here(embedders::here("reranker".to_owned(), source, threads, models)))
}

/// A model in a server of its own.
fn server(raw: RawReranker, kind: RerankApi) -> Result<Place, ConfigError> {
    only(&raw, &["url", "model", "key_file", "max_in_flight", "allow_plain_http"])?;
    let url = raw.url.ok_or(mistake("reranker.url", "is needed, such as `https://host`"))?;
    let address = outside::address(&url, raw.allow_plain_http).map_err(|problem| mistake("reranker.url", problem))?;
    let model = raw.model.unwrap_or_default();
    if model.is_empty() == (kind == RerankApi::Cohere) || model.len() > 256 {
        return Err(mistake("reranker.model", "is needed for the kinds `cohere` and `hub`, and for those alone"));
    }
    let max_in_flight = raw.max_in_flight.unwrap_or(4);
    if !(1..=256).contains(&max_in_flight) {
        return Err(mistake("reranker.max_in_flight", "must be 1 to 256"));
    }
    let key = raw.key_file.as_deref().map(bearer).transpose()?;
    Ok(Place::Server(ServerSettings { kind, url: address.url().clone(), model, key, max_in_flight }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(table: &str) -> Result<Settings, String> {
        let raw: RawReranker = toml::from_str(table).map_err(|error| error.to_string())?;
        resolve(raw, Path::new("models")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_reranker_takes_the_keys_of_its_kind() {
        for good in [
            "kind = \"tei\"\nurl = \"http://127.0.0.1:1\"",
            "kind = \"cohere\"\nurl = \"https://x\"\nmodel = \"m\"\nmax_in_flight = 2",
            "kind = \"dir\"\npath = \"a\"\nthreads = 2\ndepth = 10\nanswers_from = 0.1",
            "kind = \"hub\"\nmodel = \"BAAI/bge-reranker-base\"\nrevision = \"main\"\ntimeout_ms = 5",
        ] {
            resolved(good).unwrap();
        }
        for (bad, key) in [
            ("kind = \"other\"", "kind"),
            ("kind = \"tei\"", "url"),
            ("kind = \"tei\"\nurl = \"http://far.example\"", "url"),
            ("kind = \"tei\"\nurl = \"https://x\"\nthreads = 2", "threads"),
            ("kind = \"tei\"\nurl = \"https://x\"\nmodel = \"m\"", "model"),
            ("kind = \"cohere\"\nurl = \"https://x\"", "model"),
            ("kind = \"dir\"", "path"),
            ("kind = \"dir\"\npath = \"a\"\nurl = \"https://x\"", "url"),
            ("kind = \"dir\"\npath = \"a\"\nthreads = 0", "threads"),
            ("kind = \"dir\"\npath = \"a\"\nmax_in_flight = 2", "max_in_flight"),
            ("kind = \"hub\"", "model"),
            ("kind = \"hub\"\nmodel = \"m\"\nrevision = \"../..\"", "revision"),
            ("kind = \"hub\"\nmodel = \"m\"\npath = \"a\"", "path"),
            ("kind = \"hub\"\nmodel = \"m\"\nkey_file = \"a\"", "key_file"),
            ("kind = \"dir\"\npath = \"a\"\ndepth = 101", "depth"),
        ] {
            let error = resolved(bad).unwrap_err();
            assert!(error.contains(&format!("reranker.{key}")), "{bad}: {error}");
        }
    }
}
