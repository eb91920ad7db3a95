//! Fills the next generation of a collection's indexes, puts it in the place of the current one, and removes what is left
//! of the old one. Searches and writes go on all the while.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};

use crate::audit::Asked;
use crate::catalog::collections::{NextGeneration, Pair};
use crate::catalog::{CatalogError, vectors};
use crate::commit::CommitError;
use crate::commit::reindex::{Clear, Cleared, Cover, Switch};
use crate::embed::{self, EmbedError, Failure, Role};
use crate::index::{IndexError, pieces};
use crate::indexes::IndexFollowError;
use crate::lease::Duty;
use crate::limits::Payer;
use crate::service::Service;
use crate::snapshot::CollectionState;

/// Chunks that one commit covers.
const COVERED_AT_ONCE: u32 = 512;
/// Chunks that one commit clears.
const CLEARED_AT_ONCE: u32 = 2_048;
/// Calls of the embedder at one time.
const CALLS: usize = 4;
/// Pause between two looks for what removed collections left behind.
const TIDY_EVERY: Duration = Duration::from_secs(3_600);
/// Pause where there is nothing to do, or after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the next pair of indexes may take to follow the log before the log is looked at again.
const PATIENCE: Duration = Duration::from_secs(5);

/// The work, which one process does for all.
pub struct Reindexer {
    pub service: Arc<Service>,
}

impl Duty for Reindexer {
    fn name(&self) -> &str {
        "reindex"
    }

    fn work(&self) -> BoxFuture<'_, ()> {
        work(&self.service).boxed()
    }
}

#[derive(Debug, thiserror::Error)]
enum ReindexError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Follow(#[from] IndexFollowError),
}

/// Since when something was seen to be left, by collection and its newest generation; nothing where nothing is.
type Left = BTreeMap<Pair, Option<Instant>>;

