//! The acceptance suite of [`KeywordIndex`], compared with a map of chunks to tokens and the formula of BM25; run for
//! tantivy and for sparse vectors in Qdrant.
//!
//! Exceptions for Qdrant, with their reasons:
//! - the rarity of a term comes from a public table instead of being counted under the mask: it can't count there;
//! - weights are 32-bit numbers, so scores are compared within a thousandth;
//! - among equal scores at the end of a list any may stand there: it knows no chunk keys;
//! - files, locks and damage are the server's own business; being behind, foreign or missing is tested in `qdrant`.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::world::{by_document, document, key, mask};
use crate::analyse::{self, Phrase, PhraseWord, QueryTerm, Role, Token};
use crate::{
    AnalysedQuery, Analyser, ChunkMask, Depth, IndexError, KeywordIndex, KeywordOp, Scored, TantivyKeywords, Tokens,
    Work, sparse,
};
use usher_support::Random;

/// The definition of the leg, over the chunks that are indexed.
#[derive(Default, Clone)]
struct Model(BTreeMap<u32, Tokens>);

/// Where the rarity of a term comes from.
#[derive(Clone, Copy, PartialEq)]
enum Rarity {
    Mask,
    Table,
}

/// The implementations, with the rarity that each uses.
fn implementations() -> Vec<(Rarity, Box<dyn KeywordIndex>, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let mut all: Vec<(Rarity, Box<dyn KeywordIndex>, _)> =
        vec![(Rarity::Mask, Box::new(create(folder.path())), Some(folder))];
    if let Some(url) = super::qdrant::url() {
        all.push((Rarity::Table, Box::new(super::qdrant::Remote::make(&url, 4)), None));
    }
    all
}

impl Model {
    fn apply(&mut self, operations: &[KeywordOp]) {
        for operation in operations {
            match operation {
                KeywordOp::Add { chunk, tokens } => {
                    self.0.insert(*chunk, tokens.clone());
                }
                KeywordOp::Remove { chunks } => self.0.retain(|chunk, _| !chunks.contains(chunk)),
            }
        }
    }

    fn search(&self, query: &AnalysedQuery, mask: &ChunkMask, depth: usize) -> Vec<Scored> {
        self.search_with(Rarity::Mask, query, mask, depth)
    }

    fn search_with(&self, rarity: Rarity, query: &AnalysedQuery, mask: &ChunkMask, depth: usize) -> Vec<Scored> {
        let visible: Vec<(u32, &Tokens)> =
            self.0.iter().filter(|(chunk, _)| mask.contains(**chunk)).map(|(chunk, tokens)| (*chunk, tokens)).collect();
        let population = f64::from(mask.count());
        let average = match rarity {
            Rarity::Mask => visible.iter().map(|(_, tokens)| f64::from(tokens.length)).sum::<f64>() / population,
            Rarity::Table => 200.0,
        };
        let mut scores = vec![None; visible.len()];
        for term in query.terms() {
            let counts = |tokens: &Tokens| {
                let of = |form: &String, is_exact: bool| {
                    let is_it = |token: &&Token| token.form == *form && (!is_exact || token.spelling == term.spelling);
                    tokens.terms.iter().filter(is_it).count() as f64
                };
                let most = |is_exact| term.forms.iter().map(|form| of(form, is_exact)).fold(0.0, f64::max);
                (most(false), most(true))
            };
            let df = visible.iter().filter(|(_, tokens)| counts(tokens).0 > 0.0).count() as f64;
            let weight = |tf: f64, tokens: &Tokens| {
                tf * 2.2 / (tf + 1.2 * (1.0 - 0.75 + 0.75 * f64::from(tokens.length) / average))
            };
            for ((_, tokens), score) in visible.iter().zip(&mut scores) {
                let (all, exact) = counts(tokens);
                if all == 0.0 {
                    continue;
                }
                let part = match rarity {
                    Rarity::Mask => {
                        let idf = (1.0 + (population - df + 0.5) / (df + 0.5)).ln();
                        f64::from(term.count) * idf * weight(0.9 * all + 0.1 * exact, tokens)
                    }
                    // Every form of these words is equally rare.
                    Rarity::Table => {
                        let form = |form: &String| tokens.terms.iter().filter(|token| token.form == *form).count();
                        let forms: f64 = term.forms.iter().map(|it| weight(form(it) as f64, tokens)).sum();
                        f64::from(term.count) * sparse::idf(":w") * (0.9 * forms + 0.1 * weight(exact, tokens))
                    }
                };
                *score = Some(score.unwrap_or(0.0) + part);
            }
        }
        let holds = |tokens: &Tokens| {
            query.phrases().iter().all(|phrase| {
                (0..tokens.length).any(|start| {
                    phrase.words.iter().all(|word| {
                        tokens.terms.iter().any(|token| {
                            token.position == start + word.offset
                                && word.forms.contains(&token.form)
                                && analyse::folded(&token.spelling) == word.folded
                        })
                    })
                })
            })
        };
        let scored = visible.iter().zip(scores).filter(|((_, tokens), _)| rarity == Rarity::Table || holds(tokens));
        let mut found: Vec<Scored> =
            scored.filter_map(|((chunk, _), score)| Some(Scored { chunk: *chunk, score: score? })).collect();
        found.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap().then_with(|| key(a.chunk).cmp(&key(b.chunk))));
        found.truncate(depth);
        found
    }
}

