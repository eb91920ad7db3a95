//! A real OpenFGA server owns the tuples: what it says binds, whatever the mirror holds.
//!
//! `scripts/openfga.sh` installs the server; without it every test says that it was skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the counts are its point"
)]

mod common;
#[path = "authority/failing.rs"]
mod failing;
#[path = "authority/following.rs"]
mod following;
#[path = "authority/lag.rs"]
mod lag;
#[path = "authority/newenemy.rs"]
mod newenemy;
#[path = "authority/restarts.rs"]
mod restarts;
#[path = "authority/server.rs"]
mod server;
#[path = "authority/storm.rs"]
mod storm;
#[path = "authority/writing.rs"]
mod writing;
