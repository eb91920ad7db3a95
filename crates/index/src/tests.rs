//! Acceptance suites of the index traits: what every implementation must do, compared with brute force.

#[cfg(usher_mutants)]
mod crash;
mod forms;
mod judged;
mod keywords;
mod measure;
mod qdrant;
mod vectors;
pub(crate) mod world;