async fn work(service: &Service) {
    let mut left = Left::new();
    let mut tidied: Option<Instant> = None;
    loop {
        let mut is_idle = true;
        let (mut chunks, mut done) = (0, 0);
        if tidied.is_none_or(|at| at.elapsed() >= TIDY_EVERY) {
            match tidy(service).await {
                Ok(()) => tidied = Some(Instant::now()),
                Err(error) => tracing::debug!(%error, "what removed collections left behind can't be looked for"),
            }
        }
        for state in service.published.load().collections.values() {
            let step = async {
                service.indexes.settle(state.id, &state.settings)?;
                match &state.settings.generations.next {
                    Some(next) => {
                        let covered = vectors::next_covered(&mut service.catalog.read().await?, state.id).await?;
                        (chunks, done) = (chunks + u64::from(state.next_chunk()), done + u64::from(covered));
                        fill(service, state, next, covered).await
                    }
                    None => clear(service, state, &mut left).await.map(|()| false),
                }
            };
            match step.await {
                Ok(is_busy) => is_idle &= !is_busy,
                // The state has moved on, and is looked at again.
                Err(ReindexError::Commit(CommitError::Outdated | CommitError::UnknownCollection)) => {}
                Err(error) => {
                    tracing::warn!(collection = %state.name, %error, "re-indexing does not get on; trying again");
                }
            }
        }
        service.metrics.reindexing(chunks, done);
        if is_idle {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Removes indexes elsewhere of collections that are gone: their removal may have been cut short.
async fn tidy(service: &Service) -> Result<(), ReindexError> {
    // Before the look at the newest state: what is made meanwhile belongs to something that this state knows.
    let found = service.indexes.elsewhere().await?;
    if found.is_empty() || service.fresh().await.is_err() {
        return Ok(());
    }
    let snapshot = service.published.load();
    for pair in found {
        if snapshot.collections.values().any(|state| state.id == pair.collection) {
            continue;
        }
        tracing::info!(indexes = %pair, "removing the indexes of a collection that is gone");
        service.indexes.remove_elsewhere(pair).await?;
    }
    Ok(())
}

/// Covers the next chunks, or switches where all are covered; says whether there may be more to do at once.
async fn fill(
    service: &Service,
    state: &CollectionState,
    next: &NextGeneration,
    covered: u32,
) -> Result<bool, ReindexError> {
    let (collection, generation) = (state.name.to_string(), next.number);
    let Some(indexes) = service.indexes.get(next.pair(state.id)) else { return Ok(false) };
    if let Some(chunks) = pieces(covered..state.next_chunk(), COVERED_AT_ONCE).next() {
        let vectors = make(service, state, next, chunks.clone()).await?;
        service.committer.submit(Asked::duty("reindex"), Cover { collection, generation, chunks, vectors }).await?;
        indexes.wake();
        return Ok(true);
    }
    if !tokio::time::timeout(PATIENCE, indexes.is_filled(state.last_operation)).await.unwrap_or(false) {
        return Ok(false);
    }
    let committed = service.committer.submit(Asked::duty("reindex"), Switch { collection, generation }).await?;
    let revision = committed.revision;
    tracing::info!(collection = %state.name, embedder = next.embedder, revision, "the new indexes are searched from now on");
    Ok(true)
}

/// The vectors of the next generation that a range of chunks lacks.
async fn make(
    service: &Service,
    state: &CollectionState,
    next: &NextGeneration,
    chunks: Range<u32>,
) -> Result<Vec<(u32, Vec<f32>)>, ReindexError> {
    if crate::mutants::active("cover_without_vectors") {
        return Ok(Vec::new());
    }
    let mut tx = service.catalog.read().await?;
    let stored = vectors::of_chunks(&mut tx, next.pair(state.id), chunks.clone()).await?;
    let lacking: Vec<u32> =
        stored.into_iter().filter_map(|(chunk, vector)| vector.is_none().then_some(chunk)).collect();
    if next.embedder == state.settings.embedder {
        drop(tx);
        return Ok(service.indexes.vectors(&service.catalog, state.pair(), &lacking).await?);
    }
    let missing = || EmbedError::new(&next.embedder, Failure::NotConfigured);
    let embedder = service.embedders.get(&next.embedder).ok_or_else(missing)?;
    let texts = service.catalog.index_texts(&mut tx, state.id, chunks.start, chunks.len() as u32).await?;
    drop(tx);
    // Only chunks of one document, and of one side of its sections' borders, share a call.
    let place = |chunk: u32| {
        let document = state.document_of_chunk(chunk)?;
        let section = document.section_of(chunk - document.first_chunk);
        Some((document.ordinal, section.map(|section| section.node)))
    };
    let texts: Vec<_> = texts
        .iter()
        .filter(|text| lacking.binary_search(&text.chunk).is_ok())
        .filter_map(|text| Some((place(text.chunk)?, text.chunk, text.with(str::to_owned))))
        .collect();
    let calls = texts.chunk_by(|(one, ..), (other, ..)| one == other).map(|run| async move {
        let texts: Vec<String> = run.iter().map(|(.., text)| text.clone()).collect();
        let rows = embed::rows(embedder.as_ref(), &texts, Role::Passage, &Payer::itself()).await?;
        let rows = rows.chunks_exact(embedder.dimensions().max(1)).map(<[f32]>::to_vec);
        Ok::<_, ReindexError>(run.iter().map(|(_, chunk, _)| *chunk).zip(rows).collect::<Vec<_>>())
    });
    let calls: Vec<_> = calls.collect();
    let made: Vec<Vec<_>> = futures::stream::iter(calls).buffered(CALLS).try_collect().await?;
    Ok(made.into_iter().flatten().collect())
}

/// Removes what is left of another generation, as soon as no query can be using it.
async fn clear(service: &Service, state: &CollectionState, left: &mut Left) -> Result<(), ReindexError> {
    // Every end of a re-indexing, also one that was given up, comes with another number.
    let place = Pair { collection: state.id, generation: state.settings.generations.last };
    let since = match left.get(&place) {
        Some(None) => return Ok(()),
        Some(Some(since)) => *since,
        None => {
            let found = vectors::left(&mut service.catalog.read().await?, state.id).await?;
            left.insert(place, found.map(|_| Instant::now()));
            return Ok(());
        }
    };
    if since.elapsed() < service.indexes.erase_after {
        return Ok(());
    }
    let collection = state.name.to_string();
    if let Some(generation) = vectors::left(&mut service.catalog.read().await?, state.id).await? {
        service.indexes.remove_elsewhere(Pair { collection: state.id, generation }).await?;
        for chunks in pieces(0..state.next_chunk(), CLEARED_AT_ONCE) {
            service.committer.submit(Asked::duty("reindex"), Clear { collection: collection.clone(), chunks }).await?;
        }
        service.committer.submit(Asked::duty("reindex"), Cleared { collection }).await?;
    }
    left.insert(place, None);
    Ok(())
}
