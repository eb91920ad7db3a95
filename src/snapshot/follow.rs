//! The next snapshot from what other processes committed: reads again what changed since this process's newest snapshot,
//! however many commits ago that was.
//!
//! All of it is read in one transaction, so the result is the state of exactly one revision. Where the list of commits
//! does not reach back far enough, or memory does not fit the log, everything is read anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::build::{all_tuples, parse};
use super::delta::{CollectionDelta, Delta, Documents, StoreDelta};
use super::load::{LoadError, count, load, load_documents};
use super::{CollectionState, Snapshot, StoreState};
use crate::authz::{Graph, GraphChange, Tuple};
use crate::catalog::collections::CollectionSettings;
use crate::catalog::commits::{self, CommitRow};
use crate::catalog::documents::DocumentRow;
use crate::catalog::tuples::{ChangeRow, changes_before};
use crate::catalog::{CatalogError, CatalogTx, collections, documents, keys, stores, timestamp};
use crate::index::IndexError;
use crate::progress::Progress;

/// Changes of tuples read at once.
const PAGE: u32 = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum SnapshotFollowError {
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The indexes of what was read can't be opened.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A backup was restored under the process, or it is another catalog.
    #[error("the catalog's history is another one than this process has seen; restart it")]
    OtherHistory,
    #[error("a newer release has changed the catalog's schema; upgrade this process")]
    NewerSchema,
}

impl From<CatalogError> for SnapshotFollowError {
    fn from(error: CatalogError) -> Self {
        Self::Load(error.into())
    }
}

/// A newer snapshot, and what cached decisions have to know of how it came about.
#[derive(Debug)]
pub struct Followed {
    pub snapshot: Snapshot,
    pub changes: Vec<(Arc<str>, GraphChange)>,
}

/// The state that the transaction sees; nothing where that is the one of `held`.
///
/// # Errors
/// When the catalog can't be read, holds what this release can't understand, or has another history.
pub async fn follow(tx: &mut CatalogTx, held: &Snapshot) -> Result<Option<Followed>, SnapshotFollowError> {
    let head = commits::head(&mut *tx).await?;
    if !head.is_compatible() {
        return Err(SnapshotFollowError::NewerSchema);
    }
    if head.revision == held.revision && head.origin == held.origin {
        return Ok(None);
    }
    if head.revision <= held.revision {
        return Err(SnapshotFollowError::OtherHistory);
    }
    let mut rows = commits::from(&mut *tx, held.revision).await?;
    if rows.first().is_some_and(|row| row.revision == held.revision) {
        let own = rows.remove(0);
        if held.origin.is_some_and(|origin| origin != own.origin) {
            return Err(SnapshotFollowError::OtherHistory);
        }
    }
    if let Some(delta) = merged(&rows, head.revision - held.revision)
        && let Some(last) = rows.last()
    {
        let mut snapshot = Snapshot::clone(held);
        (snapshot.revision, snapshot.origin) = (head.revision, Some(last.origin));
        snapshot.committed_at = timestamp(&last.committed_at)?;
        let from = held.revision;
        if let Some(changes) = (Reading { tx, snapshot: &mut snapshot, from, changes: Vec::new() }).all(delta).await? {
            return Ok(Some(Followed { snapshot, changes }));
        }
    }
    tracing::info!(from = held.revision, to = head.revision, "reading the whole catalog anew");
    let snapshot = load(&mut *tx, Some(held), &Progress::default()).await?;
    let ids: BTreeSet<&Arc<str>> = held.stores.keys().chain(snapshot.stores.keys()).collect();
    let changes = ids.into_iter().map(|id| (id.clone(), GraphChange::all())).collect();
    Ok(Some(Followed { snapshot, changes }))
}

/// What all of the commits changed; nothing where one is missing, or of a newer kind.
fn merged(rows: &[CommitRow], expected: u64) -> Option<Delta> {
    if rows.len() as u64 != expected {
        return None;
    }
    rows.iter().try_fold(Delta::default(), |all, row| Some(all.and(serde_json::from_str(&row.changes).ok()?)))
}

