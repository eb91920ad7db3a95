//! Usher: permission-aware retrieval for RAG.
//!
//! A chat application sends a caller's question; Usher returns the best passages that *this caller may read*. The words
//! used throughout (reader, audience, grants, snapshot, revision, parked, hit, passage) are defined in
//! `docs/architecture.md`; [`wire`] holds the shapes of the native API and [`authz`] the pure evaluator.

pub mod authz;
pub mod failpoint;
#[cfg(feature = "server")]
pub mod index;
pub mod mutants;
pub mod wire;
