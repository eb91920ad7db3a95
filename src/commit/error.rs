//! Why a change was not made.

use std::sync::Arc;

use super::tuples;
use crate::catalog::CatalogError;
use crate::identity::IdentityError;
use crate::index::IndexError;
use crate::snapshot::follow::SnapshotFollowError;
use crate::snapshot::load::LoadError;

#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error(transparent)]
    Tuple(#[from] tuples::TupleWriteError),
    /// The credential ended before the change was made.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("the store does not exist")]
    UnknownStore,
    #[error("the collection does not exist")]
    UnknownCollection,
    #[error("no document has this id")]
    UnknownDocument,
    #[error("the authorization model does not exist")]
    UnknownModel,
    #[error("the store has no authorization model")]
    NoModel,
    #[error(transparent)]
    Model(#[from] crate::authz::ModelError),
    #[error("{0}")]
    Binding(#[from] crate::authz::BindingError),
    /// Everything was valid; nothing was kept, as asked.
    #[error("dry run")]
    DryRun(tuples::TuplesWritten),
    #[error("the state changed since the expected revision")]
    RevisionConflict,
    #[error(transparent)]
    Fields(#[from] crate::index::filter::FilterError),
    #[error("{what} can't be changed after creation")]
    Fixed { what: &'static str },
    #[error("{problem}")]
    Reindexing { problem: &'static str },
    #[error(transparent)]
    Server(#[from] crate::authority::server::ServerError),
    #[error("{what} is not possible where an authorization server owns the tuples")]
    Mirrored { what: &'static str },
    #[error("the store is bound by a collection")]
    StoreInUse,
    #[error("the collection holds {documents} documents")]
    Filled { documents: usize },
    #[error("the key is the last one that may make others")]
    LastAdmin,
    /// Prepared against a state that changed meanwhile; prepare again.
    #[error("the document changed meanwhile")]
    Outdated,
    #[error("too many writes are waiting")]
    Busy,
    #[error("storage refuses writes: {0}")]
    Storage(CatalogError),
    #[error(transparent)]
    Catalog(CatalogError),
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Nothing was done: an earlier commit may or may not have happened.
    #[error("writes have stopped until the service is restarted")]
    Stopped,
    /// Writing stops after it.
    #[error("whether the change was made shows when the service is restarted")]
    Undecided,
    /// Nothing was done.
    #[error("the catalog can't be written at the moment: {0}")]
    Unavailable(Arc<SnapshotFollowError>),
    /// The reply to the commit was lost, and it was not done.
    #[error("the catalog did not take the change")]
    NotTaken,
    #[error("whether the catalog took the change is not known")]
    Unknown,
    /// Nothing was done: nothing is changed without a record.
    #[error("the audit can't be written")]
    Audit,
    /// The change was made. Its record is in the catalog, and reaches the audit before anything else is changed.
    #[error("the change was made, and the audit can't be written")]
    Unrecorded,
}

impl From<CatalogError> for CommitError {
    fn from(error: CatalogError) -> Self {
        match error {
            error if error.is_unreachable() => Self::Unavailable(Arc::new(error.into())),
            error if error.is_storage_refusal() => Self::Storage(error),
            error => Self::Catalog(error),
        }
    }
}

impl From<SnapshotFollowError> for CommitError {
    fn from(error: SnapshotFollowError) -> Self {
        match error {
            SnapshotFollowError::Load(LoadError::Catalog(error)) => error.into(),
            error => Self::Unavailable(Arc::new(error)),
        }
    }
}
