//! What the tests of several packages share; it stands on nothing of the service.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "for tests: a fault ends them, and what was skipped is said aloud"
)]

mod ports;
mod random;
mod skips;

pub use ports::free_port;
pub use random::{Random, Whole};
pub use skips::skipped;
