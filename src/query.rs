//! THE read path: from a credential and a question to an answer that holds only what the reader may read.
//!
//! Each stage's result can only be made from the one before it. Masks keep unreadable chunks out of the search; the gate
//! verifies every hit on the newest snapshot before anything is ranked; text is read last, through the gate's proof.

use std::time::Instant;

use crate::audit::Trace;
use crate::authority::AuthorityError;
use crate::authz::ResolveError;
use crate::catalog::CatalogError;
use crate::identity::{Credential, IdentityError, Scope};
use crate::index::IndexError;
use crate::limits::Spent;
use crate::limits::places::Taken;
use crate::service::Service;
use crate::service::turn::NotComputed;
use crate::wire::{Answer, FieldProblem, Query};

mod allow;
mod assemble;
mod caveats;
mod diversify;
mod fuse;
mod heading;
mod relevance;
mod rerank;
mod respond;
mod search;
mod stages;
mod validate;
mod weigh;

pub use allow::snapshot_at;
pub use validate::{Question, is_small};

use stages::Stages;

/// Why a question has no answer. Exhaustive: a new case must be decided wherever errors become responses.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("the request is not valid")]
    Invalid(Vec<FieldProblem>),
    #[error("the filter is not valid")]
    Filter(Vec<FieldProblem>),
    #[error("the vector has another dimension than the collection")]
    Dimensions { expected: usize },
    #[error("the revision can't be reached before the deadline")]
    RevisionUnavailable,
    #[error("the deadline passed during {stage}")]
    Deadline { stage: &'static str },
    #[error(transparent)]
    Authority(AuthorityError),
    #[error(transparent)]
    Index(IndexError),
    #[error("the embedder is not available")]
    Embedder,
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Audit(#[from] crate::audit::AuditError),
    #[error("as many queries are being answered as may be")]
    Overloaded,
    #[error("as many queries of this caller are being answered as may be")]
    TooMany,
    #[error(transparent)]
    NotComputed(NotComputed),
    #[error("no randomness")]
    Randomness,
}

impl QueryError {
    /// Why a stage could not compute.
    pub(crate) fn at(stage: &'static str) -> impl FnOnce(NotComputed) -> Self {
        move |error| match error {
            NotComputed::Spent(spent) => Self::spent(spent, stage),
            NotComputed::NoPlace(taken) => taken.into(),
            error @ NotComputed::BrokeOff(_) => Self::NotComputed(error),
        }
    }

    fn spent(spent: Spent, stage: &'static str) -> Self {
        match spent {
            Spent::Time => Self::Deadline { stage },
            Spent::Steps => Self::NotComputed(spent.into()),
        }
    }
}

impl From<AuthorityError> for QueryError {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::Resolve(ResolveError::Spent(spent)) => Self::spent(spent, "resolve"),
            error => Self::Authority(error),
        }
    }
}

impl From<IndexError> for QueryError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Spent(spent) => Self::spent(spent, "search"),
            error => Self::Index(error),
        }
    }
}

impl From<Taken> for QueryError {
    fn from(taken: Taken) -> Self {
        match taken {
            Taken::All => Self::Overloaded,
            Taken::Own => Self::TooMany,
        }
    }
}

/// Rounds of searching; another one runs only when a hit was lost meanwhile.
const ROUNDS: u32 = 2;
/// Rounds while the state goes on changing, within half of the question's time.
const ROUNDS_OF_CHANGE: u32 = 32;

/// Answers a question that came at `arrived`.
///
/// # Errors
/// See [`QueryError`]; no error says anything about what the caller can't read.
pub async fn answer(
    service: &Service,
    credential: &Credential,
    request: Query,
    trace: &Trace,
    arrived: Instant,
) -> Result<Answer, QueryError> {
    let principal =
        service.authenticator.authenticate(&service.published.load(), credential, jiff::Timestamp::now()).await?;
    principal.require(Scope::Query)?;
    let reader = principal.reader()?;
    let payer = principal.payer();
    let place = service.queries.try_take(&payer)?;

    let asked = trace.asked();
    let question = validate::parse(request, &service.limits, service.reranker.is_some())?;
    // The place is kept as long as anything goes on, also after a deadline or without the caller.
    let turn = service.query_turn(payer, arrived + question.deadline).holding(place);
    let mut stages = Stages::new(arrived, question.deadline, &service.metrics);
    let mut snapshot = stages.run("wait", snapshot_at(service, &question)).await?;

    let left = || question.deadline.saturating_sub(arrived.elapsed());
    let mut vectors = search::Vectors::default();
    let mut round = 1;
    let passages = loop {
        crate::pause::at("query.pinned", asked.name()).await;
        let revision = snapshot.revision;
        let resolve = allow::resolve(service, &turn, snapshot, &reader, &question);
        let mut allowed = stages.run("resolve", resolve).await?;
        stages.run("embed", search::embed(service, &turn, &question, &allowed, &mut vectors)).await?;
        stages.run("wait", allow::await_indexes(service, &question, &mut allowed, left())).await?;
        let indexes = allowed.indexes();
        let hits = stages.run("search", search::both_legs(service, &turn, &question, &allowed, &vectors)).await?;
        crate::pause::at("query.searched", asked.name()).await;
        let verified = stages.run("verify", fuse::verify(service, &turn, allowed, hits)).await?;
        let ranked = fuse::narrow(fuse::fuse(verified), &question);
        let weighed = async {
            let effort = turn.place().await.map_err(QueryError::at("weigh"))?;
            let measure = relevance::Measure { question: &question, indexes: &indexes, vectors: &vectors, effort };
            weigh::weigh(service, &question, ranked, measure).await
        };
        let ranked = stages.run("weigh", weighed).await?;
        let ranked = stages.run("rerank", rerank::rerank(service, &turn, &question, ranked, left() / 2)).await?;
        let diversified = diversify::diversify(service, &turn, &question, ranked, &indexes);
        let ranked = stages.run("diversify", diversified).await?;
        crate::pause::at("query.verified", asked.name()).await;
        // Texts are read with a place too: who asks for many neighbours must not keep the catalog busy for everybody.
        let read = async {
            let _place = turn.place().await.map_err(QueryError::at("assemble"))?;
            assemble::passages(service, &question, ranked).await
        };
        let passages = stages.run("assemble", read).await?;
        let is_changing = service.published.load().revision > revision && left() > question.deadline / 2;
        let rounds = if is_changing { ROUNDS_OF_CHANGE } else { ROUNDS };
        if !passages.caveats.is_incomplete || round >= rounds || crate::mutants::active("one_round") {
            break passages;
        }
        round += 1;
        snapshot = stages.run("wait", allow::searchable(service, left(), &indexes)).await?;
    };
    stages.in_time()?;
    respond::respond(service, &principal, &reader, &question, passages, trace, stages).await
}
