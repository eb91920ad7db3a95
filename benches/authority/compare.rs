//! Cell by cell, in turn: resolving cold and warm, listing and filtering, searching and checking.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};
use usher_bench::random::{Kind, Stream};
use usher_bench::rights::{filter, mask};
use usher_bench::stats::{median, ms, timed};

use crate::ours;
use crate::server::{Limits, Server};
use crate::world::{READERS, RELATIONS};

/// Passages that an answer needs.
const WANTED: usize = 10;
/// Candidates after which searching and checking gives up.
const MOST_CANDIDATES: usize = 1_000;
/// Checks of one call; the server's limit.
const CHECKS: usize = 50;
/// A cell that takes longer is repeated three times only.
const LONG: Duration = Duration::from_secs(60);

/// One line per reader and relation.
pub async fn measure(program: &Path, documents: u32, blocks: usize) -> anyhow::Result<Vec<Value>> {
    let start = Instant::now();
    let snapshot = ours::snapshot(documents)?;
    println!("{documents} documents here after {:.1?}", start.elapsed());
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("openfga.db");
    let start = Instant::now();
    let mut server = Server::start(program, &database, Limits::None).await?;
    server.fill(documents).await?;
    println!("the same tuples on the server after {:.1?}", start.elapsed());
    let mut limited = Server::start(program, &database, Limits::Default).await?;
    (limited.store, limited.model) = (server.store.clone(), server.model.clone());
    let mut lines = Vec::new();
    for (user, _) in READERS {
        for (name, relation) in RELATIONS {
            let warm_authority = ours::cold();
            let readable = mask(&warm_authority, &snapshot, user, name)?;
            let (mut cold, mut warm, mut list, mut check) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            let (mut wrong, mut found) = (0, Vec::new());
            let begun = Instant::now();
            for block in 0..blocks {
                if block >= 3 && begun.elapsed() > LONG {
                    break;
                }
                for _ in 0..5 {
                    let authority = ours::cold();
                    cold.push(timed(|| mask(&authority, &snapshot, user, name)).0);
                }
                for _ in 0..200 {
                    warm.push(timed(|| mask(&warm_authority, &snapshot, user, name)).0);
                }
                let start = Instant::now();
                let listed =
                    filter(snapshot.collection(name).context("a collection")?, server.list(user, relation).await?);
                list.push(ms(start.elapsed()));
                wrong += usize::from(listed.words() != readable.words());
                let mut stream = Stream::new(9, Kind::Question, block as u64);
                let start = Instant::now();
                let passed = search_then_check(&server, documents, user, relation, &mut stream).await?;
                check.push(ms(start.elapsed()));
                found.push(passed as f64);
            }
            let start = Instant::now();
            let (truncated, took) = match limited.list(user, relation).await {
                Ok(ids) => (json!(ids.len()), ms(start.elapsed())),
                Err(error) => (json!(error.to_string()), ms(start.elapsed())),
            };
            let [cold, warm, list, check, found] = [cold, warm, list, check, found].map(|values| median(&values));
            println!(
                "{user} {name}: {} readable; cold {cold:.3} ms, warm {warm:.4} ms; list and filter {list:.1} ms ({:.0}x \
                 cold, {:.0}x warm); search and check {check:.1} ms ({:.1}x cold), {found} of {WANTED} found; the \
                 server's own limits give {truncated}; different sets {wrong}",
                readable.count(),
                list / cold,
                list / warm,
                check / cold,
            );
            lines.push(json!({
                "kind": "resolution", "reader": user, "model": name, "readable": readable.count(), "cold_ms": cold,
                "warm_ms": warm, "list_ms": list, "check_ms": check, "check_found": found, "different": wrong,
                "list_over_cold": list / cold, "list_over_warm": list / warm, "check_over_cold": check / cold,
                "limited": truncated, "limited_ms": took,
            }));
        }
    }
    Ok(lines)
}

/// Candidates in the order of a search that costs nothing, checked until enough may be read.
async fn search_then_check(
    server: &Server,
    documents: u32,
    user: &str,
    relation: &str,
    ranking: &mut Stream,
) -> anyhow::Result<usize> {
    let (mut passed, mut asked, mut fetched) = (0, 0, WANTED * 2);
    loop {
        while asked < fetched {
            let count = (fetched - asked).min(CHECKS);
            let mut candidates: Vec<u32> = (0..count).map(|_| ranking.below(documents)).collect();
            candidates.sort_unstable();
            candidates.dedup();
            passed += server.check(user, relation, &candidates).await?.iter().filter(|allowed| **allowed).count();
            asked += count;
        }
        if passed >= WANTED || fetched >= MOST_CANDIDATES {
            return Ok(passed.min(WANTED));
        }
        fetched = (fetched * 2).min(MOST_CANDIDATES);
    }
}
