//! How long a tuple that is written on the server, past Usher, takes to count, while others are written beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::document;
use crate::server::{OpenFga, program};

/// Other tuples that are written meanwhile, per second.
const LOAD: u32 = 200;
const WRITERS: u32 = 2;
/// Tuples of one write: the server's database takes one write after the other.
const BATCH: u32 = 5;
const READERS: usize = 200;

fn quantiles(mut all: Vec<Duration>) -> String {
    all.sort();
    let at = |percent: usize| all[(all.len() * percent / 100).min(all.len() - 1)].as_secs_f64() * 1e3;
    format!("p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms", at(50), at(99), at(100))
}

/// `make soak` runs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "a measurement"]
async fn from_a_tuple_on_the_server_to_the_answer() {
    let Some(program) = program() else { return };
    let server = Arc::new(OpenFga::start(program).await);
    let service = server.service(200).await;
    service.admin().put_documents(vec![document("a/1", "orchid", json!({"nobody": true}))]).await;
    let (is_over, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let begin = Instant::now();
    let load: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (server, is_over, written) = (server.clone(), is_over.clone(), written.clone());
            tokio::spawn(async move {
                let mut pace = tokio::time::interval(Duration::from_secs(1) * WRITERS * BATCH / LOAD);
                let mut number = 0;
                while !is_over.load(Ordering::Relaxed) {
                    pace.tick().await;
                    number += 1;
                    let users: Vec<_> = (0..BATCH).map(|n| format!("user:load{writer}-{number}-{n}")).collect();
                    let tuples: Vec<_> = users.iter().map(|user| (user.as_str(), "member", "group:load")).collect();
                    server.write(&tuples, &[]).await;
                    written.fetch_add(BATCH as usize, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let (mut shown, mut obeyed, mut violations) = (Vec::new(), Vec::new(), 0);
    for n in 0..READERS {
        let name = format!("user:r{n}");
        let reader = service.as_reader(&name);
        let grant = [(name.as_str(), "viewer", "document:a/1")];
        server.write(&grant, &[]).await;
        let acknowledged = Instant::now();
        while reader.ask("orchid").await.is_empty() {
            assert!(acknowledged.elapsed() < Duration::from_secs(20), "a grant is not seen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        shown.push(acknowledged.elapsed());
        server.write(&[], &grant).await;
        let acknowledged = Instant::now();
        violations += usize::from(!reader.ask("orchid").await.is_empty());
        obeyed.push(acknowledged.elapsed());
    }
    let rate = written.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64();
    is_over.store(true, Ordering::Relaxed);
    for writer in load {
        writer.await.unwrap();
    }
    println!(
        "counted {READERS} grants and revocations on the server beside {rate:.0} tuple writes a second, poll 200 ms\n\
         counted   grant until a question shows it: {}\n\
         counted   revocation until the next question's answer: {}; {violations} violations",
        quantiles(shown),
        quantiles(obeyed)
    );
    assert_eq!(violations, 0);
}
