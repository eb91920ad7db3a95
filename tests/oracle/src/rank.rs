//! Ranking by brute force, from `docs/ranking.md`. Texts are lower-case ASCII words separated by single blanks or line
//! breaks, so that tokens are just the words.

use std::collections::BTreeSet;

/// A readable chunk as a ranking sees it.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Whatever identifies it for the caller.
    pub id: String,
    /// Whatever identifies the document that it is of.
    pub document: String,
    pub key: [u8; 16],
    /// Title and text.
    pub tokens: Vec<String>,
    pub vector: Vec<f32>,
}

/// A chunk in the final list.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    pub id: String,
    pub score: f64,
}

const DIMENSIONS: usize = 48;

/// The embedding of the tests: each word adds eight signed ones at places that a simple hash (FNV-1a) chooses.
pub fn vector(text: &str) -> Vec<f32> {
    let mut sums = vec![0.0_f64; DIMENSIONS];
    for word in text.split_ascii_whitespace() {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in word.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        for _ in 0..8 {
            hash = hash.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let place = (hash >> 33) as usize % DIMENSIONS;
            if let Some(sum) = sums.get_mut(place) {
                *sum += if hash >> 63 == 0 { 1.0 } else { -1.0 };
            }
        }
    }
    let length = sums.iter().map(|x| x * x).sum::<f64>().sqrt();
    sums.iter().map(|x| if length > 0.0 { (x / length) as f32 } else { 0.0 }).collect()
}

pub fn tokens(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

/// What a question wants beside its words.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Candidates of each list.
    pub depth: usize,
    pub top_k: usize,
    /// Passages of one document.
    pub most: Option<usize>,
    pub diversity: f64,
}

/// Places (from 0) of all chunks with a score, best first.
fn ordered(scores: Vec<Option<f64>>, chunks: &[Chunk]) -> Vec<usize> {
    let mut list: Vec<(f64, &[u8; 16], usize)> = scores
        .into_iter()
        .zip(chunks)
        .enumerate()
        .filter_map(|(place, (score, chunk))| score.map(|score| (score, &chunk.key, place)))
        .collect();
    list.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    list.into_iter().map(|(_, _, place)| place).collect()
}

/// How many of these are of the document of that one.
fn of_its_document(places: &[usize], place: usize, chunks: &[Chunk]) -> usize {
    let document = |place: usize| chunks.get(place).map(|chunk| &chunk.document);
    places.iter().filter(|other| document(**other) == document(place)).count()
}

/// The list of one leg: it ends with the last candidate that counts, and of each document only the first `most` count; four
/// more may stand in it.
fn leg(scores: Vec<Option<f64>>, chunks: &[Chunk], wish: Wish) -> Vec<usize> {
    let (mut list, mut counted) = (Vec::new(), 0);
    for place in ordered(scores, chunks) {
        let before = of_its_document(&list, place, chunks);
        let is_counted = wish.most.is_none_or(|most| before < most);
        if counted < wish.depth && wish.most.is_none_or(|most| most >= wish.depth || before < most + 4) {
            counted += usize::from(is_counted || wish.most.is_some_and(|most| most >= wish.depth));
            list.push(place);
        }
    }
    list
}

/// The choice by maximal marginal relevance, from those in their order.
fn choice(pool: &[usize], scores: &[f64], chunks: &[Chunk], wish: Wish) -> Vec<usize> {
    let likeness = |a: usize, b: usize| match (chunks.get(a), chunks.get(b)) {
        (Some(a), Some(b)) => {
            let products = a.vector.iter().zip(&b.vector).map(|(a, b)| f64::from(*a) * f64::from(*b));
            products.fold(0.0, |sum, product| sum + product).max(0.0)
        }
        _ => 0.0,
    };
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < wish.top_k.min(pool.len()) {
        let worth = |place: usize| {
            let nearest = chosen.iter().map(|other| likeness(place, *other)).fold(0.0, f64::max);
            (1.0 - wish.diversity) * scores.get(place).copied().unwrap_or_default() - wish.diversity * nearest
        };
        let left = pool.iter().copied().filter(|place| !chosen.contains(place));
        let best = left.reduce(|best, place| if worth(place) > worth(best) { place } else { best });
        chosen.extend(best);
    }
    chosen
}

fn vector_scores(query: &[f32], chunks: &[Chunk]) -> Vec<Option<f64>> {
    let dot = |row: &[f32]| row.iter().zip(query).fold(0.0, |sum, (a, b)| sum + f64::from(*a) * f64::from(*b));
    chunks.iter().map(|chunk| Some(dot(&chunk.vector))).collect()
}

