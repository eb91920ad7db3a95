//! Starting, writing and stopping beside others.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Row as _;

use crate::common::postgres::TestDatabase;
use crate::process::Client;
use crate::world::{self, World, found, grant, put, rounds};

#[tokio::test(flavor = "multi_thread")]
async fn several_first_starts_make_one_of_everything() {
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let names = ["a", "b", "c", "d"];
    let started = futures::future::join_all(names.map(|name| world.start(name))).await;
    assert_eq!(world.key_files().len(), 1);
    let key = world.admin_key().await;
    for process in &started {
        let client = process.client.with_key(&key);
        let collections = client.get("/v1/collections").await.ok();
        assert_eq!(collections["collections"].as_array().map(Vec::len), Some(1), "{collections}");
        assert_eq!(client.get("/stores").await.ok()["stores"].as_array().map(Vec::len), Some(1));
        assert_eq!(client.get("/v1/keys").await.ok()["keys"].as_array().map(Vec::len), Some(1));
    }
    for process in started {
        process.stop().await;
    }
}

/// Everything that two processes answer about documents and tuples.
async fn answers(client: &Client) -> Vec<serde_json::Value> {
    let mut all = Vec::new();
    for person in 0..4 {
        let mut list =
            client.as_subject(&format!("user:p{person}")).get("/v1/documents?collection=main&limit=1000").await.ok();
        for token in ["revision", "cursor"] {
            list.as_object_mut().unwrap().remove(token);
        }
        all.push(list);
    }
    let stores = client.get("/stores").await.ok();
    let store = stores["stores"][0]["id"].as_str().unwrap();
    let mut token = String::new();
    loop {
        let body = json!({"page_size": 100, "continuation_token": token});
        let page = client.post(&format!("/stores/{store}/read"), body).await.ok();
        all.extend(page["tuples"].as_array().unwrap().iter().map(|tuple| tuple["key"].clone()));
        token = page["continuation_token"].as_str().unwrap_or_default().to_owned();
        if token.is_empty() {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_write_the_same_things_and_lose_nothing() {
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let processes = Arc::new([world.start("one").await, world.start("other").await]);
    let steps = rounds(40, 1_000);
    let writers = (0..6_u64).map(|writer| {
        let processes = processes.clone();
        tokio::spawn(async move {
            let mut random = world::random(writer);
            let mut last = None;
            for step in 0..steps {
                let client = &processes[random.below(2) as usize].client;
                let (person, document) = (format!("user:p{}", random.below(4)), random.below(5));
                if random.below(2) == 0 {
                    let text = format!("By {writer} in step {step}.");
                    let stored = put(client, &format!("s/{document}"), &text, &["group:g#member"]).await;
                    assert!(stored.is_ok() || stored.status == 409, "{stored:?}");
                } else {
                    let is_granted = random.below(2) == 0;
                    grant(client, &person, "member", "group:g", is_granted).await.ok();
                }
                // One tuple for each step, by this writer alone: none may be missing in the end.
                let object = format!("group:w{writer}");
                grant(client, &format!("user:n{step}"), "member", &object, true).await.ok();
                last = Some(step);
            }
            last
        })
    });
    let written = futures::future::join_all(writers.collect::<Vec<_>>()).await.len() as u64;
    let (one, other) = (answers(&processes[0].client).await, answers(&processes[1].client).await);
    assert_eq!(one, other);
    let own = one.iter().filter(|tuple| tuple["object"].as_str().is_some_and(|object| object.starts_with("group:w")));
    assert_eq!(own.count() as u64, written * steps);
    println!(
        "counted steps of {written} writers on two processes {}, lost 0, answers compared {}",
        written * steps,
        one.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_shows_no_error_to_a_client() {
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let mut processes = vec![world.start("0").await, world.start("1").await];
    let stored = put(&processes[0].client, "a/1", "The one gentian.", &["user:*"]).await.ok();
    for process in &processes {
        let hits = found(&process.client.as_subject("user:ann"), "gentian", stored["revision"].as_str()).await.unwrap();
        assert_eq!(hits, ["a/1"]);
    }
    let there = crate::world::Replicas::of(&[&processes[0], &processes[1]]);
    let (stop, asked, retried) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let clients = (0..4_u64).map(|number| {
        let (there, stop, asked, retried) = (there.clone(), stop.clone(), asked.clone(), retried.clone());
        tokio::spawn(async move {
            let mut random = world::random(number);
            while !stop.load(Ordering::SeqCst) {
                let step = asked.fetch_add(1, Ordering::SeqCst);
                let mut tries = 0;
                loop {
                    // As a proxy does: one that is ready, and another one where no connection was to be had.
                    let client = there.any(&mut random);
                    if !client.get("/v1/health/ready").await.is_ok() {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        continue;
                    }
                    let status = match step % 3 {
                        0 => put(&client, &format!("r/{number}"), &format!("step {step}"), &["user:*"]).await.status,
                        1 => grant(&client, &format!("user:{step}"), "member", "group:g", true).await.status,
                        _ => found(&client.as_subject("user:ann"), "gentian", None).await.map_or_else(
                            |reply| reply.status,
                            |hits| {
                                assert_eq!(hits, ["a/1"]);
                                200
                            },
                        ),
                    };
                    if status == 0 && tries < 3 {
                        retried.fetch_add(1, Ordering::SeqCst);
                        tries += 1;
                        continue;
                    }
                    assert_eq!(status, 200, "step {step}");
                    break;
                }
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for round in 0..rounds(2, 20) {
        let at = round as usize % 2;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let old = processes.remove(at);
        old.stop().await;
        there.set(at, None);
        let new = world.start(&at.to_string()).await;
        there.set(at, Some(new.client.clone()));
        processes.insert(at, new);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    println!(
        "counted requests during rolling restarts {}, errors 0, connections that were refused and tried elsewhere {}",
        asked.load(Ordering::SeqCst),
        retried.load(Ordering::SeqCst)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_taken_over() {
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let mut connection = database.connect().await;
    let mut holder = async || -> Option<Vec<u8>> {
        let held = "SELECT owner FROM leases
                     WHERE name = 'expiry' AND until_ms > (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        sqlx::query(held).fetch_optional(&mut connection).await.unwrap().map(|row| row.get(0))
    };
    let mut first = world.start("first").await;
    let mut seen = BTreeSet::new();
    while holder().await.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut times = Vec::new();
    for (round, is_killed) in [(0, true), (1, false)] {
        let owner = holder().await.unwrap();
        assert!(seen.insert(owner.clone()));
        let second = world.start(&format!("second{round}")).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(holder().await.as_ref(), Some(&owner), "the owner keeps it while it lives");
        let begun = Instant::now();
        if is_killed {
            first.kill();
        } else {
            first.stop().await;
        }
        while holder().await.is_none_or(|now| now == owner) {
            assert!(begun.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        times.push(begun.elapsed());
        first = second;
    }
    println!(
        "counted takeover after a kill {} ms, after a stop in order {} ms",
        times[0].as_millis(),
        times[1].as_millis()
    );
    assert!(times[0] < Duration::from_secs(7), "{times:?}");
    first.stop().await;
}
