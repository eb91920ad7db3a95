//! Maximal marginal relevance (Carbonell and Goldstein 1998): of passages that are nearly alike the best one, and others in
//! the place of the rest. It compares verified passages with each other, and nothing else, by their own vectors.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::fuse::Ranked;
use super::{QueryError, Question};
use crate::gate::Candidate;
use crate::indexes::{CollectionIndexes, IndexFollowError};
use crate::limits::effort::{Effort, Spent};
use crate::service::Service;
use crate::service::turn::{NotComputed, Turn};

/// Passages that are chosen from, and how many for each that is wanted where that is more.
const POOL: usize = 50;
const POOL_PER_RESULT: usize = 3;

/// A passage as it is chosen.
struct Choice {
    relevance: f64,
    /// Absent: it has gone meanwhile.
    vector: Option<Vec<f32>>,
    /// Vectors of two embedders can't be compared.
    embedder: Arc<str>,
}

/// How many of the best passages are chosen from.
pub(super) fn pool(question: &Question) -> usize {
    POOL.max(POOL_PER_RESULT * question.top_k)
}

/// Chooses as many of the best passages as the question wants, where it wants them to differ.
pub(super) async fn diversify(
    service: &Service,
    turn: &Turn,
    question: &Question,
    mut ranked: Ranked,
    indexes: &[(Arc<str>, Arc<CollectionIndexes>)],
) -> Result<Ranked, QueryError> {
    let diversity = question.diversity;
    if diversity == 0.0 {
        return Ok(ranked);
    }
    let is_reranked = ranked.hits.iter().any(|hit| hit.probability.is_some());
    // What the reranker has not read has no score that compares with the others'.
    let is_chosen_from = |hit: &&super::fuse::RankedChunk| !is_reranked || hit.probability.is_some();
    let pool: Vec<_> = ranked.hits.iter().take(pool(question)).take_while(is_chosen_from).collect();
    let chunks: Vec<Candidate> = pool.iter().map(|hit| hit.chunk.candidate()).collect();
    let mut vectors = {
        let _place = turn.place().await.map_err(QueryError::at("diversify"))?;
        vectors(service, &chunks, indexes).await?
    };
    let choice = |hit: &&super::fuse::RankedChunk| {
        let collection = ranked.searched.collection(hit.chunk.collection());
        Choice {
            relevance: hit.probability.unwrap_or(hit.score),
            vector: vectors.remove(&hit.chunk.candidate()),
            embedder: collection.map_or_else(Arc::default, |of| of.state.settings.embedder.as_str().into()),
        }
    };
    let choices: Vec<Choice> = pool.iter().map(choice).collect();
    let count = question.top_k;
    let chosen = turn.compute(move |effort| choose(&choices, diversity, count, effort)).await;
    let chosen = chosen.map_err(QueryError::at("diversify"))?;
    let chosen = chosen.map_err(|spent| QueryError::at("diversify")(NotComputed::Spent(spent)))?;
    let mut hits: Vec<_> = ranked.hits.into_iter().map(Some).collect();
    ranked.hits = chosen.into_iter().filter_map(|place| hits.get_mut(place)?.take()).collect();
    Ok(ranked)
}

/// Vectors of verified chunks, as they were searched.
async fn vectors(
    service: &Service,
    chunks: &[Candidate],
    indexes: &[(Arc<str>, Arc<CollectionIndexes>)],
) -> Result<HashMap<Candidate, Vec<f32>>, QueryError> {
    let mut by_collection: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for chunk in chunks {
        by_collection.entry(chunk.collection).or_default().push(chunk.chunk);
    }
    let mut vectors = HashMap::with_capacity(chunks.len());
    for (collection, mut chunks) in by_collection {
        let Some((_, held)) = indexes.iter().find(|(_, held)| held.pair.collection == collection) else { continue };
        chunks.sort_unstable();
        let found = service.indexes.vectors(&service.catalog, held.pair, &chunks).await.map_err(failed)?;
        let of = |(chunk, vector)| {
            // A deliberate bug of the test build: what lies near each other is alike, whatever is hidden between.
            let is_blind = crate::mutants::active("likeness_by_place");
            let by_place = || [(f64::from(chunk) * 0.05).cos() as f32, (f64::from(chunk) * 0.05).sin() as f32];
            (Candidate { collection, chunk }, if is_blind { by_place().into() } else { vector })
        };
        vectors.extend(found.into_iter().map(of));
    }
    Ok(vectors)
}

