//! Configuration: defaults, then a TOML file, then `USHER_…` environment variables, then flags; unknown keys are errors.
//!
//! [`RawConfig`] is what can be written; [`Config`] is what was decided. Nothing downstream reads raw input.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::authz::names::EmailCase;
use crate::catalog::{Location, UrlError};
use crate::embed::pinned::folder_of;
use crate::identity::jwt::Issuers;
use crate::index::qdrant::QdrantSettings;
use crate::indexes::VectorHome;
use crate::service::QueryLimits;

pub mod catalog;
mod embedders;
mod example;
mod issuers;
mod limits;
mod openfga;
mod otlp;
mod outside;
mod qdrant;
mod reranker;

pub use catalog::RawUrl;
pub use embedders::RawEmbedder;
pub use example::example;
pub use issuers::RawIssuer;
pub use limits::{Limits, RawLimits, RawRate, RawRates};
pub use openfga::{AddressError, OpenFga, RawOpenFga};
pub use otlp::RawOtlp;
pub use qdrant::RawQdrant;
pub use reranker::RawReranker;

/// Every option, in the order of precedence flag, environment, file, default.
#[derive(Debug, Clone, Default, Args, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    /// Folder of the catalog, the indexes, the audit and the first admin key [default: data]
    #[arg(long, env = "USHER_DATA")]
    pub data: Option<PathBuf>,
    /// PostgreSQL database of the catalog, postgres://…, in place of a file in `data`; several services may share it
    #[arg(long, env = "USHER_CATALOG_URL", hide_env_values = true)]
    #[schemars(example = &"postgres://usher:password@127.0.0.1/usher", with = "Option<String>")]
    pub catalog_url: Option<RawUrl>,
    /// Address of the API [default: 127.0.0.1:8080]
    #[arg(long, env = "USHER_LISTEN")]
    #[schemars(with = "Option<String>")]
    pub listen: Option<SocketAddr>,
    /// Address of /metrics [default: 127.0.0.1:8081]
    #[arg(long, env = "USHER_ADMIN_LISTEN")]
    #[schemars(with = "Option<String>")]
    pub admin_listen: Option<SocketAddr>,
    /// Say that a proxy in front does TLS; needed to listen on anything but loopback [default: false]
    #[arg(long, env = "USHER_BEHIND_PROXY")]
    pub behind_proxy: Option<bool>,
    /// Collection made at the first start [default: main]
    #[arg(long, env = "USHER_COLLECTION")]
    pub collection: Option<String>,
    /// Candidates per leg and collection, 10 to 1000; 25 where an OpenFGA server decides [default: 100]
    #[arg(long, env = "USHER_DEPTH")]
    pub depth: Option<usize>,
    /// Deadline of a query that names none, milliseconds [default: 2000]
    #[arg(long, env = "USHER_DEADLINE_MS")]
    pub deadline_ms: Option<u64>,
    /// Longest deadline that a query may name, milliseconds [default: 30000]
    #[arg(long, env = "USHER_MAX_DEADLINE_MS")]
    pub max_deadline_ms: Option<u64>,
    /// Queries answered at one time, 1 to 10000; more are refused with 503 [default: 64]
    #[arg(long, env = "USHER_MAX_QUERIES")]
    pub max_queries: Option<usize>,
    /// Memory for cached masks, MiB [default: 256]
    #[arg(long, env = "USHER_MASK_CACHE_MIB")]
    pub mask_cache_mib: Option<u64>,
    /// Memory for cached readers, MiB [default: 256]
    #[arg(long, env = "USHER_READER_CACHE_MIB")]
    pub reader_cache_mib: Option<u64>,
    /// Documents, groups and folders compared with the catalog each second, 0 to 10000; 0: none [default: 50]
    #[arg(long, env = "USHER_DRIFT_OBJECTS_PER_S")]
    pub drift_objects_per_s: Option<u32>,
    /// What the case of an e-mail address means in the id of a reader: `lower`, nothing; `keep`: another person
    /// [default: lower]
    #[arg(long, env = "USHER_EMAIL_CASE")]
    pub email_case: Option<String>,
    /// Log as JSON lines [default: false]
    #[arg(long, env = "USHER_LOG_JSON")]
    pub log_json: Option<bool>,
    /// Trusted token issuers; in the file only
    #[arg(skip)]
    pub issuers: Vec<RawIssuer>,
    /// Embedders, the first one for new collections that name none; in the file only
    #[arg(skip)]
    pub embedders: Vec<RawEmbedder>,
    /// The model that reads the best passages once more; absent: none does; in the file only
    #[arg(skip)]
    pub reranker: Option<RawReranker>,
    /// The OpenFGA server that owns the tuples; absent: the catalog owns them; in the file only
    #[arg(skip)]
    pub openfga: Option<RawOpenFga>,
    /// The Qdrant cluster that holds the indexes; absent: they are files in the data folder; in the file only
    #[arg(skip)]
    pub qdrant: Option<RawQdrant>,
    /// The collector that spans and metrics are exported to; absent: none; in the file only
    #[arg(skip)]
    pub otlp: Option<RawOtlp>,
    /// What one caller may take, and how long connections may take; in the file only
    #[arg(skip)]
    pub limits: RawLimits,
}

