//! `[qdrant]` of the file: the Qdrant cluster that holds the indexes.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, outside};
use crate::index::qdrant::{Consistency, QdrantSettings, Quantisation};

/// The table as it can be written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawQdrant {
    /// Address of its gRPC listener.
    #[schemars(example = &"http://127.0.0.1:6334")]
    pub url: String,
    /// File with an API key.
    #[schemars(example = &"qdrant.key")]
    pub api_key_file: Option<PathBuf>,
    /// First part of every name there [default: usher]
    pub prefix: Option<String>,
    /// For one call [default: 2000]
    pub timeout_ms: Option<u64>,
    /// Shards of a new collection [default: 1]
    pub shards: Option<u32>,
    /// Copies of each shard of a new collection [default: 1]
    pub replication_factor: Option<u32>,
    /// Copies that must have taken a write [default: all but one, at least 1]
    #[schemars(example = 1)]
    pub write_consistency: Option<u32>,
    /// Copies that must agree on an answer: `all`, `majority` or `quorum` [default: one answers]
    #[schemars(example = &"majority", with = "Option<String>")]
    pub read_consistency: Option<Consistency>,
    /// `none`, `scalar` or `binary`, for new collections [default: none]
    #[schemars(with = "Option<String>")]
    pub quantisation: Option<Quantisation>,
    /// Links per node of the graph, for new collections [default: 16]
    pub hnsw_m: Option<u64>,
    /// Width of the search while the graph is built, for new collections [default: 128]
    pub hnsw_ef_construct: Option<u64>,
    /// Keep original vectors of new collections on disk [default: false]
    pub on_disk: Option<bool>,
    /// Send texts' vectors and the key unencrypted to another machine [default: false]
    pub allow_plain_http: Option<bool>,
}

pub(super) fn resolve(raw: RawQdrant) -> Result<QdrantSettings, ConfigError> {
    let mistake = |option, problem| Err(ConfigError::Value { option, problem });
    if let Err(problem) = outside::address(&raw.url, raw.allow_plain_http) {
        return mistake("qdrant.url", problem);
    }
    let prefix = raw.prefix.unwrap_or_else(|| "usher".to_owned());
    if prefix.is_empty() || prefix.len() > 64 || !prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return mistake("qdrant.prefix", "must be 1 to 64 letters, digits and `-`");
    }
    let timeout = raw.timeout_ms.unwrap_or(2_000);
    if !(10..=60_000).contains(&timeout) {
        return mistake("qdrant.timeout_ms", "must be 10 to 60000");
    }
    let replication_factor = raw.replication_factor.unwrap_or(1);
    let write_consistency = raw.write_consistency.unwrap_or(replication_factor.saturating_sub(1).max(1));
    if !(1..=replication_factor).contains(&write_consistency) {
        return mistake("qdrant.write_consistency", "must be 1 to `replication_factor`");
    }
    let shards = raw.shards.unwrap_or(1);
    if shards == 0 {
        return mistake("qdrant.shards", "must be at least 1");
    }
    let api_key = outside::secret(raw.api_key_file.as_deref())?;
    Ok(QdrantSettings {
        api_key,
        prefix,
        timeout: Duration::from_millis(timeout),
        shards,
        replication_factor,
        write_consistency,
        read_consistency: raw.read_consistency,
        quantisation: raw.quantisation.unwrap_or_default(),
        hnsw_m: raw.hnsw_m.unwrap_or(16),
        hnsw_ef_construct: raw.hnsw_ef_construct.unwrap_or(128),
        on_disk: raw.on_disk.unwrap_or(false),
        ..QdrantSettings::at(&raw.url)
    })
}
