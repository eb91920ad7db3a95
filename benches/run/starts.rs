//! How long a start takes after a stop in order, stage by stage, at several sizes: what grows faster than the data shows as
//! an exponent above one.

use std::time::{Duration, Instant};

use usher::progress::Stage;
use usher_bench::planted::plant;
use usher_bench::stats::{cpu_of_all, median};
use usher_bench::{Corpus, Shape, Size};

use crate::load::Loaded;
use crate::results::Results;

/// Starts of each size; the median counts.
const ROUNDS: usize = 3;

/// One size.
struct Measured {
    chunks: f64,
    /// In seconds: processor time until the start is complete, wall time, and the wall time of each stage.
    columns: Vec<f64>,
}

/// Fills a service with each size in turn, and starts it again and again.
pub async fn measure(seed: u64, shape: Shape, sizes: &[u32]) -> anyhow::Result<()> {
    let names = ["processor", "all"].into_iter().chain(Stage::ALL.iter().map(|stage| stage.name()));
    let mut measured: Vec<Measured> = Vec::new();
    for units in sizes {
        let corpus = Corpus::new(seed, Size::Units(*units), shape);
        let readers = plant(&corpus.access, seed, 1);
        let notes = tempfile::tempdir()?;
        let mut results = Results::new(&corpus, notes.path(), "starts")?;
        let mut loaded = Loaded::load(&corpus, &readers, None, &mut results).await?;
        println!("{} chunks, {} tuples", corpus.chunk_count(), loaded.tuple_count());
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let (again, work, wall, stages) = loaded.start_again().await?;
            let mut columns = vec![work, wall];
            columns.extend(Stage::ALL.iter().map(|stage| seconds(&stages, *stage)));
            println!("processor {work:.3} s, wall {wall:.3} s");
            loaded = again;
            rounds.push(columns);
        }
        loaded.stop().await;
        let of = |at: usize| median(&rounds.iter().map(|columns: &Vec<f64>| columns[at]).collect::<Vec<_>>());
        let columns = (0..2 + Stage::ALL.len()).map(of).collect();
        measured.push(Measured { chunks: f64::from(corpus.chunk_count()), columns });
    }
    println!("\nseconds of a start after a stop in order, and the exponent of each step to the next size");
    println!("{:>10} {}", "chunks", names.map(|name| format!("{name:>16}")).collect::<String>());
    let mut before: Option<&Measured> = None;
    for size in &measured {
        print!("{:>10} ", size.chunks);
        for (at, value) in size.columns.iter().enumerate() {
            // What takes a millisecond says nothing.
            let old = before.filter(|before| before.columns[at] > 0.002);
            let exponent = old.map_or_else(String::new, |old| {
                format!("{:.2}", (value / old.columns[at]).ln() / (size.chunks / old.chunks).ln())
            });
            print!("{value:>10.3} {exponent:>5}");
        }
        println!();
        before = Some(size);
    }
    Ok(())
}

fn seconds(stages: &[(Stage, Duration)], stage: Stage) -> f64 {
    stages.iter().find(|(held, _)| *held == stage).map_or(0.0, |(_, took)| took.as_secs_f64())
}

/// What a start has cost: processor time of all threads and wall time since then, in seconds.
pub struct Clock(Instant, Duration);

impl Clock {
    pub fn begin() -> Self {
        Self(Instant::now(), cpu_of_all())
    }

    pub fn read(&self) -> (f64, f64) {
        ((cpu_of_all() - self.1).as_secs_f64(), self.0.elapsed().as_secs_f64())
    }
}
