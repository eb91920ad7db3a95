//! The end-to-end benchmark: loads a generated corpus into a real service in this process, asks as planted readers, and
//! compares speed with searching without a mask and answers with brute force. `scripts/bench.sh` runs it.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measuring program: what can't be measured should end it, and its output is for the terminal"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use serde_json::json;
use usher_bench::planted::plant;
use usher_bench::{Corpus, Shape, Size};

mod blocks;
mod exact;
mod load;
mod quality;
mod results;
mod rivals;
mod starts;

use load::Loaded;
use results::Results;

#[derive(Parser)]
struct Arguments {
    /// About 10,000, 100,000 or 1,000,000 chunks
    #[arg(long, value_enum, ignore_case = true, default_value = "s")]
    size: SizeName,
    #[arg(long, value_enum, default_value = "mixed")]
    shape: ShapeName,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Each runs every variant once, over the same questions
    #[arg(long)]
    blocks: Option<usize>,
    /// Readers per share and layout
    #[arg(long, default_value_t = 4)]
    readers: u32,
    /// Questions per cell whose answers are compared with brute force
    #[arg(long)]
    questions: Option<usize>,
    /// Commit that was built, for the results
    #[arg(long, default_value = "unknown")]
    commit: String,
    #[arg(long, default_value = "benches/results")]
    out: PathBuf,
    /// Measure starts instead, at these sizes in units of 10,000 chunks: 1,3,10
    #[arg(long, value_delimiter = ',')]
    starts: Option<Vec<u32>>,
    /// Folder for the service's data; default: a temporary one
    #[arg(long)]
    data: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum SizeName {
    S,
    M,
    L,
}

#[derive(Clone, Copy, ValueEnum)]
enum ShapeName {
    Mixed,
    Unique,
    Deep,
    Flat,
    Exclusive,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::ERROR).init();
    let size = match arguments.size {
        SizeName::S => Size::S,
        SizeName::M => Size::M,
        SizeName::L => Size::L,
    };
    let shape = match arguments.shape {
        ShapeName::Mixed => Shape::Mixed,
        ShapeName::Unique => Shape::Unique,
        ShapeName::Deep => Shape::Deep,
        ShapeName::Flat => Shape::Flat,
        ShapeName::Exclusive => Shape::Exclusive,
    };
    if let Some(sizes) = &arguments.starts {
        return starts::measure(arguments.seed, shape, sizes).await;
    }
    let large = size == Size::L;
    let blocks = arguments.blocks.unwrap_or(if large { 7 } else { 15 });
    let questions = arguments.questions.unwrap_or(if large { 20 } else { 48 });

    let start = Instant::now();
    let corpus = Corpus::new(arguments.seed, size, shape);
    let readers = plant(&corpus.access, arguments.seed, arguments.readers);
    println!(
        "corpus: seed {}, {} {}, {} documents, {} chunks, {} planted readers; {} ({:.1?})",
        arguments.seed,
        size.name(),
        shape.name(),
        corpus.documents().len(),
        corpus.chunk_count(),
        readers.len(),
        corpus.hashes(),
        start.elapsed()
    );
    let mut results = Results::new(&corpus, &arguments.out, &arguments.commit)?;

    let loaded = Arc::new(Loaded::load(&corpus, &readers, arguments.data, &mut results).await?);
    let exact = exact::Exact::new(&corpus, &loaded);
    results.note("intrinsic dimension, estimated", json!(exact.intrinsic_dimension()));

    quality::measure(&corpus, &readers, &loaded, &exact, questions, &mut results).await?;
    let timed = blocks::measure(&corpus, &readers, &loaded, blocks, &mut results).await?;
    blocks::verdicts(&timed, &mut results);
    rivals::measure(&corpus, &readers, &loaded, &exact, blocks, &mut results)?;
    blocks::throughput(&corpus, &readers, &loaded, &mut results).await?;
    let loaded = Arc::into_inner(loaded).context("a measurement still holds the service")?;
    loaded.restart(&readers, &mut results).await?;
    results.finish()
}
