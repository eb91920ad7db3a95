//! Acceptance suites of the index traits: what every implementation must do, compared with brute force.

#[cfg(usher_mutants)]
mod crash;
mod keywords;
mod measure;
mod vectors;
pub(in crate::index) mod world;
