//! Latency: every block runs every variant once, in shuffled order, over the same questions; ratios are formed within a
//! block and summed up over blocks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use usher::index::{ChunkMask, Work};
use usher::wire::Mode;
use usher_bench::planted::FRACTIONS;
use usher_bench::random::{Kind, Stream};
use usher_bench::{Corpus, Layout, Planted, Question};

use crate::load::Loaded;
use crate::quality::{Legs, cell, leaks, mask_of, question};
use crate::results::Results;
use usher_bench::stats::{Interval, cpu, median, ms, percentile, probe, timed};

const QUESTIONS: usize = 50;
/// Blocks whose probes lie further from the run's median than this are dropped.
const DISTURBED: f64 = 0.15;
/// A 99th percentile of fewer samples says nothing.
const LEAST_FOR_TAILS: usize = 2_000;
/// Above this share of dropped blocks the run says nothing about time.
const TOO_NOISY: f64 = 0.3;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Vector,
    Keyword,
    Whole,
}

/// No mask, or readers of a share and layout.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Variant {
    Unmasked,
    Cell(f64, Layout),
}

impl Variant {
    fn name(self) -> String {
        match self {
            Variant::Unmasked => "a".to_owned(),
            Variant::Cell(fraction, layout) => format!("{fraction} {}", layout.name()),
        }
    }
}

/// One variant in one block.
struct Sample {
    block: usize,
    variant: Variant,
    operation: Operation,
    times: Vec<f64>,
    cpu_ms: f64,
}

pub struct Timed {
    samples: Vec<Sample>,
    /// Stage and times of whole queries, without the first one.
    stages: BTreeMap<String, Vec<f64>>,
    kept: Vec<bool>,
    leaks: usize,
}

pub async fn measure(
    corpus: &Corpus,
    readers: &[Planted],
    loaded: &Loaded,
    blocks: usize,
    results: &mut Results,
) -> anyhow::Result<Timed> {
    let legs = Legs::new(loaded);
    let full = Arc::new(ChunkMask::full(loaded.state().next_chunk()));
    let mut variants = vec![Variant::Unmasked];
    for fraction in FRACTIONS {
        for layout in [Layout::Compact, Layout::Fragmented] {
            if !cell(readers, fraction, layout).is_empty() {
                variants.push(Variant::Cell(fraction, layout));
            }
        }
    }
    let mut timed = Timed { samples: Vec::new(), stages: BTreeMap::new(), kept: Vec::new(), leaks: 0 };
    let mut probes = Vec::new();
    println!("measuring {blocks} blocks of {QUESTIONS} questions and {} variants", variants.len());
    // The first block warms up and is not kept.
    for block in 0..=blocks {
        let mut stream = Stream::new(corpus.seed ^ 99, Kind::Question, block as u64);
        let questions: Vec<Question> = (0..QUESTIONS as u64)
            .map(|n| question(corpus, (block as u64) << 16 | n, stream.below(corpus.chunk_count())))
            .collect();
        let mut plan: Vec<(Variant, Operation)> = Vec::new();
        for variant in &variants {
            plan.extend([Operation::Vector, Operation::Keyword].map(|operation| (*variant, operation)));
            if *variant != Variant::Unmasked {
                plan.push((*variant, Operation::Whole));
            }
        }
        for at in (1..plan.len()).rev() {
            plan.swap(at, stream.below(at as u32 + 1) as usize);
        }
        let before = probe(&loaded.rows);
        for (variant, operation) in plan {
            let reader = match variant {
                Variant::Unmasked => None,
                Variant::Cell(fraction, layout) => {
                    let cell = cell(readers, fraction, layout);
                    Some(cell[block % cell.len()])
                }
            };
            let sample = run(loaded, &legs, &full, reader, &questions, operation, &mut timed).await?;
            let sample = Sample { block, variant, operation, times: sample.0, cpu_ms: sample.1 };
            if block > 0 {
                results.line(json!({
                    "kind": "block", "block": block, "variant": variant.name(), "what": format!("{operation:?}"),
                    "p50_ms": percentile(&sample.times, 0.5), "p95_ms": percentile(&sample.times, 0.95),
                    "cpu_ms": sample.cpu_ms, "times_us": sample.times.iter().map(|ms| (ms * 1e3) as u64).collect::<Vec<_>>(),
                }));
                timed.samples.push(sample);
            }
        }
        probes.push((before, probe(&loaded.rows)));
        if block == 0 {
            timed.stages.clear();
        }
    }
    let usual = median(&probes.iter().flat_map(|(a, b)| [*a, *b]).collect::<Vec<_>>());
    let quiet = |took: f64| (took / usual - 1.0).abs() <= DISTURBED;
    timed.kept = probes.iter().map(|(a, b)| quiet(*a) && quiet(*b)).collect();
    let dropped = timed.kept.iter().skip(1).filter(|kept| !**kept).count();
    results.note("blocks dropped for noise", json!(format!("{dropped} of {blocks}")));
    if dropped as f64 > blocks as f64 * TOO_NOISY {
        results.note("noise", json!("too many blocks were disturbed: all are used, and wall time gates nothing"));
        results.is_noisy = true;
        timed.kept.fill(true);
    }
    Ok(timed)
}

