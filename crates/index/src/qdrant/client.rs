//! The connection: settings, deadlines, retries with jitter, and a breaker that stops asking a server that is down.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use qdrant_client::Qdrant;
use qdrant_client::qdrant::{ReadConsistency, ReadConsistencyType, WriteOrdering, WriteOrderingType, read_consistency};

use usher_base::outside::{Breaker, Pauses, Secret};

use super::IndexError;

/// Attempts of one write; reads are tried twice, because a query has a deadline.
const WRITE_ATTEMPTS: u32 = 6;
const READ_ATTEMPTS: u32 = 2;
/// Pause before the second attempt, doubled for each further one; a random half of it is left out.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const PAUSES: Pauses = Pauses {
    failures: 5,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(1),
    probe: Duration::from_secs(1),
};
/// The part of a call's time after which it counts as failed where whoever asked gives it up.
const PATIENCE: u32 = 4;

/// How much memory a vector takes while it is searched; the original is kept beside it and decides the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantisation {
    #[default]
    None,
    /// 8 bits per number.
    Scalar,
    /// 1 bit per number; for embedders whose vectors stand it.
    Binary,
}

/// How many replicas of a shard must agree on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    All,
    Majority,
    Quorum,
}

/// What the service connects to and how it lays collections out.
#[derive(Debug, Clone)]
pub struct QdrantSettings {
    pub url: String,
    pub api_key: Option<Secret>,
    /// First part of every name.
    pub prefix: String,
    /// Of one call.
    pub timeout: Duration,
    pub shards: u32,
    pub replication_factor: u32,
    /// Replicas that must have taken a write.
    pub write_consistency: u32,
    pub read_consistency: Option<Consistency>,
    pub quantisation: Quantisation,
    /// Links per node of the graph.
    pub hnsw_m: u64,
    pub hnsw_ef_construct: u64,
    /// Originals of vectors on disk rather than in memory.
    pub on_disk: bool,
}

impl QdrantSettings {
    /// One node, no replicas.
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            api_key: None,
            prefix: "usher".to_owned(),
            timeout: Duration::from_secs(2),
            shards: 1,
            replication_factor: 1,
            write_consistency: 1,
            read_consistency: None,
            quantisation: Quantisation::None,
            hnsw_m: 16,
            hnsw_ef_construct: 128,
            on_disk: false,
        }
    }
}

