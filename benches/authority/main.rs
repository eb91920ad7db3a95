//! Readers' rights beside a real OpenFGA server that holds the same tuples: resolving an audience set against listing ids
//! and against checking candidates, cold and warm; and what tuples, audiences and cached readers weigh.
//! `AUTHORITY=1 scripts/bench.sh` runs it.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measuring program: what can't be measured should end it, and its output is for the terminal"
)]

use std::path::PathBuf;

use clap::Parser;

mod compare;
mod memory;
mod ours;
mod server;
mod world;

#[derive(Parser)]
struct Arguments {
    /// The OpenFGA server's program; without it only memory is measured
    #[arg(long)]
    server: Option<PathBuf>,
    /// Documents of the world that both hold
    #[arg(long, default_value_t = 200_000)]
    documents: u32,
    /// Repetitions of each cell
    #[arg(long, default_value_t = 7)]
    blocks: usize,
    /// Millions of tuples whose memory is measured, one after the other
    #[arg(long, value_delimiter = ',', default_value = "1,10")]
    millions: Vec<u32>,
    /// Commit that was built, for the results
    #[arg(long, default_value = "unknown")]
    commit: String,
    #[arg(long, default_value = "benches/results")]
    out: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    std::fs::create_dir_all(&arguments.out)?;
    let date = jiff::Zoned::now().date();
    let path = arguments.out.join(format!("{date}-authority-{}.jsonl", arguments.commit));
    let mut lines = Vec::new();
    match &arguments.server {
        Some(program) => lines.extend(compare::measure(program, arguments.documents, arguments.blocks).await?),
        None => println!("comparison skipped: no server"),
    }
    for millions in &arguments.millions {
        lines.push(memory::measure(*millions)?);
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, text)?;
    println!("written to {}", path.display());
    Ok(())
}
