//! What becomes of each error of the service. None of them tells a caller anything about what it can't read.

use super::ApiProblem;
use super::kinds::{
    AUTHORIZATION, CATALOG, CONFLICT, DEADLINE, EMBEDDER, INDEX, INTERNAL, INVALID, INVALID_FILTER, OUTCOME,
    OVERLOADED, REVISION, SCOPE, STORAGE, SUBJECT, TOKEN_EXPIRED, UNAUTHENTICATED,
};
use crate::administration::impact::ImpactError;
use crate::administration::past::PastError;
use crate::administration::report::ReportError;
use crate::authority::AuthorityError;
use crate::authority::server::ServerError;
use crate::authz::ResolveError;
use crate::catalog::CatalogError;
use crate::commit::CommitError;
use crate::commit::tuples::TupleWriteError;
use crate::identity::IdentityError;
use crate::limits::Spent;
use crate::query::QueryError;
use crate::service::fresh::Stale;
use crate::service::turn::NotComputed;
use crate::telemetry::Seldom;

impl From<IdentityError> for ApiProblem {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Missing => Self::new(UNAUTHENTICATED, "Send `Authorization: Bearer <key or token>`."),
            IdentityError::Header { header, problem } => {
                Self::new(INVALID, &format!("The header `{header}` {problem}."))
            }
            IdentityError::Token { reason, .. } => {
                Self::new(UNAUTHENTICATED, &format!("The token is not valid: {reason}."))
            }
            IdentityError::Invalid { .. } => {
                Self::new(UNAUTHENTICATED, "The credential is not valid. Ask an administrator for a new one.")
            }
            IdentityError::Expired => Self::new(TOKEN_EXPIRED, "Get a new token from its issuer."),
            IdentityError::KeysUnavailable => {
                Self::new(AUTHORIZATION, "The token's issuer can't be asked for its keys. Try again.").retry_after(5)
            }
            IdentityError::Scope(scope) => {
                Self::new(SCOPE, &format!("The scope `{scope}` is needed; a token names it `usher.{scope}`."))
            }
            IdentityError::SubjectNotPermitted => {
                Self::new(SUBJECT, "Acting for a subject needs the scope `act_as` and a type that the key lists.")
            }
            IdentityError::Beyond => {
                let detail = "A key can have no scope, collection, source or type to act as that its maker lacks, and no \
                              subject but its maker's, or one that its maker may act for (`act_as`).";
                Self::new(SCOPE, detail)
            }
            IdentityError::NoSubject => {
                let detail = "The key has no subject, so there is nobody to read as. Name somebody in the header \
                              `Usher-Subject` where it has `act_as`, or make one with a subject.";
                Self::new(SUBJECT, detail)
            }
        }
    }
}

impl From<Spent> for ApiProblem {
    fn from(spent: Spent) -> Self {
        static ENDED: Seldom = Seldom::new();
        if let Some(left_out) = ENDED.pass() {
            tracing::warn!(%spent, left_out, "a request's work was ended");
        }
        let detail = match spent {
            Spent::Steps => "It takes more than one request may cause. Ask less at once.",
            // A query, which can allow more time, is told so: see `QueryError`.
            Spent::Time => "The time for it is over. Try again, or ask less at once.",
        };
        Self::new(DEADLINE, detail)
    }
}

impl From<NotComputed> for ApiProblem {
    fn from(error: NotComputed) -> Self {
        match error {
            NotComputed::Spent(spent) => spent.into(),
            NotComputed::NoPlace(taken) => QueryError::from(taken).into(),
            error @ NotComputed::BrokeOff(_) => Self::internal(&error),
        }
    }
}

impl From<ImpactError> for ApiProblem {
    fn from(error: ImpactError) -> Self {
        match error {
            ImpactError::Refused(error) => error.into(),
            ImpactError::Spent(spent) => spent.into(),
        }
    }
}

impl From<ReportError> for ApiProblem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Refused(error) => error.into(),
            ReportError::Catalog(error) => error.into(),
            ReportError::NotComputed(error) => error.into(),
            ReportError::Spent(spent) => spent.into(),
        }
    }
}

impl From<AuthorityError> for ApiProblem {
    fn from(error: AuthorityError) -> Self {
        if let AuthorityError::Resolve(ResolveError::Spent(spent)) = error {
            return spent.into();
        }
        tracing::error!(%error, "rights could not be decided");
        Self::new(AUTHORIZATION, "Try again.").retry_after(1)
    }
}

