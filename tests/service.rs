//! The whole service over HTTP, in this process, with real stores.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the counts are its point"
)]

#[path = "service/administration.rs"]
mod administration;
#[path = "service/asserted.rs"]
mod asserted;
#[path = "service/batches.rs"]
mod batches;
#[path = "service/ceilings.rs"]
mod ceilings;
#[path = "service/changing.rs"]
mod changing;
#[path = "service/commands.rs"]
mod commands;
mod common;
#[path = "service/connections.rs"]
mod connections;
#[path = "service/described.rs"]
mod described;
#[path = "service/documents.rs"]
mod documents;
#[path = "service/drift.rs"]
mod drift;
#[path = "service/embedders.rs"]
mod embedders;
#[path = "service/ends.rs"]
mod ends;
#[path = "service/eval.rs"]
mod eval;
#[path = "service/explain.rs"]
mod explain;
#[path = "service/folders.rs"]
mod folders;
#[path = "service/headers.rs"]
mod headers;
#[path = "service/impact.rs"]
mod impact;
#[path = "service/issuers.rs"]
mod issuers;
#[path = "service/jwks.rs"]
mod jwks;
#[path = "service/keys.rs"]
mod keys;
#[path = "service/keywords.rs"]
mod keywords;
#[path = "service/lists.rs"]
mod lists;
#[path = "service/mistakes.rs"]
mod mistakes;
#[cfg(feature = "onnx")]
#[path = "service/models.rs"]
mod models;
#[path = "service/moving.rs"]
mod moving;
#[path = "service/mutants.rs"]
mod mutants;
#[cfg(feature = "onnx")]
#[path = "service/onnx.rs"]
mod onnx;
#[cfg(feature = "onnx")]
#[path = "service/onnx_reranker.rs"]
mod onnx_reranker;
#[path = "service/openapi.rs"]
mod openapi;
#[path = "service/openfga.rs"]
mod openfga;
#[path = "service/outage.rs"]
mod outage;
#[path = "service/ownership.rs"]
mod ownership;
#[path = "service/passages.rs"]
mod passages;
#[path = "service/past.rs"]
mod past;
#[path = "service/permissions.rs"]
mod permissions;
#[path = "service/rates.rs"]
mod rates;
#[path = "service/records.rs"]
mod records;
#[path = "service/reindex.rs"]
mod reindex;
#[path = "service/relevance.rs"]
mod relevance;
#[path = "service/removal.rs"]
mod removal;
#[path = "service/report.rs"]
mod report;
#[path = "service/rerank.rs"]
mod rerank;
#[path = "service/restart.rs"]
mod restart;
#[path = "service/restore.rs"]
mod restore;
#[path = "service/spelling.rs"]
mod spelling;
#[path = "service/starting.rs"]
mod starting;
#[path = "service/stored.rs"]
mod stored;
#[path = "service/tokens.rs"]
mod tokens;
