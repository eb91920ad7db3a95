//! Conditions: contexts, conversion to declared types, evaluation under budgets.

use std::collections::BTreeMap;

use serde_json::Value;

/// The request's context for conditions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context(pub BTreeMap<String, Value>);

/// Why a condition could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    #[error("condition `{condition}`: parameter `{parameter}` is missing from the context")]
    Missing { condition: String, parameter: String },
}

/// How a result depends on the request's context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionUse {
    /// No conditional tuple was met: exact for every context.
    None,
    /// Only intervals of `current_time` were met: exact from the `current_time` of the context until this instant
    /// (exclusive), whatever else the context holds.
    Until(jiff::Timestamp),
    /// Exact for this context only.
    Context,
}