/// What the service runs with.
pub struct Config {
    pub data: PathBuf,
    pub catalog: Location,
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub collection: String,
    pub queries: QueryLimits,
    pub limits: Limits,
    pub mask_cache_bytes: u64,
    pub reader_cache_bytes: u64,
    /// Where commits put vectors.
    pub vectors: VectorHome,
    /// 0: the comparison with the catalog is off.
    pub drift_objects_per_s: u32,
    pub email_case: EmailCase,
    pub log_json: bool,
    pub issuers: Issuers,
    pub embedders: Vec<crate::embed::Configured>,
    pub reranker: Option<crate::embed::rerank::Settings>,
    pub openfga: Option<OpenFga>,
    /// Absent: the indexes are files.
    pub qdrant: Option<QdrantSettings>,
    /// Absent: nothing is exported.
    pub otlp: Option<crate::telemetry::otlp::Settings>,
}

/// A configuration that can't be used; says what, where and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("can't read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {message}", path.display())]
    Syntax { path: PathBuf, message: String },
    #[error("`{option}` {problem}")]
    Value { option: &'static str, problem: &'static str },
    #[error(transparent)]
    Secret(#[from] crate::outside::SecretError),
    #[error("`catalog_url` {problem}")]
    CatalogUrl { problem: UrlError },
    #[error("issuer `{issuer}`: {problem}")]
    Issuer { issuer: String, problem: String },
    #[error("embedder `{name}`: `{option}` {problem}")]
    Embedder { name: String, option: &'static str, problem: &'static str },
}

