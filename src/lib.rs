//! Usher: permission-aware retrieval for RAG.
//!
//! A chat application sends a caller's question; Usher returns the best passages that *this caller may read*. The words
//! used throughout (reader, audience, grants, snapshot, revision, parked, hit, passage) are defined in
//! `docs/architecture.md`. Start at [`query`] for the read path and at [`commit`] for the write path; [`wire`] holds the
//! shapes of the native API and [`authz`] the pure evaluator.

pub use usher_authz as authz;
pub use usher_base::faults::{failpoint, mutants, pause};
pub use usher_base::{causes, instant, invisible, outline, outside, paged, progress, wire};
pub use usher_index as index;

pub mod administration;
pub mod audit;
pub mod authority;
pub mod catalog;
pub mod commands;
pub mod commit;
pub mod config;
pub mod duties;
pub mod embed;
pub mod gate;
pub mod http;
pub mod identity;
pub mod indexes;
pub mod lease;
pub mod limits;
pub mod openfga;
pub mod prepare;
pub mod query;
pub mod serve;
pub mod service;
pub mod snapshot;
pub mod spans;
pub mod spelling;
pub mod telemetry;
pub mod tokens;
pub mod transfer;
