//! An independent answer to "what may this reader get, and in which order".
//!
//! Written from the text of the authorization model and from `docs/ranking.md` alone; it shares no code with the service
//! and depends on no part of it. Rights come from a naive fixpoint over all tuples, ranking from brute force over all
//! readable chunks. Slow on purpose.

#![allow(
    clippy::indexing_slicing,
    clippy::should_implement_trait,
    reason = "it judges tests: a fault in it ends the test that asks"
)]

pub mod models;
pub mod rank;
pub mod rights;
pub mod world;