/// Where the rarity of a term comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rarity {
    /// Counted over the chunks that the reader may see.
    #[default]
    Counted,
    /// The same for every term: as a public table that holds none of them has it.
    Constant,
}

fn keyword_scores(query: &str, chunks: &[Chunk], rarity: Rarity) -> Vec<Option<f64>> {
    // A word that is said again counts again.
    let mut terms: Vec<(String, f64)> = Vec::new();
    for token in tokens(query) {
        match terms.iter_mut().find(|(term, _)| *term == token) {
            Some((_, said)) => *said += 1.0,
            None => terms.push((token, 1.0)),
        }
    }
    let count = chunks.len() as f64;
    let average = match rarity {
        Rarity::Counted => chunks.iter().map(|chunk| chunk.tokens.len() as f64).sum::<f64>() / count,
        Rarity::Constant => 200.0,
    };
    let mut scores = vec![None; chunks.len()];
    for (term, said) in &terms {
        let held = |chunk: &Chunk| chunk.tokens.iter().filter(|token| *token == term).count() as f64;
        let df = chunks.iter().filter(|chunk| held(chunk) > 0.0).count() as f64;
        let (count, df) = if rarity == Rarity::Counted { (count, df) } else { (1_000.0, 1.0) };
        let idf = said * (1.0 + (count - df + 0.5) / (df + 0.5)).ln();
        for (chunk, score) in chunks.iter().zip(scores.iter_mut()) {
            let held = held(chunk);
            if held > 0.0 {
                let length = chunk.tokens.len() as f64;
                let weight = |tf: f64| tf * 2.2 / (tf + 1.2 * (1.0 - 0.75 + 0.75 * length / average));
                // These words have one form and one spelling: both are held as often.
                let part = match rarity {
                    Rarity::Counted => idf * weight(0.9 * held + 0.1 * held),
                    Rarity::Constant => idf * (0.9 * weight(held) + 0.1 * weight(held)),
                };
                *score = Some(score.unwrap_or(0.0) + part);
            }
        }
    }
    scores
}

/// The part of the query's words that a chunk holds.
fn coverage(query: &str, chunk: &Chunk) -> f64 {
    let words: BTreeSet<String> = tokens(query).into_iter().collect();
    let held = words.iter().filter(|word| chunk.tokens.contains(word)).count();
    held as f64 / words.len() as f64
}

/// The answer from the hybrid list over readable chunks.
pub fn hybrid(query: &str, chunks: &[Chunk], wish: Wish, rarity: Rarity) -> Vec<Ranked> {
    let keywords = keyword_scores(query, chunks, rarity);
    let lists = [leg(vector_scores(&vector(query), chunks), chunks, wish), leg(keywords, chunks, wish)];
    let mut raw = vec![0.0_f64; chunks.len()];
    for list in &lists {
        for (rank, place) in list.iter().enumerate() {
            if let Some(sum) = raw.get_mut(*place) {
                *sum += 1.0 / (3.0 + (rank + 1) as f64);
            }
        }
    }
    let scores = raw.iter().map(|score| Some(*score).filter(|score| *score > 0.0)).collect();
    let mut order: Vec<usize> = Vec::new();
    for place in ordered(scores, chunks) {
        if wish.most.is_none_or(|most| of_its_document(&order, place, chunks) < most) {
            order.push(place);
        }
    }
    let pool = if wish.diversity > 0.0 { (3 * wish.top_k).max(50) } else { 0 };
    order.truncate(wish.top_k.max(30).max(pool));
    // What a passage is by itself counts as much as where it stands.
    let cosines = vector_scores(&vector(query), chunks);
    let scores: Vec<f64> = raw
        .iter()
        .zip(chunks)
        .zip(cosines)
        .map(|((raw, chunk), cosine)| {
            let places = (raw / (2.0 / 4.0)).min(1.0);
            0.5 * places + 0.2 * coverage(query, chunk) + 0.3 * cosine.unwrap_or(0.0).clamp(0.0, 1.0)
        })
        .collect();
    let of = |place: usize| scores.get(place).copied().unwrap_or_default();
    let key = |place: usize| chunks.get(place).map(|chunk| chunk.key);
    order.sort_by(|a, b| of(*b).total_cmp(&of(*a)).then_with(|| key(*a).cmp(&key(*b))));
    if wish.diversity > 0.0 {
        order.truncate(pool);
        order = choice(&order, &scores, chunks, wish);
    }
    order.truncate(wish.top_k);
    let ranked = |place: usize| Some(Ranked { id: chunks.get(place)?.id.clone(), score: *scores.get(place)? });
    order.into_iter().filter_map(ranked).collect()
}
