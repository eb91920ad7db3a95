//! What each form of the permission filter costs in Qdrant: 100,000 chunks with an audience each, 10² to 10⁵ of them
//! allowed. Takes minutes: `QDRANT_URL=… cargo test --lib forms -- --ignored --nocapture`. The table is in
//! `docs/distributed.md`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::qdrant::{Remote, url};
use super::vectors::brute_force;
use super::world::{Clustered, key};
use crate::ChunkMask;
use crate::mask::Description;
use crate::qdrant::{Ask, Expected, Form, Permission, Point, choose};
use usher_support::Random;

const CHUNKS: u32 = 100_000;
const DIMENSIONS: usize = 384;
const QUERIES: usize = 30;

#[test]
#[ignore = "a measurement, for release builds"]
fn forms_of_the_permission_filter() {
    let Some(url) = url() else { return };
    let mut world = Clustered::new(71, DIMENSIONS, 2_000);
    let rows = world.rows(CHUNKS as usize);
    let store = Remote::make(&url, DIMENSIONS);
    for first in (0..CHUNKS).step_by(2_000) {
        let points = (first..first + 2_000).map(|chunk| {
            let expected =
                Expected { audience: i64::from(chunk) + 1, document: chunk, version: 1, metadata: BTreeMap::new() };
            let at = chunk as usize * DIMENSIONS;
            Point { chunk, expected, dense: Some(rows[at..at + DIMENSIONS].to_vec()), sparse: None }
        });
        store.run(store.points.insert(points.collect(), 1)).unwrap();
    }
    let begun = Instant::now();
    while !store.run(store.points.is_indexed()).unwrap() {
        assert!(begun.elapsed() < Duration::from_secs(1_800), "the graph is not built");
        std::thread::sleep(Duration::from_secs(2));
    }
    println!("graph built {:.0} s after the last insert", begun.elapsed().as_secs_f64());
    println!("| readable | form | search | p50 ms | p95 ms | recall@10 | chosen |\n|---|---|---|---|---|---|---|");
    let mut random = Random::new(72);
    for allowed in [100u32, 1_000, 10_000, 50_000, 90_000, 99_900, 100_000] {
        let mut order: Vec<u32> = (0..CHUNKS).collect();
        (1..order.len()).rev().for_each(|at| order.swap(at, random.below(at as u64 + 1) as usize));
        let mut seen = ChunkMask::new(CHUNKS);
        let mut description = Description::default();
        for (at, chunk) in order.iter().enumerate() {
            if (at as u32) < allowed {
                seen.set(*chunk);
                description.allowed.push(i64::from(*chunk) + 1);
            } else {
                description.denied.push(i64::from(*chunk) + 1);
            }
        }
        let seen = seen.described(description);
        let description = seen.description().unwrap().clone();
        let queries: Vec<Vec<f32>> = (0..QUERIES).map(|_| world.query(&rows)).collect();
        let expected: Vec<_> =
            queries.iter().map(|query| brute_force(&rows, DIMENSIONS, query, &seen, 10, key)).collect();
        let ids: Arc<[u32]> = seen.iter().collect();
        let mut forms: Vec<(&str, &str, Form)> = Vec::new();
        for (name, permission) in [
            ("ids", Permission::Ids(ids)),
            ("any of", Permission::AnyOf(description.clone())),
            ("except of", Permission::ExceptOf(description.clone())),
            ("none", Permission::All),
        ] {
            if name == "none" && allowed < 90_000 {
                continue;
            }
            for (how, exact, ef, acorn) in [
                ("exact", true, 128, false),
                ("ef 128", false, 128, false),
                ("ef 512", false, 512, false),
                ("ef 128, ACORN", false, 128, true),
            ] {
                forms.push((name, how, Form::of(permission.clone(), exact, ef, acorn)));
            }
        }
        forms.push(("chosen", "", choose(&seen)));
        for (name, how, form) in forms {
            let (mut times, mut found) = (Vec::new(), 0);
            for (query, expected) in queries.iter().zip(&expected) {
                let ask = Ask { dense: Some(query.clone()), sparse: None, depth: 10.into() };
                let begun = Instant::now();
                let answer = store.run(store.points.search_with(&ask, &seen, &form, &key)).unwrap();
                times.push(begun.elapsed().as_secs_f64() * 1e3);
                found += expected.iter().filter(|hit| answer.dense.iter().any(|one| one.chunk == hit.chunk)).count();
            }
            times.sort_by(f64::total_cmp);
            let recall = found as f64 / (QUERIES * 10) as f64;
            let (p50, p95) = (times[QUERIES / 2], times[QUERIES * 95 / 100]);
            println!("| {allowed} | {name} | {how} | {p50:.1} | {p95:.1} | {recall:.3} |");
            if name == "chosen" {
                assert!(recall >= 0.95, "{allowed}: {recall}");
            }
        }
    }
}
