//! A backup of PostgreSQL is restored under running processes: rights that were withdrawn since do not come back unseen.

use std::time::{Duration, Instant};

use crate::process::{Client, Process};
use crate::server::Server;
use crate::world::{Replicas, World, found, grant, is_refusal, put};

async fn until_ready(processes: &[Process]) {
    let begun = Instant::now();
    for process in processes {
        while !process.client.get("/v1/health/ready").await.is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", process.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What Ann is told at any time is nothing or a refusal.
async fn is_hidden(client: &Client) {
    let ann = client.as_subject("user:ann");
    let document = ann.document("a/1").await;
    assert!(document.status == 404 || is_refusal(&document), "LEAK: {document:?}");
    match found(&ann, "gentian", None).await {
        Ok(hits) => assert!(hits.is_empty(), "LEAK: {hits:?}"),
        Err(reply) => assert!(is_refusal(&reply), "{reply:?}"),
    }
}

/// The processes end by themselves and refuse to start, until one folder's owner has accepted the backup: that is enough
/// for all.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_restored_is_served_once_it_is_accepted() {
    let server = Server::start();
    let world = World::new(&server.url());
    let names = ["writer", "reader", "idle"];
    let mut processes = Vec::new();
    for name in names {
        processes.push(world.start(name).await);
    }
    let admin = processes[0].client.clone();
    put(&admin, "a/1", "The one gentian.", &["group:g#member"]).await.ok();
    let granted = grant(&admin, "user:ann", "member", "group:g", true).await.ok();
    server.stop();
    server.back_up();
    server.run();
    until_ready(&processes).await;
    assert_eq!(found(&processes[1].client.as_subject("user:ann"), "gentian", None).await.unwrap(), ["a/1"]);
    let withdrawn = grant(&admin, "user:ann", "member", "group:g", false).await.ok();
    is_hidden(&processes[1].client).await;
    until_ready(&processes).await;

    server.stop();
    server.restore();
    server.run();
    let begun = Instant::now();
    let mut ended = Vec::new();
    for process in &mut processes {
        let status = loop {
            if let Some(status) = process.ended(Duration::from_millis(10)).await {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", process.log());
            is_hidden(&process.client).await;
        };
        ended.push(begun.elapsed().as_millis());
        assert_eq!(status.code(), Some(1), "{}", process.log());
        let log = process.log();
        let last = log.trim_end().lines().last().unwrap();
        assert!(last.starts_with("usher: a backup was restored under this process"), "{log}");
    }
    drop(processes);
    // Whatever supervises them starts them again and again; also the one that has answered nothing knows.
    for name in names {
        let refused = world.start_with(name, &[]).await.err().expect("an older copy is served");
        assert!(refused.reason().contains("accept-restored"), "{refused:?}");
    }
    // Another process goes on from the copy until it is past all that they have seen: they are refused all the same.
    let fresh = world.start("fresh").await;
    for number in 0..5 {
        grant(&fresh.client, &format!("user:n{number}"), "member", "group:other", true).await.ok();
    }
    // What was withdrawn is withdrawn again there.
    grant(&fresh.client, "user:ann", "member", "group:g", false).await.ok();
    for name in names {
        let refused = world.start_with(name, &[]).await.err().expect("another history is served");
        assert!(refused.reason().contains("accept-restored"), "{refused:?}");
    }
    fresh.stop().await;
    world.accept_restored("writer");
    let mut processes = Vec::new();
    for name in names.into_iter().chain(["fresh"]) {
        processes.push(world.start(name).await);
    }
    for process in &processes {
        is_hidden(&process.client).await;
        grant(&process.client, "user:bob", "member", "group:g", true).await.ok();
        assert_eq!(found(&process.client.as_subject("user:bob"), "gentian", None).await.unwrap(), ["a/1"]);
        // Tokens from before mean other states.
        let before = withdrawn["revision"].as_str().unwrap();
        let refused = found(&process.client.as_subject("user:bob"), "gentian", Some(before)).await.unwrap_err();
        assert_eq!(refused.status, 400, "{refused:?}");
        // And those of now are one another's.
        let now = put(&processes[0].client, "a/2", "Another one.", &["user:*"]).await.ok();
        let hits = found(&process.client.as_subject("user:bob"), "gentian", now["revision"].as_str()).await.unwrap();
        assert_eq!(hits, ["a/1"]);
    }
    for process in processes {
        process.stop().await;
    }
    // Nothing is left to accept: they start as ever.
    let again = world.start("idle").await;
    again.stop().await;
    // The backup once more: it is from before the epoch that the folders are in.
    server.stop();
    server.restore();
    server.run();
    for name in names {
        let refused = world.start_with(name, &[]).await.err().expect("an older epoch is served");
        assert!(refused.reason().contains("accept-restored"), "{refused:?}");
    }
    println!("counted processes that ended by themselves 3, after {ended:?} ms; leaked 0; {}", granted["revision"]);
}

/// The newest state is put back before anybody has accepted the older one: they start again as if nothing had been.
#[tokio::test(flavor = "multi_thread")]
async fn the_newest_backup_needs_nobody_to_accept_it() {
    let server = Server::start();
    let world = World::new(&server.url());
    let mut processes = [world.start("0").await, world.start("1").await];
    let admin = processes[0].client.clone();
    put(&admin, "a/1", "The one gentian.", &["group:g#member"]).await.ok();
    server.stop();
    server.back_up();
    server.run();
    until_ready(&processes).await;
    grant(&admin, "user:ann", "member", "group:g", true).await.ok();
    until_ready(&processes).await;
    server.stop();
    server.set_aside();
    server.restore();
    server.run();
    for process in &mut processes {
        assert_eq!(process.ended(Duration::from_secs(30)).await.unwrap().code(), Some(1), "{}", process.log());
    }
    server.stop();
    server.put_back();
    server.run();
    let processes = [world.start("0").await, world.start("1").await];
    let replicas = Replicas::of(&[&processes[0], &processes[1]]);
    for at in 0..2 {
        let ann = replicas.at(at).unwrap().as_subject("user:ann");
        assert_eq!(found(&ann, "gentian", None).await.unwrap(), ["a/1"]);
    }
    for process in processes {
        process.stop().await;
    }
}
