//! Both legs, side by side, each under the mask.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::allow::{Allowed, AllowedCollection};
use super::{QueryError, Question};
use crate::embed::{self, EmbedError, Failure, Role};
use crate::gate::Candidate;
use crate::index::{ChunkKey, ChunkMask, Depth, Scored};
use crate::indexes::{Legs, SharedKeyOf};
use crate::limits::Payer;
use crate::service::Service;
use crate::service::turn::Turn;
use crate::wire::Mode;

/// One embedding of the question per embedder, kept over all rounds of a query.
#[derive(Default)]
pub(super) struct Vectors {
    /// `None`: the embedder did not answer; its collections are searched by keywords only.
    by_embedder: BTreeMap<String, Option<Arc<Vec<f32>>>>,
}

impl Vectors {
    /// The question for this embedder, if its leg is asked and it answered.
    pub fn of(&self, embedder: &str) -> Option<&Arc<Vec<f32>>> {
        self.by_embedder.get(embedder)?.as_ref()
    }
}

/// Ranked lists, best first; scores of one list can be compared, those of two lists can't.
pub(super) struct Hits {
    pub vector: Vec<WeightedList>,
    pub keyword: Vec<WeightedList>,
    /// A list was cut at the limit of candidates: there may be more readable matches.
    pub is_cut: bool,
    /// The embedder of some collection did not answer.
    pub is_degraded: bool,
}

/// A ranked list and how much a place in it counts.
pub(super) struct WeightedList {
    pub weight: f64,
    pub candidates: Vec<Candidate>,
}

/// Embeds the question with every embedder that the allowed collections use, side by side. They get half of the query's
/// time, so that the rest is enough for an answer from keywords.
pub(super) async fn embed(
    service: &Service,
    turn: &Turn,
    question: &Question,
    allowed: &Allowed,
    vectors: &mut Vectors,
) -> Result<(), QueryError> {
    if question.mode == Mode::Keyword {
        return Ok(());
    }
    let mut wanted = BTreeSet::new();
    for collection in &allowed.collections {
        let settings = &collection.view.state.settings;
        if vectors.by_embedder.contains_key(&settings.embedder) {
            continue;
        }
        // What counts nothing beside the keywords is not asked for beside them.
        let counts = question.mode == Mode::Vector || service.embedders.fusion_weight(&settings.embedder) > 0.0;
        match &question.vector {
            Some(vector) if vector.len() != settings.dimensions => {
                return Err(QueryError::Dimensions { expected: settings.dimensions });
            }
            _ if !counts => {}
            Some(vector) => {
                let mut vector = vector.clone();
                embed::normalise(&mut vector);
                vectors.by_embedder.insert(settings.embedder.clone(), Some(Arc::new(vector)));
            }
            None => {
                wanted.insert(settings.embedder.clone());
            }
        }
    }
    let budget = question.deadline / 2;
    let calls = wanted.into_iter().map(|id| async move {
        let vector = embed_text(service, turn.payer(), &id, &question.text, budget).await;
        (id, vector.map(Arc::new))
    });
    vectors.by_embedder.extend(futures::future::join_all(calls).await);
    let is_missing = |collection: &AllowedCollection| {
        let vector = vectors.by_embedder.get(&collection.view.state.settings.embedder);
        vector.is_none_or(Option::is_none)
    };
    if question.mode == Mode::Vector && allowed.collections.iter().any(is_missing) {
        return Err(QueryError::Embedder);
    }
    Ok(())
}

async fn embed_text(service: &Service, payer: &Payer, id: &str, text: &str, budget: Duration) -> Option<Vec<f32>> {
    let embedder = service.embedders.get(id)?;
    let texts = [text.to_owned()];
    let embedded = tokio::time::timeout(budget, embed::rows(embedder.as_ref(), &texts, Role::Query, payer)).await;
    let slow = |_| Err(EmbedError::new(id, Failure::Slow { timeout: budget }));
    match embedded.unwrap_or_else(slow) {
        Ok(row) => Some(row),
        Err(error) => {
            tracing::warn!(%error, "the question could not be embedded");
            None
        }
    }
}

