//! The leak oracle: random worlds through the whole service, compared with brute force that shares no code with it.
//!
//! `mutants_are_caught` starts this binary again with one deliberate bug at a time and expects the named test to fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the counts are its point"
)]

#[path = "leak/alone.rs"]
mod alone;
mod common;
#[path = "leak/concurrent.rs"]
mod concurrent;
#[path = "leak/distributed.rs"]
mod distributed;
#[path = "leak/driver.rs"]
mod driver;
#[path = "leak/mutants.rs"]
mod mutants;
#[path = "leak/races.rs"]
mod races;
#[path = "leak/sections.rs"]
mod sections;
#[path = "leak/sequential.rs"]
mod sequential;
#[path = "leak/twins.rs"]
mod twins;

/// What a seed-driven test runs with: `USHER_SEED` and a number of steps that `USHER_SOAK` multiplies.
fn plan(steps: usize) -> (u64, usize) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("USHER_SEED").unwrap_or(1);
    (seed, steps * number("USHER_SOAK").unwrap_or(1) as usize)
}