fn failed(error: IndexFollowError) -> QueryError {
    match error {
        IndexFollowError::Catalog(error) => error.into(),
        IndexFollowError::Index(error) => error.into(),
        IndexFollowError::Embed(_) => QueryError::Embedder,
    }
}

/// Places of the chosen ones, in the order of the choice. Each time it is the one with the largest
/// `(1 - diversity) * relevance - diversity * (its largest similarity to one that was chosen)`, of equal ones the first.
fn choose(choices: &[Choice], diversity: f64, count: usize, effort: &Effort) -> Result<Vec<usize>, Spent> {
    let mut left: Vec<(usize, &Choice, f64)> =
        choices.iter().enumerate().map(|(place, choice)| (place, choice, 0.0)).collect();
    let mut chosen = Vec::with_capacity(count.min(choices.len()));
    while chosen.len() < count && !left.is_empty() {
        effort.spend(left.len() as u64)?;
        let worth =
            |(_, choice, nearest): &(usize, &Choice, f64)| (1.0 - diversity) * choice.relevance - diversity * nearest;
        let mut best = (0, f64::NEG_INFINITY);
        for (at, candidate) in left.iter().enumerate() {
            let worth = worth(candidate);
            if worth > best.1 {
                best = (at, worth);
            }
        }
        let (place, picked, _) = left.remove(best.0);
        chosen.push(place);
        for (_, choice, nearest) in &mut left {
            *nearest = nearest.max(similarity(choice, picked));
        }
    }
    Ok(chosen)
}

/// The cosine of two passages, and 0 where it is lower or there is none.
fn similarity(one: &Choice, other: &Choice) -> f64 {
    match (&one.vector, &other.vector) {
        (Some(a), Some(b)) if one.embedder == other.embedder => {
            a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + f64::from(*a) * f64::from(*b)).max(0.0)
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::normalise;
    use usher_support::Random;

    /// The definition: everything is computed anew for each choice.
    fn brute_force(choices: &[Choice], diversity: f64, count: usize) -> Vec<usize> {
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < count.min(choices.len()) {
            let worth = |place: usize| {
                let nearest = chosen.iter().map(|other| similarity(&choices[place], &choices[*other]));
                (1.0 - diversity) * choices[place].relevance - diversity * nearest.fold(0.0, f64::max)
            };
            let open = (0..choices.len()).filter(|place| !chosen.contains(place));
            let best = open.reduce(|best, place| if worth(place) > worth(best) { place } else { best });
            chosen.extend(best);
        }
        chosen
    }

    #[test]
    fn choices_are_those_of_the_definition() {
        let mut random = Random::new(5);
        for _ in 0..200 {
            let count = random.below(40usize);
            let mut choices: Vec<Choice> = (0..count)
                .map(|_| {
                    let mut vector: Vec<f32> = (0..6).map(|_| random.normal()).collect();
                    normalise(&mut vector);
                    Choice {
                        relevance: random.below(20u32).into(),
                        vector: (!random.chance(10)).then_some(vector),
                        embedder: if random.chance(20) { "b" } else { "a" }.into(),
                    }
                })
                .collect();
            choices.iter_mut().for_each(|choice| choice.relevance /= 20.0);
            choices.sort_by(|a, b| b.relevance.total_cmp(&a.relevance));
            let wanted = 1 + random.below(20usize);
            for diversity in [0.05, 0.5, 1.0] {
                let chosen = choose(&choices, diversity, wanted, &Effort::unbounded()).unwrap();
                assert_eq!(chosen, brute_force(&choices, diversity, wanted));
            }
            // What was chosen first stays when more are wanted.
            let all = choose(&choices, 0.5, usize::MAX, &Effort::unbounded()).unwrap();
            assert!(all.starts_with(&choose(&choices, 0.5, wanted, &Effort::unbounded()).unwrap()));
        }
    }

    #[test]
    fn of_two_that_are_alike_the_second_makes_room() {
        let choice =
            |relevance, vector: [f32; 2]| Choice { relevance, vector: Some(vector.into()), embedder: "a".into() };
        let choices = [choice(1.0, [1.0, 0.0]), choice(0.9, [1.0, 0.0]), choice(0.5, [0.0, 1.0])];
        let order = |diversity| choose(&choices, diversity, 3, &Effort::unbounded()).unwrap();
        assert_eq!(order(0.01), [0, 1, 2]);
        assert_eq!(order(0.5), [0, 2, 1]);
        let (spent, _wanted) = Effort::new("key", std::time::Instant::now(), u64::MAX);
        assert!(choose(&choices, 0.5, 3, &spent).is_err());
    }
}
