//! The shapes of the native HTTP API (v1), shared by the service, the ingest CLI and the tests.
//!
//! Field names are snake_case on the wire, times are RFC 3339 in UTC, sizes are bytes. Requests refuse unknown fields, so
//! that a misspelt option is an error and never silently ignored. These comments are also what the API's description
//! (`/openapi.json`) says.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub mod administration;
pub mod bounds;
pub mod documents;
pub mod explain;
pub mod query;
pub mod relationships;
pub mod strict;

pub use administration::*;
pub use documents::*;
pub use explain::*;
pub use query::*;
pub use relationships::*;

/// A JSON object with sorted keys: metadata of a document, context of a condition.
pub type Fields = BTreeMap<String, Value>;

/// An error as RFC 9457 `application/problem+json`. `detail` never names anything that the caller cannot read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `urn:usher:problem:<code>`; stable.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What is wrong and how to mend it.
    pub detail: String,
    /// `urn:usher:request:<id>`; empty inside a per-document result.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instance: String,
    /// The last part of `kind`, for programs.
    pub code: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Problem {
    /// Why something was refused, as one line: at which places of it, and what is wrong there.
    pub fn told(&self) -> String {
        const MOST: usize = 5;
        let errors = self.errors.iter().map(|error| match error.pointer.as_str() {
            "" => error.detail.clone(),
            pointer => format!("{pointer}: {}", error.detail),
        });
        let mut told: Vec<String> = errors.take(MOST).collect();
        let more = self.errors.len().saturating_sub(told.len());
        told.extend((more > 0).then(|| format!("and {more} more")));
        // Where there are places, the detail only says that there are.
        if told.is_empty() { self.detail.clone() } else { told.join("; ") }
    }
}

/// Where in the request body the problem is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901) into the request body.
    pub pointer: String,
    pub detail: String,
}

/// `GET /v1/health/…`: no versions, no hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    pub status: HealthStatus,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// While it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Startup>,
}

/// What a start is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Startup {
    /// For programs, such as `tuples`.
    pub stage: String,
    /// For people, such as `reading the tuples`.
    pub doing: String,
    /// How much of the stage is done, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Seconds since the start began.
    pub seconds: u64,
}

/// One part of the service: `catalog`, `indexes`, `audit` (without which nothing is answered), `writing`, `replica` where several processes share a catalog, or
/// `embedder:<name>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Component {
    pub name: String,
    pub status: HealthStatus,
    /// Why it failed, where that can be said to anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    Ok,
    /// Serving, with an embedder that did not answer last, or without taking changes.
    Degraded,
    Failed,
    /// Not open yet.
    Starting,
}
