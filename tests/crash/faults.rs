//! Failing calls and full disks: writes are refused with a reason, reads stay right, and nothing is damaged afterwards.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::check;
use crate::failpoints::PLACES;
use crate::load::Load;
use crate::process::{Client, Process};
use crate::world::{rounds, seed};
use usher_support::Random;

/// Whether writing documents goes on after the call has failed once. A failed sync stops the file that it was for, and a
/// commit that may or may not have happened stops all writing.
fn goes_on(place: &str, action: &str) -> bool {
    match place {
        "commit.after" | "audit.before_sync" | "audit.after_sync" => false,
        "scan.before_write" => action == "enospc",
        _ => !place.starts_with("scan."),
    }
}

/// Whether answers go on: without an audit there are none, and what was committed without being published is between
/// two states.
fn can_be_read(place: &str) -> bool {
    !matches!(place, "commit.after" | "audit.before_sync" | "audit.after_sync")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_call_refuses_writes_and_damages_nothing() {
    let seed = seed();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut random = Random::new(seed);
    let mut load = Load::new(seed);
    Process::start(&data).await.unwrap().stop().await;
    let (mut faults, mut refused_starts) = (0, 0);
    for (place, passings) in PLACES {
        for action in ["error", "enospc"] {
            for _ in 0..rounds(1, 10) {
                let point = format!("{place}={action}:{}", 1 + random.below(*passings));
                faults += 1;
                match Process::start_at(&data, &point).await {
                    Err(error) => {
                        error.reason();
                        refused_starts += 1;
                    }
                    Ok(mut process) => {
                        load = load.run(&process.client, Duration::from_millis(500)).await;
                        if can_be_read(place) {
                            let verdict = check::all(&process.client, &mut load).await;
                            verdict.assert_right(&format!("seed {seed}, during {point}\n{}", process.log()));
                        }
                        if goes_on(place, action) {
                            assert_writes(&process, &point).await;
                        }
                        process.kill();
                    }
                }
                let process = Process::start(&data).await.unwrap_or_else(|error| panic!("after {point}: {error:?}"));
                check::all(&process.client, &mut load).await.assert_right(&format!("seed {seed}, after {point}"));
                assert_writes(&process, &point).await;
            }
        }
    }
    check::audit(&data);
    println!(
        "faults {faults} (starts refused {refused_starts}), acknowledged operations {}, refused {}, lost 0, \
         resurrected 0, half visible 0",
        load.acknowledged(),
        load.refused()
    );
    assert!(load.refused() > 0);
}

/// A document can be stored and is found.
async fn assert_writes(process: &Process, context: &str) {
    let client = &process.client;
    let document = json!({"id": "probe/1", "collection": "main", "acl": {"viewers": ["user:probe"]},
                          "content": {"type": "text/plain", "text": context}});
    let begun = Instant::now();
    loop {
        // The fault may still be ahead, and hit this very write.
        let reply = client.post("/v1/documents", json!({"documents": [document]})).await;
        if reply.is_ok() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{context}: {reply:?}\n{}", process.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    await_found(client, "main", "user:probe", context).await;
    client.delete("/v1/documents/probe%2F1?collection=main").await;
}

async fn await_found(client: &Client, collection: &str, reader: &str, words: &str) {
    let begun = Instant::now();
    loop {
        let body = json!({"query": words, "mode": "keyword", "collections": [collection], "top_k": 100});
        let reply = client.as_subject(reader).post("/v1/query", body).await;
        if reply.is_ok()
            && reply.body["results"].as_array().is_some_and(|hits| hits.iter().any(|hit| hit["text"] == words))
        {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{words} is not found in {collection}: {reply:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A collection whose creation was refused can be made again, and is indexed then.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_collection_can_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    Process::start(&data).await.unwrap().stop().await;
    let process = Process::start_at(&data, "commit.before=enospc").await.unwrap();
    let make = async || process.client.send(Method::PUT, "/v1/collections/again", Some(json!({}))).await;
    let refused = make().await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (507, Some("storage_refused")));
    make().await.ok();
    let document = json!({"id": "a/1", "collection": "again", "acl": {"viewers": ["user:ann"]},
                          "content": {"type": "text/plain", "text": "heather"}});
    let begun = Instant::now();
    process.client.post("/v1/documents", json!({"documents": [document]})).await.ok();
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody follows the log of the new collection");
    await_found(&process.client, "again", "user:ann", "heather").await;
}

/// A commit whose outcome is unknown stops writing, says so, and reading goes on.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_stops_writing_until_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = Process::start(&data).await.unwrap();
    assert_writes(&process, "before").await;
    let grant =
        json!({"writes": [{"user": "user:ann", "relation": "member", "object": "group:g"}], "idempotent": true});
    process.stop().await;
    let process = Process::start_at(&data, "commit.after=error").await.unwrap();
    for _ in 0..3 {
        let reply = process.client.post("/v1/relationships/write", grant.clone()).await;
        assert_eq!((reply.status, reply.body["code"].as_str()), (507, Some("storage_refused")), "{reply:?}");
    }
    process.client.as_subject("user:ann").query("anything", "hybrid").await.ok();
    process.stop().await;
    let process = Process::start(&data).await.unwrap();
    process.client.post("/v1/relationships/write", grant).await.ok();
}

/// A real full disk: a small file system in memory, filled and emptied under a running service.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        usher_support::skipped("root", "a full disk (mounting a tmpfs needs root)");
        return;
    };
    let data = disk.0.join("data");
    let mut random = Random::new(seed());
    let mut load = Load::new(seed());
    let mut process = Process::start(&data).await.unwrap();
    load = load.run(&process.client, Duration::from_millis(300)).await;
    for round in 0..rounds(6, 40) {
        let refused = load.refused();
        let spare = random.below(300_000);
        disk.fill(spare);
        load = load.run(&process.client, Duration::from_millis(600)).await;
        disk.fill(0);
        load = load.run(&process.client, Duration::from_millis(200)).await;
        assert!(load.refused() > refused, "the disk was not full");
        let is_killed = random.below(3) == 0;
        if is_killed {
            process.kill();
        }
        disk.empty();
        if is_killed {
            process = Process::start(&data).await.unwrap();
        }
        // Without a restart otherwise: space is all that it needs.
        assert_writes(&process, &format!("round {round}")).await;
        let verdict = check::all(&process.client, &mut load).await;
        verdict.assert_right(&format!("seed {}, round {round}\n{}", seed(), process.log()));
    }
    process.kill();
    let process = Process::start(&data).await.unwrap();
    check::all(&process.client, &mut load).await.assert_right("after a restart");
    process.stop().await;
    check::audit(&data);
    println!(
        "full disk: acknowledged operations {}, refused {}, lost 0, resurrected 0, half visible 0",
        load.acknowledged(),
        load.refused()
    );
}

struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(folder: &Path) -> Option<Self> {
        let path = folder.join("disk");
        std::fs::create_dir(&path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(&path).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }

    /// Takes all space but `spare` bytes.
    fn fill(&self, spare: u64) {
        let path = self.0.join("filler");
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(spare)).unwrap();
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// A change whose record can't be brought into the audit was made, and says so; nothing else is changed or answered before
/// the record is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_made_without_its_line_says_so_and_its_record_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    Process::start(&data).await.unwrap().stop().await;
    let process = Process::start_at(&data, "audit.before_write=enospc:6").await.unwrap();
    let grant = async |n: usize| {
        let tuple = json!({"user": format!("user:n{n}"), "relation": "member", "object": "group:g"});
        process.client.post("/v1/relationships/write", json!({"writes": [tuple]})).await
    };
    let mut refused = None;
    for n in 0..20 {
        let reply = grant(n).await;
        if !reply.is_ok() {
            assert_eq!((reply.status, reply.body["code"].as_str()), (507, Some("storage_refused")), "{reply:?}");
            assert!(reply.body["detail"].as_str().unwrap().starts_with("The change was made."), "{reply:?}");
            assert!(refused.replace(n).is_none(), "one line failed: {reply:?}");
            // It is there, and sent again it is there already.
            assert_eq!(grant(n).await.status, 409);
        }
    }
    let refused = refused.expect("no line failed");
    assert_eq!(process.client.get("/v1/health/ready").await.status, 200);
    process.stop().await;
    let audit = std::fs::read_to_string(data.join("audit.jsonl")).unwrap();
    for n in [refused, refused + 1] {
        let lines =
            audit.lines().filter(|line| line.contains(&format!("\"user:n{n}\"")) && line.contains("\"written\""));
        assert_eq!(lines.count(), 1, "{audit}");
    }
}
