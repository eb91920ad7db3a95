//! SIGKILL at random instants, again and again on one folder.

use std::path::Path;
use std::time::Duration;

use crate::check::{self, Verdict};
use crate::load::Load;
use crate::process::Process;
use crate::world::{rounds, seed};
use usher_support::Random;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_every_kill() {
    let (seed, kills) = (seed(), rounds(20, 200));
    println!("seed {seed}, {kills} kills");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut random = Random::new(seed);
    let mut load = Load::new(seed);
    let mut recoveries = Vec::new();
    let mut process = Process::start(&data).await.unwrap();
    for kill in 0..kills {
        let running = load.start(&process.client);
        tokio::time::sleep(Duration::from_millis(20 + random.below(700))).await;
        process.kill();
        load = running.finish().await;
        if random.below(3) == 0 {
            kill_while_it_recovers(&data, Duration::from_millis(random.below(60))).await;
        }
        process = Process::start(&data).await.unwrap_or_else(|error| panic!("kill {kill}: {error:?}"));
        recoveries.push(process.recovery);
        let verdict = check::all(&process.client, &mut load).await;
        verdict.assert_right(&format!("seed {seed}, kill {kill}\n{}", process.log()));
    }
    check::records(&process.client, &data).await;
    process.stop().await;
    let records = check::audit(&data);
    recoveries.sort();
    let (median, longest) = (recoveries[recoveries.len() / 2], recoveries[recoveries.len() - 1]);
    println!(
        "kills {kills}, acknowledged operations {}, audit records {records}, lost 0, resurrected 0, half visible 0, \
         recovery p50 {} ms, max {} ms",
        load.acknowledged(),
        median.as_millis(),
        longest.as_millis()
    );
    assert_eq!(load.refused(), 0, "a healthy service refuses nothing");
}

/// The process ends with its handle, wherever its start has got to.
async fn kill_while_it_recovers(data: &Path, after: Duration) {
    if let Ok(started) = tokio::time::timeout(after, Process::start(data)).await {
        started.unwrap().kill();
    }
}

/// The same test finds the deliberate bug of a service that acknowledges before it commits.
#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_before_the_commit_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut random = Random::new(seed());
    let mut load = Load::new(seed());
    Process::start(&data).await.unwrap().stop().await;
    for kill in 1..=20 {
        let mutant = [("USHER_MUTANT", "acknowledge_before_commit")];
        let mut process = Process::start_with(&data, &mutant).await.unwrap();
        let running = load.start(&process.client);
        tokio::time::sleep(Duration::from_millis(200 + random.below(200))).await;
        process.kill();
        load = running.finish().await;
        // The start would see that the catalog lacks something; here the check has to.
        std::fs::remove_file(data.join("audit.jsonl")).unwrap();
        std::fs::remove_file(data.join("seen")).unwrap();
        let process = Process::start(&data).await.unwrap();
        let Verdict { lost, resurrected, half } = check::all(&process.client, &mut load).await;
        if !lost.is_empty() || !resurrected.is_empty() || !half.is_empty() {
            println!("caught after {kill} kills");
            return;
        }
    }
    panic!("the check doesn't notice what is lost");
}