/// Words with Zipf's frequencies, so that some are in nearly every chunk.
fn word(random: &mut Random) -> u32 {
    (300.0f64.powf(random.unit()) - 1.0) as u32
}

/// One of a few spellings of a word.
fn spelling(random: &mut Random, word: u32) -> String {
    let mark = ["", "", "", "é", "è"][random.below(5) as usize];
    format!("w{word}{mark}")
}

/// Some words have two forms; those of several words may be one.
fn forms(word: u32) -> Vec<String> {
    let mut forms = vec![format!(":w{word}")];
    forms.extend(word.is_multiple_of(3).then(|| format!(":x{}", word % 5)));
    forms
}

fn tokens(words: &[(u32, String)]) -> Tokens {
    let mut terms = Vec::new();
    for (position, (word, spelling)) in (0..).zip(words) {
        terms.extend(forms(*word).into_iter().map(|form| Token { form, spelling: spelling.clone(), position }));
    }
    Tokens { terms, length: words.len() as u32 }
}

fn text(random: &mut Random) -> Tokens {
    let length = match random.below(20) {
        0 => 0,
        1 => 1 + random.below(900),
        _ => 1 + random.below(40),
    };
    let words: Vec<(u32, String)> = (0..length)
        .map(|_| {
            let word = word(random);
            (word, spelling(random, word))
        })
        .collect();
    tokens(&words)
}

fn query(random: &mut Random) -> AnalysedQuery {
    let mut terms: Vec<QueryTerm> = (0..1 + random.below(6))
        .map(|_| {
            let word = word(random);
            QueryTerm {
                forms: forms(word),
                spelling: spelling(random, word),
                count: 1 + random.below(2) as u32,
                written: 0,
                role: Role::Word(0),
            }
        })
        .collect();
    terms.extend((random.below(4) == 0).then(|| AnalysedQuery::of_words(["absent"]).terms()[0].clone()));
    AnalysedQuery::of(terms, Vec::new())
}

/// A query with a phrase of two or three words that are often beside one another.
fn phrase(random: &mut Random) -> AnalysedQuery {
    let words: Vec<u32> = (0..2 + random.below(2)).map(|_| random.below(4) as u32).collect();
    let phrase = (0..)
        .zip(&words)
        .map(|(offset, &word)| PhraseWord { forms: forms(word), folded: format!("w{word}"), offset })
        .collect();
    let terms = words
        .iter()
        .map(|&word| QueryTerm {
            forms: forms(word),
            spelling: format!("w{word}"),
            count: 1,
            written: 0,
            role: Role::Word(0),
        })
        .collect();
    AnalysedQuery::of(terms, vec![Phrase { words: phrase }])
}

/// Compares answers bit for bit, on masks of every density.
fn compare(index: &dyn KeywordIndex, model: &Model, chunks: u32, random: &mut Random) {
    compare_with(Rarity::Mask, index, model, chunks, random);
}

