//! `[limits]` of the file: what one caller may take, and how long connections may take for what they do.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;
use crate::limits::ConnectionLimits;
use crate::limits::places::Shares;
use crate::limits::rates::{Class, Rate};

/// `[limits]`; what is absent has its default.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    /// Connections at one time, 16 to 100000 [default: 2048]
    pub max_connections: Option<u64>,
    /// Of these, from one IPv4 address or one IPv6 network of 64 bits; a proxy is one address [default: half of them]
    #[schemars(example = 1024)]
    pub max_connections_per_address: Option<u64>,
    /// Seconds for the head of a request, 1 to 300 [default: 20]
    pub head_timeout_s: Option<u64>,
    /// Seconds for the whole body of a request, 1 to 3600 [default: 60]
    pub body_timeout_s: Option<u64>,
    /// Seconds without a request, or without reading on, 1 to 3600 [default: 75]
    pub idle_timeout_s: Option<u64>,
    /// Queries of one credential at one time [default: half of `max_queries`]
    #[schemars(example = 32)]
    pub max_queries_per_key: Option<u64>,
    /// Queries of one subject that a credential acts for, at one time [default: an eighth of `max_queries`]
    #[schemars(example = 8)]
    pub max_queries_per_subject: Option<u64>,
    /// Threads that compute for queries at one time, 2 to 1024; one credential has half of them [default: two per core]
    #[schemars(example = 4)]
    pub computing: Option<u64>,
    /// Threads that decide for OpenFGA's surface at one time, 1 to 1024 [default: one per core, at least 2]
    #[schemars(example = 2)]
    pub evaluations: Option<u64>,
    /// Steps of work that a check, a list, an explanation or a report may cause, 1000 to 1000000000 [default: 10000000]
    pub steps: Option<u64>,
    /// Requests per second and class; ten seconds' worth may come at once; 0: no limit
    pub rates: RawRates,
}

/// `[limits.rates]`: requests per second; ten seconds' worth may come at once. 0: no limit.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawRates {
    /// Questions [default: { key = 1000, subject = 200 }]
    pub query: Option<RawRate>,
    /// Reads of documents, lists and rules [default: { key = 1000, subject = 200 }]
    pub read: Option<RawRate>,
    /// Changes [default: { key = 500, subject = 500 }]
    pub write: Option<RawRate>,
    /// Decisions and lists of OpenFGA's API [default: { key = 1000, subject = 1000 }]
    pub check: Option<RawRate>,
    /// Explanations, impact, readers and reports [default: { key = 20, subject = 20 }]
    pub survey: Option<RawRate>,
}

/// `query = { key = 1000, subject = 200 }`
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "requests per second, such as `{ key = 1000, subject = 200 }`")]
pub struct RawRate {
    pub key: u32,
    pub subject: u32,
}

impl RawRates {
    /// No limits at all, for measuring.
    pub fn none() -> Self {
        let none = Some(RawRate { key: 0, subject: 0 });
        Self { query: none, read: none, write: none, check: none, survey: none }
    }
}

/// What was decided.
#[derive(Debug, Clone)]
pub struct Limits {
    pub connections: ConnectionLimits,
    pub body: Duration,
    pub queries: Shares,
    pub computing: Shares,
    /// Threads that divide the texts of documents: fewer, since that takes long and nobody waits at a screen.
    pub layouts: Shares,
    pub evaluations: Shares,
    pub steps: u64,
    pub rates: Vec<(Class, Rate)>,
}

impl Limits {
    pub fn rate(&self, class: Class) -> Rate {
        let known = self.rates.iter().find(|(of, _)| *of == class);
        known.map_or(Rate { credential: 0, subject: 0 }, |(_, rate)| *rate)
    }
}

/// Most requests per second that can be set.
const MAX_RATE: u32 = 100_000;

fn within(
    option: &'static str,
    value: Option<u64>,
    default: u64,
    range: RangeInclusive<u64>,
    problem: &'static str,
) -> Result<u64, ConfigError> {
    let value = value.unwrap_or(default);
    if range.contains(&value) { Ok(value) } else { Err(ConfigError::Value { option, problem }) }
}

