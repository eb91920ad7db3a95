//! The next state while it is being made.

use std::sync::Arc;

use jiff::Timestamp;

use super::queue::Job;
use super::{CommitError, Edited};
use crate::audit::{self, Asked, Record, Told};
use crate::authz::GraphChange;
use crate::catalog::{CatalogError, CatalogTx};
use crate::indexes::Indexes;
use crate::snapshot::names::ChunkKeys;
use crate::snapshot::{CollectionState, Snapshot, StoreState};

/// The next state while it is being made.
pub struct Draft {
    pub tx: CatalogTx,
    pub next: Snapshot,
    pub(super) before: Arc<Snapshot>,
    pub now: Timestamp,
    pub chunk_keys: ChunkKeys,
    pub indexes: Arc<Indexes>,
    /// The store whose tuples an OpenFGA server owns.
    pub external: Option<Arc<str>>,
    pub(super) changes: Vec<(Arc<str>, Arc<GraphChange>)>,
    /// Of the change that is being applied.
    pub edited: Edited,
    /// Records of the group so far, as lines of the audit.
    pub(super) records: Vec<String>,
}

impl Draft {
    /// The store for writing.
    pub fn store_mut(&mut self, id: &str) -> Result<&mut StoreState, CommitError> {
        self.next.stores.get_mut(id).map(Arc::make_mut).ok_or(CommitError::UnknownStore)
    }

    /// The collection for writing.
    pub fn collection_mut(&mut self, name: &str) -> Result<&mut CollectionState, CommitError> {
        self.next.collections.get_mut(name).map(Arc::make_mut).ok_or(CommitError::UnknownCollection)
    }

    /// The chunk ordinals of the collection below this were given before the group began.
    pub(super) fn chunks_before(&self, name: &str) -> u32 {
        self.before.collection(name).map_or(0, |collection| collection.next_chunk())
    }

    /// Whether the store's tuples are only mirrored here.
    pub fn is_external(&self, store: &str) -> bool {
        self.external.as_deref() == Some(store)
    }

    /// Tells the cached allowed sets what changed in a store's graph.
    pub fn note_change(&mut self, store: &str, change: GraphChange) {
        self.changes.push((store.into(), Arc::new(change)));
    }

    pub fn now_text(&self) -> String {
        self.now.to_string()
    }

    /// Has the group's commit hold the record of a change.
    pub(super) fn record(&mut self, asked: &Asked, told: Option<Told>) -> Result<(), CommitError> {
        let Some(Told { event, items, details }) = told else { return Ok(()) };
        let Edited { deleted, written, to_delete, to_write } = std::mem::take(&mut self.edited);
        let record = Record {
            at: self.now_text(),
            id: Some(uuid::Uuid::now_v7().to_string()),
            asked: asked.clone(),
            event,
            revision: self.next.revision,
            items,
            deleted,
            written,
            to_delete,
            to_write,
            details,
            question: None,
        };
        let line = audit::line(&record).and_then(|line| String::from_utf8(line).ok()).ok_or(CommitError::Audit)?;
        self.records.push(line);
        Ok(())
    }

    /// Applies one change inside a savepoint; a refusal undoes it and nothing else. Says whether it holds.
    pub(super) async fn apply(&mut self, job: &mut dyn Job) -> Result<bool, CatalogError> {
        let before = (self.next.clone(), self.changes.len(), self.records.len());
        self.tx.savepoint().await?;
        let holds = job.apply(self).await;
        if !holds {
            self.tx.undo().await?;
            self.next = before.0;
            self.changes.truncate(before.1);
            self.records.truncate(before.2);
        }
        self.tx.release().await?;
        Ok(holds)
    }
}
