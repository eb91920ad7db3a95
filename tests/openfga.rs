//! Usher beside the real OpenFGA server: the same requests, answers compared.
//!
//! `scripts/openfga.sh` installs the server and its tools; what is missing is skipped, and that is printed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the counts are its point"
)]

#[path = "openfga/clients.rs"]
mod clients;
mod common;
#[path = "openfga/compare.rs"]
mod compare;
#[path = "openfga/excuses.rs"]
mod excuses;
#[path = "openfga/generate.rs"]
mod generate;
#[path = "openfga/random.rs"]
mod random;
#[path = "openfga/requests.rs"]
mod requests;
#[path = "openfga/server.rs"]
mod server;
#[path = "openfga/values.rs"]
mod values;
