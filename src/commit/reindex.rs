//! Re-indexing: a collection gets a second pair of indexes, with another embedder, analyser or layout, which takes the
//! place of the first in one commit. What documents are, and who may read them, has no part in it.
//!
//! The vectors of the next generation are stored in the catalog, in the order of chunks; [`Cover`] notes up to where all
//! are there, and its entry in the operation log tells the next pair of indexes, wherever it is. Documents that come
//! meanwhile bring vectors of both generations, or are covered later.

use std::ops::Range;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Change, CommitError, Draft, Edited};
use crate::audit::Told;
use crate::catalog::collections::{CollectionSettings, NextGeneration, Pair};
use crate::catalog::operations::{self, OperationKind};
use crate::catalog::{self, commits, vectors};
use crate::indexes::VectorHome;
use crate::snapshot::CollectionState;

/// Chunks that the switch itself may cover: it holds up other changes.
const COVERED_BY_SWITCH: u32 = 1_024;

/// Begins a next generation.
#[derive(Debug)]
pub struct Begin {
    pub collection: String,
    pub embedder: String,
    pub dimensions: usize,
    pub analyser: String,
}

impl Change for Begin {
    type Output = ();

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<(), CommitError>> {
        async move {
            let state = draft.next.collection(&self.collection).ok_or(CommitError::UnknownCollection)?.clone();
            let mut settings = CollectionSettings::clone(&state.settings);
            if settings.generations.next.is_some() {
                return Err(CommitError::Reindexing {
                    problem: "The collection is being re-indexed already. Wait for it, or give it up with DELETE.",
                });
            }
            if vectors::left(&mut draft.tx, state.id).await?.is_some() {
                return Err(CommitError::Reindexing {
                    problem: "What the last re-indexing left behind is still being removed. Try again later.",
                });
            }
            // Releases that don't know of generations would go on with the first one.
            commits::require(&mut draft.tx, commits::KNOWS_GENERATIONS).await?;
            let number = settings.generations.following();
            let (embedder, analyser) = (self.embedder.clone(), self.analyser.clone());
            settings.generations.last = number;
            settings.generations.next =
                Some(NextGeneration { number, embedder, dimensions: self.dimensions, analyser });
            vectors::set_next_covered(&mut draft.tx, state.id, 0).await?;
            take_settings(draft, &state, settings).await
        }
        .boxed()
    }

    fn told(&self, (): &(), _: &Edited) -> Option<Told> {
        let told = Told::new("collections.reindex", vec![self.collection.clone()]);
        Some(told.with("embedder", self.embedder.as_str().into()).with("analyser", self.analyser.as_str().into()))
    }
}

/// Gives up a next generation. Says whether there was one.
#[derive(Debug)]
pub struct Cancel {
    pub collection: String,
}

impl Change for Cancel {
    type Output = bool;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<bool, CommitError>> {
        async move {
            let state = draft.next.collection(&self.collection).ok_or(CommitError::UnknownCollection)?.clone();
            let mut settings = CollectionSettings::clone(&state.settings);
            let Some(next) = settings.generations.next.take() else { return Ok(false) };
            leave(draft, next.pair(state.id)).await?;
            take_settings(draft, &state, settings).await?;
            Ok(true)
        }
        .boxed()
    }

    fn told(&self, was_begun: &bool, _: &Edited) -> Option<Told> {
        was_begun.then(|| Told::new("collections.reindex_cancel", vec![self.collection.clone()]))
    }
}

/// Stores vectors of the next generation for a range of chunks, and notes that all up to its end are there.
#[derive(Debug)]
pub struct Cover {
    pub collection: String,
    pub generation: u32,
    /// Begins where the last one ended.
    pub chunks: Range<u32>,
    pub vectors: Vec<(u32, Vec<f32>)>,
}

impl Change for Cover {
    type Output = ();

    fn is_urgent(&self) -> bool {
        false
    }

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<(), CommitError>> {
        async move {
            let (state, next) = begun(draft, &self.collection, self.generation)?;
            for (chunk, vector) in &self.vectors {
                vectors::put(&mut draft.tx, next, *chunk, vector).await?;
            }
            cover(draft, &state, next, self.chunks.clone()).await
        }
        .boxed()
    }

    /// Indexes are derived: nothing that anybody reads has changed.
    fn told(&self, (): &(), _: &Edited) -> Option<Told> {
        None
    }
}

/// Puts the next generation in the place of the current one.
#[derive(Debug)]
pub struct Switch {
    pub collection: String,
    pub generation: u32,
}

impl Change for Switch {
    type Output = ();