/// A snapshot that is being brought to the transaction's state.
struct Reading<'a> {
    tx: &'a mut CatalogTx,
    snapshot: &'a mut Snapshot,
    /// The revision that it was of.
    from: u64,
    changes: Vec<(Arc<str>, GraphChange)>,
}

impl Reading<'_> {
    /// What cached decisions have to know; nothing where memory does not fit the log of tuples.
    async fn all(mut self, delta: Delta) -> Result<Option<Vec<(Arc<str>, GraphChange)>>, LoadError> {
        for (id, store) in &delta.stores {
            self.store(id, *store).await?;
        }
        if delta.collections.values().any(|collection| collection.row) {
            self.collection_rows(&delta).await?;
        }
        if delta.touches_bindings() {
            let ids: Vec<Arc<str>> = self.snapshot.stores.keys().cloned().collect();
            for id in ids {
                let has_models = delta.stores.get(&*id).is_some_and(|store| store.models);
                if self.snapshot.rebind(&id) {
                    self.changes.push((id, GraphChange::regrouped()));
                } else if has_models {
                    self.changes.push((id, GraphChange::all()));
                }
            }
        }
        for (id, store) in &delta.stores {
            if !self.tuples(id, *store).await? {
                return Ok(None);
            }
        }
        for (id, collection) in delta.collections {
            self.collection(id, collection).await?;
        }
        for id in delta.keys {
            let row = keys::read(&mut *self.tx, &id).await?;
            let keys = Arc::make_mut(&mut self.snapshot.keys);
            match row {
                Some(row) => drop(keys.insert(id, Arc::new(row))),
                None => drop(keys.remove(&id)),
            }
        }
        Ok(Some(self.changes))
    }

    async fn store(&mut self, id: &str, delta: StoreDelta) -> Result<(), LoadError> {
        let revision = self.snapshot.revision;
        if delta.row {
            let Some(row) = stores::read(&mut *self.tx, id).await? else {
                if let Some((id, _)) = self.snapshot.stores.remove_entry(id) {
                    self.changes.push((id, GraphChange::all()));
                }
                return Ok(());
            };
            match self.snapshot.stores.get_mut(id).filter(|_| !delta.is_new) {
                Some(held) => Arc::make_mut(held).row = row,
                None => {
                    self.snapshot.stores.insert(id.into(), Arc::new(StoreState::new(row, revision)));
                }
            }
        }
        if delta.models
            && let Some(held) = self.snapshot.stores.get_mut(id)
        {
            Arc::make_mut(held).take_models(stores::models(&mut *self.tx, id).await?)?;
        }
        Ok(())
    }

    /// Makes, changes and removes collections; documents come later.
    async fn collection_rows(&mut self, delta: &Delta) -> Result<(), LoadError> {
        let revision = self.snapshot.revision;
        let rows = collections::all(&mut *self.tx).await?;
        let mut rows: BTreeMap<u32, _> = rows.into_iter().map(|row| (row.id, row)).collect();
        for (id, _) in delta.collections.iter().filter(|(_, collection)| collection.row) {
            let held = self.name(*id);
            match (rows.remove(id), held) {
                (Some(row), Some(name)) => {
                    if let Some(state) = self.snapshot.collections.get_mut(&name) {
                        Arc::make_mut(state).take_settings(row.settings, revision)?;
                    }
                }
                (Some(row), None) => {
                    let state = CollectionState::new(row.id, &row.name, row.settings)?;
                    self.snapshot.collections.insert(row.name.as_str().into(), Arc::new(state));
                }
                (None, Some(name)) => drop(self.snapshot.collections.remove(&name)),
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn name(&self, collection: u32) -> Option<Arc<str>> {
        self.snapshot.collections.values().find(|held| held.id == collection).map(|held| held.name.clone())
    }

    /// Says no where memory does not fit the log.
    async fn tuples(&mut self, id: &str, delta: StoreDelta) -> Result<bool, LoadError> {
        let revision = self.snapshot.revision;
        let Some(held) = self.snapshot.stores.get(id).cloned() else { return Ok(true) };
        if delta.is_new {
            let graph = all_tuples(&mut *self.tx, id, Graph::new(held.bound.clone()).edit(), &Progress::default())
                .await?
                .finish()
                .0;
            if let Some(state) = self.snapshot.stores.get_mut(id) {
                Arc::make_mut(state).graph = graph;
            }
            self.changes.push((id.into(), GraphChange::all()));
            return Ok(true);
        }
        let log = changes_since(&mut *self.tx, id, self.from).await?;
        if log.is_empty() {
            return Ok(true);
        }
        let mut edit = held.graph.edit();
        let mut tuples: Vec<Tuple> = Vec::with_capacity(log.len());
        for change in log {
            let tuple = parse(&change.key)?;
            let fits = match change.written {
                true => edit.write(&tuple).is_ok(),
                false => edit.delete(&tuple.object, &tuple.relation, &tuple.subject).is_ok(),
            };
            if !fits {
                tracing::error!(store = id, "the tuples in memory are not those that the log goes on from");
                return Ok(false);
            }
            tuples.push(tuple);
        }
        let (graph, change) = edit.finish();
        if let Some(state) = self.snapshot.stores.get_mut(id) {
            Arc::make_mut(state).take_graph(graph, &tuples, revision);
        }
        self.changes.push((id.into(), change));
        Ok(true)
    }

    async fn collection(&mut self, id: u32, delta: CollectionDelta) -> Result<(), LoadError> {
        let Some(name) = self.name(id) else { return Ok(()) };
        let revision = self.snapshot.revision;
        match delta.documents {
            Documents::All => {
                if let Some(state) = self.snapshot.collections.get_mut(&name) {
                    let settings = CollectionSettings::clone(&state.settings);
                    *state = Arc::new(CollectionState::new(id, &name, settings)?);
                }
                load_documents(&mut *self.tx, self.snapshot, &name, &Progress::default()).await?;
            }
            Documents::Some(ordinals) => {
                let mut rows = rows_of(&mut *self.tx, id, &ordinals).await?;
                if let Some(state) = self.snapshot.collections.get_mut(&name) {
                    let state = Arc::make_mut(state);
                    // Before others are entered: one of these may have its id now.
                    let stored: BTreeSet<u32> = rows.iter().map(|row| row.ordinal).collect();
                    ordinals.difference(&stored).for_each(|ordinal| state.remove(*ordinal));
                    count(&mut *self.tx, state, revision).await?;
                }
                // New versions have later chunks than all that were known.
                rows.sort_by_key(|row| row.first_chunk);
                if let Some(change) = self.snapshot.enter(&name, &rows)?
                    && let Some(state) = self.snapshot.collection(&name)
                {
                    self.changes.push((state.settings.store.as_str().into(), change));
                }
            }
        }
        Ok(())
    }
}

/// The log of a store's tuples after a revision, oldest first.
async fn changes_since(tx: &mut CatalogTx, store: &str, revision: u64) -> Result<Vec<ChangeRow>, CatalogError> {
    let mut log: Vec<ChangeRow> = Vec::new();
    loop {
        let before = log.last().map(|change| change.change);
        let page = changes_before(&mut *tx, store, before, PAGE).await?;
        let is_last = page.len() < PAGE as usize || page.last().is_some_and(|change| change.revision <= revision);
        log.extend(page.into_iter().take_while(|change| change.revision > revision));
        if is_last {
            log.reverse();
            return Ok(log);
        }
    }
}

/// Those of the documents that there are; neighbours are read at once.
async fn rows_of(
    tx: &mut CatalogTx,
    collection: u32,
    ordinals: &BTreeSet<u32>,
) -> Result<Vec<DocumentRow>, CatalogError> {
    let mut rows = Vec::new();
    let mut waiting = ordinals.iter().copied().peekable();
    while let Some(first) = waiting.next() {
        let mut last = first;
        while let Some(next) = waiting.next_if(|next| *next == last + 1) {
            last = next;
        }
        let found = documents::page(&mut *tx, collection, first, last - first + 1).await?;
        rows.extend(found.into_iter().take_while(|row| row.ordinal <= last));
    }
    Ok(rows)
}
