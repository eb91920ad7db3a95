//! SIGKILL at random instants, again and again on one folder.

use std::time::Duration;

use crate::check;
use crate::load::Load;
use crate::process::Process;
use crate::world::{Random, rounds, seed};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_every_kill() {
    let (seed, kills) = (seed(), rounds(20, 200));
    println!("seed {seed}, {kills} kills");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut random = Random::new(seed);
    let mut load = Load::new(seed);
    let mut recoveries = Vec::new();
    let mut process = Process::start(&data, None).await.unwrap();
    for kill in 0..kills {
        let running = load.start(&process.client);
        tokio::time::sleep(Duration::from_millis(20 + random.below(700))).await;
        process.kill();
        load = running.finish().await;
        if random.below(4) == 0 {
            // Killed again while it recovers.
            if let Ok(mut early) = tokio::time::timeout(
                Duration::from_millis(random.below(150)),
                Process::start(&data, None),
            )
            .await
            .unwrap_or_else(|_| Err(crate::process::NotStarted { signal: None, message: String::new() }))
            {
                early.kill();
            }
        }
        process = Process::start(&data, None).await.unwrap_or_else(|error| panic!("kill {kill}: {error:?}"));
        recoveries.push(process.recovery);
        let verdict = check::all(&process.client, &mut load).await;
        verdict.assert_right(&format!("seed {seed}, kill {kill}"));
    }
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