impl RawConfig {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// When it can't be read or holds an unknown key.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|error| {
            // Its own text shows the line, which may hold a password.
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(1, |before| before.matches('\n').count() + 1);
            ConfigError::Syntax { path: path.to_owned(), message: format!("line {line}: {}", error.message()) }
        })
    }

    /// What is set here, else what `base` says.
    pub fn over(self, base: Self) -> Self {
        Self {
            data: self.data.or(base.data),
            catalog_url: self.catalog_url.or(base.catalog_url),
            listen: self.listen.or(base.listen),
            admin_listen: self.admin_listen.or(base.admin_listen),
            behind_proxy: self.behind_proxy.or(base.behind_proxy),
            collection: self.collection.or(base.collection),
            depth: self.depth.or(base.depth),
            deadline_ms: self.deadline_ms.or(base.deadline_ms),
            max_deadline_ms: self.max_deadline_ms.or(base.max_deadline_ms),
            max_queries: self.max_queries.or(base.max_queries),
            mask_cache_mib: self.mask_cache_mib.or(base.mask_cache_mib),
            reader_cache_mib: self.reader_cache_mib.or(base.reader_cache_mib),
            drift_objects_per_s: self.drift_objects_per_s.or(base.drift_objects_per_s),
            email_case: self.email_case.or(base.email_case),
            log_json: self.log_json.or(base.log_json),
            issuers: if self.issuers.is_empty() { base.issuers } else { self.issuers },
            embedders: if self.embedders.is_empty() { base.embedders } else { self.embedders },
            reranker: self.reranker.or(base.reranker),
            openfga: self.openfga.or(base.openfga),
            qdrant: self.qdrant.or(base.qdrant),
            otlp: self.otlp.or(base.otlp),
            // No flag and no variable sets them.
            limits: base.limits,
        }
    }

    /// Decides everything.
    ///
    /// # Errors
    /// When a value is out of bounds or an insecure combination was chosen.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let value = |option, problem| Err(ConfigError::Value { option, problem });
        let listen = self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
        let admin_listen = self.admin_listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8081)));
        if !listen.ip().is_loopback() && self.behind_proxy != Some(true) {
            return value("listen", "is not loopback: put a proxy with TLS in front and set `behind_proxy`");
        }
        if !admin_listen.ip().is_loopback() {
            return value("admin_listen", "must be loopback: it has no authentication");
        }
        // Every candidate costs a question to the server, if one owns the tuples.
        let depth = self.depth.unwrap_or(if self.openfga.is_some() { 25 } else { 100 });
        if !(10..=1000).contains(&depth) {
            return value("depth", "must be 10 to 1000");
        }
        let default_deadline = Duration::from_millis(self.deadline_ms.unwrap_or(2_000));
        let max_deadline = Duration::from_millis(self.max_deadline_ms.unwrap_or(30_000));
        if default_deadline.is_zero() || default_deadline > max_deadline {
            return value("deadline_ms", "must be at least 1 and at most `max_deadline_ms`");
        }
        let max_queries = self.max_queries.unwrap_or(64);
        if !(1..=10_000).contains(&max_queries) {
            return value("max_queries", "must be 1 to 10000");
        }
        let drift_objects_per_s = self.drift_objects_per_s.unwrap_or(50);
        if drift_objects_per_s > 10_000 {
            return value("drift_objects_per_s", "must be 0 to 10000");
        }
        let limits = limits::resolve(&self.limits, max_queries)?;
        let Some(email_case) = self.email_case.as_deref().map_or(Some(EmailCase::default()), EmailCase::parse) else {
            return value("email_case", "must be `lower` or `keep`");
        };
        let data = self.data.unwrap_or_else(|| "data".into());
        let catalog = catalog::resolve(self.catalog_url.as_ref(), &data)?;
        let vectors = match &catalog {
            Location::Folder(_) => VectorHome::Files,
            Location::Postgres(_) => VectorHome::Catalog,
        };
        Ok(Config {
            embedders: embedders::resolve(self.embedders, &folder_of(&data))?,
            reranker: self.reranker.map(|raw| reranker::resolve(raw, &folder_of(&data))).transpose()?,
            catalog,
            data,
            listen,
            admin_listen,
            collection: self.collection.unwrap_or_else(|| "main".to_owned()),
            queries: QueryLimits { depth, default_deadline, max_deadline, steps: limits.steps },
            limits,
            mask_cache_bytes: mib("mask_cache_mib", self.mask_cache_mib)?,
            reader_cache_bytes: mib("reader_cache_mib", self.reader_cache_mib)?,
            vectors,
            drift_objects_per_s,
            email_case,
            log_json: self.log_json.unwrap_or(false),
            issuers: issuers::resolve(self.issuers, email_case)?,
            openfga: self.openfga.map(openfga::resolve).transpose()?,
            qdrant: self.qdrant.map(qdrant::resolve).transpose()?,
            otlp: self.otlp.map(otlp::resolve).transpose()?,
        })
    }
}

/// Bytes of a cache.
fn mib(option: &'static str, mib: Option<u64>) -> Result<u64, ConfigError> {
    match mib.unwrap_or(256) {
        mib @ 1..=1_048_576 => Ok(mib * 1024 * 1024),
        _ => Err(ConfigError::Value { option, problem: "must be 1 to 1048576" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_of_the_containers_can_be_used() {
        let text = include_str!("../deploy/usher.toml").replace("STORE", "01HXYZ00000000000000000000");
        let config = toml::from_str::<RawConfig>(&text).unwrap().resolve().unwrap();
        assert!(config.qdrant.is_some() && config.openfga.is_some());
        assert!(matches!(config.catalog, Location::Postgres(_)));
    }

    #[test]
    fn insecure_and_unknown_settings_are_refused() {
        let listening = |address: &str, proxy| RawConfig {
            listen: Some(address.parse().unwrap()),
            behind_proxy: proxy,
            ..RawConfig::default()
        };
        assert!(listening("0.0.0.0:8080", None).resolve().is_err());
        assert!(listening("0.0.0.0:8080", Some(true)).resolve().is_ok());
        assert!(RawConfig::default().resolve().is_ok());
        assert!(toml::from_str::<RawConfig>("listn = \"127.0.0.1:1\"").is_err());
    }
}