fn seconds(
    option: &'static str,
    value: Option<u64>,
    default: u64,
    most: u64,
    problem: &'static str,
) -> Result<Duration, ConfigError> {
    within(option, value, default, 1..=most, problem).map(Duration::from_secs)
}

/// # Errors
/// For a value that is out of bounds.
pub fn resolve(raw: &RawLimits, max_queries: usize) -> Result<Limits, ConfigError> {
    let all = within("max_connections", raw.max_connections, 2_048, 16..=100_000, "must be 16 to 100000")?;
    let per_address = within(
        "max_connections_per_address",
        raw.max_connections_per_address,
        all / 2,
        1..=all,
        "must be 1 to `max_connections`",
    )?;
    let queries = max_queries as u64;
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    // Half for one credential, and of this half for one subject, but for the last two.
    let shared = |all: u64| {
        let all = all as usize;
        let credential = all.div_ceil(2);
        Shares { all, credential, subject: credential.div_ceil(2).max(2).min(credential) }
    };
    let share = |option, value, default: u64| {
        within(option, value, default.max(1), 1..=queries, "must be 1 to `max_queries`").map(|share| share as usize)
    };
    let connections = ConnectionLimits {
        all: all as usize,
        per_address: per_address as usize,
        head: seconds("head_timeout_s", raw.head_timeout_s, 20, 300, "must be 1 to 300")?,
        idle: seconds("idle_timeout_s", raw.idle_timeout_s, 75, 3_600, "must be 1 to 3600")?,
    };
    let RawRates { query, read, write, check, survey } = raw.rates;
    let rates = [
        (Class::Query, query, (1_000, 200)),
        (Class::Read, read, (1_000, 200)),
        (Class::Write, write, (500, 500)),
        (Class::Check, check, (1_000, 1_000)),
        (Class::Survey, survey, (20, 20)),
    ];
    let rates = rates.into_iter().map(|(class, raw, (credential, subject))| {
        let rate = raw.map_or(Rate { credential, subject }, |raw| Rate { credential: raw.key, subject: raw.subject });
        if rate.credential.max(rate.subject) > MAX_RATE {
            return Err(ConfigError::Value { option: "rates", problem: "must be 0 to 100000 requests per second" });
        }
        Ok((class, rate))
    });
    let computing = within("computing", raw.computing, (2 * cores).max(4), 2..=1_024, "must be 2 to 1024")?;
    Ok(Limits {
        connections,
        body: seconds("body_timeout_s", raw.body_timeout_s, 60, 3_600, "must be 1 to 3600")?,
        queries: Shares {
            all: max_queries,
            credential: share("max_queries_per_key", raw.max_queries_per_key, queries / 2)?,
            subject: share("max_queries_per_subject", raw.max_queries_per_subject, queries / 8)?,
        },
        computing: shared(computing),
        layouts: shared(computing / 2),
        evaluations: shared(within("evaluations", raw.evaluations, cores.max(2), 1..=1_024, "must be 1 to 1024")?),
        steps: within("steps", raw.steps, 10_000_000, 1_000..=1_000_000_000, "must be 1000 to 1000000000")?,
        rates: rates.collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_bounds_are_refused_and_small_numbers_of_queries_have_shares() {
        let parse = |text: &str| toml::from_str::<RawLimits>(text).unwrap();
        for bad in [
            "max_connections = 1",
            "max_connections = 20\nmax_connections_per_address = 21",
            "head_timeout_s = 0",
            "idle_timeout_s = 4000",
            "body_timeout_s = 0",
            "max_queries_per_key = 65",
            "computing = 1",
            "evaluations = 0",
            "steps = 10",
            "rates.query = { key = 100001, subject = 1 }",
        ] {
            assert!(resolve(&parse(bad), 64).is_err(), "{bad}");
        }
        assert!(toml::from_str::<RawLimits>("max_conections = 20").is_err());
        let limits = resolve(&parse("rates.survey = { key = 0, subject = 3 }"), 1).unwrap();
        assert_eq!(limits.queries, Shares { all: 1, credential: 1, subject: 1 });
        assert_eq!(limits.rate(Class::Survey), Rate { credential: 0, subject: 3 });
        assert!(Class::ALL.into_iter().all(|class| class == Class::Survey || limits.rate(class).subject > 0));
    }
}
