//! What only the test build has: places that fail or kill the process, deliberate bugs, requests that are held still. In
//! every other build each of them is nothing.

pub mod failpoint;
pub mod mutants;
pub mod pause;
