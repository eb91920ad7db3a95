//! What every request handler shares: the parts of a running service, without any HTTP.

use std::sync::Arc;
use std::time::Duration;

use crate::audit::Audit;
use crate::authority::Authority;
use crate::catalog::Catalog;
use crate::commit::Committer;
use crate::embed::Embedders;
use crate::embed::rerank::Reranker;
use crate::gate::Gate;
use crate::identity::Authenticator;
use crate::indexes::Indexes;
use crate::indexes::points::ReconciledTotals;
use crate::limits::places::Places;
use crate::limits::rates::Rates;
use crate::openfga::Remote;
use crate::snapshot::Published;
use crate::snapshot::names::ChunkKeys;
use crate::telemetry::Metrics;
use crate::tokens::cursor::Cursors;
use crate::tokens::receipt::Receipts;
use crate::tokens::revision::RevisionTokens;

pub mod fresh;
pub mod measures;
#[cfg(test)]
mod together;
pub mod turn;
mod writes;

/// Limits of the query path; see the table in the README.
#[derive(Debug, Clone)]
pub struct QueryLimits {
    /// Candidates per leg and collection; a public constant of the installation.
    pub depth: usize,
    pub default_deadline: Duration,
    pub max_deadline: Duration,
    /// Steps of work that one request may cause, where no deadline of its own ends it.
    pub steps: u64,
}

/// A running service.
pub struct Service {
    pub catalog: Catalog,
    pub published: Arc<Published>,
    /// Absent: the catalog is this process's own.
    pub others: Option<Arc<fresh::Others>>,
    pub committer: Committer,
    pub indexes: Arc<Indexes>,
    pub authority: Arc<Authority>,
    pub gate: Gate,
    /// The store whose tuples an OpenFGA server owns.
    pub remote: Option<Arc<Remote>>,
    pub authenticator: Authenticator,
    pub embedders: Embedders,
    pub reranker: Option<Reranker>,
    pub revisions: RevisionTokens,
    pub cursors: Cursors,
    pub receipts: Receipts,
    pub audit: Audit,
    pub chunk_keys: ChunkKeys,
    pub metrics: Metrics,
    pub limits: QueryLimits,
    /// One place for each query that is being answered.
    pub queries: Arc<Places>,
    pub rates: Rates,
    /// How long the whole body of a request may take.
    pub body_deadline: Duration,
    /// Where queries and reads compute.
    pub computing: Arc<Places>,
    /// Where texts of documents are divided; queries don't wait for them.
    pub layouts: Arc<Places>,
    /// Where decisions of OpenFGA's surface are made; queries don't wait for them.
    pub evaluations: Arc<Places>,
    /// One place for each request that carries documents, from before its body is read: a body is large.
    pub uploads: Arc<Places>,
    /// A place for each MiB of large answers that are not read yet.
    pub answers: Arc<Places>,
    /// One place for each stream whose reader has not taken everything yet.
    pub streams: Arc<Places>,
    /// Where questions of administrators that may take seconds are answered; nothing else waits for them.
    pub surveys: Arc<Places>,
    /// The store of collections and requests that name none.
    pub default_store: String,
    /// What comparisons of an index elsewhere have mended.
    pub reconciled: Arc<ReconciledTotals>,
}
