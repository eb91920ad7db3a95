//! What else one could do: list what is readable and filter by ids (b), or search and check afterwards (c). Both in this
//! process on the same evaluator and the same index, which is generous to them.

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use usher::authz::{Context, Evaluator, ObjectRef, ObjectsQuestion, SubjectRef, list_objects};
use usher::index::{ChunkMask, Work};
use usher::snapshot::names::document_object;
use usher_bench::planted::FRACTIONS;
use usher_bench::random::{Kind, Stream};
use usher_bench::{Corpus, Layout, Planted};

use crate::exact::{Exact, readable};
use crate::load::Loaded;
use crate::quality::{Legs, cell, mask_of, question};
use crate::results::Results;
use usher_bench::rights::filter;
use usher_bench::stats::{Interval, median, timed};

const QUESTIONS: usize = 4;
const WANTED: usize = 10;
/// Candidates after which searching and checking gives up.
const MOST_CANDIDATES: usize = 1_000;

pub fn measure(
    corpus: &Corpus,
    readers: &[Planted],
    loaded: &Loaded,
    exact: &Exact,
    blocks: usize,
    results: &mut Results,
) -> anyhow::Result<()> {
    let legs = Legs::new(loaded);
    let full = ChunkMask::full(loaded.state().next_chunk());
    let depth = loaded.service().limits.depth;
    for fraction in FRACTIONS {
        let cell = cell(readers, fraction, Layout::Fragmented);
        if cell.is_empty() {
            continue;
        }
        let (mut b_ratios, mut c_ratios, mut c_recalls) = (Vec::new(), Vec::new(), Vec::new());
        for block in 0..blocks.min(9) {
            let reader = cell[block % cell.len()];
            let open = readable(corpus, reader);
            let mut stream = Stream::new(corpus.seed ^ 55, Kind::Question, block as u64);
            let (mut ours, mut listing, mut checking) = (Vec::new(), Vec::new(), Vec::new());
            for number in 0..QUESTIONS as u64 {
                let question = question(corpus, 1 << 42 | number, stream.below(corpus.chunk_count()));
                let mut work = Work::default();
                ours.push(
                    timed(|| {
                        let mask = mask_of(loaded, &reader.subject);
                        legs.vectors(loaded, &mask, &question.vector, depth, &mut work)
                    })
                    .0,
                );
                let (took, listed) = timed(|| {
                    let mask = listed(loaded, &reader.subject)?;
                    anyhow::Ok(legs.vectors(loaded, &mask, &question.vector, depth, &mut work))
                });
                listed?;
                listing.push(took);
                let (took, found) =
                    timed(|| search_then_check(loaded, &legs, &full, &reader.subject, &question.vector));
                checking.push(took);
                let found: Vec<u32> = found?.iter().map(|chunk| loaded.chunks[*chunk as usize]).collect();
                let expected = exact.vectors(&open, &question.vector, WANTED);
                let hits = expected.iter().filter(|(chunk, _)| found.contains(chunk)).count();
                c_recalls.push(hits as f64 / expected.len().max(1) as f64);
            }
            b_ratios.push(median(&listing) / median(&ours));
            c_ratios.push(median(&checking) / median(&ours));
        }
        let (b, c) = (Interval::of(&b_ratios), Interval::of(&c_ratios));
        let recall = c_recalls.iter().sum::<f64>() / c_recalls.len() as f64;
        results.line(
            json!({"kind": "rivals", "fraction": fraction, "b_over_ours": b, "c_over_ours": c, "c_recall": recall}),
        );
        println!("{fraction} readable: b {:.1}x, c {:.1}x at recall@10 {recall:.2}, of our time", b.value, c.value);
        if fraction == 0.5 {
            results.lower("b (list, then ids) / ours, 0.5 readable", b.value, Some(b), 10.0, 50.0);
        }
        if fraction == 0.001 {
            results.lower("c (search, then check) / ours, 0.001 readable", c.value, Some(c), 10.0, 50.0);
            results.at_most("recall@10 of c, 0.001 readable", recall, None, 0.5, 0.5);
        }
    }
    Ok(())
}

fn context() -> Context {
    Context(BTreeMap::from([("current_time".to_owned(), Value::String(Timestamp::now().to_string()))]))
}

/// ListObjects without its limits, its ids as a set, the set as a mask.
fn listed(loaded: &Loaded, subject: &str) -> anyhow::Result<ChunkMask> {
    let (snapshot, state) = (loaded.service().published.load(), loaded.state());
    let store = snapshot.store(&state.settings.store).context("a store")?;
    let model = store.latest_model().context("a model")?;
    let subject = SubjectRef::parse(subject)?;
    let context = context();
    let effort = usher::limits::Effort::unbounded();
    let question = ObjectsQuestion {
        effort: &effort,
        object_type: "document",
        relation: "can_view",
        subject: &subject,
        context: &context,
        contextual: &[],
    };
    let mut ids: Vec<ObjectRef> = Vec::new();
    list_objects(&store.graph, model, &question, &mut ids)?;
    Ok(filter(&state, ids.into_iter().map(|object| object.id)))
}

/// The nearest chunks of all, twice as many each time, until enough of them may be read.
fn search_then_check(
    loaded: &Loaded,
    legs: &Legs,
    full: &ChunkMask,
    subject: &str,
    vector: &[f32],
) -> anyhow::Result<Vec<u32>> {
    let (snapshot, state) = (loaded.service().published.load(), loaded.state());
    let store = snapshot.store(&state.settings.store).context("a store")?;
    let model = store.latest_model().context("a model")?;
    let (subject, context) = (SubjectRef::parse(subject)?, context());
    let mut evaluator = Evaluator::new(&store.graph, model, &subject, &context);
    let mut fetched = WANTED * 2;
    loop {
        let found = legs.vectors(loaded, full, vector, fetched, &mut Work::default());
        let mut kept = Vec::new();
        for chunk in found {
            let entry = state.document_of_chunk(chunk).context("a document")?;
            if evaluator.check(&document_object("document", &entry.id, None), "can_view")? {
                kept.push(chunk);
            }
        }
        if kept.len() >= WANTED || fetched >= MOST_CANDIDATES {
            kept.truncate(WANTED);
            return Ok(kept);
        }
        fetched = (fetched * 2).min(MOST_CANDIDATES);
    }
}