fn compare_with(rarity: Rarity, index: &dyn KeywordIndex, model: &Model, chunks: u32, random: &mut Random) {
    for (share, run) in [(1.0, 1), (0.5, 1), (0.5, 100), (0.1, 7), (0.02, 1), (0.003, 1), (0.0, 1)] {
        // Only live chunks are ever masked.
        let mut seen = mask(random, chunks, share, run);
        for chunk in 0..chunks {
            if !model.0.contains_key(&chunk) {
                seen.clear_range(chunk..chunk + 1);
            }
        }
        let is_phrase = rarity == Rarity::Mask && random.below(3) == 0;
        let query = if is_phrase { phrase(random) } else { query(random) };
        let depth = [1, 10, 1_000][random.below(3) as usize];
        let found = index.search(&query, &seen, &depth.into(), &key, &mut Work::default()).unwrap();
        let expected = model.search_with(rarity, &query, &seen, depth);
        agree(rarity, &found, &expected, &format!("{query:?}, {share} of chunks, depth {depth}"));
        if rarity == Rarity::Mask {
            let most = [1, 2, 5][random.below(3) as usize];
            let limit = Depth::by_document(depth, most, Arc::new(document));
            let found = index.search(&query, &seen, &limit, &key, &mut Work::default()).unwrap();
            let all = model.search(&query, &seen, usize::MAX);
            let expected = if most < depth { by_document(&all, depth, most) } else { expected };
            assert_eq!(found, expected, "{query:?}, {share} of chunks, depth {depth}, {most} of a document");
        }
    }
}

fn agree(rarity: Rarity, found: &[Scored], expected: &[Scored], what: &str) {
    if rarity == Rarity::Mask {
        assert_eq!(found, expected, "{what}");
        return;
    }
    assert_eq!(found.len(), expected.len(), "{what}");
    let chunks: std::collections::BTreeSet<u32> = found.iter().map(|hit| hit.chunk).collect();
    assert_eq!(chunks.len(), found.len(), "{what}");
    for (one, other) in found.iter().zip(expected) {
        assert!((one.score - other.score).abs() < 1e-3, "{what}: {one:?} {other:?}");
    }
}

#[test]
fn every_implementation_follows_additions_replacements_and_removals() {
    for (rarity, index, _folder) in implementations() {
        let (mut model, mut random) = (Model::default(), Random::new(27));
        let (mut chunks, mut position, mut compared) = (0, 0, 0);
        for step in 0..14 {
            let mut operations = adds(&mut random, chunks..chunks + 40 + step);
            chunks += 40 + step;
            if random.below(2) == 0 {
                let start = random.below(u64::from(chunks)) as u32;
                operations.push(KeywordOp::Remove { chunks: start..start + random.below(60) as u32 });
            }
            let chunk = random.below(u64::from(chunks)) as u32;
            operations.push(KeywordOp::Add { chunk, tokens: text(&mut random) });
            operations.push(KeywordOp::Add { chunk, tokens: text(&mut random) });
            position += 1 + random.below(5);
            index.apply(&operations, position).unwrap();
            model.apply(&operations);
            assert_eq!(index.position().unwrap(), position);
            compare_with(rarity, &*index, &model, chunks, &mut random);
            compared += 7;
        }
        index.apply(&[], position + 9).unwrap();
        assert_eq!(index.position().unwrap(), position + 9);
        assert!(matches!(index.apply(&[], 1), Err(IndexError::Backwards { position: 1, .. })));
        index.clear().unwrap();
        assert_eq!(index.position().unwrap(), 0);
        compare_with(rarity, &*index, &Model::default(), chunks, &mut random);
        let all: Vec<KeywordOp> =
            model.0.iter().map(|(chunk, tokens)| KeywordOp::Add { chunk: *chunk, tokens: tokens.clone() }).collect();
        index.apply(&all, position).unwrap();
        compare_with(rarity, &*index, &model, chunks, &mut random);
        let query = AnalysedQuery::default();
        assert_eq!(index.search(&query, &ChunkMask::full(chunks), &10.into(), &key, &mut Work::default()).unwrap(), []);
        let name = if rarity == Rarity::Mask { "tantivy" } else { "qdrant" };
        println!("{name}: {} answers compared", compared + 14);
    }
}