    fn is_urgent(&self) -> bool {
        false
    }

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<(), CommitError>> {
        async move {
            let (state, next) = begun(draft, &self.collection, self.generation)?;
            let (covered, end) = (vectors::next_covered(&mut draft.tx, state.id).await?, state.next_chunk());
            if end.saturating_sub(covered) > COVERED_BY_SWITCH {
                return Err(CommitError::Outdated);
            }
            if covered < end {
                cover(draft, &state, next, covered..end).await?;
            }
            if draft.indexes.home() == VectorHome::Files {
                // From now on commits append to these files, where every row has its place.
                let taken = draft.indexes.take_vectors(&mut draft.tx, next, end).await;
                taken.map_err(|error| {
                    tracing::error!(%error, indexes = %next, "vectors of the next generation can't be written");
                    CommitError::Outdated
                })?;
            }
            let mut settings = CollectionSettings::clone(&state.settings);
            let Some(form) = settings.form(self.generation) else { return Err(CommitError::Outdated) };
            (settings.embedder, settings.dimensions, settings.analyser) =
                (form.embedder, form.dimensions, form.analyser);
            let old = settings.pair(state.id);
            (settings.generations.current, settings.generations.next) = (self.generation, None);
            leave(draft, old).await?;
            take_settings(draft, &state, settings).await
        }
        .boxed()
    }

    fn told(&self, (): &(), _: &Edited) -> Option<Told> {
        let told = Told::new("collections.reindexed", vec![self.collection.clone()]);
        Some(told.with("generation", self.generation.into()))
    }
}

/// Removes vectors from the catalog that nobody needs: of what is left of another generation, and all of them where they
/// lie in files.
#[derive(Debug)]
pub struct Clear {
    pub collection: String,
    pub chunks: Range<u32>,
}

impl Change for Clear {
    type Output = ();

    fn is_urgent(&self) -> bool {
        false
    }

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<(), CommitError>> {
        async move {
            let state = draft.next.collection(&self.collection).ok_or(CommitError::UnknownCollection)?.clone();
            let Some(generation) = vectors::left(&mut draft.tx, state.id).await? else { return Ok(()) };
            let left = Pair { collection: state.id, generation };
            vectors::clear(&mut draft.tx, left, self.chunks.clone()).await?;
            if draft.indexes.home() == VectorHome::Files {
                vectors::clear(&mut draft.tx, state.settings.pair(state.id), self.chunks.clone()).await?;
            }
            Ok(())
        }
        .boxed()
    }

    /// Indexes are derived: nothing that anybody reads has changed.
    fn told(&self, (): &(), _: &Edited) -> Option<Told> {
        None
    }
}

/// Notes that nothing is left of another generation.
#[derive(Debug)]
pub struct Cleared {
    pub collection: String,
}

impl Change for Cleared {
    type Output = ();

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<(), CommitError>> {
        async move {
            let id = draft.next.collection(&self.collection).ok_or(CommitError::UnknownCollection)?.id;
            Ok(vectors::forget_left(&mut draft.tx, id).await?)
        }
        .boxed()
    }

    /// Indexes are derived: nothing that anybody reads has changed.
    fn told(&self, (): &(), _: &Edited) -> Option<Told> {
        None
    }
}

/// The collection, while this generation of it is being filled.
fn begun(draft: &Draft, collection: &str, generation: u32) -> Result<(CollectionState, Pair), CommitError> {
    let state = draft.next.collection(collection).ok_or(CommitError::UnknownCollection)?;
    let is_begun = state.settings.generations.next.as_ref().is_some_and(|next| next.number == generation);
    if !is_begun {
        return Err(CommitError::Outdated);
    }
    Ok((CollectionState::clone(state), Pair { collection: state.id, generation }))
}

async fn cover(draft: &mut Draft, state: &CollectionState, next: Pair, chunks: Range<u32>) -> Result<(), CommitError> {
    let covered = vectors::next_covered(&mut draft.tx, state.id).await?;
    let is_missing = vectors::is_missing(&mut draft.tx, next, chunks.clone()).await?;
    if covered != chunks.start || is_missing && !crate::mutants::active("cover_without_vectors") {
        return Err(CommitError::Outdated);
    }
    vectors::set_next_covered(&mut draft.tx, state.id, chunks.end).await?;
    let (count, revision) = (chunks.len() as u32, draft.next.revision);
    let kind = OperationKind::Cover;
    let last = operations::log(&mut draft.tx, state.id, kind, chunks.start, count, revision).await?;
    draft.collection_mut(&state.name)?.last_operation = last;
    Ok(())
}

/// The generation is searched no more; what is left of it is removed later.
async fn leave(draft: &mut Draft, pair: Pair) -> Result<(), CommitError> {
    vectors::forget_covered(&mut draft.tx, pair.collection).await?;
    Ok(vectors::set_left(&mut draft.tx, pair).await?)
}

async fn take_settings(
    draft: &mut Draft,
    state: &CollectionState,
    settings: CollectionSettings,
) -> Result<(), CommitError> {
    catalog::collections::update(&mut draft.tx, state.id, &settings).await?;
    let revision = draft.next.revision;
    draft.collection_mut(&state.name)?.take_settings(settings, revision)?;
    Ok(())
}
