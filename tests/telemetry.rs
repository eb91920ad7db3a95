//! What an operator sees of the real program: its log, its metrics, and what a collector receives.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the counts are its point"
)]

#[path = "telemetry/collector.rs"]
mod collector;
#[path = "telemetry/export.rs"]
mod export;
#[path = "telemetry/log.rs"]
mod log;
#[path = "telemetry/page.rs"]
mod page;
#[allow(dead_code, reason = "the crash tests use the rest")]
#[path = "crash/process.rs"]
mod process;
#[allow(dead_code, reason = "the service tests use the rest")]
#[path = "common/tokens.rs"]
mod tokens;
