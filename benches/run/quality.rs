//! Recall, exactness, underfill and leaks, for every share, layout and correlation.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use usher::index::{ChunkKey, ChunkMask, KeywordIndex, VectorStore, Work};
use usher::indexes::CollectionIndexes;
use usher::wire::{Answer, Mode};
use usher_bench::planted::FRACTIONS;
use usher_bench::random::{Kind, Stream};
use usher_bench::{Corpus, Layout, Planted, Question};

use crate::exact::{Exact, readable};
use crate::load::Loaded;
use crate::results::Results;
use usher_bench::stats::{ms, timed};

/// How the question lies to what is readable.
#[derive(Clone, Copy, PartialEq)]
pub enum Correlation {
    Scattered,
    Aligned,
    Anti,
}

/// Chunks of the corpus that questions are made from.
pub fn target(corpus: &Corpus, reader: &Planted, correlation: Correlation, stream: &mut Stream) -> u32 {
    let all = corpus.chunk_count();
    // Topics with something readable.
    let is_readable = |chunk: u32| reader.documents[corpus.document_of(chunk).index as usize];
    for _ in 0..2_000 {
        let chunk = stream.below(all);
        match correlation {
            Correlation::Scattered => return chunk,
            Correlation::Aligned if is_readable(chunk) => return chunk,
            Correlation::Anti if !is_readable(chunk) => {
                let leaf = corpus.document_of(chunk).leaf;
                let near =
                    corpus.documents().iter().zip(&reader.documents).filter(|(document, _)| document.leaf == leaf);
                let (mut here, mut open) = (0, 0);
                for (document, readable) in near {
                    here += document.chunks;
                    open += if *readable { document.chunks } else { 0 };
                }
                if f64::from(open) < f64::from(here) * reader.fraction * 0.5 {
                    return chunk;
                }
            }
            _ => {}
        }
    }
    stream.below(all)
}

/// Readers of one share and layout.
pub fn cell(readers: &[Planted], fraction: f64, layout: Layout) -> Vec<&Planted> {
    readers.iter().filter(|reader| reader.fraction == fraction && reader.layout == layout).collect()
}

/// What both legs need for one reader.
pub struct Legs {
    pub indexes: Arc<CollectionIndexes>,
}

impl Legs {
    pub fn new(loaded: &Loaded) -> Self {
        let pair = loaded.state().pair();
        Self { indexes: loaded.service().indexes.get(pair).expect("the collection has indexes") }
    }

    /// Nearest chunks, as ordinals of the service.
    pub fn vectors(
        &self,
        loaded: &Loaded,
        mask: &ChunkMask,
        vector: &[f32],
        depth: usize,
        work: &mut Work,
    ) -> Vec<u32> {
        let state = loaded.state();
        let key = |chunk: u32| key(loaded, &state, chunk);
        let found = self
            .indexes
            .local()
            .expect("local files")
            .vectors
            .search(vector, mask, &depth.into(), &key, work)
            .expect("the vector leg answers");
        found.into_iter().map(|hit| hit.chunk).collect()
    }

    pub fn keywords(&self, loaded: &Loaded, mask: &ChunkMask, text: &str, depth: usize, work: &mut Work) -> Vec<u32> {
        let state = loaded.state();
        let key = |chunk: u32| key(loaded, &state, chunk);
        let query = self.indexes.analyser.query(text);
        let found = self
            .indexes
            .local()
            .expect("local files")
            .keywords
            .search(&query, mask, &depth.into(), &key, work)
            .expect("the keyword leg answers");
        found.into_iter().map(|hit| hit.chunk).collect()
    }
}

fn key(loaded: &Loaded, state: &usher::snapshot::CollectionState, chunk: u32) -> ChunkKey {
    match state.document_of_chunk(chunk) {
        Some(entry) => {
            loaded.service().chunk_keys.key(state.id, &entry.id, entry.version, entry.place(chunk - entry.first_chunk))
        }
        None => [0; 16],
    }
}

/// The reader's mask, resolved as a query does it.
pub fn mask_of(loaded: &Loaded, subject: &str) -> Arc<ChunkMask> {
    let (service, name) = (loaded.service(), loaded.state().name.to_string());
    usher_bench::rights::mask(&service.authority, &service.published.load(), subject, &name)
        .expect("the reader can be resolved")
}

/// A question as the service will see its vector.
pub fn question(corpus: &Corpus, number: u64, target: u32) -> Question {
    let mut question = corpus.question(number, target);
    usher::embed::normalise(&mut question.vector);
    question
}

/// Answers that hold what the corpus says the reader may not read.
pub fn leaks(answer: &Answer, reader: &Planted) -> usize {
    let index = |id: &str| id.strip_prefix("bench/d").and_then(|number| number.parse::<usize>().ok());
    let may = |id: &str| index(id).and_then(|at| reader.documents.get(at)).copied().unwrap_or(false);
    answer.results.iter().filter(|passage| !may(&passage.document_id)).count()
}