fn create(folder: &Path) -> TantivyKeywords {
    TantivyKeywords::create(folder, "simple").unwrap()
}

fn adds(random: &mut Random, chunks: std::ops::Range<u32>) -> Vec<KeywordOp> {
    chunks.map(|chunk| KeywordOp::Add { chunk, tokens: text(random) }).collect()
}

#[test]
fn scores_and_order_are_those_of_the_formula_through_additions_removals_and_merges() {
    let folder = tempfile::tempdir().unwrap();
    let mut index = create(folder.path());
    let (mut model, mut random) = (Model::default(), Random::new(21));
    let (mut chunks, mut position) = (0, 0);
    for step in 0..60 {
        let mut operations = Vec::new();
        let added = 1 + random.below(120) as u32;
        operations.extend(adds(&mut random, chunks..chunks + added));
        chunks += added;
        if random.below(3) == 0 {
            let start = random.below(u64::from(chunks)) as u32;
            operations.push(KeywordOp::Remove { chunks: start..start + random.below(60) as u32 });
        }
        if random.below(4) == 0 {
            // A chunk that is there, or was removed, is added again: in one batch with a removal, or twice.
            let chunk = random.below(u64::from(chunks)) as u32;
            operations.push(KeywordOp::Add { chunk, tokens: text(&mut random) });
            operations.push(KeywordOp::Add { chunk, tokens: text(&mut random) });
        }
        position += 1 + random.below(5);
        index.apply(&operations, position).unwrap();
        model.apply(&operations);
        assert_eq!(index.position().unwrap(), position);
        compare(&index, &model, chunks, &mut random);
        if step == 25 {
            index.compact().unwrap();
            compare(&index, &model, chunks, &mut random);
        }
        if step % 20 == 19 {
            drop(index);
            index = TantivyKeywords::open(folder.path(), "simple").unwrap();
            assert_eq!(index.position().unwrap(), position);
            compare(&index, &model, chunks, &mut random);
        }
    }
    index.compact().unwrap();
    compare(&index, &model, chunks, &mut random);
    index.clear().unwrap();
    assert_eq!(index.position().unwrap(), 0);
    compare(&index, &Model::default(), chunks, &mut random);
    let all: Vec<KeywordOp> =
        model.0.iter().map(|(chunk, tokens)| KeywordOp::Add { chunk: *chunk, tokens: tokens.clone() }).collect();
    index.apply(&all, position).unwrap();
    compare(&index, &model, chunks, &mut random);
}

#[test]
fn few_masked_chunks_are_sought_with_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let index = create(folder.path());
    let (mut model, mut random) = (Model::default(), Random::new(22));
    // Every other chunk, so that one segment is dense and, after a jump, one is sparse.
    let ordinals = (0..4_000u32).map(|at| at * 2).chain((0..300).map(|at| 20_000 + at * 97));
    let operations: Vec<KeywordOp> =
        ordinals.map(|chunk| KeywordOp::Add { chunk, tokens: text(&mut random) }).collect();
    for (position, batch) in (1u64..).zip(operations.chunks(2_000)) {
        index.apply(batch, position).unwrap();
        model.apply(batch);
    }
    let chunks: Vec<u32> = model.0.keys().copied().collect();
    let mut sought = 0;
    for _ in 0..200 {
        let mut seen = ChunkMask::new(60_000);
        (0..1 + random.below(40)).for_each(|_| seen.set(chunks[random.below(chunks.len() as u64) as usize]));
        let (query, mut work) = (query(&mut random), Work::default());
        let found = index.search(&query, &seen, &10.into(), &key, &mut work).unwrap();
        assert_eq!(found, model.search(&query, &seen, 10));
        sought += u64::from(work.postings_read < 1_000);
    }
    assert!(sought > 15, "{sought}");
}

