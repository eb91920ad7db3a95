//! What goes wrong with an embedder. Never any text that was to be embedded, nor of an answer, nor an address.

use std::time::Duration;

use super::local::ModelError;

/// A failure of one embedder.
#[derive(Debug, thiserror::Error)]
#[error("the embedder `{embedder}` {failure}")]
pub struct EmbedError {
    pub embedder: String,
    #[source]
    pub failure: Failure,
}

impl EmbedError {
    pub fn new(embedder: &str, failure: Failure) -> Self {
        Self { embedder: embedder.to_owned(), failure }
    }

    /// Whether other texts would most likely fail in the same way just now.
    pub fn is_outage(&self) -> bool {
        match &self.failure {
            Failure::NotConfigured
            | Failure::Twice
            | Failure::Unusable(_)
            | Failure::Client { .. }
            | Failure::Unreachable { .. }
            | Failure::Slow { .. }
            | Failure::Busy { .. } => true,
            Failure::Status { .. }
            | Failure::TooLarge { .. }
            | Failure::Malformed { .. }
            | Failure::Count { .. }
            | Failure::Index { .. }
            | Failure::Dimension { .. }
            | Failure::Model
            | Failure::NoProbability
            | Failure::NotFinite => false,
        }
    }
}

/// Exhaustive: whether a new case is an outage must be decided.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("is not configured")]
    NotConfigured,
    #[error("is the same as one that is configured under another name")]
    Twice,
    #[error("{0}")]
    Unusable(#[source] Box<ModelError>),
    #[error("failed on a text")]
    Model,
    #[error("can't be called from here: {}", root(source))]
    Client { source: reqwest::Error },
    #[error("can't be reached: {}", root(source))]
    Unreachable { source: reqwest::Error },
    #[error("did not answer within {timeout:?}")]
    Slow { timeout: Duration },
    #[error("answered that it is busy (HTTP {status})")]
    Busy { status: u16 },
    #[error("answered with HTTP {status}")]
    Status { status: u16 },
    #[error("gave an answer of more than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("gave an answer of another form (line {line}, column {column})")]
    Malformed { line: usize, column: usize },
    #[error("gave {found} where {expected} were asked for")]
    Count { expected: usize, found: usize },
    #[error("gave a vector for input {index}, which does not exist or had one already")]
    Index { index: usize },
    #[error("gave a vector of {found} dimensions where {expected} are configured")]
    Dimension { expected: usize, found: usize },
    #[error("gave numbers that are not finite")]
    NotFinite,
    #[error("gave scores that are not 0 to 1")]
    NoProbability,
}

/// The innermost cause: the operating system's, the resolver's or the TLS library's own words. The layers above it name
/// the address.
fn root(error: &reqwest::Error) -> &dyn std::error::Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause
}
