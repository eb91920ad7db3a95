//! Several `usher` processes on one PostgreSQL catalog: no answer is older than what was acknowledged anywhere, nothing
//! acknowledged is lost, and nobody has to lend a hand.
//!
//! `USHER_TEST_POSTGRES` names a server whose user may make databases. `USHER_SOAK=1` runs the long forms, `SEED` starts
//! elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the counts are its point"
)]

#[path = "replicas/askers.rs"]
mod askers;
mod common;
#[path = "replicas/failures.rs"]
mod failures;
#[path = "replicas/freshness.rs"]
mod freshness;
#[path = "replicas/matrix.rs"]
mod matrix;
#[allow(dead_code, reason = "one test uses a part of it")]
#[path = "authority/server.rs"]
mod openfga;
#[path = "replicas/partitions.rs"]
mod partitions;
#[allow(dead_code, reason = "made for the crash tests, which use all of it")]
#[path = "crash/process.rs"]
mod process;
#[path = "replicas/proxy.rs"]
mod proxy;
#[path = "replicas/qdrant.rs"]
mod qdrant;
#[path = "replicas/reindex.rs"]
mod reindex;
#[path = "replicas/restored.rs"]
mod restored;
#[path = "replicas/server.rs"]
mod server;
#[path = "replicas/together.rs"]
mod together;
#[path = "replicas/world.rs"]
mod world;