impl From<QueryError> for ApiProblem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Identity(error) => error.into(),
            QueryError::Invalid(errors) => Self::new(INVALID, "Correct what `errors` names.").with_errors(errors),
            QueryError::Filter(errors) => Self::new(INVALID_FILTER, "Correct what `errors` names.").with_errors(errors),
            QueryError::Dimensions { expected } => Self::new(
                EMBEDDER,
                &format!("A vector of {expected} numbers, of the collection's embedder, is needed."),
            ),
            QueryError::RevisionUnavailable => Self::new(REVISION, "Try again, or allow a longer deadline."),
            QueryError::Deadline { stage } => {
                static MISSED: Seldom = Seldom::new();
                if let Some(left_out) = MISSED.pass() {
                    tracing::warn!(stage, left_out, "a query missed its deadline");
                }
                Self::new(DEADLINE, "Try again, or allow a longer deadline.")
            }
            QueryError::Authority(error) => error.into(),
            QueryError::Index(error) => {
                tracing::error!(%error, "a search failed");
                Self::new(INDEX, "Try again.").retry_after(1)
            }
            QueryError::Embedder => {
                Self::new(INDEX, "The embedder does not answer. Try again, or ask with mode `keyword`.").retry_after(1)
            }
            QueryError::Catalog(error) => error.into(),
            QueryError::Audit(error) => {
                tracing::error!(%error, "no audit, no answer");
                Self::new(STORAGE, "The audit record can't be written, so there is no answer.").retry_after(5)
            }
            QueryError::TooMany => Self::crowded(),
            QueryError::Overloaded => Self::overloaded(),
            QueryError::NotComputed(error) => error.into(),
            QueryError::Randomness => Self::new(INTERNAL, "The system gives no randomness."),
        }
    }
}

impl From<PastError> for ApiProblem {
    fn from(error: PastError) -> Self {
        match error {
            PastError::Future | PastError::NoModel { .. } | PastError::Incomplete { .. } => {
                Self::new(REVISION, &format!("Of that revision nothing can be told: {error}."))
            }
            PastError::Catalog(error) => error.into(),
            PastError::NotComputed(error) => error.into(),
            PastError::Spent(spent) => spent.into(),
            PastError::Tuple(error) => Self::internal(&error),
            PastError::Model(error) => Self::internal(&error),
        }
    }
}

impl From<Stale> for ApiProblem {
    fn from(stale: Stale) -> Self {
        match stale {
            Stale::Unknown => Self::new(CATALOG, "The catalog does not answer. Try again.").retry_after(1),
            Stale::Behind => Self::new(REVISION, "Try again, or ask another replica.").retry_after(1),
            Stale::Stuck(_) => {
                Self::new(CATALOG, "This replica can't follow the catalog; its log says why. Ask another one.")
                    .retry_after(1)
            }
        }
    }
}

impl From<CatalogError> for ApiProblem {
    fn from(error: CatalogError) -> Self {
        if error.is_unreachable() { Self::no_catalog(&error) } else { Self::internal(&error) }
    }
}

