//! Rules of the code base that a machine can check.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the counts are its point"
)]

#[path = "house/company.rs"]
mod company;
#[path = "house/imports.rs"]
mod imports;
#[path = "house/limits.rs"]
mod limits;
#[path = "house/packages.rs"]
mod packages;
#[path = "house/skips.rs"]
mod skips;