pub async fn measure(
    corpus: &Corpus,
    readers: &[Planted],
    loaded: &Loaded,
    exact: &Exact,
    questions: usize,
    results: &mut Results,
) -> anyhow::Result<()> {
    let (legs, depth) = (Legs::new(loaded), loaded.service().limits.depth);
    let (mut leaked, mut underfilled, mut answers) = (0, 0, 0_u64);
    // Masks first: resolved for the first time, and compared with what the corpus says.
    let mut cold: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for reader in readers {
        let (took, mask) = timed(|| mask_of(loaded, &reader.subject));
        cold.entry(format!("{}", reader.fraction)).or_default().push(took);
        let expected = readable(corpus, reader);
        for (chunk, readable) in expected.iter().enumerate() {
            match (mask.contains(loaded.ordinals[chunk]), readable) {
                (true, false) => leaked += 1,
                (false, true) => underfilled += 1,
                _ => {}
            }
        }
    }
    for (fraction, times) in cold {
        results.note(
            &format!("resolve and mask, cold, {fraction} readable, p50 ms"),
            json!(usher_bench::stats::median(&times)),
        );
    }

    let (mut means, mut keyword_same, mut keyword_asked) = (Vec::new(), 0, 0);
    for fraction in FRACTIONS {
        for layout in [Layout::Compact, Layout::Fragmented] {
            let cell = cell(readers, fraction, layout);
            if cell.is_empty() {
                results.note(&format!("{fraction} {}", layout.name()), json!("this shape can't give such readers"));
                continue;
            }
            for (correlation, name) in
                [(Correlation::Scattered, "scattered"), (Correlation::Aligned, "aligned"), (Correlation::Anti, "anti")]
            {
                if fraction == 1.0 && (correlation != Correlation::Scattered || layout == Layout::Fragmented) {
                    continue;
                }
                let (mut recalls, mut work, start) = (Vec::new(), Work::default(), std::time::Instant::now());
                for number in 0..questions {
                    let reader = cell[number % cell.len()];
                    let seed = (correlation as u64) << 32 | number as u64;
                    let mut stream = Stream::new(corpus.seed ^ 77, Kind::Question, seed);
                    let question = question(corpus, seed, target(corpus, reader, correlation, &mut stream));
                    let (mask, open) = (mask_of(loaded, &reader.subject), readable(corpus, reader));
                    let expected = exact.vectors(&open, &question.vector, 10);
                    let found = legs.vectors(loaded, &mask, &question.vector, depth, &mut work);
                    let top: Vec<u32> = found.iter().take(10).map(|chunk| loaded.chunks[*chunk as usize]).collect();
                    let hits = expected.iter().filter(|(chunk, _)| top.contains(chunk)).count();
                    recalls.push(hits as f64 / expected.len().max(1) as f64);
                    let expected = exact.keywords(&open, &question.text, depth);
                    let found = legs.keywords(loaded, &mask, &question.text, depth, &mut work);
                    let found: Vec<u32> = found.iter().map(|chunk| loaded.chunks[*chunk as usize]).collect();
                    let same = expected.iter().map(|(chunk, _)| *chunk).eq(found.iter().copied());
                    keyword_asked += 1;
                    keyword_same += usize::from(same);
                    let answer = loaded.ask(&reader.subject, &question, Mode::Hybrid).await?;
                    answers += 1;
                    leaked += leaks(&answer, reader);
                    underfilled += usize::from(answer.results.len() < 10.min(reader.chunks as usize));
                }
                let mean = recalls.iter().sum::<f64>() / recalls.len() as f64;
                let worst = recalls.iter().copied().fold(1.0, f64::min);
                results.line(json!({
                    "kind": "quality", "fraction": fraction, "layout": layout.name(), "correlation": name,
                    "recall_at_10": mean, "worst_question": worst, "questions": recalls.len(),
                    "codes_scanned": work.codes_scanned, "bytes_scanned": work.bytes_scanned,
                    "vectors_scored": work.vectors_scored, "postings_read": work.postings_read,
                    "chunks_scored": work.chunks_scored, "mask_words": work.mask_words,
                }));
                println!(
                    "{fraction:>6} {:<10} {name:<9} recall@10 {mean:.4} (worst question {worst:.1}), {:.1} s",
                    layout.name(),
                    ms(start.elapsed()) / 1e3
                );
                means.push(mean);
            }
        }
    }
    // Those who read nothing, or one chunk, whatever they ask.
    for reader in readers.iter().filter(|reader| reader.fraction == 0.0) {
        for number in 0..20 {
            let question = question(corpus, 1 << 40 | number, (number as u32 * 97) % corpus.chunk_count());
            let answer = loaded.ask(&reader.subject, &question, Mode::Hybrid).await?;
            answers += 1;
            leaked += leaks(&answer, reader);
            underfilled += usize::from(answer.results.len() != reader.chunks as usize);
        }
    }
    results.note("answers checked for leaks", json!(answers));
    let mean = means.iter().sum::<f64>() / means.len().max(1) as f64;
    results.at_least("vector recall@10, mean of all cells", mean, 0.99, 1.0);
    results.at_least("vector recall@10, worst cell", means.iter().copied().fold(1.0, f64::min), 0.98, 1.0);
    let same = f64::from(keyword_same as u32) / f64::from(keyword_asked.max(1));
    results.at_least("keyword lists equal to exhaustive BM25", same, 1.0, 1.0);
    results.at_most("underfill", underfilled as f64, None, 0.0, 0.0);
    results.at_most("leaks", leaked as f64, None, 0.0, 0.0);
    Ok(())
}
