//! The server is killed and started again, over and over, while questions are asked.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use usher_support::Random;

use crate::common::{Client, document};
use crate::server::{OpenFga, program};
use crate::storm::{marks, seed, soak};

const SHORT: usize = 3;
const BOB: &str = "user:bob";
const BOB_IN: (&str, &str, &str) = (BOB, "member", "group:g");

/// What Bob may be shown, and since when: `(at, is_in)` of changes that were acknowledged, or sent.
#[derive(Default)]
struct Membership {
    sent: Vec<(Instant, bool)>,
    acknowledged: Vec<(Instant, bool)>,
}

impl Membership {
    /// Whether Bob was in, or may have been, at some moment of the question.
    fn may_be_in(&self, begin: Instant, end: Instant) -> bool {
        let at_begin = self.acknowledged.iter().rev().find(|(at, _)| *at <= begin).is_some_and(|(_, is_in)| *is_in);
        at_begin || self.sent.iter().any(|(at, is_in)| *is_in && *at <= end && !self.was_ended(*at, begin))
    }

    /// Whether a later revocation was acknowledged before `begin`.
    fn was_ended(&self, grant: Instant, begin: Instant) -> bool {
        self.acknowledged.iter().any(|(at, is_in)| !is_in && *at > grant && *at <= begin)
    }
}

#[derive(Default)]
struct Counts {
    answers: AtomicUsize,
    refusals: AtomicUsize,
    leaks: AtomicUsize,
    wrong: AtomicUsize,
}

/// An answer is right, or there is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_killed_again_and_again() {
    let Some(program) = program() else { return };
    let mut server = OpenFga::start(program).await;
    server.write(&[BOB_IN, ("user:ann", "viewer", "document:a/2")], &[]).await;
    let service = server.service(50).await;
    let admin = service.admin();
    let documents = vec![
        document("a/1", "orchid mark.1.", json!({"viewers": ["user:ann"]})),
        document("a/2", "orchid mark.2.", json!({"viewers": ["group:g#member", "user:carl"]})),
        document("a/3", "orchid mark.3.", json!({"viewers": ["user:carl"]})),
    ];
    admin.put_documents(documents).await;
    let (is_over, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
    let membership = Arc::new(Mutex::new(Membership::default()));
    membership.lock().unwrap().acknowledged.push((Instant::now(), true));
    let ask = |reader: &'static str, always: &'static [&'static str]| {
        let client = Client { subject: Some(reader.to_owned()), ..admin.clone() };
        let (is_over, counts, membership) = (is_over.clone(), counts.clone(), membership.clone());
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let begin = Instant::now();
                let reply = client.post("/v1/query", json!({"query": "orchid"})).await;
                let end = Instant::now();
                match reply.status.as_u16() {
                    200 => {
                        counts.answers.fetch_add(1, Ordering::Relaxed);
                        let found = marks(&reply.bytes);
                        if reader != BOB {
                            let is_right = found.iter().eq(always.iter());
                            counts.wrong.fetch_add(usize::from(!is_right), Ordering::Relaxed);
                        } else if !found.is_empty() && !membership.lock().unwrap().may_be_in(begin, end) {
                            counts.leaks.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    503 => {
                        counts.refusals.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    other => {
                        println!("{other}: {}", String::from_utf8_lossy(&reply.bytes));
                        counts.wrong.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        })
    };
    let mut tasks = vec![ask(BOB, &[]), ask(BOB, &[])];
    tasks.push(ask("user:ann", &["mark.1.", "mark.2."]));
    tasks.push(ask("user:carl", &["mark.2.", "mark.3."]));
    let kills = soak().unwrap_or(SHORT);
    let (mut recoveries, mut is_in, mut rng) = (Vec::new(), true, Random::new(seed()));
    for _ in 0..kills {
        // The last thing that the server does before it dies is to let Bob in, or to shut him out.
        is_in = !is_in;
        membership.lock().unwrap().sent.push((Instant::now(), is_in));
        let one = [BOB_IN];
        let (writes, deletes): (&[_], &[_]) = if is_in { (&one, &[]) } else { (&[], &one) };
        server.write(writes, deletes).await;
        membership.lock().unwrap().acknowledged.push((Instant::now(), is_in));
        tokio::time::sleep(Duration::from_millis(rng.below(60) as u64)).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(rng.below(400) as u64)).await;
        server.run().await;
        let begin = Instant::now();
        let carl = service.as_reader("user:carl");
        while !carl.post("/v1/query", json!({"query": "orchid"})).await.status.is_success() {
            assert!(begin.elapsed() < Duration::from_secs(20), "no recovery");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        recoveries.push(begin.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    recoveries.sort();
    let [answers, refusals, leaks, wrong] =
        [&counts.answers, &counts.refusals, &counts.leaks, &counts.wrong].map(|count| count.load(Ordering::Relaxed));
    println!(
        "counted {kills} kills of the OpenFGA server under load: {answers} answers, {refusals} times 503; {leaks} leaks, \
         {wrong} wrong; first answer after it was back: p50 {} ms, max {} ms",
        recoveries[recoveries.len() / 2].as_millis(),
        recoveries.last().unwrap().as_millis()
    );
    assert_eq!((leaks, wrong), (0, 0));
    assert!(answers > 0 && refusals > 0, "the load did not meet the kills");
}