/// Searches all allowed collections; lists of collections with the same embedder (or analyser) are merged by score.
pub(super) async fn both_legs(
    service: &Service,
    turn: &Turn,
    question: &Question,
    allowed: &Allowed,
    vectors: &Vectors,
) -> Result<Hits, QueryError> {
    let (mut searches, mut is_degraded) = (Vec::new(), false);
    for collection in &allowed.collections {
        let mut legs = Legs::default();
        match vectors.by_embedder.get(&collection.view.state.settings.embedder) {
            Some(Some(vector)) => legs.vector = Some(vector.clone()),
            Some(None) => is_degraded = true,
            None => {}
        }
        if question.mode != Mode::Vector {
            legs.text = Some(question.text.clone());
        }
        if legs.vector.is_some() || legs.text.is_some() {
            searches.push(search(service, turn, question, collection, legs));
        }
    }
    let found: Vec<Found> = futures::future::try_join_all(searches).await?;
    let is_short = found.iter().any(|found| found.is_short);
    let lists = found.into_iter().flat_map(|found| found.lists);
    let mut hits = Hits { vector: Vec::new(), keyword: Vec::new(), is_cut: is_short, is_degraded };
    let mut merged: BTreeMap<(bool, String), Vec<List>> = BTreeMap::new();
    for list in lists {
        hits.is_cut |= list.is_full;
        merged.entry((list.is_vector, list.comparable.clone())).or_default().push(list);
    }
    for ((is_vector, comparable), lists) in merged {
        let weight = match question.mode {
            _ if !is_vector => 1.0,
            Mode::Vector => service.embedders.weight_alone(&comparable),
            _ => service.embedders.fusion_weight(&comparable),
        };
        let list = WeightedList { weight, candidates: merge(lists, &depth_of(service, question, |_| 0)) };
        if is_vector { hits.vector.push(list) } else { hits.keyword.push(list) }
    }
    Ok(hits)
}

struct List {
    is_vector: bool,
    /// Lists with the same name here have scores that can be compared.
    comparable: String,
    found: Vec<Hit>,
    /// It ends where the limit of candidates says.
    is_full: bool,
}

struct Hit {
    candidate: Candidate,
    document: u32,
    score: f64,
    key: ChunkKey,
}

struct Found {
    lists: Vec<List>,
    is_short: bool,
}

/// How long a list is: so many candidates, of each document no more counted than the question wants of it.
fn depth_of(service: &Service, question: &Question, document_of: impl Fn(u32) -> u32 + Send + Sync + 'static) -> Depth {
    match question.max_per_document {
        Some(most) if !crate::mutants::active("long_documents_fill_lists") => {
            Depth::by_document(service.limits.depth, most, Arc::new(document_of))
        }
        _ => service.limits.depth.into(),
    }
}

/// One or both legs in one collection.
async fn search(
    service: &Service,
    turn: &Turn,
    question: &Question,
    collection: &AllowedCollection,
    mut legs: Legs,
) -> Result<Found, QueryError> {
    // An engine elsewhere computes by itself.
    if collection.indexes.local().is_some() {
        legs.effort = turn.place().await.map_err(QueryError::at("search"))?;
    }
    let (state, keys, id) = (collection.view.state.clone(), service.chunk_keys.clone(), collection.id);
    let settings = state.settings.clone();
    let key: SharedKeyOf = Arc::new(move |chunk: u32| match state.document_of_chunk(chunk) {
        Some(document) => keys.key(id, &document.id, document.version, document.place(chunk - document.first_chunk)),
        None => [0; 16],
    });
    let state = collection.view.state.clone();
    let document_of = move |chunk| state.document_of_chunk(chunk).map_or(u32::MAX, |document| document.ordinal);
    let depth = depth_of(service, question, document_of);
    let mask = mask_of(collection, &depth);
    let found = collection.indexes.search(legs, mask, depth.clone(), key.clone()).await?;
    service.metrics.work(&found.work);
    let list = |is_vector: bool, comparable: &str, scored: Vec<Scored>| {
        let mut quota = depth.quota();
        let hit = |Scored { chunk, score }| {
            let document = depth.document_of(chunk);
            quota.takes(document);
            Hit { candidate: Candidate { collection: id, chunk }, document, score, key: key(chunk) }
        };
        let found = scored.into_iter().map(hit).collect();
        List { is_vector, comparable: comparable.to_owned(), found, is_full: quota.is_full() }
    };
    let vector = found.vector.map(|scored| list(true, &settings.embedder, scored));
    let keyword = found.keyword.map(|scored| list(false, &settings.analyser, scored));
    Ok(Found { lists: vector.into_iter().chain(keyword).collect(), is_short: found.is_short })
}

/// What the search sees of the collection.
fn mask_of(collection: &AllowedCollection, depth: &Depth) -> Arc<ChunkMask> {
    // A deliberate bug of the test build: hidden parts of a document take places from what may be read of it.
    if depth.per_document.is_some() && crate::mutants::active("documents_limited_before_the_mask") {
        return Arc::new(ChunkMask::full(collection.mask.last().map_or(0, |last| last + 1)));
    }
    collection.mask.clone()
}

/// One list out of several with comparable scores, in the order (score descending, key ascending).
fn merge(lists: Vec<List>, depth: &Depth) -> Vec<Candidate> {
    let mut all: Vec<Hit> = lists.into_iter().flat_map(|list| list.found).collect();
    all.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.key.cmp(&b.key)));
    let mut quota = depth.quota();
    all.retain(|hit| quota.takes((hit.candidate.collection, hit.document)));
    all.into_iter().map(|hit| hit.candidate).collect()
}
