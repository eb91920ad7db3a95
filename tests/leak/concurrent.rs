//! Writers and readers at once. Every returned chunk must have been readable in some state that held between the begin
//! and the end of its query; a revocation that was acknowledged before the begin binds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::json;
use usher_oracle::world::{World, sentence, subjects};
use usher_support::Random;

use crate::driver::{Apply, Driver, names, now, send};
use crate::plan;

/// A state, from the moment that its change was sent to the moment that the next one was acknowledged.
struct State {
    from: Instant,
    until: Option<Instant>,
    world: World,
}

struct Read {
    begin: Instant,
    end: Instant,
    reader: String,
    found: Vec<String>,
}

/// Changes of one world: every state of it is kept until its reads are judged.
const CHANGES: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_answer_holds_what_was_never_readable_while_it_was_made() {
    let (seed, changes) = plan(CHANGES);
    let mut queries = 0;
    for seed in (seed..).take(changes.div_ceil(CHANGES)) {
        queries += one_world(seed).await;
    }
    println!("leak oracle, concurrent: {queries} queries beside {changes} changes from seed {seed}, 0 leaks");
}

/// Says how many queries were judged.
async fn one_world(seed: u64) -> usize {
    let mut driver = Driver::start(seed ^ 0xC0).await;
    for _ in 0..25 {
        let operation = driver.draw();
        driver.apply(operation).await;
    }
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|n| {
            let (done, admin, mut rng) = (done.clone(), driver.service.admin(), Random::new(seed + 100 + n));
            tokio::spawn(async move {
                let mut reads = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let reader = rng.pick(&subjects()).cloned().unwrap();
                    let client = crate::common::Client { subject: Some(reader.clone()), ..admin.clone() };
                    let body = json!({"query": sentence(&mut rng, 3), "top_k": 20, "collections": ["leak"]});
                    let begin = Instant::now();
                    let answer = client.post("/v1/query", body).await.ok();
                    let found = names(&answer).into_iter().map(|(name, _)| name).collect();
                    reads.push(Read { begin, end: Instant::now(), reader, found });
                }
                reads
            })
        })
        .collect();
    let mut states = vec![State { from: Instant::now(), until: None, world: driver.world.clone() }];
    for _ in 0..CHANGES {
        let operation = driver.draw();
        let from = Instant::now();
        send(&driver.service, &operation).await;
        let acknowledged = Instant::now();
        driver.world.apply_operation(operation);
        states.last_mut().unwrap().until = Some(acknowledged);
        states.push(State { from, until: None, world: driver.world.clone() });
    }
    done.store(true, Ordering::Relaxed);
    let mut queries = 0;
    for task in readers {
        for read in task.await.unwrap() {
            queries += 1;
            check(&states, &read);
        }
    }
    queries
}

fn check(states: &[State], read: &Read) {
    let held =
        states.iter().filter(|state| state.from <= read.end && state.until.is_none_or(|until| until >= read.begin));
    let mut readable: BTreeSet<String> = BTreeSet::new();
    for state in held {
        if read.found.iter().all(|name| readable.contains(name)) {
            return;
        }
        readable.extend(state.world.visible_names(&vec![read.reader.clone()], now()));
    }
    for name in &read.found {
        assert!(readable.contains(name), "LEAK: {} got {name}", read.reader);
    }
}
