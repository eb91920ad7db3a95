//! `[openfga]` of the file: the OpenFGA server that owns the tuples.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, outside};
use crate::authority::server::AuthorizationServer;
use crate::openfga::mirror::Pace;
use crate::outside::Secret;

/// The table as it can be written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOpenFga {
    /// Address of the server's gRPC listener.
    #[schemars(example = &"http://127.0.0.1:8081")]
    pub url: String,
    /// Id of its store.
    #[schemars(example = &"01HXYZ00000000000000000000")]
    pub store: String,
    /// File with a preshared key.
    #[schemars(example = &"openfga.token")]
    pub token_file: Option<PathBuf>,
    /// For one call [default: 1500]
    pub timeout_ms: Option<u64>,
    /// Pause between two looks at the log of changes [default: 200]
    pub poll_ms: Option<u64>,
    /// Pause between two comparisons with all of the server's tuples, seconds [default: 600]
    pub compare_s: Option<u64>,
    /// Without a newer look at the server's model than this, nothing is answered [default: 5000]
    pub max_model_age_ms: Option<u64>,
    /// Send the key unencrypted to another machine [default: false]
    pub allow_plain_http: Option<bool>,
}

/// What the service connects to.
#[derive(Debug, Clone)]
pub struct OpenFga {
    #[cfg_attr(not(feature = "openfga"), allow(dead_code, reason = "only a build that can connect reads it"))]
    url: String,
    pub store: String,
    #[cfg_attr(not(feature = "openfga"), allow(dead_code, reason = "only a build that can connect reads it"))]
    token: Option<Secret>,
    pub timeout: Duration,
    pub pace: Pace,
    pub max_model_age: Duration,
}

/// The server can't be connected to, whether it runs or not.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[cfg(feature = "openfga")]
    #[error(transparent)]
    Grpc(#[from] crate::authority::server::grpc::AddressError),
    #[cfg(not(feature = "openfga"))]
    #[error("this program was built without it; build it with the feature `openfga`")]
    NotBuilt,
}

pub(super) fn resolve(raw: RawOpenFga) -> Result<OpenFga, ConfigError> {
    let mistake = |option, problem| Err(ConfigError::Value { option, problem });
    let address = outside::address(&raw.url, raw.allow_plain_http);
    if let Err(problem) = address {
        return mistake("openfga.url", problem);
    }
    if raw.store.len() != 26 || !raw.store.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        return mistake("openfga.store", "must be the id of a store: 26 capital letters and digits");
    }
    let token = outside::secret(raw.token_file.as_deref())?;
    let between = |value: Option<u64>, default: u64, least: u64, most: u64, option, problem| {
        let value = value.unwrap_or(default);
        if (least..=most).contains(&value) { Ok(value) } else { Err(ConfigError::Value { option, problem }) }
    };
    let timeout = between(raw.timeout_ms, 1_500, 10, 60_000, "openfga.timeout_ms", "must be 10 to 60000")?;
    let poll = between(raw.poll_ms, 200, 10, 60_000, "openfga.poll_ms", "must be 10 to 60000")?;
    let compare = between(raw.compare_s, 600, 1, 86_400, "openfga.compare_s", "must be 1 to 86400")?;
    let age = between(raw.max_model_age_ms, 5_000, 100, 600_000, "openfga.max_model_age_ms", "must be 100 to 600000")?;
    let max_model_age = Duration::from_millis(age);
    Ok(OpenFga {
        url: raw.url,
        store: raw.store,
        token,
        timeout: Duration::from_millis(timeout),
        pace: Pace {
            poll: Duration::from_millis(poll),
            // A look that fails, or is late, must not stop answers at once.
            model: (max_model_age / 3).min(Pace::default().model),
            compare: Duration::from_secs(compare),
            ..Pace::default()
        },
        max_model_age,
    })
}

impl OpenFga {
    /// The server; nothing is connected before the first call.
    ///
    /// # Errors
    /// When the address or the token is malformed, or this build can't connect.
    #[cfg(feature = "openfga")]
    pub fn connect(&self) -> Result<Arc<dyn AuthorizationServer>, AddressError> {
        use crate::authority::server::grpc::GrpcServer;
        Ok(Arc::new(GrpcServer::new(self.url.clone(), self.store.clone(), self.token.as_ref().map(Secret::expose))?))
    }

    /// # Errors
    /// Always: this build can't connect.
    #[cfg(not(feature = "openfga"))]
    pub fn connect(&self) -> Result<Arc<dyn AuthorizationServer>, AddressError> {
        Err(AddressError::NotBuilt)
    }
}
