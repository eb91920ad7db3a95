//! A real OpenFGA server owns the tuples: what it says binds, whatever the replica holds.
//!
//! `scripts/openfga.sh` installs the server; without it every test says that it was skipped.

mod common;
#[path = "authority/failing.rs"]
mod failing;
#[path = "authority/following.rs"]
mod following;
#[path = "authority/server.rs"]
mod server;