async fn run(
    loaded: &Loaded,
    legs: &Legs,
    full: &Arc<ChunkMask>,
    reader: Option<&Planted>,
    questions: &[Question],
    operation: Operation,
    timed_all: &mut Timed,
) -> anyhow::Result<(Vec<f64>, f64)> {
    let depth = loaded.service().limits.depth;
    let mask = reader.map_or_else(|| full.clone(), |reader| mask_of(loaded, &reader.subject));
    let mut work = Work::default();
    let mut times = Vec::with_capacity(questions.len());
    // The first question of a variant finds cold caches of the processor.
    let start = cpu();
    for question in questions.iter().take(3).chain(questions) {
        let took = match operation {
            Operation::Vector => timed(|| legs.vectors(loaded, &mask, &question.vector, depth, &mut work)).0,
            Operation::Keyword => timed(|| legs.keywords(loaded, &mask, &question.text, depth, &mut work)).0,
            Operation::Whole => {
                let Some(reader) = reader else { continue };
                let begin = Instant::now();
                let answer = loaded.ask(&reader.subject, question, Mode::Hybrid).await?;
                let took = ms(begin.elapsed());
                timed_all.leaks += leaks(&answer, reader);
                for (stage, took) in answer.timings_ms.into_iter().flatten() {
                    timed_all.stages.entry(stage).or_default().push(took);
                }
                took
            }
        };
        times.push(took);
    }
    Ok((times.split_off(3), ms(cpu().saturating_sub(start))))
}

impl Timed {
    fn of(&self, variant: Variant, operation: Operation) -> impl Iterator<Item = &Sample> {
        let kept = move |sample: &&Sample| {
            sample.variant == variant && sample.operation == operation && self.kept[sample.block]
        };
        self.samples.iter().filter(kept)
    }

    /// Median over blocks of the p50 within the block against a's.
    fn ratio(&self, variant: Variant, operation: Operation) -> Option<Interval> {
        self.against_a(variant, operation, |sample| median(&sample.times))
    }

    /// The same for processor time.
    fn cpu_ratio(&self, variant: Variant, operation: Operation) -> Option<Interval> {
        self.against_a(variant, operation, |sample| sample.cpu_ms)
    }

    fn against_a(&self, variant: Variant, operation: Operation, cost: fn(&Sample) -> f64) -> Option<Interval> {
        let base: BTreeMap<usize, f64> =
            self.of(Variant::Unmasked, operation).map(|sample| (sample.block, cost(sample))).collect();
        let cost = |sample: &Sample| {
            let base = base.get(&sample.block).filter(|base| **base > 0.0)?;
            Some(cost(sample) / base)
        };
        let ratios: Vec<f64> = self.of(variant, operation).filter_map(cost).collect();
        (!ratios.is_empty()).then(|| Interval::of(&ratios))
    }

    fn times(&self, variant: Variant, operation: Operation) -> Vec<f64> {
        self.of(variant, operation).flat_map(|sample| sample.times.iter().copied()).collect()
    }

    fn cpu(&self, variant: Variant, operation: Operation) -> f64 {
        median(&self.of(variant, operation).map(|sample| sample.cpu_ms / (QUESTIONS + 3) as f64).collect::<Vec<_>>())
    }
}

