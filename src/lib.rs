//! Usher: permission-aware retrieval for RAG.
//!
//! A chat application sends a caller's question; Usher returns the best passages that *this caller may read*. The words
//! used throughout (reader, audience, grants, snapshot, revision, parked, hit, passage) are defined in
//! `docs/architecture.md`. Start at [`query`] for the read path and at [`commit`] for the write path; [`wire`] holds the
//! shapes of the native API and [`authz`] the pure evaluator.

pub mod authz;
pub mod failpoint;
pub mod invisible;
pub mod limits;
pub mod mutants;
pub mod outline;
pub mod wire;

#[cfg(feature = "server")]
pub mod admin;
#[cfg(feature = "server")]
pub mod administration;
#[cfg(feature = "server")]
pub mod audit;
#[cfg(feature = "server")]
pub mod authority;
#[cfg(feature = "server")]
pub mod catalog;
#[cfg(feature = "server")]
pub mod commit;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod cursor;
#[cfg(feature = "server")]
pub mod embed;
#[cfg(feature = "server")]
pub mod expiry;
#[cfg(feature = "server")]
pub mod gate;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod identity;
#[cfg(feature = "server")]
pub mod index;
#[cfg(feature = "server")]
pub mod indexes;
#[cfg(feature = "server")]
pub mod lease;
pub mod paged;
#[cfg(feature = "server")]
pub mod pause;
#[cfg(feature = "server")]
pub mod prepare;
#[cfg(feature = "server")]
pub mod progress;
#[cfg(feature = "server")]
pub mod query;
#[cfg(feature = "server")]
pub mod reindex;
#[cfg(feature = "server")]
pub mod remote;
#[cfg(feature = "server")]
pub mod revision;
#[cfg(feature = "server")]
pub mod serve;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub mod snapshot;
#[cfg(feature = "server")]
pub mod spelling;
#[cfg(feature = "server")]
pub mod telemetry;
#[cfg(feature = "server")]
pub mod transfer;
