//! Processes and the database killed and suspended under load.

use std::time::{Duration, Instant};

use crate::common::postgres::TestDatabase;
use crate::server::Server;
use crate::world::{self, Replicas, Storm, World, grant, put, rounds};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_takes_nothing_with_it() {
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let mut processes = [world.start("0").await, world.start("1").await];
    let replicas = Replicas::of(&[&processes[0], &processes[1]]);
    let storm = Storm::start(&replicas, 4);
    let (mut random, mut recoveries) = (world::random(99), Vec::new());
    let kills = rounds(4, 100);
    for kill in 0..kills {
        tokio::time::sleep(Duration::from_millis(300 + random.below(700))).await;
        let at = (kill % 2) as usize;
        processes[at].kill();
        replicas.set(at, None);
        tokio::time::sleep(Duration::from_millis(random.below(500))).await;
        let new = world.start(&at.to_string()).await;
        recoveries.push(new.recovery);
        replicas.set(at, Some(new.client.clone()));
        processes[at] = new;
    }
    let counts = storm.finish().await;
    recoveries.sort();
    counts.assert_right(&format!(
        "counted kills of a process {kills}, ready again p50 {} ms, max {} ms",
        recoveries[recoveries.len() / 2].as_millis(),
        recoveries[recoveries.len() - 1].as_millis()
    ));
}

/// The reply to a commit is lost, and it was done: the list of commits says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_is_cleared_up_without_a_hand() {
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let one = world.start("one").await;
    for (name, failpoint, refused) in [("lost", "commit.after=error:3", 0), ("before", "commit.before=error:3", 1)] {
        let other = world.start_with(name, &[("USHER_FAILPOINT", failpoint)]).await.unwrap();
        let (mut acknowledged, mut failed) = (0, 0);
        for number in 0..6 {
            let reply = grant(&other.client, &format!("user:{name}{number}"), "member", "group:g", true).await;
            acknowledged += u64::from(reply.is_ok());
            failed += u64::from(reply.status == 503);
        }
        assert_eq!((acknowledged, failed), (6 - refused, refused), "{name}: {}", other.log());
        // What was acknowledged is there for the other process, and nothing else is.
        put(&one.client, &format!("a/{name}"), "The one gentian.", &["group:g#member"]).await.ok();
        let mut readable = 0;
        for number in 0..6 {
            let reader = one.client.as_subject(&format!("user:{name}{number}"));
            readable += u64::from(reader.document(&format!("a/{name}")).await.is_ok());
        }
        assert_eq!(readable, acknowledged, "{name}");
        other.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_database_loses_nothing_and_needs_no_hand() {
    let server = Server::start();
    let world = World::new(&server.url());
    let processes = [world.start("0").await, world.start("1").await];
    let replicas = Replicas::of(&[&processes[0], &processes[1]]);
    let storm = Storm::start(&replicas, 4);
    let (mut random, mut recoveries) = (world::random(7), Vec::new());
    let kills = rounds(3, 100);
    for kill in 0..kills {
        tokio::time::sleep(Duration::from_millis(500 + random.below(700))).await;
        if kill % 3 == 2 {
            server.stop()
        } else {
            server.kill()
        }
        tokio::time::sleep(Duration::from_millis(random.below(1500))).await;
        server.run();
        let begun = Instant::now();
        for process in &processes {
            while !process.client.get("/v1/health/ready").await.is_ok() {
                assert!(begun.elapsed() < Duration::from_secs(60), "{}", process.log());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        recoveries.push(begun.elapsed());
    }
    let counts = storm.finish().await;
    recoveries.sort();
    counts.assert_right(&format!(
        "counted kills and restarts of PostgreSQL {kills}, both processes ready again after its start p50 {} ms, max {} ms",
        recoveries[recoveries.len() / 2].as_millis(),
        recoveries[recoveries.len() - 1].as_millis()
    ));
    for process in processes {
        process.stop().await;
    }
}

/// A database that stands still, as behind a broken network.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_database_is_waited_for_and_nothing_old_is_answered() {
    let server = Server::start();
    let world = World::new(&server.url());
    let processes = [world.start("0").await, world.start("1").await];
    let replicas = Replicas::of(&[&processes[0], &processes[1]]);
    let storm = Storm::start(&replicas, 4);
    let mut random = world::random(8);
    let pauses = rounds(2, 40);
    for _ in 0..pauses {
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.signal("STOP");
        tokio::time::sleep(Duration::from_millis(500 + random.below(3_000))).await;
        server.signal("CONT");
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    storm.finish().await.assert_right(&format!("counted pauses of PostgreSQL {pauses}"));
}

/// A process that stands still, also with the catalog's lock in its hands.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_process_holds_up_nobody_for_long() {
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let processes = [world.start("0").await, world.start("1").await];
    let replicas = Replicas::of(&[&processes[0], &processes[1]]);
    let storm = Storm::start(&replicas, 4);
    let mut random = world::random(9);
    let pauses = rounds(3, 60);
    for pause in 0..pauses {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let at = (pause % 2) as usize;
        processes[at].signal("STOP");
        replicas.set(at, None);
        tokio::time::sleep(Duration::from_millis(300 + random.below(2_000))).await;
        processes[at].signal("CONT");
        replicas.set(at, Some(processes[at].client.clone()));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    storm.finish().await.assert_right(&format!("counted pauses of a process {pauses}"));
}