pub fn verdicts(timed: &Timed, results: &mut Results) {
    println!(
        "\n| readable | layout | operation | p50 ms | p95 ms | p99 ms | cpu ms | / a |\n|---|---|---|---|---|---|---|---|"
    );
    let mut variants = vec![Variant::Unmasked];
    variants.extend(FRACTIONS.iter().flat_map(|f| [Layout::Compact, Layout::Fragmented].map(|l| Variant::Cell(*f, l))));
    for operation in [Operation::Vector, Operation::Keyword, Operation::Whole] {
        for variant in &variants {
            let times = timed.times(*variant, operation);
            if times.is_empty() {
                continue;
            }
            let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|share| percentile(&times, share));
            let ratio = timed.ratio(*variant, operation);
            let shown = ratio.map_or(String::new(), |r| format!("{:.2} ({:.2} to {:.2})", r.value, r.low, r.high));
            println!(
                "| {} | {operation:?} | {p50:.3} | {p95:.3} | {p99:.3} | {:.3} | {shown} |",
                variant.name().replace(' ', " | "),
                timed.cpu(*variant, operation)
            );
            results.line(json!({
                "kind": "cell", "variant": variant.name(), "what": format!("{operation:?}"), "p50_ms": p50,
                "p95_ms": p95, "p99_ms": p99, "cpu_ms": timed.cpu(*variant, operation), "ratio": ratio,
                "samples": times.len(),
            }));
        }
    }
    for (fraction, gate, goal) in
        [(0.001, 0.3, 0.1), (0.01, 0.3, 0.1), (0.1, 0.6, 0.4), (0.5, 1.0, 0.8), (1.0, 1.1, 1.03)]
    {
        for layout in [Layout::Compact, Layout::Fragmented] {
            if fraction == 1.0 && layout == Layout::Fragmented {
                continue;
            }
            if let Some(ratio) = timed.ratio(Variant::Cell(fraction, layout), Operation::Vector) {
                let what = format!("vector leg / a, {fraction} readable, {}", layout.name());
                results.upper(&what, ratio.value, Some(ratio), gate, goal);
            }
            // Of smaller parts the scheduler's clock is too coarse.
            let ratio = timed.cpu_ratio(Variant::Cell(fraction, layout), Operation::Vector);
            if let Some(ratio) = ratio.filter(|_| fraction >= 0.1) {
                let what = format!("vector leg / a, processor time, {fraction} readable, {}", layout.name());
                results.at_most(&what, ratio.value, Some(ratio), gate, goal);
            }
        }
    }
    for fraction in FRACTIONS {
        if let Some(ratio) = timed.ratio(Variant::Cell(fraction, Layout::Fragmented), Operation::Keyword) {
            let what = format!("keyword leg / a, {fraction} readable, fragmented");
            let (gate, goal) = if fraction == 1.0 { (1.1, 1.03) } else { (2.5, 1.5) };
            results.upper(&what, ratio.value, Some(ratio), gate, goal);
        }
    }
    // Each time against its own cell's median, so that all cells together are enough for a tail.
    let tails: Vec<f64> = variants
        .iter()
        .flat_map(|variant| {
            let times = timed.times(*variant, Operation::Whole);
            let usual = median(&times);
            times.into_iter().map(move |took| took / usual)
        })
        .collect();
    if tails.len() >= LEAST_FOR_TAILS {
        results.upper("p99 / p50 of whole queries", percentile(&tails, 0.99), None, 5.0, 3.0);
    }
    for (stage, times) in &timed.stages {
        results.note(&format!("stage {stage}, p50 ms"), json!(median(times)));
    }
    let stage = |name: &str| timed.stages.get(name).map_or(&[][..], Vec::as_slice);
    let overhead: Vec<f64> = stage("resolve").iter().zip(stage("verify")).map(|(a, b)| a + b).collect();
    let shares: Vec<f64> = overhead.iter().zip(stage("total")).map(|(part, whole)| part / whole).collect();
    results.upper("resolve, mask and verify, warm, ms", median(&overhead), None, 0.3, 0.1);
    results.upper("the same as a share of the query", median(&shares), None, 0.1, 0.05);
    results.at_most("leaks in timed queries", timed.leaks as f64, None, 0.0, 0.0);
}

/// Closed loops of several clients.
pub async fn throughput(
    corpus: &Corpus,
    readers: &[Planted],
    loaded: &Arc<Loaded>,
    results: &mut Results,
) -> anyhow::Result<()> {
    let questions: Arc<Vec<Question>> = Arc::new(
        (0..200).map(|n| question(corpus, 1 << 41 | n, (n as u32).wrapping_mul(7919) % corpus.chunk_count())).collect(),
    );
    let mut rates = BTreeMap::new();
    for (fraction, clients) in [(0.01, 1), (0.01, 8), (0.01, 64), (1.0, 64)] {
        let Some(reader) = readers.iter().find(|reader| reader.fraction == fraction) else { continue };
        let (done, until) = (Arc::new(AtomicU64::new(0)), Instant::now() + Duration::from_secs(4));
        let start = Instant::now();
        let tasks: Vec<_> = (0..clients)
            .map(|client| {
                let (loaded, questions, done) = (loaded.clone(), questions.clone(), done.clone());
                let subject = reader.subject.clone();
                tokio::spawn(async move {
                    let mut at = client * 31;
                    while Instant::now() < until {
                        loaded.ask(&subject, &questions[at % questions.len()], Mode::Hybrid).await?;
                        done.fetch_add(1, Ordering::Relaxed);
                        at += 1;
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        let rate = done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
        results.note(&format!("queries per second, {fraction} readable, {clients} clients"), json!(rate));
        rates.insert((fraction.to_string(), clients), rate);
    }
    let rate = |fraction: f64, clients| rates.get(&(fraction.to_string(), clients)).copied();
    if let (Some(few), Some(many)) = (rate(0.01, 8), rate(0.01, 64)) {
        results.lower("throughput, 64 against 8 clients", many / few, None, 0.9, 1.0);
    }
    if let (Some(one), Some(all)) = (rate(0.01, 64), rate(1.0, 64)) {
        results.lower("throughput of 1 % readers against who reads everything", one / all, None, 0.7, 0.9);
    }
    Ok(())
}
