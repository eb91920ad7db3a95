//! How long a start takes after a stop in order, stage by stage, at several sizes: what grows faster than the data shows as
//! an exponent above one.

use std::time::{Duration, Instant};

use usher::progress::Stage;
use usher_bench::planted::plant;
use usher_bench::stats::median;
use usher_bench::{Corpus, Shape, Size};

use crate::load::Loaded;
use crate::results::Results;

/// Starts of each size; the median counts.
const ROUNDS: usize = 3;

/// One size.
struct Measured {
    chunks: f64,
    tuples: usize,
    /// Until the service is open, and until its indexes have followed.
    all: f64,
    stages: Vec<f64>,
}

/// Fills a service with each size in turn, and starts it again and again.
pub async fn measure(seed: u64, shape: Shape, sizes: &[u32]) -> anyhow::Result<()> {
    let mut measured: Vec<Measured> = Vec::new();
    for units in sizes {
        let corpus = Corpus::new(seed, Size::Units(*units), shape);
        let readers = plant(&corpus.access, seed, 1);
        let notes = tempfile::tempdir()?;
        let mut results = Results::new(&corpus, notes.path(), "starts")?;
        let mut loaded = Loaded::load(&corpus, &readers, None, &mut results).await?;
        let tuples = loaded.tuple_count();
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let (again, stages) = loaded.start_again().await?;
            let stages: Vec<f64> = Stage::ALL.iter().map(|stage| seconds(&stages, *stage)).collect();
            println!("{units} units: {:.3?}, {:.3} s in stages", begun.elapsed(), stages.iter().sum::<f64>());
            loaded = again;
            rounds.push(stages);
        }
        loaded.stop().await;
        let of = |at: usize| median(&rounds.iter().map(|stages| stages[at]).collect::<Vec<_>>());
        let all = median(&rounds.iter().map(|stages| stages.iter().sum()).collect::<Vec<f64>>());
        let stages = (0..Stage::ALL.len()).map(of).collect();
        measured.push(Measured { chunks: f64::from(corpus.chunk_count()), tuples, all, stages });
    }
    println!("\nseconds of a start after a stop in order, and the exponent of each step to the next size");
    print!("{:>10} {:>10} {:>16}", "chunks", "tuples", "all");
    Stage::ALL.iter().for_each(|stage| print!(" {:>16}", stage.name()));
    println!();
    let mut before: Option<&Measured> = None;
    for size in &measured {
        print!("{:>10} {:>10}", size.chunks, size.tuples);
        let pairs = std::iter::once(size.all).chain(size.stages.iter().copied());
        for (at, value) in pairs.enumerate() {
            let old = before.map(|before| if at == 0 { before.all } else { before.stages[at - 1] });
            let exponent = old
                .filter(|old| *old > 0.001)
                .zip(before)
                .map(|(old, before)| (value / old).ln() / (size.chunks / before.chunks).ln());
            let exponent = exponent.map_or_else(String::new, |exponent| format!("{exponent:.2}"));
            print!(" {value:>10.3} {exponent:>5}");
        }
        println!();
        before = Some(size);
    }
    Ok(())
}

fn seconds(stages: &[(Stage, Duration)], stage: Stage) -> f64 {
    stages.iter().find(|(held, _)| *held == stage).map_or(0.0, |(_, took)| took.as_secs_f64())
}
