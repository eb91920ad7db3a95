//! Embedders that are called over HTTP: OpenAI's API, which many servers speak, and Text Embeddings Inference.
//!
//! SECURITY: texts go to the configured address and nowhere else: redirects are not followed, and a proxy of the
//! environment is used for https only, through which it sees nothing. An answer is believed as far as it can be checked:
//! its size, the number of rows and their order, dimension and finiteness.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{EmbedError, Embedder, Failure, Role, Turns};
use crate::limits::Payer;

mod shape;

pub use shape::ServerApi;
pub(super) use shape::{in_order, parse};

/// Calls for one batch of passages, the first one included.
const PASSAGE_ATTEMPTS: u32 = 5;
/// Calls for one question, which has somebody waiting for it and keywords to fall back to.
const QUERY_ATTEMPTS: u32 = 2;
/// The pause after a first failure; it doubles with each, up to the second value.
const PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Everything about one server and its model.
#[derive(Debug)]
pub struct Settings {
    pub name: String,
    pub kind: ServerApi,
    /// The server's address; the path of the call is added.
    pub url: Url,
    pub model: String,
    pub dimensions: usize,
    /// Whether to ask for that many dimensions, of a model that can shorten its vectors.
    pub send_dimensions: bool,
    /// The `Authorization` header, marked as sensitive, so that its `Debug` shows nothing.
    pub key: Option<HeaderValue>,
    pub query_prefix: String,
    pub passage_prefix: String,
    /// For one call with all its repetitions.
    pub timeout: Duration,
    /// Texts of one call.
    pub batch: usize,
    pub max_in_flight: usize,
}

impl Settings {
    /// What makes vectors incomparable, and not where the server is, which may move. Model names hold no spaces, so
    /// that two settings never have one id.
    pub fn id(&self) -> String {
        let Self { kind, dimensions, model, query_prefix, passage_prefix, .. } = self;
        if query_prefix.is_empty() && passage_prefix.is_empty() {
            return format!("{}:{dimensions}:{model}", kind.name());
        }
        let prefixes = serde_json::json!([query_prefix, passage_prefix]);
        format!("{}:{dimensions}:{model} {prefixes}", kind.name())
    }
}

/// One embedding server.
pub struct HttpEmbedder {
    id: String,
    settings: Settings,
    endpoint: Url,
    client: reqwest::Client,
    in_flight: Semaphore,
    /// One fewer, where there are several: questions never wait for more than they must when many documents come in.
    passages_in_flight: Semaphore,
    turns: Turns,
    is_answering: AtomicBool,
}

/// One call that failed, and whether it is worth another.
struct Failed {
    failure: Failure,
    is_final: bool,
    /// What the server asked to wait.
    after: Option<Duration>,
}

impl Failed {
    fn finally(failure: Failure) -> Self {
        Self { failure, is_final: true, after: None }
    }

    fn on_the_way(error: reqwest::Error) -> Self {
        Self { failure: unreachable(error), is_final: false, after: None }
    }
}

impl HttpEmbedder {
    /// # Errors
    /// When the system's certificates can't be used.
    pub fn new(settings: Settings) -> Result<Self, EmbedError> {
        let id = settings.id();
        let client = client(&settings.url).map_err(|failure| EmbedError::new(&id, failure))?;
        let endpoint = endpoint(&settings.url, settings.kind.path());
        Ok(Self {
            id,
            endpoint,
            client,
            in_flight: Semaphore::new(settings.max_in_flight),
            passages_in_flight: Semaphore::new(settings.max_in_flight.saturating_sub(1).max(1)),
            turns: Turns::of(settings.max_in_flight),
            is_answering: AtomicBool::new(true),
            settings,
        })
    }

    /// The rows of one batch, as soon as it is its turn.
    async fn batch(&self, texts: &[String], role: Role, payer: &Payer) -> Result<Vec<f32>, EmbedError> {
        let _turn = self.turns.take(role, payer).await;
        // The semaphores are never closed, so taking a permit can't fail.
        let _passage = match role {
            Role::Passage => self.passages_in_flight.acquire().await.ok(),
            Role::Query => None,
        };
        let _any = self.in_flight.acquire().await.ok();
        let result = self.repeated(texts, role).await.map_err(|failure| EmbedError::new(&self.id, failure));
        self.is_answering.store(!result.as_ref().is_err_and(EmbedError::is_outage), Ordering::Relaxed);
        result
    }

