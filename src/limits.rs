//! What one caller may take of the service, so that the others keep theirs: work, places at one time, requests in time.
//!
//! Nothing here decides about rights; what is refused here is refused for want of room.

use std::time::Duration;

pub mod places;
pub mod rates;

pub use usher_base::effort::{self, Effort, Spent};

/// How long one answer may take to be read, however steadily.
pub const ANSWER_READING: Duration = Duration::from_secs(300);

/// Whom limits count against: a credential, and the subject that it acts for, if any.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Payer {
    pub credential: String,
    pub subject: Option<String>,
}

impl Payer {
    /// The subject as this credential's, so that nobody spends what is a person's elsewhere. No credential holds a NUL.
    pub fn with_subject(&self) -> Option<String> {
        self.subject.as_ref().map(|subject| format!("{}\0{subject}", self.credential))
    }

    /// The service itself, for what nobody in particular asks for.
    pub fn itself() -> Self {
        Self { credential: String::new(), subject: None }
    }
}

/// Limits of a listener's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    pub all: usize,
    /// Of one IPv4 address, or one IPv6 network of 64 bits.
    pub per_address: usize,
    /// From the first byte of a request's head to its last one.
    pub head: Duration,
    /// Without a request, or without reading on.
    pub idle: Duration,
}

/// Limits of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    pub bytes: u64,
    /// Of these, for one credential.
    pub share: u64,
}

impl CacheLimits {
    /// With half of it for one credential.
    pub fn of(bytes: u64) -> Self {
        Self { bytes, share: bytes / 2 }
    }
}
