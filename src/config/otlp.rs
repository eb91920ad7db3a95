//! `[otlp]` of the file: the collector that spans and metrics are exported to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, outside};
use crate::telemetry::otlp::Settings;

/// The table as it can be written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOtlp {
    /// Address of its HTTP listener, such as http://127.0.0.1:4318; `/v1/traces` and `/v1/metrics` come after it
    #[schemars(example = &"http://127.0.0.1:4318")]
    pub endpoint: String,
    /// Export a span for each request [default: true]
    pub traces: Option<bool>,
    /// Export the metrics [default: true]
    pub metrics: Option<bool>,
    /// Share of the traces that begin here, 0 to 1 [default: 1]
    pub sample: Option<f64>,
    /// Seconds between two exports of metrics, 1 to 3600 [default: 60]
    pub every_s: Option<u64>,
    /// For one export, 100 to 60000 [default: 10000]
    pub timeout_ms: Option<u64>,
    /// What the service calls itself [default: usher]
    pub service_name: Option<String>,
    /// Headers of each export, such as a tenant's name [default: {}]
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers whose values are secrets: names, and files that hold them [default: {}]
    #[serde(default)]
    pub header_files: BTreeMap<String, PathBuf>,
    /// Send them unencrypted to another machine [default: false]
    pub allow_plain_http: Option<bool>,
}

pub(super) fn resolve(raw: RawOtlp) -> Result<Settings, ConfigError> {
    let mistake = |option, problem| Err(ConfigError::Value { option, problem });
    let endpoint = match outside::address(&raw.endpoint, raw.allow_plain_http) {
        Ok(address) => address.into_url(),
        Err(problem) => return mistake("otlp.endpoint", problem),
    };
    let sample = raw.sample.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&sample) {
        return mistake("otlp.sample", "must be 0 to 1");
    }
    let every = raw.every_s.unwrap_or(60);
    if !(1..=3_600).contains(&every) {
        return mistake("otlp.every_s", "must be 1 to 3600");
    }
    let timeout = raw.timeout_ms.unwrap_or(10_000);
    if !(100..=60_000).contains(&timeout) {
        return mistake("otlp.timeout_ms", "must be 100 to 60000");
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &raw.headers {
        enter(&mut headers, "otlp.headers", name, value)?;
    }
    for (name, path) in &raw.header_files {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
        enter(&mut headers, "otlp.header_files", name, text.trim())?;
    }
    Ok(Settings {
        endpoint,
        headers,
        traces: raw.traces.unwrap_or(true),
        metrics: raw.metrics.unwrap_or(true),
        sample,
        every: Duration::from_secs(every),
        timeout: Duration::from_millis(timeout),
        service_name: raw.service_name.unwrap_or_else(|| "usher".to_owned()),
    })
}

/// SECURITY: no message holds a value.
fn enter(headers: &mut HeaderMap, option: &'static str, name: &str, value: &str) -> Result<(), ConfigError> {
    let Ok(name) = name.parse::<HeaderName>() else {
        return Err(ConfigError::Value { option, problem: "holds a name that no header can have" });
    };
    let Some(mut value) = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()) else {
        return Err(ConfigError::Value { option, problem: "holds a value that no header can have, or an empty one" });
    };
    value.set_sensitive(true);
    if headers.insert(name, value).is_some() {
        return Err(ConfigError::Value { option, problem: "names a header twice" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_bounds_and_addresses_that_would_tell_secrets_are_refused() {
        let parse = |more: &str, endpoint: &str| {
            let text = format!("endpoint = \"{endpoint}\"\n{more}");
            resolve(toml::from_str::<RawOtlp>(&text).unwrap())
        };
        let local = "http://127.0.0.1:4318";
        assert!(parse("", local).is_ok_and(|settings| settings.traces && settings.metrics && settings.sample == 1.0));
        assert!(parse("", "https://collector.example.org/otlp").is_ok());
        for endpoint in
            ["collector", "grpc://a:1", "http://collector.example.org:4318", "https://a:b@c", "https://a?key=b"]
        {
            assert!(parse("", endpoint).is_err(), "{endpoint}");
        }
        assert!(parse("allow_plain_http = true", "http://collector.example.org:4318").is_ok());
        for more in [
            "sample = 1.5",
            "every_s = 0",
            "timeout_ms = 1",
            "headers = { \"a b\" = \"x\" }",
            "headers = { tenant = \"\" }",
            "header_files = { authorization = \"/nowhere/at/all\" }",
        ] {
            assert!(parse(more, local).is_err(), "{more}");
        }
        assert!(toml::from_str::<RawOtlp>("endpoint = \"a\"\nheader = {}").is_err());
    }
}