impl From<CommitError> for ApiProblem {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Tuple(error) => error.into(),
            CommitError::Identity(error) => error.into(),
            CommitError::UnknownStore
            | CommitError::UnknownCollection
            | CommitError::UnknownDocument
            | CommitError::UnknownModel => Self::not_found(),
            CommitError::NoModel => Self::new(CONFLICT, "The store has no authorization model. Write one first."),
            CommitError::Model(error) => Self::invalid("/model", &error.to_string()),
            // A collection's own types are told apart where it is put.
            CommitError::Binding(error) => Self::invalid("/model", &error.to_string()),
            CommitError::Fields(error) => Self::invalid(&error.pointer, &error.to_string()),
            CommitError::RevisionConflict => Self::version_conflict(),
            CommitError::Fixed { what: what @ ("embedder" | "analyser") } => {
                let detail =
                    format!("`{what}` changes only together with the indexes: POST to the collection's `reindex`.");
                Self::new(CONFLICT, &detail)
            }
            CommitError::Fixed { what } => {
                Self::new(CONFLICT, &format!("`{what}` is fixed at creation. Make another collection."))
            }
            CommitError::Reindexing { problem } => Self::new(CONFLICT, problem).retry_after(5),
            CommitError::LastAdmin => Self::new(
                CONFLICT,
                "It is the last working key with the scope `admin`: nobody could make another one. Make a new one first, \
                 or say `?force=true` (`--force`); `usher keys create --data` on the machine makes one then.",
            ),
            CommitError::Filled { documents } => {
                let detail =
                    format!("It holds documents ({documents}). Say `?force=true` to remove it with all of them.");
                Self::new(CONFLICT, &detail)
            }
            CommitError::StoreInUse => Self::new(CONFLICT, "A collection is bound to the store. Remove it first."),
            CommitError::DryRun(_) => Self::new(INTERNAL, "A dry run was answered as an error."),
            CommitError::Outdated => {
                Self::new(CONFLICT, "The document changed meanwhile. Send it again.").retry_after(1)
            }
            CommitError::Server(error) => {
                tracing::error!(%error, "the authorization server did not take a write");
                match error {
                    ServerError::Refused(reason) => {
                        Self::new(CONFLICT, &format!("The authorization server refuses: {reason}"))
                    }
                    ServerError::Conflict => {
                        Self::new(CONFLICT, "The authorization server's state is another one. Read it, then try again.")
                    }
                    _ => {
                        Self::new(AUTHORIZATION, "The authorization server does not answer. Try again.").retry_after(1)
                    }
                }
            }
            CommitError::Mirrored { what } => Self::new(
                CONFLICT,
                &format!("With an authorization server of its own, {what} is not possible. Write to the server."),
            ),
            CommitError::Busy => Self::new(OVERLOADED, "Send less at once, or later.").retry_after(1),
            CommitError::Storage(error) if error.is_unreachable() => Self::no_catalog(&error),
            CommitError::Storage(error) => {
                tracing::error!(%error, "the storage refuses writes");
                Self::new(STORAGE, "The disk is full or failing. Nothing was changed.").retry_after(30)
            }
            CommitError::Audit => {
                Self::new(STORAGE, "The audit can't be written. Nothing was changed.").retry_after(30)
            }
            CommitError::Unrecorded => Self::new(
                STORAGE,
                "The change was made. Its record waits, because the audit can't be written, and nothing else is changed \
                 until it can. Read the present state before you send it again; a key whose secret you have not seen is to \
                 be revoked.",
            ),
            CommitError::Stopped => {
                Self::new(STORAGE, "Writing has stopped after a failure. Nothing was changed. Restart the service.")
            }
            CommitError::Undecided => Self::new(
                STORAGE,
                "The disk failed in the middle: whether the change was made shows when the service is restarted. Writing \
                 has stopped until then.",
            ),
            CommitError::Unavailable(error) => {
                tracing::error!(%error, "the catalog can't be written");
                Self::new(CATALOG, "Nothing was written. Send it again.").retry_after(1)
            }
            CommitError::NotTaken => {
                Self::new(CATALOG, "The connection to the catalog was lost and nothing was written. Send it again.")
                    .retry_after(1)
            }
            CommitError::Unknown => {
                Self::new(OUTCOME, "The catalog is away. Read the present state, then decide again.").retry_after(5)
            }
            CommitError::Catalog(error) => Self::internal(&error),
            CommitError::Index(error) if error.is_storage_refusal() => {
                tracing::error!(%error, "an index refuses writes");
                Self::new(STORAGE, "The disk is full or failing, or has failed since the start. Nothing was changed.")
                    .retry_after(30)
            }
            CommitError::Index(error) => Self::internal(&error),
        }
    }
}

impl From<TupleWriteError> for ApiProblem {
    fn from(error: TupleWriteError) -> Self {
        match error {
            TupleWriteError::Exists { .. }
            | TupleWriteError::OtherCondition { .. }
            | TupleWriteError::Missing { .. } => {
                Self::new(CONFLICT, &format!("{error}. With `idempotent` such tuples are skipped."))
            }
            _ => Self::invalid(error.place(), &error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::IndexError;
    use crate::limits::Spent::{Steps, Time};

    #[test]
    fn a_problem_names_the_cause_for_which_the_work_was_ended() {
        let (late, too_much) = ("Try again, or allow a longer deadline.", "Ask less at once.");
        for (error, told) in [
            (QueryError::at("search")(Time.into()), late),
            (QueryError::at("search")(Steps.into()), too_much),
            (IndexError::Spent(Time).into(), late),
            (IndexError::Spent(Steps).into(), too_much),
            (AuthorityError::from(ResolveError::Spent(Time)).into(), late),
            (AuthorityError::from(ResolveError::Spent(Steps)).into(), too_much),
            (QueryError::Deadline { stage: "respond" }, late),
        ] {
            let shown = format!("{error:?}");
            let problem = ApiProblem::from(error).problem;
            assert!(problem.code == "deadline_exceeded" && problem.detail.ends_with(told), "{shown}: {problem:?}");
        }
        // Other questions have no deadline of their own.
        for (spent, told) in [(Time, "Try again, or ask less at once."), (Steps, too_much)] {
            assert!(ApiProblem::from(spent).problem.detail.ends_with(told), "{spent:?}");
        }
    }
}