#[test]
fn hidden_chunks_change_nothing() {
    let mut random = Random::new(23);
    let texts: Vec<Tokens> = (0..800).map(|_| text(&mut random)).collect();
    let (alone, among) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (alone, among) = (create(alone.path()), create(among.path()));
    let (mut visible, mut mixed, mut places, mut next) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (chunk, text) in (0u32..).zip(&texts) {
        visible.push(KeywordOp::Add { chunk, tokens: text.clone() });
        for _ in 0..random.below(5) {
            let words: Vec<(u32, String)> = (0..random.below(30))
                .map(|_| {
                    let word = if random.below(2) == 0 { 3 } else { word(&mut random) };
                    (word, spelling(&mut random, word))
                })
                .collect();
            mixed.push(KeywordOp::Add { chunk: next, tokens: tokens(&words) });
            next += 1;
        }
        places.push(next);
        mixed.push(KeywordOp::Add { chunk: next, tokens: text.clone() });
        next += 1;
    }
    alone.apply(&visible, 1).unwrap();
    for (position, batch) in (1u64..).zip(mixed.chunks(170)) {
        among.apply(batch, position).unwrap();
    }
    let mut seen = ChunkMask::new(next);
    places.iter().for_each(|&place| seen.set(place));
    let original = |place: u32| places.binary_search(&place).unwrap() as u32;
    for _ in 0..100 {
        let query = query(&mut random);
        let expected = alone.search(&query, &ChunkMask::full(800), &50.into(), &key, &mut Work::default()).unwrap();
        let found =
            among.search(&query, &seen, &50.into(), &|place| key(original(place)), &mut Work::default()).unwrap();
        let found: Vec<(u32, u64)> = found.iter().map(|hit| (original(hit.chunk), hit.score.to_bits())).collect();
        let expected: Vec<(u32, u64)> = expected.iter().map(|hit| (hit.chunk, hit.score.to_bits())).collect();
        assert_eq!(found, expected, "{query:?}");
    }
}

#[test]
fn replaying_operations_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let index = create(folder.path());
    let (mut model, mut random) = (Model::default(), Random::new(24));
    let mut operations = adds(&mut random, 0..500);
    operations.push(KeywordOp::Remove { chunks: 100..150 });
    operations.push(KeywordOp::Remove { chunks: 490..u32::MAX });
    index.apply(&operations, 7).unwrap();
    model.apply(&operations);
    compare(&index, &model, 500, &mut random);
    index.apply(&operations, 7).unwrap();
    compare(&index, &model, 500, &mut random);
    index.apply(&operations[..300], 7).unwrap();
    index.apply(&operations[300..], 8).unwrap();
    compare(&index, &model, 500, &mut random);
    assert!(matches!(index.apply(&[], 6), Err(IndexError::Backwards { position: 6, current: 8 })));
    // Progress without operations for this index is remembered too.
    index.apply(&[], 90).unwrap();
    drop(index);
    assert_eq!(TantivyKeywords::open(folder.path(), "simple").unwrap().position().unwrap(), 90);
}

/// A process that dies between a file of deletions and its commit leaves the very name behind that the next one takes.
#[test]
fn a_commit_goes_on_over_what_an_unfinished_one_left() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut model, mut random) = (Model::default(), Random::new(26));
    let operations = adds(&mut random, 0..300);
    create(folder.path()).apply(&operations, 1).unwrap();
    model.apply(&operations);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, other.path().join(path.file_name().unwrap())).unwrap();
    }
    let removal = [KeywordOp::Remove { chunks: 20..30 }];
    TantivyKeywords::open(other.path(), "simple").unwrap().apply(&removal, 2).unwrap();
    let mut names = fs::read_dir(other.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left = names.find(|name| name.to_str().unwrap().ends_with(".del")).unwrap();
    let leave = || fs::copy(other.path().join(&left), folder.path().join(&left)).unwrap();
    leave();
    let index = TantivyKeywords::open(folder.path(), "simple").unwrap();
    assert!(!folder.path().join(&left).exists());
    // Within one process the attempt after the refused one goes through.
    leave();
    assert!(index.apply(&removal, 2).is_err());
    index.apply(&removal, 2).unwrap();
    model.apply(&removal);
    compare(&index, &model, 300, &mut random);
}

