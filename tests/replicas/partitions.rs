//! What a process needs is slow, silent or away for it alone, or was set back: answers are right or refused, in time.
//!
//! `QDRANT_URL` names a Qdrant server (gRPC) and `QDRANT_BINARY` the program of one; without them their tests are skipped.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use usher::catalog::{Catalog, CatalogError, Location, commits};

use crate::askers::{Askers, DEADLINE, MARGIN, ask};
use crate::common::postgres::TestDatabase;
use crate::process::{Client, Process};
use crate::proxy::{Proxy, Way};
use crate::qdrant::{self, Qdrant};
use crate::server::Server;
use crate::world::{Replicas, Storm, World, grant, is_refusal, put, rounds};

/// The port of the tests' Qdrant.
fn qdrant_port() -> Option<u16> {
    let Ok(url) = std::env::var("QDRANT_URL") else {
        usher_support::skipped("qdrant", "no Qdrant (set QDRANT_URL to its gRPC address)");
        return None;
    };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Some(reqwest::Url::parse(&url).unwrap().port().unwrap())
}

/// Two processes with their indexes in Qdrant, each by a port of its own.
async fn pair(world: &World, test: &str, ports: [u16; 2]) -> [Process; 2] {
    let prefix = format!("usher-replicas-{}-{test}", std::process::id());
    let start = async |name: &str, port: u16| {
        let text = format!("[qdrant]\nurl = \"http://127.0.0.1:{port}\"\nprefix = \"{prefix}\"\n");
        let configuration = world.configuration_of(name, &text);
        world.start_with(name, &[("USHER_CONFIG", &configuration)]).await.unwrap()
    };
    [start("0", ports[0]).await, start("1", ports[1]).await]
}

/// A document that Ann may read: a question that only a search can answer. The revision from which on it can.
async fn store_known(client: &Client, text: &str) -> String {
    put(client, "known/1", text, &["user:ann"]).await.ok()["revision"].as_str().unwrap().to_owned()
}