    /// Calls until there is an answer, a failure that stays, or no time for another call. A repeated call is harmless:
    /// it changes nothing on the server.
    async fn repeated(&self, texts: &[String], role: Role) -> Result<Vec<f32>, Failure> {
        let timeout = self.settings.timeout;
        let deadline = Instant::now() + timeout;
        let attempts = if role == Role::Query { QUERY_ATTEMPTS } else { PASSAGE_ATTEMPTS };
        let body = self.body(texts, role);
        let mut attempt = 1;
        loop {
            let called = tokio::time::timeout_at(deadline, self.call(&body, texts.len())).await;
            let failed = match called {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(failed)) => failed,
                Err(_) => return Err(Failure::Slow { timeout }),
            };
            let pause = pause(attempt, failed.after);
            if failed.is_final || attempt == attempts || Instant::now() + pause >= deadline {
                return Err(failed.failure);
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    fn body(&self, texts: &[String], role: Role) -> serde_json::Value {
        let prefix = match role {
            Role::Query => &self.settings.query_prefix,
            Role::Passage => &self.settings.passage_prefix,
        };
        let texts: Vec<String> = texts.iter().map(|text| format!("{prefix}{text}")).collect();
        let dimensions = self.settings.send_dimensions.then_some(self.settings.dimensions);
        self.settings.kind.request(&self.settings.model, texts, dimensions)
    }

    async fn call(&self, body: &serde_json::Value, count: usize) -> Result<Vec<f32>, Failed> {
        let mut request = self.client.post(self.endpoint.clone()).json(body);
        if let Some(key) = &self.settings.key {
            request = request.header(AUTHORIZATION, key.clone());
        }
        let response = request.send().await.map_err(Failed::on_the_way)?;
        let status = response.status();
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let failure = Failure::Busy { status: status.as_u16() };
            return Err(Failed { failure, is_final: false, after: retry_after(response.headers()) });
        }
        if status != StatusCode::OK {
            return Err(Failed::finally(Failure::Status { status: status.as_u16() }));
        }
        let limit = shape::max_bytes(count, self.settings.dimensions);
        let body = read_answer(response, limit).await.map_err(|failure| match failure {
            failure @ Failure::TooLarge { .. } => Failed::finally(failure),
            failure => Failed { failure, is_final: false, after: None },
        })?;
        self.settings.kind.rows(&body, count, self.settings.dimensions).map_err(Failed::finally)
    }
}

impl Embedder for HttpEmbedder {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimensions(&self) -> usize {
        self.settings.dimensions
    }

    fn embed<'a>(
        &'a self,
        texts: &'a [String],
        role: Role,
        payer: &'a Payer,
    ) -> BoxFuture<'a, Result<Vec<f32>, EmbedError>> {
        let batches = texts.chunks(self.settings.batch);
        let batches: Vec<_> = batches.map(|batch| self.batch(batch, role, payer).boxed()).collect();
        let rows = stream::iter(batches).buffered(self.settings.max_in_flight).try_concat();
        rows.boxed()
    }

    fn is_answering(&self) -> bool {
        self.is_answering.load(Ordering::Relaxed)
    }
}

/// A client for one server: it follows no redirect, and uses a proxy for https alone.
pub(super) fn client(url: &Url) -> Result<reqwest::Client, Failure> {
    let mut builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    if url.scheme() == "http" {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|source| Failure::Client { source })
}

/// Where a call goes: a path below the server's address.
pub(super) fn endpoint(url: &Url, path: &str) -> Url {
    let mut endpoint = url.clone();
    endpoint.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
    endpoint
}

/// The address stays out of it.
pub(super) fn unreachable(error: reqwest::Error) -> Failure {
    Failure::Unreachable { source: error.without_url() }
}

/// The body, as far as it may be long.
pub(super) async fn read_answer(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(unreachable)? {
        if body.len() + part.len() > limit {
            return Err(Failure::TooLarge { limit });
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// `Retry-After` in seconds; its other form, a date, is answered like none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What the server asked for, and on top of it a time that doubles and varies, so that callers don't come back together.
fn pause(attempt: u32, after: Option<Duration>) -> Duration {
    let longest = PAUSE.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(MAX_PAUSE);
    // Without randomness the pause is the longest one.
    let share = getrandom::u32().map_or(1.0, |bits| 0.5 + 0.5 * f64::from(bits) / f64::from(u32::MAX));
    after.unwrap_or_default().saturating_add(longest.mul_f64(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(model: &str, prefix: &str, url: &str) -> Settings {
        let mut key = HeaderValue::from_static("Bearer sesame");
        key.set_sensitive(true);
        Settings {
            name: "a".into(),
            kind: ServerApi::Tei,
            url: url.parse().unwrap(),
            model: model.into(),
            dimensions: 3,
            send_dimensions: false,
            key: Some(key),
            query_prefix: prefix.into(),
            passage_prefix: String::new(),
            timeout: Duration::from_secs(1),
            batch: 8,
            max_in_flight: 2,
        }
    }

    #[test]
    fn an_id_names_what_makes_vectors_incomparable_and_nothing_secret() {
        let id = |model, prefix, url| settings(model, prefix, url).id();
        assert_eq!(id("org/m", "", "http://localhost"), "tei:3:org/m");
        assert_eq!(id("org/m", "", "http://localhost"), id("org/m", "", "https://elsewhere"));
        assert_eq!(id("org/m", "query: \"", "http://localhost"), r#"tei:3:org/m ["query: \"",""]"#);
        assert!(!format!("{:?}", settings("m", "", "http://localhost")).contains("sesame"));
    }

    #[test]
    fn pauses_grow_vary_and_respect_the_server() {
        for attempt in 1..40 {
            let longest = PAUSE.saturating_mul(2_u32.saturating_pow(attempt - 1)).min(MAX_PAUSE);
            let pause = pause(attempt, None);
            assert!(longest / 2 <= pause && pause <= longest, "{attempt}: {pause:?}");
        }
        assert!(pause(1, Some(Duration::from_secs(3))) > Duration::from_secs(3));
    }
}