#[test]
fn equal_scores_are_ordered_by_key_and_empty_queries_find_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let index = create(folder.path());
    let mut model = Model::default();
    let tokens = Analyser::by_name("simple").unwrap().tokens(&["same words everywhere"], None);
    let operations: Vec<KeywordOp> = (0..6_000).map(|chunk| KeywordOp::Add { chunk, tokens: tokens.clone() }).collect();
    index.apply(&operations, 1).unwrap();
    model.apply(&operations);
    let full = ChunkMask::full(6_000);
    let ask = |query: &AnalysedQuery, depth: usize| {
        index.search(query, &full, &depth.into(), &key, &mut Work::default()).unwrap()
    };
    let query = Analyser::by_name("simple").unwrap().query("Words, same words");
    for depth in [0, 1, 100, 6_000, 7_000] {
        assert_eq!(ask(&query, depth), model.search(&query, &full, depth));
    }
    assert_eq!(ask(&AnalysedQuery::default(), 10), []);
}

#[test]
fn a_missing_or_foreign_index_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let open = |analyser: &str| TantivyKeywords::open(folder.path(), analyser);
    assert!(matches!(open("simple"), Err(IndexError::DamagedKeywords { .. })));
    let index = create(folder.path());
    assert!(matches!(open("simple"), Err(IndexError::Locked { .. })));
    assert!(matches!(TantivyKeywords::create(folder.path(), "simple"), Err(IndexError::Locked { .. })));
    drop(index);
    assert!(matches!(open("english"), Err(IndexError::OtherFormat { .. })));
    assert!(matches!(open("simpl"), Err(IndexError::OtherFormat { .. })));
    assert_eq!(open("simple").unwrap().position().unwrap(), 0);
    fs::remove_file(folder.path().join(".managed.json")).unwrap();
    assert!(matches!(open("simple"), Err(IndexError::DamagedKeywords { .. })));
    assert_eq!(create(folder.path()).position().unwrap(), 0);
}

#[test]
fn flipped_bits_cut_and_lost_files_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let (mut model, mut random) = (Model::default(), Random::new(25));
    {
        let index = create(folder.path());
        for (position, start) in (1u64..).zip([0, 300, 600]) {
            let mut operations = adds(&mut random, start..start + 300);
            operations.push(KeywordOp::Remove { chunks: start + 5..start + 9 });
            index.apply(&operations, position).unwrap();
            model.apply(&operations);
        }
    }
    let intact = || -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let stored = files.filter(|path| !path.ends_with("lock") && path.extension().is_some_and(|end| end != "lock"));
        stored.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    };
    let files = intact();
    let (mut found, mut harmless) = (0, 0);
    for at in 0..120usize {
        let (path, bytes) = &files[at % files.len()];
        if bytes.is_empty() {
            continue;
        }
        // Every other flip is near the end, where the engine keeps its own notes.
        let span = if at % 2 == 0 { bytes.len() } else { bytes.len().min(120) };
        let byte = bytes.len() - 1 - random.below(span as u64) as usize;
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(&[bytes[byte] ^ 1 << random.below(8)], byte as u64).unwrap();
        match TantivyKeywords::open(folder.path(), "simple") {
            Err(IndexError::DamagedKeywords { .. } | IndexError::OtherFormat { .. }) => found += 1,
            Err(other) => panic!("{other} after a flip in {}", path.display()),
            // The engine's version in a footer says nothing about the content: answers must be right.
            Ok(index) => {
                compare(&index, &model, 900, &mut random);
                harmless += 1;
            }
        }
        // Opening may have cleaned up; everything is put back.
        for (path, bytes) in &files {
            fs::write(path, bytes).unwrap();
        }
    }
    println!("flips: {found} found, {harmless} without effect");
    assert!(found > harmless * 5);
    for (path, bytes) in &files {
        fs::remove_file(path).unwrap();
        assert!(TantivyKeywords::open(folder.path(), "simple").is_err(), "without {}", path.display());
        // Where the engine looks for its notes from the end there may be no such place.
        for length in (0..12).chain([bytes.len() / 2, bytes.len() - 1]).filter(|length| *length < bytes.len()) {
            fs::write(path, &bytes[..length]).unwrap();
            let opened = TantivyKeywords::open(folder.path(), "simple");
            assert!(opened.is_err(), "{} cut to {length} bytes", path.display());
            for (path, bytes) in &files {
                fs::write(path, bytes).unwrap();
            }
        }
        fs::write(path, bytes).unwrap();
    }
    compare(&TantivyKeywords::open(folder.path(), "simple").unwrap(), &model, 900, &mut random);
}
