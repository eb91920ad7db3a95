//! A store's tuples as they were at a past revision: today's graph with the log of changes undone on a copy.
//!
//! The log is read backwards, no further than the revision and the conditions of tuples that were deleted since. It is
//! kept as long as its store.

use std::collections::HashMap;
use std::sync::Arc;

use crate::authz::{Graph, Model, ModelError, ObjectRef, SubjectRef, Tuple, TupleError};
use crate::catalog::{Catalog, CatalogError, tuples::changes_before};
use crate::limits::Spent;
use crate::service::turn::{NotComputed, Turn};
use crate::snapshot::{Snapshot, StoreState};

/// Entries of the log read at once.
const PAGE: u32 = 5_000;

#[derive(Debug, thiserror::Error)]
pub enum PastError {
    #[error("the revision is newer than the newest one")]
    Future,
    #[error("the store, which was made at {since}, had no authorization model then")]
    NoModel { since: String },
    #[error("the log of changes doesn't reach back that far; it begins at {from}")]
    Incomplete { from: String },
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("a logged tuple can't be read: {0}")]
    Tuple(#[from] TupleError),
    #[error("the model can't be read: {0}")]
    Model(#[from] ModelError),
    #[error(transparent)]
    NotComputed(#[from] NotComputed),
    #[error(transparent)]
    Spent(#[from] Spent),
}

/// A store as it was.
#[derive(Debug)]
pub struct Past {
    pub graph: Graph,
    pub model: Arc<Model>,
    /// When the last change before was logged; the store's beginning, if there was none.
    pub at: String,
}

type Key = (ObjectRef, String, SubjectRef);

fn key(tuple: &Tuple) -> Key {
    (tuple.object.clone(), tuple.relation.clone(), tuple.subject.clone())
}

/// O(changes since), and back to where the tuples that were deleted since had been written.
///
/// # Errors
/// When the revision is none that can be told about, the catalog can't be read, or it takes more than the turn allows.
pub async fn past(
    catalog: &Catalog,
    snapshot: &Snapshot,
    store: &Arc<StoreState>,
    revision: u64,
    turn: &Turn,
) -> Result<Past, PastError> {
    if revision > snapshot.revision {
        return Err(PastError::Future);
    }
    let model = catalog.model_at(&store.row.id, revision).await?.and_then(|id| store.model(&id).cloned());
    let Some(model) = model else {
        return Err(PastError::NoModel { since: store.row.created_at.clone() });
    };
    let undone = undo(catalog, snapshot.revision, &store.row.id, revision, turn).await?;
    let store = store.clone();
    turn.compute(move |_| rebuilt(&store, model, undone)).await?
}

/// Today's tuples with the changes undone.
fn rebuilt(store: &StoreState, model: Arc<Model>, undone: Undone) -> Result<Past, PastError> {
    let Undone { wanted, at, from } = undone;
    let mut edit = store.graph.fork().edit();
    for ((object, relation, subject), before) in wanted {
        // Absent already, where it was deleted since and not written again.
        let _ = edit.delete(&object, &relation, &subject);
        match before {
            Before::Absent => {}
            Before::Present(tuple) => {
                let _ = edit.write(&tuple);
            }
            Before::Deleted => return Err(PastError::Incomplete { from }),
        }
    }
    let at = at.unwrap_or_else(|| store.row.created_at.clone());
    // A model remembers the numbers of one graph's names; those of the store's own serve its queries.
    let model = Arc::new(Model::compile(model.id(), model.source().clone())?);
    Ok(Past { graph: edit.finish().0, model, at })
}

/// What a tuple that was changed since was at the revision.
enum Before {
    Absent,
    /// There, as it was deleted since; with which condition, an earlier entry tells.
    Deleted,
    Present(Tuple),
}

struct Undone {
    wanted: HashMap<Key, Before>,
    /// When the last change at or before the revision was made.
    at: Option<String>,
    /// The oldest entry that was read.
    from: String,
}

/// What an entry of the log is counted as: it is read and kept.
const ENTRY: u64 = 8;

async fn undo(catalog: &Catalog, newest: u64, store: &str, revision: u64, turn: &Turn) -> Result<Undone, PastError> {
    let mut undone = Undone { wanted: HashMap::new(), at: None, from: "the first one".to_owned() };
    let mut deleted = 0usize;
    let mut before = None;
    // One view of the log for all pages.
    let mut tx = catalog.read().await?;
    loop {
        let rows = changes_before(&mut tx, store, before, PAGE).await?;
        turn.spend(ENTRY * rows.len() as u64)?;
        let Some(last) = rows.last() else { return Ok(undone) };
        before = Some(last.change);
        undone.from.clone_from(&last.at);
        for row in rows.into_iter().filter(|row| row.revision <= newest) {
            if row.revision > revision {
                let key = key(&Tuple::parse(&row.key)?);
                // The first change since decides, and the log comes last first.
                let state = if row.written { Before::Absent } else { Before::Deleted };
                let is_deleted = matches!(state, Before::Deleted);
                let replaced = undone.wanted.insert(key, state);
                deleted += usize::from(is_deleted);
                deleted -= usize::from(matches!(replaced, Some(Before::Deleted)));
                continue;
            }
            if undone.at.is_none() {
                undone.at = Some(row.at.clone());
            }
            if deleted == 0 {
                return Ok(undone);
            }
            if row.written {
                let tuple = Tuple::parse(&row.key)?;
                if let Some(state @ Before::Deleted) = undone.wanted.get_mut(&key(&tuple)) {
                    *state = Before::Present(tuple);
                    deleted -= 1;
                }
            }
        }
    }
}
