//! A collection is indexed anew under two processes, one of which may be killed: no process answers from the old indexes
//! after another has answered from the new ones, and nothing is missing meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::postgres::TestDatabase;
use crate::process::{Client, Process};
use crate::world::{World, document, found, is_refusal};

const READABLE: usize = 40;

#[derive(Default)]
struct Counts {
    /// Some answer came from the new indexes.
    is_new: AtomicBool,
    old: AtomicU64,
    new: AtomicU64,
    refused: AtomicU64,
}

/// The old analyser makes `runs` find what says `running`, the new one does not; both find `running` itself.
async fn look(ann: &Client, counts: &Counts) {
    let was_new = counts.is_new.load(Ordering::SeqCst);
    let (stem, word) = (found(ann, "runs", None).await, found(ann, "running", None).await);
    let (stem, word) = match (stem, word) {
        (Ok(stem), Ok(word)) => (stem, word),
        (Err(reply), _) | (_, Err(reply)) => {
            assert!(is_refusal(&reply), "{reply:?}");
            counts.refused.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            return;
        }
    };
    assert_eq!(word.len(), READABLE, "passages are missing");
    if stem.is_empty() {
        counts.is_new.store(true, Ordering::SeqCst);
        counts.new.fetch_add(1, Ordering::SeqCst);
    } else {
        assert_eq!(stem.len(), READABLE, "passages are missing");
        assert!(!was_new, "another answer came from the new indexes before this question");
        counts.old.fetch_add(1, Ordering::SeqCst);
    }
}

async fn switched(process: &Process) -> bool {
    let view = process.client.get("/v1/collections/main").await;
    view.is_ok() && view.body["analyser"] == "simple" && view.body.get("reindexing").is_none()
}

/// Begins at one of the processes, `one` or the other, and perhaps kills `one` at once.
async fn run(environment: &[(&str, &str)], begins_at_one: bool, is_killed: bool, what: &str) {
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let mut one = world.start_with("one", environment).await.unwrap();
    let other = world.start_with("other", environment).await.unwrap();
    for part in 0..10 {
        let documents: Vec<_> = (0..40)
            .map(|n| {
                let viewer = if n % 10 == 0 { "user:ann" } else { "user:bob" };
                document(&format!("a/{part}-{n}"), &format!("He is running for n{n}."), &[viewer])
            })
            .collect();
        one.client.post("/v1/documents", json!({"documents": documents})).await.ok();
    }
    for process in [&one, &other] {
        // What another process stored shows as soon as the indexes have followed.
        let ann = process.client.as_subject("user:ann");
        let begun = Instant::now();
        while found(&ann, "running", None).await.is_ok_and(|found| found.len() < READABLE) {
            assert!(begun.elapsed() < Duration::from_secs(20), "an index does not follow");
        }
    }
    let (counts, is_over) = (Arc::new(Counts::default()), Arc::new(AtomicBool::new(false)));
    let askers: Vec<_> = [&one, &other]
        .map(|process| {
            let (ann, counts, is_over) = (process.client.as_subject("user:ann"), counts.clone(), is_over.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::SeqCst) {
                    look(&ann, &counts).await;
                }
            })
        })
        .into();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let at = if begins_at_one { &one } else { &other };
    at.client.post("/v1/collections/main/reindex", json!({"analyser": "simple"})).await.ok();
    if is_killed {
        // Whether it does the work or not: the other one is left.
        one.kill();
    }
    let begun = Instant::now();
    while !switched(&other).await {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = begun.elapsed();
    let again = if is_killed { world.start_with("one", environment).await.unwrap() } else { one };
    let before = counts.new.load(Ordering::SeqCst);
    for _ in 0..5 {
        look(&again.client.as_subject("user:ann"), &counts).await;
        look(&other.client.as_subject("user:ann"), &counts).await;
    }
    is_over.store(true, Ordering::SeqCst);
    for asker in askers {
        asker.await.unwrap();
    }
    let of = |count: &AtomicU64| count.load(Ordering::SeqCst);
    assert!(of(&counts.old) > 0 && of(&counts.new) > before);
    assert!(is_killed || of(&counts.refused) == 0, "nothing was away");
    println!(
        "counted {what}: {} answers of the old indexes, {} of the new, {} refusals, switched after {} ms",
        of(&counts.old),
        of(&counts.new),
        of(&counts.refused),
        took.as_millis()
    );
    other.client.delete("/v1/collections/main?force=true").await.ok();
    again.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_process_answers_from_the_old_indexes_after_another_from_the_new() {
    run(&[], true, false, "files").await;
    run(&[], false, false, "files, begun at the other").await;
    run(&[], true, true, "files, one is killed").await;
    let Ok(url) = std::env::var("QDRANT_URL") else {
        usher_support::skipped("qdrant", "no Qdrant (set QDRANT_URL to its gRPC address)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usher.toml");
    let prefix = format!("usher-reindex-{}", std::process::id());
    std::fs::write(&path, format!("[qdrant]\nurl = \"{url}\"\nprefix = \"{prefix}\"\n")).unwrap();
    run(&[("USHER_CONFIG", &path.display().to_string())], true, true, "Qdrant, one is killed").await;
}
