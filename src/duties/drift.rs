//! Does memory still say what the catalog says? A slow walk over all documents and all objects of tuples, again and again.
//!
//! A document that differs is hidden at once, then everything derived from the store's tuples is built anew; so it is
//! where another object differs. A difference is a defect; the walk only keeps it from lasting.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use crate::audit::Asked;
use crate::catalog::{CatalogTx, meta};
use crate::commit::CommitError;
use crate::commit::repair::{Hide, RebuildDocuments, RebuildGraph, compare, compare_object, compare_size};
use crate::service::Service;
use crate::snapshot::{CollectionState, Snapshot, StoreState};

const PERIOD: Duration = Duration::from_secs(1);
/// Attempts at finding catalog and memory at one revision.
const TRIES: usize = 5;

/// Where the walk is.
#[derive(Debug)]
pub enum Position {
    Documents {
        collection: String,
        ordinal: u32,
    },
    /// Groups, folders and whatever else has tuples.
    Objects {
        store: String,
        node: u32,
    },
}

impl Default for Position {
    fn default() -> Self {
        Self::Documents { collection: String::new(), ordinal: 0 }
    }
}

/// Runs until cancelled.
pub async fn watch(service: Arc<Service>, objects_per_s: u32) {
    let mut place = Position::default();
    loop {
        tokio::time::sleep(PERIOD).await;
        if let Err(error) = step(&service, &mut place, objects_per_s).await {
            tracing::warn!(%error, "memory could not be compared with the catalog; tried again later");
        }
    }
}

/// Looks at up to `count` documents of one collection, or objects of one store, and goes on to the next one at its end.
///
/// # Errors
/// When the catalog can't be read, or the repair not be made. A document that differs is hidden then, if that was
/// possible.
pub async fn step(service: &Service, place: &mut Position, count: u32) -> Result<(), CommitError> {
    let Some((mut tx, snapshot)) = same_state(service).await? else { return Ok(()) };
    if let Position::Documents { collection, ordinal } = place {
        if let Some((name, state)) = from_here(&snapshot.collections, collection) {
            let first = if **name == **collection { *ordinal } else { 0 };
            let end = first.saturating_add(count).min(state.next_document());
            *place = match end < state.next_document() {
                true => Position::Documents { collection: name.to_string(), ordinal: end },
                false => Position::Documents { collection: after(name), ordinal: 0 },
            };
            return documents(service, tx, &snapshot, state, first..end).await;
        }
        *place = Position::Objects { store: String::new(), node: 0 };
    }
    if let Position::Objects { store, node } = place {
        if let Some((id, state)) = from_here(&snapshot.stores, store) {
            let first = if **id == **store { *node } else { 0 };
            let (nodes, next) = state.graph.unbound_objects(first, count);
            *place = match next {
                Some(node) => Position::Objects { store: id.to_string(), node },
                None => Position::Objects { store: after(id), node: 0 },
            };
            let mut is_suspected = false;
            for node in &nodes {
                is_suspected |= !compare_object(&mut tx, state, *node).await?;
            }
            // What memory lacks altogether shows in the number alone.
            is_suspected |= next.is_none() && !compare_size(&mut tx, state).await?;
            drop(tx);
            service.metrics.drift_checked(nodes.len() as u64);
            return if is_suspected { repair_graph(service, state, nodes).await } else { Ok(()) };
        }
        *place = Position::default();
    }
    Ok(())
}

/// The first entry at or after a name.
fn from_here<'m, T>(all: &'m BTreeMap<Arc<str>, Arc<T>>, name: &str) -> Option<(&'m Arc<str>, &'m Arc<T>)> {
    all.range::<str, _>((Bound::Included(name), Bound::Unbounded)).next()
}

/// The least name after this one.
fn after(name: &str) -> String {
    format!("{name}\0")
}

/// The catalog and memory at one revision; nothing where writes leave no moment for it.
async fn same_state(service: &Service) -> Result<Option<(CatalogTx, Arc<Snapshot>)>, CommitError> {
    for _ in 0..TRIES {
        let mut tx = service.catalog.read().await?;
        let revision = meta::revision(&mut tx).await?;
        // Published a moment after it is committed; never, where a commit's outcome is unknown.
        let published = tokio::time::timeout(PERIOD, service.published.at_least(revision)).await;
        if let Some(snapshot) = published.ok().filter(|snapshot| snapshot.revision == revision) {
            return Ok(Some((tx, snapshot)));
        }
    }
    Ok(None)
}

async fn documents(
    service: &Service,
    mut tx: CatalogTx,
    snapshot: &Snapshot,
    state: &CollectionState,
    ordinals: std::ops::Range<u32>,
) -> Result<(), CommitError> {
    let mut suspected = Vec::new();
    for ordinal in ordinals.clone() {
        if compare(&mut tx, snapshot, state, ordinal).await?.is_some() {
            suspected.push(ordinal);
        }
    }
    drop(tx);
    service.metrics.drift_checked(ordinals.len() as u64);
    if suspected.is_empty() { Ok(()) } else { repair_documents(service, &state.name, suspected).await }
}

/// Asks the writer, for whom nothing moves meanwhile, and has it repair what differs.
async fn repair_documents(service: &Service, name: &str, suspected: Vec<u32>) -> Result<(), CommitError> {
    let hide = Hide { collection: name.to_owned(), ordinals: suspected };
    let differing = service.committer.submit(Asked::duty("drift"), hide).await?.output;
    if differing.is_empty() {
        return Ok(());
    }
    for (ordinal, difference) in &differing {
        tracing::error!(collection = name, ordinal, ?difference, "a document differs from the catalog; hidden");
    }
    let ordinals: Vec<u32> = differing.iter().map(|(ordinal, _)| *ordinal).collect();
    let rebuild = RebuildDocuments { collection: name.to_owned(), ordinals };
    let left = service.committer.submit(Asked::duty("drift"), rebuild).await?.output;
    for (ordinal, difference) in &left {
        tracing::error!(collection = name, ordinal, ?difference, "a document can't be repaired; it stays hidden");
    }
    let repaired = differing.len().saturating_sub(left.len());
    service.metrics.drift_repaired(repaired as u64);
    tracing::warn!(collection = name, repaired, "the graph was built anew from the catalog");
    Ok(())
}

async fn repair_graph(
    service: &Service,
    state: &StoreState,
    nodes: Vec<crate::authz::NodeId>,
) -> Result<(), CommitError> {
    let rebuild = RebuildGraph { store: state.row.id.clone(), nodes };
    let differing = service.committer.submit(Asked::duty("drift"), rebuild).await?.output;
    if differing > 0 {
        service.metrics.drift_repaired(differing);
        tracing::error!(store = state.row.id, differing, "objects differed from the catalog; the graph was built anew");
    }
    Ok(())
}
