//! The real binary, killed, starved and damaged: what was acknowledged stays, what was taken away doesn't come back.
//!
//! `USHER_SOAK=1` runs the long forms, `SEED` starts elsewhere, `SHARD=i/n` runs a part.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the counts are its point"
)]

#[path = "crash/check.rs"]
mod check;
#[path = "crash/damage.rs"]
mod damage;
#[path = "crash/failpoints.rs"]
mod failpoints;
#[path = "crash/faults.rs"]
mod faults;
#[path = "crash/kills.rs"]
mod kills;
#[path = "crash/lifecycle.rs"]
mod lifecycle;
#[path = "crash/load.rs"]
mod load;
#[allow(dead_code, reason = "the tests of replicas use the rest")]
#[path = "crash/process.rs"]
mod process;
#[path = "crash/starts.rs"]
mod starts;
#[path = "crash/world.rs"]
mod world;
