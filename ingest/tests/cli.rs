//! The CLI as an operator runs it, against a small stand-in for the service.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail at the place where something is not as expected"
)]

#[path = "cli/beside.rs"]
mod beside;
#[path = "cli/blanks.rs"]
mod blanks;
#[path = "cli/common.rs"]
mod common;
#[path = "cli/folder.rs"]
mod folder;
#[path = "cli/history.rs"]
mod history;
#[path = "cli/lists.rs"]
mod lists;
#[path = "cli/moves.rs"]
mod moves;
#[path = "cli/mutants.rs"]
mod mutants;
#[path = "cli/names.rs"]
mod names;
#[path = "cli/ocr.rs"]
mod ocr;
#[path = "cli/order.rs"]
mod order;
#[path = "cli/people.rs"]
mod people;
#[path = "cli/posix.rs"]
mod posix;
#[path = "cli/prefixes.rs"]
mod prefixes;
#[path = "cli/records.rs"]
mod records;
#[path = "cli/renames.rs"]
mod renames;
#[path = "cli/safety.rs"]
mod safety;
#[path = "cli/scopes.rs"]
mod scopes;
#[path = "cli/stub.rs"]
mod stub;