/// Why Qdrant can't be searched or written.
#[derive(Debug, thiserror::Error)]
pub enum QdrantError {
    #[error("Qdrant can't {action}: {message}")]
    Call { action: &'static str, message: String, is_passing: bool },
    #[error("Qdrant can't {action}: the collection does not exist")]
    Missing { action: &'static str },
    #[error("Qdrant did not {action} in time")]
    Slow { action: &'static str },
    #[error("Qdrant has failed several times and is left alone for a moment")]
    Open,
    #[error("Qdrant's answer can't be used: {problem}")]
    Answer { problem: &'static str },
    #[error(
        "Qdrant's collection `{alias}` is not this instance's: {problem}; set another `qdrant.prefix`, or remove it"
    )]
    NotOurs { alias: String, problem: &'static str },
    #[error("Qdrant's collection `{alias}` was laid out by a newer release")]
    Newer { alias: String },
    #[error("Qdrant's collection `{alias}` is being filled")]
    Filling { alias: String },
    #[error("Qdrant's collection `{alias}` is at {found} and has been at {expected}: an older copy was restored")]
    WentBack { alias: String, found: u64, expected: u64 },
}

impl QdrantError {
    fn of(action: &'static str, error: &qdrant_client::QdrantError) -> Self {
        use qdrant_client::QdrantError::{ResourceExhaustedError, ResponseError};
        let (message, passing) = match error {
            ResponseError { status } if status.code() as i32 == code::NOT_FOUND => return Self::Missing { action },
            ResponseError { status } => (status.message().to_owned(), code::is_passing(status.code() as i32)),
            ResourceExhaustedError { status, .. } => (status.message().to_owned(), true),
            other => (other.to_string(), false),
        };
        Self::Call { action, message, is_passing: passing }
    }

    /// Whether the collection is missing, half filled or behind: the applier sees to it.
    pub fn is_being_mended(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Filling { .. } | Self::WentBack { .. })
    }

    /// Whether it could not be asked.
    pub fn is_away(&self) -> bool {
        self.is_passing() || matches!(self, Self::Open)
    }

    fn is_passing(&self) -> bool {
        matches!(self, Self::Slow { .. } | Self::Call { is_passing: true, .. })
    }
}

/// gRPC's codes by number; the client gives no names for them.
mod code {
    pub const NOT_FOUND: i32 = 5;
    const PASSING: [i32; 6] = [
        /* cancelled */ 1, /* unknown */ 2, /* deadline */ 4, /* aborted */ 10,
        /* internal */ 13, /* unavailable */ 14,
    ];

    /// Whether the same call may succeed a moment later.
    pub fn is_passing(code: i32) -> bool {
        PASSING.contains(&code)
    }
}

impl From<QdrantError> for IndexError {
    fn from(error: QdrantError) -> Self {
        Self::Remote(Box::new(error))
    }
}

/// A connection to one Qdrant; clones share it.
#[derive(Clone)]
pub struct Connection {
    /// Replaced where nothing comes back: the library would wait on a dead connection for as long as the system does,
    /// which is a quarter of an hour.
    client: Arc<ArcSwap<Qdrant>>,
    settings: Arc<QdrantSettings>,
    breaker: Arc<Breaker>,
}

impl Connection {
    /// Nothing is connected before the first call.
    ///
    /// # Errors
    /// When the address is malformed.
    pub fn new(settings: QdrantSettings) -> Result<Self, QdrantError> {
        let client = Arc::new(ArcSwap::from_pointee(client(&settings)?));
        Ok(Self { client, settings: Arc::new(settings), breaker: Arc::new(Breaker::new(PAUSES)) })
    }

    pub fn settings(&self) -> &QdrantSettings {
        &self.settings
    }

    pub(super) fn client(&self) -> Arc<Qdrant> {
        self.client.load_full()
    }

    pub(super) fn read_consistency(&self) -> Option<ReadConsistency> {
        let kind = match self.settings.read_consistency? {
            Consistency::All => ReadConsistencyType::All,
            Consistency::Majority => ReadConsistencyType::Majority,
            Consistency::Quorum => ReadConsistencyType::Quorum,
        };
        Some(ReadConsistency { value: Some(read_consistency::Value::Type(kind.into())) })
    }

    /// Through the shard's permanent leader, one after the other.
    pub(super) fn ordering() -> Option<WriteOrdering> {
        Some(WriteOrdering { r#type: WriteOrderingType::Strong.into() })
    }

    /// Asks something that changes nothing.
    pub(super) async fn read<T, F>(&self, action: &'static str, call: impl Fn() -> F) -> Result<T, QdrantError>
    where
        F: Future<Output = Result<T, qdrant_client::QdrantError>>,
    {
        self.attempts(action, READ_ATTEMPTS, call, |_| true).await
    }

    /// Repeats a write until Qdrant says that it is in effect.
    pub(super) async fn write<T, F>(
        &self,
        action: &'static str,
        call: impl Fn() -> F,
        is_done: impl Fn(&T) -> bool,
    ) -> Result<T, QdrantError>
    where
        F: Future<Output = Result<T, qdrant_client::QdrantError>>,
    {
        self.attempts(action, WRITE_ATTEMPTS, call, is_done).await
    }

    async fn attempts<T, F>(
        &self,
        action: &'static str,
        attempts: u32,
        call: impl Fn() -> F,
        is_done: impl Fn(&T) -> bool,
    ) -> Result<T, QdrantError>
    where
        F: Future<Output = Result<T, qdrant_client::QdrantError>>,
    {
        let mut pause = FIRST_PAUSE;
        let mut last = QdrantError::Open;
        for attempt in 1..=attempts {
            if !self.breaker.admits() {
                return Err(last);
            }
            let pending = Pending { connection: self, client: self.client(), begun: Instant::now(), is_over: false };
            last = match tokio::time::timeout(self.settings.timeout, call()).await {
                Ok(Ok(answer)) if is_done(&answer) => {
                    pending.end(false);
                    return Ok(answer);
                }
                // Accepted, not in effect: as good as unknown.
                Ok(Ok(_)) => QdrantError::Slow { action },
                Ok(Err(error)) => QdrantError::of(action, &error),
                // Whoever asks again does so on another connection.
                Err(_) => return Err(QdrantError::Slow { action }),
            };
            pending.end(last.is_passing());
            if !last.is_passing() {
                return Err(last);
            }
            if attempt < attempts {
                tokio::time::sleep(jittered(pause)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        Err(last)
    }
}

/// Nothing is connected before the first call.
fn client(settings: &QdrantSettings) -> Result<Qdrant, QdrantError> {
    let mut config = qdrant_client::config::QdrantConfig::from_url(&settings.url).skip_compatibility_check();
    config.set_timeout(settings.timeout);
    config.set_connect_timeout(settings.timeout);
    config.set_keep_alive_while_idle(true);
    if let Some(key) = &settings.api_key {
        config.set_api_key(key.expose());
    }
    Qdrant::new(config).map_err(|error| QdrantError::of("connect", &error))
}

/// A call under way.
struct Pending<'a> {
    connection: &'a Connection,
    client: Arc<Qdrant>,
    begun: Instant,
    is_over: bool,
}

impl Pending<'_> {
    fn end(mut self, failed: bool) {
        self.is_over = true;
        self.connection.breaker.note(failed);
    }
}

impl Drop for Pending<'_> {
    /// Its time is over, or that of the query it was made for, and nothing came back. Queries give up before a call does,
    /// so that without this nobody would notice.
    fn drop(&mut self) {
        if self.is_over || self.begun.elapsed() < self.connection.settings.timeout / PATIENCE {
            return;
        }
        self.connection.breaker.note(true);
        if let Ok(new) = client(&self.connection.settings) {
            self.connection.client.compare_and_swap(&self.client, Arc::new(new));
        }
    }
}

/// Between a half and the whole of a pause.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0; 1];
    // Without randomness the pause is the longest one.
    let share = getrandom::fill(&mut byte).map_or(255, |()| byte[0]);
    pause.mul_f64(0.5 + f64::from(share) / 510.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_vary_and_stay_within_bounds() {
        let pauses: Vec<_> = (0..100).map(|_| jittered(Duration::from_millis(100))).collect();
        assert!(pauses.iter().all(|pause| (50..=100).contains(&pause.as_millis())));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