/// How long it takes until Ann is answered rightly; anything else must be a refusal.
async fn until_right(process: &Process, revision: Option<&str>, patience: Duration) -> Duration {
    let (ann, begun) = (process.client.as_subject("user:ann"), Instant::now());
    loop {
        match ask(&ann, "hybrid", revision).await {
            Ok(found) if found == BTreeSet::from(["known/1".to_owned()]) => return begun.elapsed(),
            Ok(found) => panic!("{found:?}"),
            Err(reply) => assert!(is_refusal(&reply), "{reply:?}"),
        }
        assert!(begun.elapsed() < patience, "no recovery after {patience:?}: {}", process.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn both_right(processes: &[Process; 2], revision: &str) -> [u128; 2] {
    let right =
        async |at: usize| until_right(&processes[at], Some(revision), Duration::from_secs(30)).await.as_millis();
    [right(0).await, right(1).await]
}

async fn for_a_while(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(rounds(seconds, 10 * seconds))).await;
}

/// Removes what the test left in Qdrant.
async fn finish(processes: [Process; 2]) {
    processes[0].client.delete("/v1/collections/main?force=true").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    for process in processes {
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_qdrant_delays_or_refuses_and_nothing_else() {
    let Some(port) = qdrant_port() else { return };
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let proxy = Proxy::to_port(port).await;
    let processes = pair(&world, "slow", [proxy.port(), proxy.port()]).await;
    let known = store_known(&processes[0].client, "The one gentian.").await;
    both_right(&processes, &known).await;
    let askers = Askers::start(&Replicas::of(&[&processes[0], &processes[1]]), 3);
    for_a_while(2).await;
    let phase = async |name: &str, there: u64, back: u64, seconds: u64| {
        let way = |delay| Way { delay: Duration::from_millis(delay), is_silent: false };
        let before = askers.tally.both();
        proxy.ways(way(there), way(back));
        for_a_while(seconds).await;
        let after = askers.tally.both();
        let (answers, refusals) = (after.0 - before.0, after.1 - before.1);
        println!("    {name}: {there} ms there, {back} ms back: answers {answers}, refusals {refusals}");
        answers
    };
    // Within the deadline: answers come.
    assert!(phase("slow", 150, 150, 6).await > 0);
    // Beyond it, the question or the answer.
    phase("too slow there", 4_000, 0, 5).await;
    phase("too slow back", 0, 4_000, 5).await;
    proxy.heal();
    let recovered = both_right(&processes, &known).await;
    for_a_while(2).await;
    askers.finish().await.assert_right(&format!("counted a slow Qdrant; right again after {recovered:?} ms"));
    finish(processes).await;
}

/// What happens to the connections of one process.
#[derive(Debug, Clone, Copy)]
enum Break {
    /// They are refused.
    Cut,
    /// Nothing arrives; what was sent does afterwards.
    Silent,
    /// Nothing arrives on what was connected, also afterwards.
    Dead,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_cut_off_from_qdrant_refuses_and_the_other_goes_on() {
    let Some(port) = qdrant_port() else { return };
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    // Either may be the one that applies the log.
    let proxies = [Proxy::to_port(port).await, Proxy::to_port(port).await];
    let processes = pair(&world, "cut", [proxies[0].port(), proxies[1].port()]).await;
    let mut known = store_known(&processes[0].client, "The one gentian.").await;
    both_right(&processes, &known).await;
    let askers = Askers::start(&Replicas::of(&[&processes[0], &processes[1]]), 3);
    for (at, how) in [(0, Break::Cut), (1, Break::Silent), (0, Break::Dead), (1, Break::Dead)] {
        let (proxy, cut, other) = (&proxies[at], &processes[at], &processes[1 - at]);
        match how {
            Break::Cut => proxy.cut(),
            Break::Silent | Break::Dead => proxy.silence(),
        }
        let begun = Instant::now();
        // The other one goes on at once, and with what is written from now on once it applies the log.
        until_right(other, None, DEADLINE + MARGIN).await;
        known = store_known(&other.client, &format!("The one gentian, {how:?}.")).await;
        until_right(other, Some(&known), Duration::from_secs(40)).await;
        let newest = begun.elapsed();
        // The breaker is open by now: refusals are quick, but for those that try.
        let mut times = Vec::new();
        for mode in ["keyword", "vector", "hybrid"].repeat(7) {
            let begun = Instant::now();
            let reply =
                ask(&cut.client.as_subject("user:ann"), mode, None).await.expect_err("an answer without Qdrant");
            assert!(is_refusal(&reply), "{reply:?}");
            times.push(begun.elapsed());
        }
        times.sort();
        let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
        assert!(median < Duration::from_millis(500), "the breaker does not open: {times:?}");
        assert!(slowest < DEADLINE + MARGIN, "{times:?}");
        match how {
            Break::Dead => proxy.heal_for_new(),
            Break::Cut | Break::Silent => proxy.heal(),
        }
        let recovered = until_right(cut, None, Duration::from_secs(30)).await;
        println!(
            "    {how:?}: what was written meanwhile is found by the other after {} ms; refusals p50 {} ms, max {} ms; \
             right again {} ms after its end",
            newest.as_millis(),
            median.as_millis(),
            slowest.as_millis(),
            recovered.as_millis()
        );
        for_a_while(1).await;
    }
    askers.finish().await.assert_right("counted partitions of one process from Qdrant 4");
    finish(processes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_cut_off_from_the_database_refuses_in_time_and_recovers() {
    let server = Server::start();
    let world = World::new(&server.url());
    let proxy = Proxy::to_socket(&server.socket()).await;
    let by_proxy = Server::url_by(proxy.folder());
    let one = world.start("one").await;
    let cut = world.start_with("cut", &[("USHER_CATALOG_URL", &by_proxy)]).await.unwrap();
    let processes = [cut, one];
    let known = store_known(&processes[1].client, "The one gentian.").await;
    both_right(&processes, &known).await;
    let replicas = Replicas::of(&[&processes[0], &processes[1]]);
    let (askers, storm) = (Askers::start(&replicas, 2), Storm::start(&replicas, 2));
    for how in [Break::Cut, Break::Silent, Break::Dead] {
        for_a_while(2).await;
        match how {
            Break::Cut => proxy.cut(),
            Break::Silent | Break::Dead => proxy.silence(),
        }
        // What is newest is unknown to it: no answer, whatever it has in memory.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let ann = processes[0].client.as_subject("user:ann");
        let mut slowest = Duration::ZERO;
        for mode in ["keyword", "vector", "hybrid"] {
            let begun = Instant::now();
            let reply = ask(&ann, mode, None).await.expect_err("an answer without the database");
            assert!(is_refusal(&reply), "{reply:?}");
            slowest = slowest.max(begun.elapsed());
        }
        assert!(slowest < DEADLINE + MARGIN, "{slowest:?}");
        // The other one goes on with reading and writing.
        let begun = Instant::now();
        until_right(&processes[1], Some(&known), DEADLINE + MARGIN).await;
        while !grant(&processes[1].client, "user:bob", "member", "group:g", true).await.is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", processes[1].log());
        }
        let written = begun.elapsed();
        for_a_while(3).await;
        match how {
            Break::Dead => proxy.heal_for_new(),
            Break::Cut | Break::Silent => proxy.heal(),
        }
        let recovered = until_right(&processes[0], Some(&known), Duration::from_secs(60)).await;
        println!(
            "    {how:?}: refused within {} ms; the other wrote after {} ms; right again {} ms after its end",
            slowest.as_millis(),
            written.as_millis(),
            recovered.as_millis()
        );
    }
    askers.finish().await.assert_right("counted partitions of one process from PostgreSQL 3");
    storm.finish().await.assert_right("counted beside them");
    for process in processes {
        process.stop().await;
    }
}

/// What others wait for is given up soon, where a long statement may take more than half a minute.
#[tokio::test]
async fn a_watched_reading_ends_soon_after_its_connection_died() {
    let server = Server::start();
    let proxy = Proxy::to_socket(&server.socket()).await;
    let place = Location::Postgres(Server::url_by(proxy.folder()).parse().unwrap());
    let catalog = Catalog::open(&place, 2).await.unwrap();
    let mut tx = catalog.read_watched().await.unwrap();
    let head = commits::head(&mut tx).await.unwrap();
    proxy.heal_for_new();
    let begun = Instant::now();
    let error = commits::head(&mut tx).await.unwrap_err();
    assert!(matches!(error, CatalogError::Silent), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let mut tx = catalog.read_watched().await.unwrap();
    assert_eq!(commits::head(&mut tx).await.unwrap().revision, head.revision);
}

/// An older copy of Qdrant's storage lacks texts, and its points have audiences that were taken away since.
#[tokio::test(flavor = "multi_thread")]
async fn a_qdrant_that_was_set_back_is_noticed_and_mended() {
    let Some(program) = qdrant::program() else { return };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut qdrant = Qdrant::start(program).await;
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let processes = pair(&world, "back", [qdrant.grpc_port(), qdrant.grpc_port()]).await;
    let admin = processes[0].client.clone();
    let texts = |count: u64, word: &'static str| {
        (0..count).map(move |n| (format!("{word}/{n}"), format!("A gentian, {word} {n}.")))
    };
    for (id, text) in texts(20, "old") {
        put(&admin, &id, &text, &["group:g#member"]).await.ok();
    }
    grant(&admin, "user:bob", "member", "group:g", true).await.ok();
    let readers = |process: &Process| (process.client.as_subject("user:ann"), process.client.as_subject("user:bob"));
    for round in 0..rounds(2, 20) {
        let newest = put(&admin, "old/0", &format!("A gentian, old {round}."), &["group:g#member"]).await.ok();
        let (_, bob) = readers(&processes[0]);
        let found = ask(&bob, "hybrid", newest["revision"].as_str()).await.unwrap();
        assert_eq!(found, texts(20, "old").map(|(id, _)| id).collect());
        qdrant.kill();
        qdrant.back_up();
        qdrant.run().await;
        // After the copy: Bob loses everything, Ann gets what is new.
        grant(&admin, "user:bob", "member", "group:g", false).await.ok();
        for (id, text) in texts(20, "old") {
            put(&admin, &id, &text, &["user:carl"]).await.ok();
        }
        for (id, text) in texts(20, "known") {
            put(&admin, &id, &text, &["user:ann"]).await.ok();
        }
        let last = put(&admin, "known/0", &format!("A gentian, known {round}."), &["user:ann"]).await.ok();
        let expected: BTreeSet<String> = texts(20, "known").map(|(id, _)| id).collect();
        for process in &processes {
            let begun = Instant::now();
            while ask(&readers(process).0, "hybrid", last["revision"].as_str()).await.ok().as_ref() != Some(&expected) {
                assert!(begun.elapsed() < Duration::from_secs(30), "{}", process.log());
            }
        }
        qdrant.kill();
        qdrant.restore();
        qdrant.run().await;
        let begun = Instant::now();
        // Every second time the first thing that happens is a write, which must not hide what is missing.
        let mut revision = last["revision"].clone();
        if round % 2 == 1 {
            let written = put(&admin, "known/1", "A gentian, known again.", &["user:ann"]).await.ok();
            revision = written["revision"].clone();
        }
        let (mut refused, mut mended) = (0, [None, None]);
        while mended.contains(&None) {
            for (process, mended) in processes.iter().zip(&mut mended) {
                let (ann, bob) = readers(process);
                for mode in ["keyword", "vector", "hybrid"] {
                    match ask(&bob, mode, None).await {
                        Ok(found) => assert_eq!(found, BTreeSet::new(), "what was withdrawn came back"),
                        Err(reply) => assert!(is_refusal(&reply), "{reply:?}"),
                    }
                    match ask(&ann, mode, revision.as_str()).await {
                        Ok(found) => {
                            assert_eq!(found, expected, "fewer by {mode}: {}", process.log());
                            mended.get_or_insert(begun.elapsed());
                        }
                        Err(reply) => {
                            assert!(is_refusal(&reply), "{reply:?}");
                            assert_eq!(*mended, None, "refused after it was mended: {reply:?}");
                            refused += 1;
                        }
                    }
                }
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", processes[0].log());
        }
        println!(
            "counted a Qdrant set back: refusals {refused}, mended after {:?} ms, leaked 0",
            mended.map(|at| at.map(|at| at.as_millis()).unwrap_or_default())
        );
        // By whichever of them applies the log.
        let noticed =
            processes.iter().any(|process| process.log().matches("differed from the catalog").count() > round as usize);
        assert!(noticed, "nobody noticed");
        // For the next round.
        grant(&admin, "user:bob", "member", "group:g", true).await.ok();
        for (id, _) in texts(20, "known") {
            admin.delete(&format!("/v1/documents/{}?collection=main", id.replace('/', "%2F"))).await.ok();
        }
        for (id, text) in texts(20, "old") {
            put(&admin, &id, &text, &["group:g#member"]).await.ok();
        }
    }
    for process in processes {
        process.stop().await;
    }
}
