//! From a reader to masks: which chunks of which collections the search may see.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::caveats::Caveats;
use super::{QueryError, Question};
use crate::authority::{Authority, CallerContext, CollectionView, Reader, View};
use crate::index::filter::{self, MetadataFilter};
use crate::index::{ChunkMask, IndexError};
use crate::indexes::{CollectionIndexes, Indexes, VectorHome};
use crate::limits::Effort;
use crate::service::Service;
use crate::service::turn::Turn;
use crate::snapshot::{Published, Snapshot};
use crate::wire::{FieldProblem, Filter, Mode, NotFound};

/// What the search may see, bound to one snapshot.
pub(super) struct Allowed {
    pub collections: Vec<AllowedCollection>,
    /// The state that the answer is made from, and names.
    pub view: Arc<View>,
    pub caveats: Caveats,
}

pub(super) struct AllowedCollection {
    pub id: u32,
    pub view: CollectionView,
    pub indexes: Arc<CollectionIndexes>,
    pub mask: Arc<ChunkMask>,
}

/// The snapshot that the question asks for: the newest one, or the first that satisfies `min_revision`.
///
/// # Errors
/// When the token is not one of ours, or names a revision that doesn't exist yet at the deadline.
pub async fn snapshot_at(service: &Service, question: &Question) -> Result<Arc<Snapshot>, QueryError> {
    if let Some(bound) = question.max_staleness.filter(|_| !crate::mutants::active("ignore_max_staleness")) {
        service.no_staler_than(bound).await;
    }
    let Some(token) = &question.min_revision else { return Ok(service.published.load()) };
    let revision = service.revisions.open(token).map_err(|_| {
        QueryError::Invalid(vec![FieldProblem {
            pointer: "/min_revision".to_owned(),
            detail: "is not a revision token of this service".to_owned(),
        }])
    })?;
    if crate::mutants::active("ignore_min_revision") {
        return Ok(service.published.load());
    }
    Ok(service.published.at_least(revision).await)
}

impl Allowed {
    /// The indexes that are searched, by collection.
    pub fn indexes(&self) -> Vec<(Arc<str>, Arc<CollectionIndexes>)> {
        self.collections.iter().map(|of| (of.view.state.name.clone(), of.indexes.clone())).collect()
    }
}

/// The newest snapshot, once these indexes have followed as far: while documents are replaced all the time, what is
/// pinned before it can be searched is old again when it can be.
pub(super) async fn searchable(
    service: &Service,
    left: Duration,
    indexes: &[(Arc<str>, Arc<CollectionIndexes>)],
) -> Result<Arc<Snapshot>, QueryError> {
    let caught_up = async {
        loop {
            let snapshot = service.published.load();
            let behind = indexes.iter().filter(|(_, held)| held.local().is_some()).find_map(|(name, held)| {
                let position = snapshot.collection(name)?.last_operation;
                (held.applied() < position).then_some((held, position))
            });
            match behind {
                Some((held, position)) if held.at_least(position).await => {}
                _ => return snapshot,
            }
        }
    };
    let caught_up = tokio::time::timeout(left / INDEX_SHARE, caught_up).await;
    Ok(caught_up.unwrap_or_else(|_| service.published.load()))
}

/// The part of what is left of a query's time that it waits for indexes that are behind its state.
const INDEX_SHARE: u32 = 4;

/// Waits until the indexes show all that the mask lets through: until then they show neither the new version of a
/// document nor, under the mask, the old one. One that stands still is not waited for, and what others may read never is.
///
/// # Errors
/// When the question names a revision: it is not answered from less then.
pub(super) async fn await_indexes(
    service: &Service,
    question: &Question,
    allowed: &mut Allowed,
    left: Duration,
) -> Result<(), QueryError> {
    let is_bound = question.min_revision.is_some() && !crate::mutants::active("ignore_min_revision");
    // Where commits write the vectors, they are there before the state that has them.
    let waits = question.mode != Mode::Vector || service.indexes.home() == VectorHome::Catalog;
    if !waits || crate::mutants::active("search_what_the_index_has") {
        return Ok(());
    }
    let all = allowed.collections.iter().map(|of| of.indexes.shows(of.mask.last(), of.view.state.last_operation));
    let all = futures::future::join_all(all);
    let reached = match is_bound {
        true => all.await,
        false => tokio::time::timeout(left / INDEX_SHARE, all).await.unwrap_or_else(|_| vec![false]),
    };
    allowed.caveats.is_behind = reached.contains(&false);
    if allowed.caveats.is_behind && is_bound { Err(QueryError::RevisionUnavailable) } else { Ok(()) }
}

