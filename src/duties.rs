//! What the service does by itself, beside requests: ending what is over, indexing anew, comparing memory with the catalog.

pub mod drift;
pub mod expiry;
pub mod reindex;