/// Resolves the reader and builds the masks, for indexes that can be searched.
pub(super) async fn resolve(
    service: &Service,
    turn: &Turn,
    snapshot: Arc<Snapshot>,
    reader: &Reader,
    question: &Question,
) -> Result<Allowed, QueryError> {
    let (authority, reader, names) = (service.authority.clone(), reader.clone(), question.collections.clone());
    let caller = CallerContext(question.context.clone());
    let (indexes, published, filter) = (service.indexes.clone(), service.published.clone(), question.filter.clone());
    // Resolving a cold reader and building a mask are computation; they must not hold up other requests.
    let work = move |effort: &Effort| {
        let view = authority.view(snapshot, &reader, &caller, &names, Timestamp::now(), effort)?;
        let mut collections = Vec::with_capacity(view.collections.len());
        for collection in &view.collections {
            let Some(indexes) = indexes_of(&indexes, &published, collection)? else { continue };
            let Some(mask) = mask_of(&authority, collection, filter.as_ref(), effort)? else { continue };
            collections.push(AllowedCollection { id: collection.state.id, view: collection.clone(), indexes, mask });
        }
        Ok::<_, QueryError>((view, collections))
    };
    let (view, collections) = turn.compute(work).await.map_err(QueryError::at("resolve"))??;
    are_filled(&collections).await?;
    let caveats = Caveats {
        reads_nothing: question.collections.is_empty() && collections.is_empty(),
        not_found: not_found(question, &collections),
        ..Caveats::default()
    };
    Ok(Allowed { collections, view: Arc::new(view), caveats })
}

const LATE: QueryError = QueryError::Deadline { stage: "resolve" };

/// Nothing where the collection was removed after the snapshot was pinned.
fn indexes_of(
    indexes: &Indexes,
    published: &Published,
    collection: &CollectionView,
) -> Result<Option<Arc<CollectionIndexes>>, QueryError> {
    let pair = collection.state.pair();
    let found = indexes.searched(pair);
    if found.is_none() && published.load().collections.values().any(|newest| newest.pair() == pair) {
        return Err(IndexError::Filling.into());
    }
    Ok(found)
}

/// The chunks of a collection that the reader may read and the filter lets through. Where nothing is readable the
/// collection is as good as absent: neither its fields nor its dimensions may show in an error.
fn mask_of(
    authority: &Authority,
    collection: &CollectionView,
    filter: Option<&Filter>,
    effort: &Effort,
) -> Result<Option<Arc<ChunkMask>>, QueryError> {
    let readable = authority.mask(collection, None, effort).map_err(|_| LATE)?;
    if readable.count() == 0 {
        return Ok(None);
    }
    let Some(filter) = filter else { return Ok(Some(readable)) };
    let filter = MetadataFilter::compile(filter, &collection.state.fields).map_err(|error| {
        QueryError::Filter(vec![FieldProblem { pointer: error.pointer.clone(), detail: error.to_string() }])
    })?;
    authority.mask(collection, Some(&filter), effort).map(Some).map_err(|_| LATE)
}

/// Waits for indexes that are far behind: after an absence, or where others have switched to some that this process is
/// still filling.
async fn are_filled(collections: &[AllowedCollection]) -> Result<(), QueryError> {
    for collection in collections {
        if !collection.indexes.is_filled(collection.view.state.last_operation).await {
            return Err(IndexError::Filling.into());
        }
    }
    Ok(())
}

/// Names of the question that nothing answers to which the reader may read.
fn not_found(question: &Question, collections: &[AllowedCollection]) -> NotFound {
    let is_searched = |name: &&String| collections.iter().any(|of| *of.view.state.name == ***name);
    let is_declared = |name: &&str| collections.iter().any(|of| filter::is_known(name, &of.view.state.fields));
    let fields = question.filter.as_ref().map(filter::names).unwrap_or_default();
    NotFound {
        collections: question.collections.iter().filter(|name| !is_searched(name)).cloned().collect(),
        fields: fields.into_iter().filter(|name| !is_declared(name)).map(str::to_owned).collect(),
    }
}
